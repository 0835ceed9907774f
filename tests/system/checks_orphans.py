"""Who is reaped, and what a stop leaves behind: nobody, unless kill-mode says so."""
import signal
import time

from harness import sh, until

SLEEP = "exec sleep 1000"


def orphans_storm(t):
    count = 20000
    units = {"storm": {"enabled": False, "service": {"type": "oneshot",
                                                     "command": [t.scene.program("sys_orphans"), str(count)]}},
             "crashes": {"service": sh(SLEEP, restart_delay="10ms")}, "keeper": {"service": sh(SLEEP)},
             "later": {"enabled": False, "service": sh("exit 0", type="oneshot")}}
    with t.scene.init(units) as init:
        init.wait("crashes")
        events = init.events()
        pid = init.status("crashes")["main_pid"]
        memory = init.memory()
        began = time.monotonic()
        init.call("Start", units=["storm"], wait=False)
        # Meanwhile: something dies, something is asked for.
        init.kill_inside(init.outside(pid), signal.SIGKILL)
        event = events.until("crashes", "up", 10)
        restarted = time.monotonic() - began
        t.ok("a service that dies in a storm of orphans is started again", event["main_pid"] != pid)
        began_later = time.monotonic()
        t.ok("a unit is started in the storm", init.start("later")["later"]["ok"])
        t.ok("and soon", time.monotonic() - began_later < 5 and restarted < 5,
             f"{time.monotonic() - began_later:.2f} s, {restarted:.2f} s")
        t.attempt(f"{count} orphans are made", lambda: init.wait("storm", "done", 60))
        took = time.monotonic() - began
        t.ok("and every one is reaped: no zombie is left", until(lambda: init.zombies() == 0, 5),
             f"{init.zombies()} zombies")
        t.note(f"{count} orphans in {took:.2f} s")
        names = lambda: sorted(what[1] for what in init.own_processes().values())
        until(lambda: names() == ["sleep", "sleep"], 10)  # the last of them may still be ending
        t.equal("none of their processes is left", names(), ["sleep", "sleep"])
        t.ok("PID 1's memory does not grow by it", init.memory() < memory + 1024, f"{memory} to {init.memory()} KiB")
        t.equal("the services still run", (init.state("keeper"), init.state("crashes")), ("up", "up"))


def family_checks(t, place, **named):
    family = t.scene.program("sys_family")
    kinds = ["child", "group", "session", "double"] + (["clean"] if named.get("cgroups", True) else [])
    units = {}
    for kind in kinds:
        units[kind] = {"service": {"command": [family, kind, "5"]}}
        units[kind + "-deaf"] = {"service": {"command": [family, kind, "5", "deaf"], "stop-timeout": "300ms"}}
    units["hop"] = {"service": {"command": [family, "hop", "3"], "stop-timeout": "300ms"}}
    units["process"] = {"service": {"command": [family, "double", "4"], "kill-mode": "process",
                                    "stop-timeout": "300ms"}}
    units["mixed"] = {"service": {"command": [family, "child", "4", "deaf"], "kill-mode": "mixed",
                                  "stop-timeout": "5s"}}
    units["crashes"] = {"service": {"command": [family, "double", "4"], "restart": "on-failure",
                                    "restart-delay": "10ms"}}
    units["leaves"] = {"service": sh("setsid sh -c 'setsid sleep 1000 & sleep 1000' & exit 0", type="oneshot")}
    units["ends"] = {"service": sh("setsid sleep 1000 & exit 0", restart="no")}
    units["keeper"] = {"service": sh(SLEEP)}
    with t.scene.init(units, **named) as init:
        for name in units.keys() - {"keeper", "ends", "leaves"}:
            until(lambda: "ready" in init.text(name), 5, f"{name} ready")
        whose = lambda *words: [what[4] for what in init.own_processes().values()
                                if all(word in what[4].split() for word in words)]
        for kind in kinds:
            plain = [what for what in init.own_processes().values() if what[4].split()[1:] == [kind, "5"]]
            init.stop(kind)
            left = [what[4] for what in init.own_processes().values() if what[4].split()[1:] == [kind, "5"]]
            t.ok(f"{place}, a stop leaves no descendant of kind \"{kind}\"", (len(plain) >= 5 or kind == "clean")
                 and not left, f"of {len(plain)}: {left}")
        if "clean" in kinds:
            left = lambda: [what for what in init.own_processes().values() if what[4].split()[1:2] == ["stay"]
                            and "deaf" not in what[4]]
            t.equal(f"{place}, nor one that gave up its environment and its descriptors", left(), [])
        for kind in kinds:
            began = time.monotonic()
            init.stop(kind + "-deaf")
            took = time.monotonic() - began
            left = [what[4] for what in init.own_processes().values() if what[4].split()[1:] in ([kind, "5", "deaf"],)]
            t.ok(f"{place}, nor a deaf one of kind \"{kind}\", in about the stop-timeout", not left and took < 3,
                 f"{left} after {took:.2f} s")
        t.equal(f"{place}, no deaf one is left in another dress", whose("stay", "deaf"), [])
        init.stop("hop")
        t.ok(f"{place}, nor one that forks and exits all the time", not any(whose("hop", "3") for _ in range(5)),
             whose("hop", "3"))
        init.stop("process")
        left = whose("double", "4")
        status = init.status("crashes")
        t.equal(f"{place}, kill-mode \"process\" ends the main process and lets the others be",
                (init.state("process"), len(left) - 5), ("down", 4))
        began = time.monotonic()
        init.stop("mixed")
        t.ok(f"{place}, kill-mode \"mixed\" kills the others at once", not whose("child", "4", "deaf")
             and time.monotonic() - began < 3)
        events = init.events("crashes")
        main = init.outside(status["main_pid"])
        init.kill_inside(main, signal.SIGKILL)
        events.until("crashes", "up")
        until(lambda: init.text("crashes").count("ready") == 2, 5)
        of_crash = [pid for pid, what in init.own_processes().items() if what[4].split()[1:] == ["double", "4"]]
        t.equal(f"{place}, what a crashed service left is gone before it is started again", len(of_crash), 4 + 5)
        sleeping = lambda: sum(what[4] == "sleep 1000" for what in init.own_processes().values())
        t.equal(f"{place}, a simple service that has ended leaves nothing, a oneshot that is done what it began",
                (init.wait("leaves", "done")["state"], init.wait("ends", "down")["state"],
                 until(lambda: sleeping() == 3, 3)), ("done", "down", True))
        init.stop("leaves")
        t.equal(f"{place}, which goes when that is stopped", sleeping(), 1)


def orphans_cgroup(t):
    if not t.scene.cgroups:
        t.note("no cgroup v2 here: not checked with cgroups")
        return
    family_checks(t, "with cgroups")


def orphans_session(t):
    family_checks(t, "without cgroups", cgroups=False)


GROUPS = [orphans_storm, orphans_cgroup, orphans_session]
