# shellcheck shell=bash disable=SC2154,SC2034,SC2016,SC2054,SC2086,SC1003
# Terminals: who is in the foreground, and job control with a shell above us, below us, and none at all.
pty=$programs/entry_pty
cat >"$work/reader.sh" <<'END'
echo running; read -r line; echo "line=$line"; exit 4
END
echo "\"$binary\" -- sh $work/reader.sh; echo code=\$?" >"$work/between.sh"
reader="-- sh $work/reader.sh"

does "as PID 1, keys reach the command once, as does the size of the window" 0 "$pty" \
    expect:ready 'send:^C' 'expect:got 2' resize:10,20 'expect:got 28' 'send:^Z' 'expect:got 20' 'send:^\' \
    'expect:counted 2:1 20:1 28:1 end' -- "${as_init[@]}" -- "$programs/entry_signals" count
does "as a subreaper, keys reach the command once, as does the size of the window" 0 "$pty" \
    expect:ready 'send:^C' 'expect:got 2' resize:10,20 'expect:got 28' 'send:^Z' 'expect:got 20' 'send:^\' \
    'expect:counted 2:1 20:1 28:1 end' -- "${as_child[@]}" -- "$programs/entry_signals" count
does "Control-C ends an ordinary command" 130 "$pty" expect:running 'send:^C' -- "${as_init[@]}" -- sh "$work/reader.sh"
does "as PID 1, a shell below us has job control" 5 "$pty" 'expect:$ ' "send:sh $work/reader.sh\\n" expect:running 'send:^Z' \
    expect:Stopped 'send:fg\n' expect:reader.sh 'send:hello\n' expect:line=hello "send:sh $work/reader.sh\\n" expect:running \
    'send:^C' 'expect:$ ' 'send:exit 5\n' -- "${as_init[@]}" -- dash -i
for shell in "bash --norc" dash; do
    does "below $shell, Control-Z stops us and fg goes on" 5 "$pty" 'expect:$ ' "send:'$binary' $reader\\n" expect:running \
        'send:^Z' expect:Stopped 'expect:$ ' 'send:fg\n' expect:reader.sh 'send:hello\n' expect:line=hello 'expect:$ ' \
        'send:exit 5\n' -- "${bound[@]}" $shell -i
done
does "below a script below a shell, Control-Z stops the script and fg goes on" 5 "$pty" 'expect:$ ' \
    "send:sh $work/between.sh\\n" expect:running 'send:^Z' expect:Stopped 'expect:$ ' 'send:fg\n' expect:between.sh \
    'send:hello\n' expect:line=hello expect:code=4 'expect:$ ' 'send:exit 5\n' -- "${bound[@]}" bash --norc -i
does "in the background we leave the terminal alone, and take it with fg" 5 "$pty" 'expect:$ ' "send:'$binary' $reader &\\n" \
    expect:running 'send:until jobs | grep -q Stopped; do sleep 0.01; done; echo ha""lted\n' expect:halted 'expect:$ ' \
    'send:fg\n' expect:reader.sh 'send:hello\n' expect:line=hello 'expect:$ ' 'send:exit 5\n' -- "${bound[@]}" bash --norc -i
does "in a PID namespace below a shell, Control-Z stops the job outside" 5 "$pty" 'expect:$ ' \
    "send:${namespace[*]} '$binary' $reader\\n" expect:running 'send:^Z' expect:Stopped 'expect:$ ' 'send:fg\n' expect:reader.sh \
    'send:hello\n' expect:line=hello 'expect:$ ' 'send:exit 5\n' -- bash --norc -i
does "the terminal is given back at the end" 4 "$pty" expect:running 'send:hello\n' expect:line=hello -- \
    "${bound[@]}" sh -c "'$binary' -- true; . $work/reader.sh"
does "the terminal is given back by a command that could not start" 4 "$pty" expect:running 'send:hello\n' expect:line=hello -- \
    "${bound[@]}" sh -c "'$binary' -- no-such-command; . $work/reader.sh"
does "with no shell above, Control-Z does not leave the terminal dead" 4 "$pty" expect:running 'send:^Z' 'send:hello\n' \
    expect:line=hello -- "${as_child[@]}" -- sh "$work/reader.sh"
does "standard input may be elsewhere than the terminal" 130 "$pty" expect:running 'send:^C' -- \
    "${bound[@]}" sh -c "exec '$binary' -- sh -c 'echo running; exec sleep 1000' </dev/null"
does "when the terminal hangs up, the command is told" 129 "$pty" expect:running hangup -- \
    "${as_child[@]}" -- sh -c 'echo running; exec sleep 1000'
