# shellcheck shell=bash disable=SC2154,SC2034,SC2016,SC2054
# Who is reaped while COMMAND runs, and what becomes of those it leaves behind.
does "as PID 1, 1,000 orphans are reaped while the command runs" 0 "${as_init[@]}" -- "$programs/entry_orphans" 1000
does "as a subreaper, 1,000 orphans are reaped while the command runs" 0 "${as_child[@]}" -- "$programs/entry_orphans" 1000

mkfifo "$work/go"
exec {go}<>"$work/go" # both ends, so that nobody waits for the other to open it
# A command that exits 3 when told to, and leaves behind `$0 $1` in a session of its own, two generations down.
leave='setsid sh -c "\"\$0\" $1 & wait; wait" "$0" & read -r go <"$2"; exit 3'
for place in "as PID 1" "as a subreaper"; do
    if [ "$place" = "as PID 1" ]; then under=("${as_init[@]}"); else under=("${as_child[@]}"); fi

    start "${under[@]}" --grace 60s -- "${sh[@]}" "$leave" "$programs/entry_signals" wait "$work/go"
    hear
    echo >&$go
    hear
    is "$place, what the command leaves behind gets SIGTERM" "got 15" "$word"
    end
    is "$place, we exit as the command did, as soon as nothing is left" 3 "$code"

    start "${under[@]}" --grace 300ms -- "${sh[@]}" "$leave" "$programs/entry_signals" count "$work/go"
    hear
    before=${EPOCHREALTIME/./}
    echo >&$go
    end
    took=$(((${EPOCHREALTIME/./} - before) / 1000))
    is "$place, what does not heed SIGTERM is killed after the grace period" "3, in time" \
        "$code, $([ $took -ge 300 ] && [ $took -lt 5000 ] && echo "in time" || echo "after $took ms")"

    does "$place, a leftover that is stopped gets its SIGTERM too" 3 \
        "${under[@]}" --grace 60s -- "${sh[@]}" 'sleep 1000 & kill -STOP $!; exit 3'
done

start "${as_child[@]}" --grace 60s -- "${sh[@]}" "$leave" "$programs/entry_signals" count "$work/go"
hear
echo >&$go
hear
kill -INT "$job"
kill -TERM "$job"
end
is "asked twice more to end, we do not wait for the grace period" 3 "$code"

start "${as_child[@]}" -- "$programs/entry_signals" wait
hear
kill -TERM "$job"
end
is "when nothing is left behind, nobody is waited for" 0 "$code"
exec {go}<&-
