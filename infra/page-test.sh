#!/usr/bin/env bash
# Opens the reference page of a stack of its own in Chromium and sends requests from it; see page_test.py.
set -euo pipefail
cd "$(dirname "$0")/.."

for browser in chromium chromium-browser google-chrome; do
    if command -v "$browser" >/dev/null; then break; fi
    browser=
done
if [ -z "$browser" ]; then
    echo "error: there is no Chromium (Debian: apt-get install chromium)." >&2
    exit 1
fi
exec infra/with-stack.sh page "$(infra/tools.sh browser)/python" infra/page_test.py "$(command -v "$browser")"
