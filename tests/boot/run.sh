#!/bin/bash
# The boot tests on the binary given: see smoke.py.
set -euo pipefail
binary=$(readlink -f "${1:?usage: tests/boot/run.sh BINARY}")
exec python3 -B "$(dirname "$(readlink -f "$0")")/smoke.py" --init "$binary"
