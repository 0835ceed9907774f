# shellcheck shell=bash disable=SC2154,SC2034,SC2016,SC2054,SC1003
# As the entrypoint of an OCI container.
bundle=$work/bundle
mkdir -p "$bundle/rootfs/bin" "$bundle/rootfs/dev" "$bundle/rootfs/proc" "$bundle/rootfs/etc" "$bundle/rootfs/bare"
cp "$busybox" "$bundle/rootfs/bin/busybox"
for applet in sh sleep grep touch; do
    ln -s busybox "$bundle/rootfs/bin/$applet"
done
echo text >"$bundle/rootfs/etc/plain"
cp "$binary" "$bundle/rootfs/miniinit"
cp "$programs"/entry_* "$bundle/rootfs/bin/"

# container [-u USER] [-t] [-n] ARG...: writes the bundle's config.json. The root is read-only and there is no capability. -u: a user
# other than 65534; -t: with a terminal; -n: as root in a second root without /proc and /dev, since runc itself cannot do without
# (so the one capability is that for chroot). No rlimits: raising one needs CAP_SYS_RESOURCE.
container() {
    local user=65534 terminal=false arguments='' argument mounts='' capabilities='' bare=() option OPTIND=1
    while getopts u:tn option; do
        case $option in
            u) user=$OPTARG ;;
            t) terminal=true ;;
            n)
                user=0 capabilities='"CAP_SYS_CHROOT"' bare=(/bin/busybox chroot /bare)
                mounts=", {\"destination\": \"/bare\", \"type\": \"bind\", \"source\": \"$bundle/rootfs\", \"options\": [\"bind\", \"ro\"]}"
                ;;
            *) return 2 ;;
        esac
    done
    shift $((OPTIND - 1))
    for argument in "${bare[@]}" /miniinit "$@"; do
        argument=${argument//\\/\\\\}
        argument=${argument//\"/\\\"}
        arguments+=${arguments:+, }\"${argument//$'\n'/\\n}\"
    done
    capabilities=$(printf '"%s": ['"$capabilities"'], ' bounding effective permitted)
    cat >"$bundle/config.json" <<END
{"ociVersion": "1.0.2", "root": {"path": "rootfs", "readonly": true}, "hostname": "check",
 "process": {"terminal": $terminal, "user": {"uid": $user, "gid": $user}, "args": [$arguments], "cwd": "/",
  "env": ["PATH=/bin", "TERM=dumb", "PS1=$ "], "noNewPrivileges": true, "capabilities": {$capabilities "ambient": []}},
 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
  {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
  {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666", "mode=0620"]}
  $mounts],
 "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}, {"type": "network"}]}}
END
    containers=$((containers + 1))
    id=miniinit-check-$$-$containers
}
containers=0
runc=(runc --root "$work/runc")
# in_container SENTENCE CODE [OPTION...] -- ARG...: a container of /miniinit ARG... ends with that code
in_container() {
    local sentence=$1 code=$2 options=()
    shift 2
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    container "${options[@]}" "$@"
    does "$sentence" "$code" "${runc[@]}" run --bundle "$bundle" "$id"
}

for code in 0 1 7 127 255; do
    in_container "in a container, exit code $code becomes the container's" $code -- -- sh -c "exit $code"
done
in_container "in a container, death by SIGTERM becomes 143" 143 -- -- sh -c 'kill -TERM $$'
in_container "in a container, a command that is not there exits 127" 127 -- -- no-such-command
in_container "in a container, a file that is not executable exits 126" 126 -- -- /etc/plain
in_container "in a container, every code from 0 to 255 comes through a nested one" 0 -- -- sh -c '
    n=0; while [ $n -le 255 ]; do /miniinit -- sh -c "exit $n"; [ $? = $n ] || exit 1; n=$((n + 1)); done'
in_container "without /proc, every signal is passed on" 0 -n -- -- entry_signals all
in_container "without /proc, what is left behind is ended" 3 -n -- --grace 60s -- sh -c 'sleep 1000 & exit 3'
in_container "without /proc and not PID 1, what is left behind is ended" 3 -n -- -- \
    sh -c '/miniinit --grace 60s -- sh -c "sleep 1000 & exit 3"'
in_container "without /dev/null, the command runs with standard input closed" 3 -n -- -- \
    sh -c 'entry_dirty -c 0 -c 1 -c 2 /miniinit -- sh -c "exit 3"'
in_container "in a container, the stubborn are killed" 3 -- --grace 200ms -- sh -c 'entry_signals count & exit 3'
in_container "in a container, every signal is passed on" 0 -- -- entry_signals all
in_container "in a container, orphans are reaped while the command runs" 0 -- -- entry_orphans 1000
in_container "user, capabilities and root file system are what the runtime made them" 0 -- -- sh -c '
    grep -q "^Uid:.65534" /proc/1/status && grep -q "^CapEff:.0000000000000000" /proc/1/status && ! touch /file'
in_container "as root without capabilities, what is left behind is ended" 3 -u 0 -- --grace 60s -- sh -c 'sleep 1000 & exit 3'

container -- entry_signals wait
start "${runc[@]}" run --bundle "$bundle" "$id"
hear
"${runc[@]}" kill "$id" USR1
hear
is "a signal sent by the runtime reaches the command" "got 10" "$word"
"${runc[@]}" kill "$id" 39
hear
is "a real-time signal sent by the runtime reaches the command" "got 39" "$word"
"${runc[@]}" kill "$id" TERM
end
is "the runtime's stop ends the command and the container" 0 "$code"

# SENTENCE CODE STEP... -- COMMAND...
terminal_in_container() {
    local sentence=$1 code=$2 steps=()
    shift 2
    while [ "$1" != -- ]; do
        steps+=("$1")
        shift
    done
    container -t "$@"
    does "$sentence" "$code" "$programs/entry_pty" "${steps[@]}" -- "${runc[@]}" run --bundle "$bundle" "$id"
}
terminal_in_container "in a container with a terminal, keys reach the command once" 0 expect:ready 'send:^C' 'expect:got 2' \
    'send:^Z' 'expect:got 20' 'send:^\' 'expect:counted 2:1 20:1' -- entry_signals count
terminal_in_container "in a container with a terminal, Control-Z does not leave it dead" 130 expect:running 'send:^Z' 'send:^C' \
    -- sh -c 'echo running; exec sleep 1000'
terminal_in_container "in a container with a terminal, a shell has job control" 5 'expect:$ ' \
    'send:sh -c "echo run""ning; read l; echo l=\$l"\n' expect:running 'send:^Z' expect:Stopped 'send:fg\n' 'expect:sh -c' \
    'send:hello\n' expect:l=hello 'send:exit 5\n' -- sh -i

# What the init says of an end comes after what the service said last: 200 ends, while everything else runs as well.
for number in 0 1 2 3 4 5 6 7; do
    printf '[units.d%s.service]\ncommand = ["/bin/sh", "-c", "echo dying; exit 9"]\nrestart = "always"\nrestart-limit = 0\n' $number
    printf 'restart-delay = "20ms"\nrestart-delay-max = "20ms"\n'
done >"$bundle/rootfs/etc/dying.toml"
in_container "in a container, no end is told before the last words of its run" 0 -u 0 -- --config /etc/dying.toml --log-dir /dev/logs \
    --run-dir /dev/run -- sh -c '
    for n in 0 1 2 3 4 5 6 7; do
        until [ "$(grep -c "exit code 9" "/dev/logs/d$n/current" 2>/dev/null || true)" -ge 25 ] 2>/dev/null; do sleep 0.1; done
        busybox awk "/ out: dying/ { words++ } / init: .*exit code 9/ && ++ends > words { early = 1 } END { exit early }" \
            "/dev/logs/d$n/current" || exit 1
    done'
