"""What [cgroup] promises, on a kernel that has every controller: limits, what is contained by them, what is told of it,
delegation, freezing; and the same in a container, whose init has to make way for its controllers."""

import re

TREE = "/sys/fs/cgroup/miniinit"
# Seconds that PID 1 may take to answer. On a real machine a few milliseconds; the emulator may have to share its processor
# with twenty others, so the number itself is printed, and this only tells an answer from none.
LATENCY = 5


def status(machine, name, ctl="minictl"):
    return machine.json(f"{ctl} status --json {name}")["units"][0]


def value(machine, unit, file):
    return machine.good(f"cat {TREE}/{unit}/{file}").splitlines()[-1]


def latency(machine, unit, calls=60):
    text = machine.good(f"cg_latency {calls} {unit}")
    median, most = map(int, re.search(r"median (\d+) max (\d+)", text).groups())
    print(f"# PID 1 answered {calls} calls of status {unit}: median {median / 1000:.1f} ms, at most {most / 1000:.1f} ms")
    assert most / 1e6 < LATENCY, f"{most} us"


def gone(machine, unit, program):
    assert not machine.running(program)
    assert machine.run(f"[ -e {TREE}/{unit} ]")[0] != 0, "its cgroup is still there"


def limits(report, machine):
    check = report.check
    with check("every limit is in the kernel's files before the first process is there"):
        machine.good("minictl start cg-limits")
        wanted = {"memory-max": ("memory.max", 64 << 20), "memory-high": ("memory.high", 48 << 20),
                  "memory-swap-max": ("memory.swap.max", 2 << 20), "cpu-max": ("cpu.max", "50000 100000"),
                  "cpu-weight": ("cpu.weight", 200), "pids-max": ("pids.max", 20), "": ("memory.oom.group", 1)}
        for key, (file, expected) in wanted.items():
            assert value(machine, "cg-limits", file) == str(expected), f"{key}: {value(machine, 'cg-limits', file)}"
    with check("a weight of disks is set where this kernel has any, else the log names the key"):
        code, text = machine.run(f"cat {TREE}/cg-limits/io.weight || cat {TREE}/cg-limits/io.bfq.weight")
        said = machine.good("minictl logs cg-limits")
        assert ("300" in text or "118" in text) if code == 0 else "cgroup.io-weight cannot be honoured" in said, text + said
    with check("a key that cannot be honoured is named once, and others not at all"):
        machine.good("minictl restart cg-limits")
        said = machine.good("minictl logs cg-limits")
        for key in re.findall(r"cgroup\.(\S+) cannot be honoured", said):
            assert said.count(f"cgroup.{key} cannot") == 1 and key == "io-weight", said
    with check("memory, processor time and tasks are told, as fields and in words"):
        machine.until("minictl logs cg-limits | grep -q eaten", "it does not eat")
        unit = status(machine, "cg-limits")
        assert 4 << 20 < unit["memory_bytes"] < 64 << 20 and unit["memory_peak_bytes"] >= unit["memory_bytes"], unit
        assert unit["cpu_usec"] > 0 and unit["tasks"] == 1, unit
        text = machine.good("minictl status cg-limits")
        assert re.search(r"memory: [\d.]+M, at most [\d.]+M", text) and re.search(r"tasks: 1$", text, re.M), text
        assert re.search(r"cpu time: \d+\.\d{3} s", text), text
    with check("so they are of a service without limits"):
        unit = status(machine, "ticker")
        assert unit["memory_bytes"] > 0 and unit["tasks"] >= 1 and unit["cpu_usec"] > 0, unit
    with check("a command beside a service with limits is born in its cgroup"):
        machine.good("minictl reload cg-limits")
        assert "0::/miniinit/cg-limits" in machine.good("cat /run/cg-limits.reload")
    with check("changed limits come into force by reload-units, the memory in use being the bound"):
        file = "/etc/miniinit/cg-limits.toml"
        machine.good(f"sed -i -e 's/64M/1M/; s/48M/40M/; s/^pids-max.*/pids-max = 30/; /^cpu-weight/d' {file}")
        machine.good("minictl reload-units")
        assert value(machine, "cg-limits", "pids.max") == "30" and value(machine, "cg-limits", "cpu.weight") == "100"
        assert value(machine, "cg-limits", "memory.max") == str(64 << 20), "taken below what is in use"
        assert value(machine, "cg-limits", "memory.high") == str(40 << 20)
        assert "memory-max is below what it uses now" in machine.good("minictl logs cg-limits")
        machine.good("minictl stop cg-limits")
    with check("a limit too small to start with ends the service, and nothing else"):
        machine.run("minictl start cg-tiny")
        machine.until("minictl status cg-tiny | grep -q failed", "it does not fail")
        assert "out of memory (memory-max 64K)" in status(machine, "cg-tiny")["reason"], status(machine, "cg-tiny")


def contained(report, machine):
    check = report.check
    with check("a fork bomb gets as far as its pids-max, and PID 1 answers meanwhile"):
        machine.good("minictl start cg-bomb")
        machine.until(f"[ $(cat {TREE}/cg-bomb/pids.current) = 40 ]", "it has not gone off")
        latency(machine, "cg-bomb")
        assert status(machine, "cg-bomb")["tasks"] == 40
    with check("nothing of it is left after a stop"):
        machine.good("minictl stop cg-bomb")
        gone(machine, "cg-bomb", "cg_bomb")
    with check("a service that eats more than its memory-max is killed, and that is the reason told"):
        machine.good("minictl start cg-hog")
        machine.until("minictl status cg-hog | grep -q failed", "it still eats")
        unit = status(machine, "cg-hog")
        assert unit["reason"] == "killed: out of memory (memory-max 16M)" and unit["last_exit"]["oom"], unit
        assert "failed: killed: out of memory (memory-max 16M)" in machine.good("minictl logs cg-hog")
        gone(machine, "cg-hog", "cg_hog")
    with check("PID 1 answers while that happens again and again"):
        machine.good("minictl start cg-glutton")
        latency(machine, "ticker")
        assert status(machine, "cg-glutton")["restarts"] > 0
        machine.good("minictl stop cg-glutton")
        gone(machine, "cg-glutton", "cg_hog")
    with check("a child that is killed for want of memory is told of in the log, and the service goes on"):
        machine.good("minictl start cg-worker")
        machine.until("minictl logs cg-worker | grep -q 'ended by signal 9'", "the worker lives")
        machine.until("minictl logs cg-worker | grep -q 'out of memory (memory-max 16M): the kernel has killed a process of it'",
              "nobody tells")
        assert status(machine, "cg-worker")["state"] == "up"
        machine.good("minictl stop cg-worker")
    with check("one that ignores SIGTERM and hides in a session of its own is seen"):
        machine.good("minictl start cg-hide")
        machine.until("minictl logs cg-hide | grep -q hidden", "it has not hidden")
        machine.until("grep -ql innocent /proc/[0-9]*/cmdline", "it is not there")
        assert status(machine, "cg-hide")["tasks"] == 2, status(machine, "cg-hide")
        latency(machine, "cg-hide")
    with check("and is gone after a stop, with what it hid"):
        machine.good("minictl stop cg-hide")
        gone(machine, "cg-hide", "innocent")


def nested(report, machine):
    check = report.check
    with check("a delegated cgroup is its user's to nest in and to hand controllers down, its limits are not"):
        machine.good("mkdir -p /run/cg-nest && chown nobody /run/cg-nest; minictl start cg-nest")
        machine.until("minictl logs cg-nest | grep -q nested", "it does not nest")
        text = machine.good("minictl logs cg-nest")
        assert ": nested" in text and "its own limit is out of its reach" in text, text
        assert "memory" in value(machine, "cg-nest", "cgroup.subtree_control")
        assert value(machine, "cg-nest", "outer/pids.max") == "5"
    with check("a command beside it runs where the kernel lets it"):
        machine.good("minictl reload cg-nest")
        assert "0::/miniinit/cg-nest/control.leaf" in machine.good("cat /run/cg-nest/reload")
    with check("a stop ends and removes what it nested"):
        assert status(machine, "cg-nest")["tasks"] == 2
        machine.good("minictl stop cg-nest")
        gone(machine, "cg-nest", "cg_nest")
    with check("and it starts again"):
        machine.good("minictl restart cg-nest && minictl stop cg-nest")


def frozen(report, machine):
    check = report.check
    with check("a frozen service does nothing until it is thawed, and is shown as frozen"):
        machine.good("minictl start cg-ticks")
        machine.until("[ -s /run/cg-ticks ]", "it does not tick")
        machine.good("minictl freeze cg-ticks")
        machine.until(f"grep -q 'frozen 1' {TREE}/cg-ticks/cgroup.events", "the kernel has not frozen it")
        assert status(machine, "cg-ticks")["frozen"] and "frozen" in machine.good("minictl list")
        machine.good("wc -l </run/cg-ticks >/run/cg-before; sleep 0.5; [ $(wc -l </run/cg-ticks) = $(cat /run/cg-before) ]")
        machine.good("minictl thaw cg-ticks")
        machine.until("[ $(wc -l </run/cg-ticks) -gt $(cat /run/cg-before) ]", "it does not go on")
        assert not status(machine, "cg-ticks")["frozen"]
    with check("a stop thaws it, so that it can end by itself"):
        machine.good("minictl freeze cg-ticks; minictl stop cg-ticks")
        assert status(machine, "cg-ticks")["last_exit"]["number"] == 15, status(machine, "cg-ticks")
    with check("what is not up cannot be frozen"):
        assert machine.run("minictl freeze cg-ticks")[0] == 3


def contained_init(report, machine):
    """miniinit as PID 1 of a container that may write its cgroup."""
    check = report.check
    box, ctl = "/sys/fs/cgroup/box", "minictl --control /run/cg-box/control"
    with check("in a container nobody is moved before a unit needs a controller"):
        machine.good("mkdir -p /run/cg-box /run/cg-box-log /run/cg-box-units; cg_box /sys/fs/cgroup/box /sbin/miniinit --container --config "
             "/etc/cg-box/config.toml --units /run/cg-box-units --run-dir /run/cg-box --log-dir /run/cg-box-log --control /run/cg-box/control "
             ">/run/cg-box.console 2>&1 & echo $! >/run/cg-box.pid")
        machine.until(f"{ctl} wait plain --for up", "the container does not start")
        assert machine.good(f"wc -l <{box}/cgroup.procs").splitlines()[-1].strip() != "0"
        assert machine.run(f"[ -e {box}/miniinit-*/init.leaf ]")[0] != 0
    with check("then its init goes to a leaf, and limits are in force"):
        machine.good(f"{ctl} start limited")
        assert machine.good(f"cat {box}/miniinit-*/limited/memory.max").splitlines()[-1] == str(32 << 20)
        assert machine.good(f"cat {box}/miniinit-*/limited/pids.max").splitlines()[-1] == "7"
        machine.good(f"[ $(wc -l <{box}/cgroup.procs) = 0 ] && [ $(cat {box}/miniinit-*/init.leaf/cgroup.procs | wc -l) = 2 ]")
        assert status(machine, "limited", ctl)["memory_bytes"] > 2 << 20
        assert status(machine, "plain", ctl)["tasks"] == 1
        assert "memory" in machine.good(f"{ctl} probe | grep 'cgroup controllers'")
    with check("a limit too small to start with does not take the container's init along"):
        machine.run(f"{ctl} start tiny")
        machine.until(f"{ctl} status tiny | grep -q failed", "it does not fail")
        assert status(machine, "plain", ctl)["state"] == "up"
    with check("at its end it leaves the container's cgroup as it was"):
        machine.good(f"{ctl} poweroff")
        machine.good(f"wait $(cat /run/cg-box.pid); cat /run/cg-box.console; [ -z \"$(ls -d {box}/*/ 2>/dev/null)\" ] && "
             f"[ -z \"$(cat {box}/cgroup.subtree_control)\" ] && rmdir {box}")


def checks(report, machine):
    machine.run("dmesg -n 1")  # what the kernel says of each kill would land in the middle of answers
    for part in (limits, contained, nested, frozen, contained_init):
        part(report, machine)
    machine.run("dmesg -n 7")
