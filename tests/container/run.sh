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
work=$(mktemp -d)
passed=0 failed=0

# shellcheck disable=SC2317 # called by the trap
clean_up() {
    local id
    for id in "$work"/runc/*; do
        [ ! -d "$id" ] || runc --root "$work/runc" delete -f "$(basename "$id")" >/dev/null 2>&1
    done
    rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

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
    last=''
    while read -r -t 10 word <&"$out"; do last=$word; done
    [ $? -le 128 ] || kill -9 "$job" # it did not end, and the check will say so
    exec {out}<&-
    wait "$job"
    code=$?
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
namespace=(unshare -p -f --kill-child -m --mount-proc "${bound[@]}")
as_init=("${namespace[@]}" "$binary")
as_child=("${bound[@]}" "$binary")
ulimit -c 0
export PS1='$ ' TERM=dumb
unset ENV BASH_ENV

for checks in "${@:-exits signals context leftovers terminal runc}"; do
    for name in $checks; do
        # shellcheck source=/dev/null
        . "$here/checks/$name.sh"
    done
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
