#!/bin/bash
# tests/docs/run.sh BINARY: whether README.md and the manual pages say what the program does. Prints `ok - …` and
# `not ok - …` lines and, last, `N passed, N failed`.
set -euo pipefail
[ $# = 1 ] || { echo "usage: tests/docs/run.sh BINARY" >&2; exit 2; }
exec python3 -B "$(dirname "$(readlink -f "$0")")/check.py" "$(readlink -f "$1")"
