# shellcheck shell=bash disable=SC2154,SC2034,SC2016,SC2054
# How COMMAND ends, and how we end then.

# wrong_codes PREFIX...: which of the exit codes 0 to 255 do not become the exit code of PREFIX -- COMMAND
wrong_codes() {
    local code wrong=()
    for ((code = 0; code <= 255; ++code)); do
        "$@" -- "${sh[@]}" "exit $code"
        [ $? = $code ] || wrong+=("$code")
    done
    echo "${wrong[*]}"
}
is "as PID 1, every exit code from 0 to 255 becomes ours" "" "$(wrong_codes unshare -p -f "${as_child[@]}")"
is "as a subreaper, every exit code from 0 to 255 becomes ours" "" "$(wrong_codes "${as_child[@]}")"

# wrong_deaths PREFIX...: after which of the signals that end a process the code is not 128 + signal
wrong_deaths() {
    local signal wrong=()
    for signal in {1..16} {24..27} {29..31} {34..64}; do
        "$@" -- "${sh[@]}" "kill -$signal \$\$"
        [ $? = $((128 + signal)) ] || wrong+=("$signal")
    done
    echo "${wrong[*]}"
}
is "as PID 1, death by any signal becomes 128 + signal" "" "$(wrong_deaths unshare -p -f "${as_child[@]}")"
is "as a subreaper, death by any signal becomes 128 + signal" "" "$(wrong_deaths "${as_child[@]}")"

does "--remap-exit makes a code a success" 0 "${as_child[@]}" -e 3 --remap-exit 143 -- "${sh[@]}" 'exit 3'
does "--remap-exit makes death by a signal a success" 0 "${as_child[@]}" -e 3 -e 143 -- "${sh[@]}" 'kill -15 $$'
does "--remap-exit leaves other codes alone" 4 "${as_child[@]}" -e 3 -- "${sh[@]}" 'exit 4'
does "an option that is not understood is a usage error" 2 "${as_child[@]}" --no-such-option -- true

# What it says, and its code, where the command cannot be started.
refusal() {
    local text
    text=$("${limit[@]}" "${as_child[@]}" -- "$@" 2>&1)
    echo "$? $text"
}
echo data >"$work/data"
printf '#!/no/such/interpreter\n' >"$work/script"
printf 'exit 9\n' >"$work/bare"
chmod +x "$work/script" "$work/bare"
is "a command that is not there exits 127, with one line" \
    '127 miniinit: cannot start "no-such-command": No such file or directory' "$(refusal no-such-command)"
is "a file that is not executable exits 126, with one line" \
    "126 miniinit: cannot start \"$work/data\": Permission denied" "$(refusal "$work/data")"
is "a script whose interpreter is not there exits 126, and the line says so" "126 miniinit: cannot start \"$work/script\": No \
such file or directory (the file exists: what is missing is its interpreter or loader)" "$(refusal "$work/script")"
does "a script without a first line is run by the shell" 9 "${as_child[@]}" -- "$work/bare"
