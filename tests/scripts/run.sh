#!/bin/bash
# tests/scripts/run.sh: what the scripts for developers say while they work, and what they leave behind when they are
# interrupted. Prints `ok - …` and `not ok - …` lines and, last, `N passed, N failed`.
set -euo pipefail
exec python3 -B "$(dirname "$(readlink -f "$0")")/check.py"
