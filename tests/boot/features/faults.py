"""What a machine lives through: a fork bomb that nothing limits, a full /run, a full /var, something mounted over them."""

import re


def bomb(report, machine):
    check = report.check
    with check("a fork bomb without pids-max takes every process there is, and a stop ends it"):
        # Whoever wants to stop it has to be there already; and our shell does only what it can do without a process.
        machine.good("mkfifo /run/trigger; exec 7<>/run/trigger; "
                     "(read nothing <&7; exec minictl stop faults-bomb >/dev/null 2>&1) & :")
        machine.good("minictl start faults-again; echo 400 >/proc/sys/kernel/threads-max")
        machine.good("minictl start --no-wait faults-bomb")
        machine.hears(r"\S+ cannot start yet: clone: Resource temporarily unavailable", 240)  # the console has the first alone
        # Hundreds of busy processes share one emulated processor with the init.
        machine.good("echo go >&7; i=0; while [ -e /sys/fs/cgroup/miniinit/faults-bomb ] && [ $i -lt 360 ]; do "
                     "read -t 1 nothing <&7; i=$((i + 1)); done; [ ! -e /sys/fs/cgroup/miniinit/faults-bomb ]", 480)
        assert "down" in machine.run("minictl status faults-bomb")[1]
        assert not machine.running("cg_bomb"), "something of it is left"
    with check("who waited for a process goes on by himself, and the log says what happened"):
        machine.good("echo 4000 >/proc/sys/kernel/threads-max")
        machine.until("minictl status faults-again | grep -q up", "it does not come up")
        machine.good("minictl logs | grep -q 'cannot start yet: clone: Resource temporarily unavailable'")
        machine.good("minictl stop faults-again; minictl list >/dev/null")


def ticks(machine):
    """The status that the ticker tells changes."""
    tick = re.search(r"\d+ ticks", machine.good("minictl status ticker")).group()
    machine.until(f"minictl status ticker | grep ' ticks' | grep -qvw '{tick}'", "its status does not change")


def full(report, machine):
    check = report.check
    with check("/run is full: the machine answers, services start and are logged"):
        machine.good("mount -o remount,size=8M /run")  # so that it is the file system that is full, and not the memory
        machine.run("dd if=/dev/zero of=/run/fill bs=64k 2>/dev/null; dd if=/dev/zero of=/run/fill2 bs=1 2>/dev/null")
        assert machine.run("echo more >/run/more")[0] != 0, "it is not full"
        machine.good("minictl restart ticker")
        machine.good("minictl logs ticker -n 3 | grep -q ready")
        machine.good("rm /run/fill /run/fill2 /run/more; mount -o remount,size=50% /run")
    with check("something mounted over /run: the control socket is made again, and running services are heard again"):
        machine.good("mount -t tmpfs none /run && minictl list >/dev/null")
        machine.until("minictl status ticker | grep -Eq '[0-9]+ ticks'", "it does not tick")
        ticks(machine)
        machine.good("umount -l /run && minictl list >/dev/null")
        ticks(machine)
    with check("/var is full: nobody is blocked, and the console says what is lost"):
        # The collector holds the directory that it has; its successor finds the small one.
        machine.good("mount -t tmpfs -o size=600k none /var && kill -9 $(pidof miniinit-logd) && minictl start faults-talk")
        machine.hears(r"faults-talk: log lines are being lost \(write: No space left on device\)", 240)
        assert "up" in machine.good("minictl status faults-talk")
        machine.good("minictl restart web; minictl list >/dev/null")
    with check("with room again it resumes by itself, and the log tells how many lines it lacks"):
        machine.good("minictl stop faults-talk; mount -o remount,size=8M /var")
        machine.until("grep -q 'lines lost here: No space left on device' /var/log/miniinit/faults-talk/current", "not said")
    with check("that file system goes away, and the log goes on where it was"):
        machine.good("umount -l /var && before=$(wc -l </var/log/miniinit/ticker/current) && kill -9 $(pidof miniinit-logd)")
        machine.until("[ $(wc -l </var/log/miniinit/ticker/current) -gt $before ]", "nothing is written there")


def checks(report, machine):
    bomb(report, machine)
    full(report, machine)
