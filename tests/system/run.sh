#!/bin/bash
# The init with real processes: in PID namespaces of its own, seen from outside and through its control socket. What is
# checked stands in checks_*.py, what the checks share in harness.py.
#
#   tests/system/run.sh BINARY [WORD...]      only the groups whose name contains one of the words
#
# One line a check, a count at the end, non-zero where one failed. Needs root, python3, util-linux, and a C compiler where
# the programs are not built beside BINARY (programs/).
#
# It has a /run of its own: an init or a manager that the machine itself has in /run/miniinit is neither met nor meant.
exec unshare -m --propagation private /bin/sh -c 'mount -t tmpfs -o mode=755 none /run && exec python3 -B "$@"' sh \
    "$(dirname "$(readlink -f "$0")")/main.py" "$@"
