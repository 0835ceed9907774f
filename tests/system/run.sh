#!/bin/bash
# The init with real processes: in PID namespaces of its own, seen from outside and through its control socket. What is
# checked stands in checks_*.py, what the checks share in harness.py.
#
#   tests/system/run.sh BINARY [WORD...]      only the groups whose name contains one of the words
#
# One line a check, a count at the end, non-zero where one failed. Needs root, python3, util-linux, and a C compiler where
# the programs are not built beside BINARY (programs/).
exec python3 -B "$(dirname "$(readlink -f "$0")")/main.py" "$@"
