.DEFAULT_GOAL := help
SHELL := bash

# Given on the command line, as in `make test DB=dynamodb-local`, these reach every program that runs.
export DB PERSIST G3N_PORT G3N_DB_PORT G3N_EMULATOR_PORT G3N_REFERENCE_PORT G3N_CACHE EXAMPLES SEED EVENTS RACE_ROUNDS LIST_ITEMS LAW_OPERATIONS FAULTS PHASES SERVICES FUNCTIONS PROGRAMS LOG REQUESTS

# Tests wait for each other's answers: twice as many as there are processors keep these busy.
export RUST_TEST_THREADS ?= $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))

# Recipes stop at the first failure, and so where a tool cannot be installed.
stop := set -euo pipefail
with_tools = $(stop); PATH="$$(infra/tools.sh local):$$PATH"; export PATH
with_viewer = G3N_VIEWER="$$(infra/tools.sh viewer)"; export G3N_VIEWER

ifeq ($(DB),dynamodb-local)
with_jar = G3N_DYNAMODB_LOCAL="$$(infra/tools.sh dynamodb-local)"; export G3N_DYNAMODB_LOCAL
# Runs the command after it while DynamoDB Local runs.
with_database = cargo run --locked --quiet --bin stack -- with-dynamodb-local
# The template has nothing to do with the database: once is enough.
test_template = true
else ifeq ($(filter-out embedded,$(DB)),)
with_jar = true
with_database =
test_template = "$$(infra/tools.sh local)/python" -B -m unittest infra/test_template.py infra/test_release.py infra/test_supply.py
else
$(error DB=$(DB) is unknown: embedded (the default) or dynamodb-local)
endif

.PHONY: help
help: ## What can be made
	@echo "make <target> [SETTING=value ...]"; echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST)
	@echo; echo "Settings:"
	@echo "  DB=dynamodb-local     use Amazon's DynamoDB Local (Java 11, npm) instead of the embedded database"
	@echo "  PERSIST=1             make up: keep the data, in .local/data"
	@echo "  LOG=json              make up: what the functions log as it is, not one short line for each request"
	@echo "  G3N_PORT=9000, G3N_DB_PORT=8000, G3N_EMULATOR_PORT=5000, G3N_REFERENCE_PORT=9001   make up: the ports"
	@echo "  RACE_ROUNDS=2         make test, make races (100): how often each race between callers is run"
	@echo "  LIST_ITEMS=100        make test: how many records a long list has, whose pages must cost no more"
	@echo "  FAULTS=all            make test: each command with all that can befall it, not one in eight"
	@echo "  LAW_OPERATIONS=10000  make test: random clicks, confirmations and deletions before totals are recounted"
	@echo "  EXAMPLES=50, SEED=1   make fuzz: generated requests per route, and where their chance starts"
	@echo "  EVENTS=200000, SEED=1 make fuzz-events: how many events, and where their chance starts; make test sends 2000"
	@echo "  SERVICES=ofm,crm      make fuzz: only these services"
	@echo "  PHASES=fuzzing        make fuzz: only these of examples, coverage, fuzzing and stateful"
	@echo "  ARCH=arm64            make build: the processor, arm64 or x86_64; this machine's unless said"
	@echo "  ENV=prod              make deploy: the environment of samconfig.toml; default unless said"
	@echo "  PARAMETERS=\"A=1 B=2\"  make deploy: parameters of the template beside those of samconfig.toml"
	@echo "  OPTIONS=--disable-rollback   make deploy: the first time (docs/operations.md)"
	@echo "  FUNCTIONS=ofm,crm     make bench: only these functions"
	@echo "  PARTS=size            make bench: only these of size, start-up, cpu, memory, latency and routes"
	@echo "  PROGRAMS=directory    make bench: what was built already, instead of building it"
	@echo "  REQUESTS=200000       make bench-stack: how many requests there are between the first figure and the last"
	@echo "  G3N_CACHE=~/.cache/g3n   where tools are installed"

# The tools are fetched while cargo builds, and what needs nothing else is tested: all of it takes a while the first time.
build = $(stop); { for tool in $(tools); do infra/tools.sh $$tool >/dev/null; done; $(2); } & beside=$$!; $(1); wait $$beside

up: tools = local viewer
.PHONY: up
up: ## Run everything on this machine until Ctrl-C, with a demo tenant
	@$(call build,cargo build --locked --workspace --exclude bench --exclude hello --exclude raw --bins,true); $(with_tools); $(with_viewer); $(with_jar); exec cargo run --locked --quiet --bin stack -- up

.PHONY: events
events: ## Print each event of the running stack, one a line
	@exec cargo run --locked --quiet --bin stack -- events

# All is built first, where it can be seen, the functions too: the end-to-end stories run them.
test: tools = local
.PHONY: test
test: ## Run all tests
	@$(call build,cargo test --locked --workspace --no-run,$(test_template))
	@$(with_tools); $(with_jar); $(with_database) cargo test --locked --workspace --no-fail-fast

# Races between callers, wherever they are tested, and crowds on one record of every command.
.PHONY: races
races: ROUNDS = $(or $(RACE_ROUNDS),100)
races: ## Run every race between callers 100 times, and 16 callers on one record of every command 200 times
	@RACE_ROUNDS=$(ROUNDS) cargo test --locked --package crm --package ofm --package operator --package referral --package usm --test service
	@RACE_ROUNDS=$$((2 * $(ROUNDS))) cargo test --locked --package scenarios --test suite -- --nocapture contention

.PHONY: docs
docs: ## Write the generated files in docs/ anew
	@UPDATE=1 cargo test --locked --package scenarios

.PHONY: lint
lint: ## Check format, lints, licences and the template
	@cargo fmt --all --check
	@cargo clippy --locked --workspace --all-targets -- -D warnings
	@$(stop); PATH="$$(infra/tools.sh cargo-deny):$$PATH"; \
	cargo deny --locked check --hide-inclusion-graph licenses bans sources
	@$(stop); PATH="$$(infra/tools.sh sam):$$PATH"; \
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 sam validate --lint --template template.yaml
	@$(stop); PATH="$$(infra/tools.sh checkov):$$PATH"; \
	LOG_LEVEL=ERROR checkov --file template.yaml --framework cloudformation --skip-download --compact --quiet

ARCH ?= $(patsubst aarch64,arm64,$(shell uname -m))

# Clean or not, the same commit gives the same build: its time is the commit's. The lock file is checked before, because
# cargo lambda, as SAM calls it, would write it anew.
.PHONY: build
build: ## Build every function for deployment, into .aws-sam/build
	@$(with_tools); PATH="$$(infra/tools.sh zig):$$(infra/tools.sh sam):$$PATH"; \
	cargo fetch --locked --quiet; \
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct); export SOURCE_DATE_EPOCH; \
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 sam build --parameter-overrides Architecture=$(ARCH)

# Which environment of samconfig.toml. Parameters of the template beyond those that it names: PARAMETERS="A=1 B=2".
ENV ?= default

.PHONY: deploy
deploy: ## Build the checked-out commit and deploy it, with the AWS credentials of this shell
	@$(stop); tools=$$(infra/tools.sh sam); PATH="$$tools:$$PATH"; \
	release() { "$$tools/python" -B infra/release.py "$$1" $(ENV) Architecture=$(ARCH) $(PARAMETERS) $(OPTIONS); }; \
	release check; \
	$(MAKE) build ARCH=$(ARCH); \
	SAM_CLI_TELEMETRY=0 release deploy

.PHONY: package-test
package-test: ## Invoke each function that `make build` made, with each file of events/, while `make up` runs
	@python3 infra/package_test.py

.PHONY: page-test
page-test: ## Try a request on the reference page, in Chromium
	@infra/page-test.sh

.PHONY: fuzz
fuzz: ## Send generated requests to every route and check each answer against docs/openapi
	@infra/with-stack.sh fuzz infra/fuzz.sh

.PHONY: fuzz-events
fuzz-events: ## Send events of any form through every function, and check that each is answered
	@EVENTS="$${EVENTS:-200000}" cargo test --locked --package scenarios --test suite -- fuzz::

.PHONY: bench
bench: ## Measure size, start-up, CPU, memory and latency of the functions as they are deployed (docs/performance.md)
	@cargo run --locked --quiet --package bench -- $(PARTS)

.PHONY: advisories
advisories: ## Check the crates for known advisories (their database is fetched from GitHub)
	@$(stop); PATH="$$(infra/tools.sh cargo-deny):$$PATH"; cargo deny --locked check --hide-inclusion-graph advisories

# The most that a function should have, in bytes; docs/performance.md says what it has.
most_bytes = 6000000

.PHONY: bench-stack
bench-stack: ## Measure a write on the local stack at the beginning and after REQUESTS requests
	@infra/with-stack.sh bench-stack python3 infra/stack_bench.py

.PHONY: size
size: ## Check that the largest function, as it is deployed, is no larger than it should be (it still is)
	@$(stop); cargo build --locked --release --package ofm; \
	size=$$(wc -c <"$${CARGO_TARGET_DIR:-target}/release/ofm"); echo "ofm: $$size bytes of $(most_bytes)"; \
	test "$$size" -le $(most_bytes)
