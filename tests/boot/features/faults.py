"""What a machine lives through: a fork bomb that nothing limits, a full /run, a full /var, something mounted over them."""

import re


def good(machine, command):
    code, text = machine.run(command)
    assert code == 0, f"`{command}` ended with {code}: {text[-400:]}"
    return text


def until(machine, condition, why):
    code, text = machine.run(f"i=0; until {condition}; do i=$((i+1)); [ $i -lt 300 ] || break; sleep 0.1; done; {condition}")
    assert code == 0, f"{why}: {text[-300:]}"


def bomb(report, machine):
    check = report.check
    with check("a fork bomb without pids-max takes every process there is, and a stop ends it"):
        # Whoever wants to stop it has to be there already; and our shell does only what it can do without a process.
        good(machine, "mkfifo /run/trigger; exec 7<>/run/trigger; "
                      "(read nothing <&7; exec minictl stop faults-bomb >/dev/null 2>&1) & :")
        good(machine, "minictl start faults-again; echo 400 >/proc/sys/kernel/threads-max")
        good(machine, "minictl start --no-wait faults-bomb")
        machine.expect(r"faults-again cannot start yet: clone: Resource temporarily unavailable", 240)
        good(machine, "echo go >&7; i=0; while [ -e /sys/fs/cgroup/miniinit/faults-bomb ] && [ $i -lt 120 ]; do "
                      "read -t 1 nothing <&7; i=$((i + 1)); done; [ ! -e /sys/fs/cgroup/miniinit/faults-bomb ]")
        assert "down" in machine.run("minictl status faults-bomb")[1]
        assert machine.run("grep -l cg_bomb /proc/[0-9]*/comm")[0] != 0, "something of it is left"
    with check("who waited for a process goes on by himself, and the log says what happened"):
        good(machine, "echo 4000 >/proc/sys/kernel/threads-max")
        until(machine, "minictl status faults-again | grep -q up", "it does not come up")
        said = good(machine, "minictl logs faults-again")
        assert "cannot start yet: clone: Resource temporarily unavailable" in said, said[-300:]
        good(machine, "minictl stop faults-again; minictl list >/dev/null")


def full(report, machine):
    check = report.check
    with check("/run is full: the machine answers, services start and are logged"):
        machine.run("dd if=/dev/zero of=/run/fill bs=64k 2>/dev/null; dd if=/dev/zero of=/run/fill2 bs=1 2>/dev/null")
        assert machine.run("echo more >/run/more")[0] != 0, "it is not full"
        good(machine, "minictl restart ticker")
        good(machine, "minictl logs ticker -n 3 | grep -q ready")
        good(machine, "rm /run/fill /run/fill2 /run/more")
    with check("something mounted over /run: the control socket is made again, and running services are heard again"):
        good(machine, "mount -t tmpfs none /run && minictl list >/dev/null")
        until(machine, "minictl status ticker | grep -Eq '[0-9]+ ticks'", "it does not tick")
        tick = int(re.search(r"(\d+) ticks", good(machine, "minictl status ticker")).group(1))
        until(machine, f"minictl status ticker | grep -q '{tick + 2} ticks'", "its status does not change")
        good(machine, "umount /run; minictl list >/dev/null")
        until(machine, f"minictl status ticker | grep -q '{tick + 5} ticks'", "its status does not change any more")
    with check("/var is full: nobody is blocked, and the console says what is lost"):
        # The collector holds the directory that it has; its successor finds the small one.
        good(machine, "mount -t tmpfs -o size=600k none /var && kill -9 $(pidof miniinit-logd) && minictl start faults-talk")
        machine.expect(r"faults-talk: log lines are being lost \(write: No space left on device\)", 240)
        assert "up" in good(machine, "minictl status faults-talk")
        good(machine, "minictl restart web; minictl list >/dev/null")
    with check("with room again it resumes by itself, and the log tells how many lines it lacks"):
        good(machine, "minictl stop faults-talk; mount -o remount,size=8M /var")
        until(machine, "grep -q 'lines lost here: No space left on device' /var/log/miniinit/faults-talk/current", "not said")
    with check("that file system goes away, and the log goes on where it was"):
        good(machine, "umount -l /var && before=$(wc -l </var/log/miniinit/ticker/current) && kill -9 $(pidof miniinit-logd)")
        until(machine, "[ $(wc -l </var/log/miniinit/ticker/current) -gt $before ]", "nothing is written there")


def checks(report, machine):
    bomb(report, machine)
    full(report, machine)
