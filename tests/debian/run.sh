#!/bin/bash
# Debian's own daemons under the binary given, in QEMU: see daemons.py.
set -euo pipefail
binary=$(readlink -f "${1:?usage: tests/debian/run.sh BINARY}")
exec python3 -B "$(dirname "$(readlink -f "$0")")/daemons.py" --init "$binary"
