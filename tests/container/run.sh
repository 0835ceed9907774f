#!/bin/bash
# Container mode with a COMMAND, seen from outside: in PID namespaces, as a subreaper, on terminals, and as the entrypoint of OCI
# containers (runc). The checks are in checks/; this file is what they share.
#
#   tests/container/run.sh BINARY [CHECKS...]
#
# One line a check, a count at the end, non-zero where one failed. Needs root, busybox-static, runc and util-linux. The test
# programs are those built beside BINARY (programs/), or are compiled for the occasion.
# shellcheck disable=SC2034,SC2054 # names for the checks; commas that setpriv wants
set -u
binary=$(readlink -f "${1:?usage: run.sh BINARY [CHECKS...]}")
shift
here=$(dirname "$(readlink -f "$0")")

# All of it runs in a PID and a mount namespace, so that whatever a broken init leaves behind ends with it, and within bounds.
if [ -z "${MINIINIT_CHECKS:-}" ]; then
    MINIINIT_CHECKS=$(mktemp -d)
    export MINIINIT_CHECKS
    trap 'rm -rf --one-file-system "$MINIINIT_CHECKS"' EXIT
    timeout -k 5 120 unshare -m -p -f --kill-child --mount-proc "$0" "$binary" "$@"
    exit
fi
work=$MINIINIT_CHECKS
passed=0 failed=0

# is SENTENCE EXPECTED ACTUAL
is() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
        echo "ok - $1"
    else
        failed=$((failed + 1))
        printf 'not ok - %s\n#   expected: %s\n#   got:      %s\n' "$1" "$2" "${3//$'\n'/$'\n'#             }"
    fi
}
# does SENTENCE CODE COMMAND...: COMMAND ends with that exit code
does() {
    local output code
    output=$(timeout --foreground -k 1 30 "${@:3}" 2>&1 </dev/null)
    code=$?
    is "$1" "code $2" "code $code${output:+$([ $code = "$2" ] || echo ": $output")}"
}
# start COMMAND...: in the background; `hear` reads a line of its output into `word`, `end` waits until its output has ended
# (all who hold it are gone) and puts its exit code into `code` and the last line into `last`.
start() {
    exec {out}< <(exec "$@" 2>&1)
    job=$!
}
hear() { read -r -t 10 word <&"$out" || word="nothing ($?)"; }
end() {
    local ended=0
    last=''
    until [ $ended != 0 ]; do
        read -r -t 10 word <&"$out" && last=$word || ended=$?
    done
    [ $ended -le 128 ] || kill -9 "$job" 2>/dev/null
    wait "$job"
    code=$?
    [ $ended -le 128 ] || code="$code, but not all of it ended"
    exec {out}<&-
}

programs=$(dirname "$binary")/programs
if [ ! -x "$programs/entry_signals" ]; then
    programs=$work/programs
    mkdir "$programs"
    for source in "$here"/../programs/entry_*.c; do
        cc -O2 -D_GNU_SOURCE -static -o "$programs/$(basename "$source" .c)" "$source" || exit 1
    done
fi
busybox=$(command -v busybox)
sh=(/bin/sh -c)

# Nothing under test has power over the machine.
bound=(setpriv --bounding-set=-sys_admin,-sys_boot,-sys_time,-sys_module,-sys_rawio)
limit=(timeout --foreground -k 1 20)
namespace=(unshare -p -f --kill-child -m --mount-proc "${bound[@]}")
as_init=("${namespace[@]}" "$binary")
as_child=("${bound[@]}" "$binary")
ulimit -c 0
export PS1='$ ' TERM=dumb
unset ENV BASH_ENV

for checks in "${@:-exits signals restart context leftovers terminal crash runc}"; do
    for name in $checks; do
        # shellcheck source=/dev/null
        . "$here/checks/$name.sh"
    done
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
