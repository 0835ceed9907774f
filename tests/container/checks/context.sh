# shellcheck shell=bash disable=SC2154,SC2034,SC2016,SC2054
# What COMMAND finds: a clean signal state, everything else as we had it.
dirty=("${limit[@]}" "${bound[@]}" "$programs/entry_dirty")

is "the command has default signals and none blocked, whatever we were started with" "SigBlk:0000000000000000
SigIgn:0000000000000000" "$("${dirty[@]}" -b -i 1 -i 2 -i 13 -i 17 -i 21 -i 22 -i 34 "$binary" -- \
    grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\t')"
does "an ignored SIGCHLD does not cost us the exit code" 7 "${dirty[@]}" -i 17 "$binary" -- "${sh[@]}" 'exit 7'
# Fields 5 and 6 of /proc/PID/stat are group and session; those of its parent's follow.
is "the command has a process group of its own in our session" "own group, same session" "$("${as_child[@]}" -- "${sh[@]}" '
    set -- $$ $(cut -d" " -f 5,6 /proc/$$/stat) $(cut -d" " -f 6 /proc/$PPID/stat)
    [ $1 = $2 ] && printf "own group, "; [ $3 = $4 ] && echo "same session"')"
is "the command has the environment, directory and umask that we had" "v=1 / 0027" \
    "$(cd / && umask 027 && v=1 "${as_child[@]}" -- "${sh[@]}" 'echo v=$v $PWD $(umask)')"
mkdir -p "$work/started"
is "we leave the directory that we were started in, and the command keeps it" "$work/started /" "$(cd "$work/started" &&
    "${as_child[@]}" -- "${sh[@]}" 'until [ "$(readlink /proc/$PPID/cwd)" = / ]; do sleep 0.01; done
        echo $PWD $(readlink /proc/$PPID/cwd)')"
printf '#!/bin/sh\nexit 8\n' >"$work/started/relative"
chmod +x "$work/started/relative"
does "a command is found from there" 8 env -C "$work/started" "${as_child[@]}" -- ./relative
descriptors=("${sh[@]}" 'cd /proc/$$/fd && echo *')
is "the command has the descriptors that we had, and none of ours" "$("${bound[@]}" "${descriptors[@]}" 7</dev/null)" \
    "$("${as_child[@]}" -- "${descriptors[@]}" 7</dev/null)"
is "standard descriptors that are closed become /dev/null" "/dev/null /dev/null" \
    "$("${dirty[@]}" -c 0 -c 2 "$binary" -- "${sh[@]}" 'echo $(readlink /proc/$$/fd/0) $(readlink /proc/$$/fd/2)')"
does "all standard descriptors may be closed" 6 "${dirty[@]}" -c 0 -c 1 -c 2 "$binary" -- "${sh[@]}" 'exit 6'
