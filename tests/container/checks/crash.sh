# shellcheck shell=bash disable=SC2154,SC2034,SC2016,SC2054
# A fault in our own program: COMMAND lives on, and so do we, as the same process.
# The process of the init that `start` has begun: the one whose child is COMMAND, which says `up PID` by its own number.
init_of() { cut -d' ' -f 4 "/proc/$1/stat"; }

# fault PID COUNT: makes it fail, and waits until it has been executed anew for the COUNTth time, or has ended.
fault() {
    "$programs/entry_fault" "$1" 2>/dev/null
    for ((i = 0; i < 500; i++)); do
        [ "$(grep -c 'has crashed' "$log")" != "$2" ] || return
        [ -d "/proc/$1" ] && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" || return
        sleep 0.02
    done
}

log=$work/crash.log
for place in "as PID 1" "as a subreaper"; do
    if [ "$place" = "as PID 1" ]; then under=("${namespace[@]}"); else under=("${bound[@]}"); fi
    : >"$log"
    "${under[@]}" "$binary" -- "${sh[@]}" 'trap "echo got USR1" USR1; trap "exit 7" TERM; echo up; while :; do sleep 0.05; done' \
        >"$log" 2>&1 &
    job=$!
    until grep -q up "$log"; do sleep 0.02; done
    command=$(pgrep -f 'trap "echo got USR1" USR1; trap' | while read -r pid; do
        [ "$(tr '\0' ' ' <"/proc/$(init_of "$pid")/cmdline" | cut -c-${#binary})" = "$binary" ] && echo "$pid"; done | head -n 1)
    ours=$(init_of "$command")
    for count in 1 2 3; do fault "$ours" $count; done
    is "$place, a crash is survived, three times, as the same process with the same command" "$ours" "$(init_of "$command")"
    is "$place, it is still not in the directory where the command is" "/" "$(readlink "/proc/$ours/cwd")"
    kill -USR1 "$ours"
    for ((i = 0; i < 250; i++)); do grep -q "got USR1" "$log" && break; sleep 0.02; done
    is "$place, signals are passed on as before" "got USR1" "$(grep USR1 "$log")"
    kill -TERM "$ours"
    wait $job
    is "$place, the exit code is that of the command" 7 $?
    is "$place, it is said what happened" 3 "$(grep -c 'the init has crashed: SIGSEGV.*it has been executed anew' "$log")"
done

# At any moment once it runs, that of the command's end included.
codes=
for ((round = 0; round < 12; round++)); do
    : >"$log"
    "${as_child[@]}" -- "${sh[@]}" 'echo up; sleep 0.0'$((round % 6))'; exit 9' >"$log" 2>&1 &
    job=$!
    until grep -q up "$log"; do :; done
    for count in 1 2; do
        sleep 0.00$((RANDOM % 10))
        fault $job $count
    done
    wait $job
    codes+=$?,
done
is "whenever it crashes, the exit code comes through" "9,9,9,9,9,9,9,9,9,9,9,9," "$codes"

"${as_child[@]}" -- "${sh[@]}" 'echo up; exec sleep 1000' >"$log" 2>&1 &
job=$!
until grep -q up "$log"; do sleep 0.02; done
for count in 1 2 3 4 5; do fault $job $count; done
wait $job
is "one that crashes again and again ends by that, as any program does" 139 $?
