#!/bin/bash
# tests/release/run.sh BINARY: what scripts/release makes of the build directory that BINARY is in. Nothing is installed on this
# system. Prints `ok - …` and `not ok - …` lines and, last, `N passed, N failed`.
set -euo pipefail
[ $# = 1 ] || { echo "usage: tests/release/run.sh BINARY" >&2; exit 2; }
exec python3 -B "$(dirname "$(readlink -f "$0")")/check.py" "$(readlink -f "$1")"
