#!/usr/bin/env bash
# Runs a command while a stack of its own runs, on ports that are free and with data that is gone afterwards.
#
#   infra/with-stack.sh <name> <command>...
#
# The command finds the demo tenant in its environment, as in `.local/demo.env`, and in G3N_LOCAL the directory for
# what it writes: target/<name>.
set -euo pipefail
cd "$(dirname "$0")/.."

name=$1
shift
directory=$(realpath -m "${CARGO_TARGET_DIR:-target}")/$name
wait_seconds=300

PATH="$(infra/tools.sh local):$PATH"
G3N_VIEWER=$(infra/tools.sh viewer)
export PATH G3N_VIEWER
cargo build --locked --quiet --workspace --exclude bench --exclude hello --exclude raw --bins

rm -rf "$directory"
mkdir -p "$directory"
read -r G3N_PORT G3N_DB_PORT G3N_EMULATOR_PORT G3N_REFERENCE_PORT < <(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
print(*(s.getsockname()[1] for s in sockets))')
export G3N_PORT G3N_DB_PORT G3N_EMULATOR_PORT G3N_REFERENCE_PORT G3N_LOCAL=$directory
PERSIST='' cargo run --locked --quiet --bin stack -- up >"$directory/stack.log" 2>&1 &
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
# Whatever is written beside the sources makes the functions start anew.
export PYTHONDONTWRITEBYTECODE=1
"$@" || {
    echo "error: $name is not clean; the stack's log is $directory/stack.log" >&2
    exit 1
}
