#!/usr/bin/env bash
# Sends generated requests to every route of every document in docs/openapi and checks each answer against it.
#
#   EXAMPLES=50   generated requests per route
#   SEED=1        the same seed gives the same requests
#
# It has a stack of its own, on ports that are free and with data that is gone afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."

examples=${EXAMPLES:-50}
seed=${SEED:-1}
directory=$(realpath -m "${CARGO_TARGET_DIR:-target}")/fuzz
wait_seconds=300

shopt -s nullglob
documents=(docs/openapi/*.json)
if [ ${#documents[@]} -eq 0 ]; then
    echo "error: there is no document in docs/openapi: \`make docs\` writes them" >&2
    exit 1
fi

PATH="$(infra/tools.sh local):$PATH"
export PATH
schemathesis=$(infra/tools.sh schemathesis)/schemathesis
cargo build --quiet --workspace --bins

rm -rf "$directory"
mkdir -p "$directory"
read -r G3N_PORT G3N_DB_PORT G3N_EMULATOR_PORT < <(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(s.getsockname()[1] for s in sockets))')
export G3N_PORT G3N_DB_PORT G3N_EMULATOR_PORT G3N_LOCAL=$directory
PERSIST='' cargo run --quiet --bin stack -- up >"$directory/stack.log" 2>&1 &
stack=$!
deadline=$((SECONDS + wait_seconds))
trap 'kill "$stack" 2>/dev/null; wait "$stack" || true' EXIT

until [ -e "$directory/try.sh" ]; do
    if ! kill -0 "$stack" 2>/dev/null || [ "$SECONDS" -gt "$deadline" ]; then
        tail -n 20 "$directory/stack.log" >&2
        echo "error: the stack does not start; its log is $directory/stack.log" >&2
        exit 1
    fi
    sleep 0.2
done
set -a
# shellcheck source=/dev/null
. "$directory/demo.env"
set +a
export SCHEMATHESIS_HOOKS=$PWD/infra/fuzz.py
root=$PWD
# Whatever is written beside the sources makes the functions start anew.
export PYTHONDONTWRITEBYTECODE=1
mkdir -p "$directory"
cd "$directory"

failed=()
for document in "${documents[@]}"; do
    service=$(basename "$document" .json)
    echo "== $service: $examples requests per route, seed $seed"
    "$schemathesis" --config-file "$root/infra/schemathesis.toml" run "$root/$document" --origin "$G3N_URL" \
        --header "x-session-guid: $G3N_SESSION_GUID" --header "x-orgcode: $G3N_ORGCODE" \
        --checks all --max-examples "$examples" --seed "$seed" --workers 1 \
        --report junit --report-dir "$service" || failed+=("$service")
done

if [ ${#failed[@]} -ne 0 ]; then
    echo "error: not clean: ${failed[*]}; the stack's log is $directory/stack.log" >&2
    exit 1
fi
