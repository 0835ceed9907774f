# shellcheck shell=bash disable=SC2154,SC2034,SC2016,SC2054
# --restart-on: COMMAND is stopped at a signal, and started again.
# The first run makes the file $0; the second one finds it. stay: until it is told to end.
stay='stay() { while :; do sleep 0.05; done; }; again() { [ -e "$0" ]; }; '
export FAULT=$programs/entry_fault
for place in "as PID 1" "as a subreaper"; do
    if [ "$place" = "as PID 1" ]; then under=("${namespace[@]}"); else under=("${bound[@]}"); fi
    # restarts SENTENCE CODE SCRIPT OPTION...
    restarts() {
        rm -f "$work/run"
        does "$place, $1" "$2" "${under[@]}" "$binary" "${@:4}" -- "${sh[@]}" "$stay$3" "$work/run"
    }
    cd /usr || exit 1
    restarts "--restart-on stops the command and starts it again where it was" 7 '
        again && { [ "$PWD" = /usr ] && [ "$(pwd -P)" = /usr ] && exit 7; exit 8; }
        trap "exit 5" TERM; touch "$0"; kill -HUP $PPID; stay' --restart-on HUP
    cd / || exit 1
    restarts "by the signal that SIGTERM is rewritten to" 7 'again && exit 7
        trap "touch $0; exit 5" QUIT; kill -USR1 $PPID; stay' --restart-on USR1 -r TERM:QUIT
    restarts "what it left behind is ended before it starts again" 7 'again && { kill -0 "$(cat "$0")" 2>/dev/null && exit 8; exit 7; }
        trap "exit 5" TERM; sleep 1000 & echo $! >"$0"; kill -HUP $PPID; stay' --restart-on HUP
    restarts "one that does not stop is killed after --grace" 7 'again && exit 7
        trap "" TERM; touch "$0"; kill -HUP $PPID; stay' --restart-on HUP --grace 200ms
    restarts "it is restarted as often as that is asked for" 7 'echo >>"$0"; [ "$(wc -l <"$0")" = 4 ] && exit 7
        kill -HUP $PPID; stay' --restart-on 1 --restart-on USR2
    restarts "who ends it meanwhile ends us" 5 'again && exit 8
        trap "kill -TERM $PPID; exit 5" TERM; touch "$0"; kill -HUP $PPID; stay' --restart-on HUP
    restarts "an end of its own is the end, as before" 3 'again && exit 8; touch "$0"; exit 3' --restart-on HUP
    restarts "another signal is passed on, as before" 4 'trap "exit 4" USR1; kill -USR1 $PPID; stay' --restart-on HUP
    restarts "also after a crash of ours" 7 'again && { [ "$(pwd -P)" = / ] && exit 7; exit 8; }
        trap "exit 5" TERM; touch "$0"; "$FAULT" $PPID; kill -HUP $PPID; stay' --restart-on HUP
    printf '#!/bin/sh\ntrap "exit 5" TERM\nrm "$0"\nkill -HUP $PPID\nwhile :; do sleep 0.05; done\n' >"$work/once"
    chmod +x "$work/once"
    does "$place, a command that is gone when it is to start again is told by the exit code" 127 \
        "${under[@]}" "$binary" --restart-on HUP -- "$work/once"
done
