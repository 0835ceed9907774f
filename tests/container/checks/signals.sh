# shellcheck shell=bash disable=SC2154,SC2034,SC2016,SC2054
# What COMMAND gets of the signals we get.
for place in "as PID 1" "as a subreaper"; do
    if [ "$place" = "as PID 1" ]; then under=("${namespace[@]}"); else under=("${bound[@]}"); fi
    is "$place, every signal but KILL, STOP and CHLD is passed on" "61 came back" \
        "$("${limit[@]}" "${under[@]}" "$binary" -- "$programs/entry_signals" all)"
    does "$place, signals are rewritten and dropped" 0 "${under[@]}" "$binary" -r USR1:USR2 -r TERM:0 -r RTMIN+1:15 \
        --rewrite-signal 40:SIGHUP -- "$programs/entry_signals" map 10=12 15=0 35=15 40=1 2=2
    does "$place, --group reaches the whole process group" 0 "${under[@]}" "$binary" --group -- "$programs/entry_signals" group
    does "$place, without --group only the command gets a signal" 0 "${under[@]}" "$binary" -- "$programs/entry_signals" alone
    does "$place, the value of a queued signal comes along" 0 "${under[@]}" "$binary" -- "$programs/entry_signals" value
    does "$place, a signal that came before the command ran is not lost" 143 \
        "${under[@]}" "$programs/entry_dirty" -q 15 "$binary" -- "$busybox" sleep 20
    does "$place, a stop and a continue that are sent to us reach the command" 143 "${under[@]}" "$binary" -- "${sh[@]}" '
        state() { sed -E "s/.*\) (.).*/\1/" /proc/$$/stat; }
        (
            kill -TSTP $PPID
            until [ "$(state)" = T ]; do :; done
            kill -CONT $PPID
            while [ "$(state)" = T ]; do :; done
            kill -TERM $PPID
        ) &
        while :; do wait; done'
done

start "${bound[@]}" "${sh[@]}" '"$0" -p USR1 -- "$1" wait & wait' "$binary" "$programs/entry_signals"
hear
ours=${word#ready }
parent=$job
kill -9 "$parent"
hear
is "--parent-death-signal: when our parent dies, the command is told" "got 10" "$word"
kill -15 "$ours"
end
is "and goes on until it is ended itself" "got 15" "$last"

start "${as_child[@]}" -- "$programs/entry_signals" wait
hear
kill -9 "$job"
end
is "killed as a subreaper, we take the command with us" 137 "$code"
