#!/usr/bin/env bash
# Runs a step of the action: `run.sh install|check|fix|verdict`. They are Python, as the package that they install is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for python in python3 python; do
    if command -v "$python" >/dev/null && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 7))' 2>/dev/null; then
        # Nothing is written into the folder of the action.
        exec "$python" -B "$here/$1.py"
    fi
done
echo '::error::malloclint needs Python 3.7 or newer on this runner: add a step with actions/setup-python before it'
exit 2
