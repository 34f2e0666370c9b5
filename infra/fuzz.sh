#!/usr/bin/env bash
# Sends generated requests to every route of every document in docs/openapi and checks each answer against it.
#
#   EXAMPLES=50   generated requests per route
#   SEED=1        the same seed gives the same requests
#   SERVICES=ofm,crm   only the documents of these
#   PHASES=fuzzing,stateful   only these of Schemathesis's phases; all of them unless given
#
# Run by: infra/with-stack.sh fuzz infra/fuzz.sh
set -euo pipefail
cd "$(dirname "$0")/.."

examples=${EXAMPLES:-50}
seed=${SEED:-1}
phases=${PHASES:-examples,coverage,fuzzing,stateful}

shopt -s nullglob
documents=(docs/openapi/*.json)
if [ -n "${SERVICES:-}" ]; then
    IFS=, read -ra services <<<"$SERVICES"
    documents=("${services[@]/#/docs/openapi/}")
    documents=("${documents[@]/%/.json}")
fi
if [ ${#documents[@]} -eq 0 ] || ! ls "${documents[@]}" >/dev/null; then
    echo "error: there is no such document in docs/openapi: \`make docs\` writes them" >&2
    exit 1
fi

schemathesis=$(infra/tools.sh schemathesis)/schemathesis
export SCHEMATHESIS_HOOKS=$PWD/infra/fuzz.py
root=$PWD
cd "$G3N_LOCAL"

failed=()
for document in "${documents[@]}"; do
    service=$(basename "$document" .json)
    echo "== $service: $examples requests per route, seed $seed"
    "$schemathesis" --config-file "$root/infra/schemathesis.toml" run "$root/$document" --origin "$G3N_URL" \
        --header "x-session-guid: $G3N_SESSION_GUID" --header "x-orgcode: $G3N_ORGCODE" \
        --checks all --max-examples "$examples" --seed "$seed" --phases "$phases" --workers 1 \
        --report junit --report-dir "$service" || failed+=("$service")
done

if [ ${#failed[@]} -ne 0 ]; then
    echo "error: not clean: ${failed[*]}" >&2
    exit 1
fi
