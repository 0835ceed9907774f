"""Cgroups where there are some, where there are none, and where they go away: freezing, limits that cannot be honoured,
delegation. What limits do is for a kernel that has controllers: tests/boot/features/cgroups.py."""
import glob
import json
import os
import signal

from harness import NOBODY, sh, until

TICKS = "while :; do echo tick; sleep 0.02; done"
# Its child leaves session, group and parent behind; the INVOCATION_ID stays.
FAMILY = f"setsid sh -c 'setsid sh -c \"{TICKS}\" &' & exec sleep 1000"


def cgroup_freeze(t):
    if not t.scene.cgroups:
        t.note("no cgroup v2 here: not checked with cgroups")
        return
    units = {"ticks": {"service": {**sh(FAMILY), "stop-timeout": "5s", "reload-command": "/bin/true"}},
             "idle": {"enabled": False, "service": sh("exec sleep 1000")}}
    with t.scene.init(units) as init:
        init.wait("ticks")
        lines = lambda: len(init.log("ticks", ("out",)))
        until(lambda: lines() > 2, 5, "ticks")
        t.equal("a service that is up can be frozen", init.ctl("freeze", "ticks").returncode, 0)
        events = glob.glob(f"{init.cgroup}/miniinit-*/ticks/cgroup.events")[0]
        t.ok("the kernel says that it is", until(lambda: "frozen 1" in open(events).read(), 5))
        init.call("Ping")
        before = until(lambda: (lambda a: a if init.call("Ping") and a == lines() else None)(lines()), 5, "rest")
        status = init.status("ticks")
        t.equal("it is up, and frozen", (status["state"], status["frozen"]), ("up", True))
        t.has("which list and status show", init.ctl("list").stdout + init.ctl("status", "ticks").stdout,
              "ticks  frozen", "state: frozen since")
        t.equal("to be frozen twice is no error", init.ctl("freeze", "ticks").returncode, 0)
        t.has("a command for it is refused and says why", init.ctl("reload", "ticks").stderr, "it is frozen")
        t.equal("it has not gone on", lines(), before)
        t.equal("thawed, it goes on", (init.ctl("thaw", "ticks").returncode, bool(until(lambda: lines() > before, 5)),
                                       init.status("ticks")["frozen"]), (0, True, False))
        frozen_ends(t, init)
        result = init.ctl("freeze", "idle")
        t.ok("what is not up cannot be frozen", result.returncode == 3 and result.stderr, result)
        t.equal("nobody but root may freeze", init.ctl("freeze", "ticks", user=NOBODY).returncode, 4)


def frozen_ends(t, init):
    init.ctl("freeze", "ticks")
    init.stop("ticks")
    t.equal("a stop of a frozen service ends it as any other",
            (init.status("ticks")["last_exit"]["number"], init.own_processes()), (signal.SIGTERM, {}))
    init.start("ticks")
    init.ctl("freeze", "ticks")
    init.kill_inside(init.outside(init.status("ticks")["main_pid"]), signal.SIGKILL)
    t.ok("one that is killed while frozen is started again, and runs",
         until(lambda: init.status("ticks")["restarts"] == 1 and init.state("ticks") == "up"
               and not init.status("ticks")["frozen"], 10), init.brief("ticks"))


def cgroup_freeze_none(t):
    with t.scene.init({"ticks": {"service": sh(FAMILY)}}, cgroups=False) as init:
        init.wait("ticks")
        until(lambda: len(init.log("ticks", ("out",))) > 2, 5, "ticks")
        result = init.ctl("freeze", "ticks")
        t.ok("without cgroups nothing can be frozen, and minictl says why",
             result.returncode == 1 and "ticks cannot be frozen" in result.stderr and "cgroup v2" in result.stderr, result)
        before = len(init.log("ticks", ("out",)))
        t.ok("and it goes on", until(lambda: len(init.log("ticks", ("out",))) > before, 5), init.brief("ticks"))
        t.equal("and is not shown as frozen", init.status("ticks")["frozen"], False)
        t.equal("to thaw what is not frozen is no error", init.ctl("thaw", "ticks").returncode, 0)


def cgroup_lacks(t):
    limits = {"memory-max": "64M", "pids-max": 50, "cpu-max": "50%", "io-weight": 10}
    units = {"a": {"service": sh("exec sleep 1000"), "cgroup": limits}}
    for place, named in (("without cgroups", {"cgroups": False}), ("without controllers", {})):
        if not named and not t.scene.cgroups:
            continue
        with t.scene.init(units, **named) as init:
            init.wait("a")
            init.ask("Restart", "a")
            until(lambda: all(f"cgroup.{key} cannot" in init.text("a", ("init",)) for key in limits), 10)
            said = init.text("a", ("init",))
            t.equal(f"{place}, each key of [cgroup] that cannot be honoured is named once",
                    [said.count(f"cgroup.{key} cannot be honoured") for key in limits], [1] * len(limits))
            t.has(f"{place}, with the reason", said, "there is no controller for memory" if not named
                  else "there is no cgroup v2 that can be written")
            t.equal(f"{place}, the service runs", init.state("a"), "up")
            # In the middle of an exec a process has no memory.
            status = until(lambda: (now := init.status("a")).get("memory_bytes", 0) > 0 and now, 5) or init.status("a")
            t.equal(f"{place}, what it uses is told all the same, and marked as the sum over its processes",
                    (status.get("tasks"), 0 < status.get("memory_bytes", 0) < 1 << 30, status.get("memory_peak_bytes"),
                     sorted(status["summed"])),
                    (1, True, None, ["cpu_usec", "memory_bytes", "tasks"] if named else ["memory_bytes"]))
            t.has(f"{place}, so does minictl status", init.ctl("status", "a").stdout, "(sum over its processes)")
            rows = {row["unit"]: row for row in json.loads(init.ctl("top", "--json", "-n", "1").stdout)["units"]}
            t.equal(f"{place}, and top", ("memory_bytes" in rows["a"]["summed"], rows["a"]["tasks"]), (True, 1))
            t.has(f"{place}, whose table marks it", init.ctl("top", "-n", "1").stdout, "~")
            features = {one["name"]: one for one in init.call("Probe")["parameters"]["features"]}
            t.equal(f"{place}, probe tells what is in use", features["cgroup v2"]["available"], not named)


def cgroup_sums(t):
    """Without cgroups, what units use is the sum over their processes, however those have left their parents."""
    # For a quarter of a second of its own processor time, however long that takes.
    busy = "while read -r line </proc/self/stat; set -- ${line##*) }; [ $((${12} + ${13})) -lt 25 ]; do :; done"
    tree = f"({busy}) & (setsid sh -c '{busy}; exec sleep 1000' &) ; wait; echo busy; exec sleep 1000"
    units = {"tree": {"service": sh(tree)}, "idle": {"service": sh("exec sleep 1000")},
             "once": {"service": sh("exit 0", type="oneshot")}}
    with t.scene.init(units, cgroups=False) as init:
        init.text("tree", once="busy")
        init.wait("once", "done")
        until(lambda: init.status("tree")["tasks"] == 2, 10, "two tasks")
        used = lambda name: init.status(name)["memory_bytes"] or 0
        until(lambda: used("tree") > 1.5 * used("idle") > 0, 10)  # once both are what they are to be
        tree, idle, once = (init.status(name) for name in ("tree", "idle", "once"))
        t.ok("memory is that of all processes of the unit", tree["memory_bytes"] > 1.5 * idle["memory_bytes"] > 0,
             (tree["memory_bytes"], idle["memory_bytes"]))
        t.ok("so is the processor time, with that of children that were waited for", tree["cpu_usec"] > 300000 > idle["cpu_usec"],
             (tree["cpu_usec"], idle["cpu_usec"]))
        t.equal("of a unit without a process nothing is told", (once.get("tasks"), once.get("memory_bytes"), once["summed"]),
                (None, None, []))
        listed = {unit["name"]: unit for unit in init.call("List", usage=True)["parameters"]["units"]}
        t.equal("a list with usage has the same", {name: listed[name]["tasks"] for name in ("tree", "idle")}, {"tree": 2, "idle": 1})
        init.stop("idle")
        t.equal("and of one that is stopped, nothing", init.status("idle").get("tasks"), None)
    with t.scene.init({"idle": units["idle"]}, cgroups=False, proc=False) as init:
        init.wait("idle")
        status = init.status("idle")
        t.equal("without /proc nothing is told", (status.get("tasks"), status.get("memory_bytes"), status["summed"]),
                (None, None, []))


def cgroup_delegated(t):
    if not t.scene.cgroups:
        return
    nest = "d=$(sed -n 's/^0:://p' /proc/self/cgroup); d=%s$d; mkdir $d/mine $d/mine/deep && " \
           "echo 0 >$d/mine/deep/cgroup.procs && echo nested; exec sleep 1000" % t.scene.cgroups
    units = {"plain": {"service": sh("exec sleep 1000")},
             "own": {"enabled": False, "service": {**sh(nest), "reload-command": ["/bin/sh", "-c", "cat /proc/self/cgroup"]},
                     "process": {"user": str(NOBODY), "group": str(NOBODY)}, "cgroup": {"delegate": True}}}
    with t.scene.init(units) as init:
        init.wait("plain")
        where = lambda pid: next(line for line in open(f"/proc/{pid}/cgroup") if line.startswith("0::")).strip()
        t.ok("an init whose units need no controller stays where it was started",
             where(init.pid()).endswith(os.path.basename(init.cgroup)), where(init.pid()))
        init.start("own")
        t.ok("a user to whom his cgroup is delegated nests in it", until(lambda: "nested" in init.text("own"), 5),
             init.text("own", ("out", "err", "init")))
        pid = init.outside(init.status("own")["main_pid"])
        t.has("and his processes go where he sends them", where(pid), "/own/mine/deep")
        if open(f"{init.cgroup}/cgroup.controllers").read().strip():
            t.ok("controllers are handed down to it by an init that has made way",
                 where(init.pid()).endswith("/init.leaf") and where(init.collector()).endswith("/init.leaf")
                 and open(f"{init.cgroup}/cgroup.procs").read() == "", where(init.pid()))
        init.ask("Reload", "own")
        t.ok("a command beside it has a cgroup of its own in it", until(lambda: "/own/control.leaf" in init.text("own"), 5),
             init.text("own"))
        t.equal("what he nested counts as his", init.status("own")["tasks"], 1)
        init.stop("own")
        t.equal("a stop ends it, and removes all that was nested",
                (init.outside(pid), glob.glob(f"{init.cgroup}/miniinit-*/own")), (None, []))
        t.equal("it starts again", init.start("own")["own"]["ok"], True)
        init.signal(signal.SIGTERM)
        t.equal("the init ends in order", init.ended(), 0)
        t.equal("and leaves its cgroup as it was", (glob.glob(f"{init.cgroup}/*/"),
                                                    open(f"{init.cgroup}/cgroup.subtree_control").read().strip()), ([], ""))


def cgroup_vanishes(t):
    if not t.scene.cgroups:
        return
    units = {"a": {"enabled": False, "service": {**sh(FAMILY), "stop-timeout": "2s"}, "cgroup": {"pids-max": 50}},
             "b": {"service": sh("exec sleep 1000")}}
    with t.scene.init(units) as init:
        init.wait("b")
        init.stop("b")
        os.rmdir(glob.glob(f"{init.cgroup}/miniinit-*/")[0])
        with open(f"{init.cgroup}/cgroup.max.descendants", "w") as file:
            file.write("0")  # and they cannot be made again
        t.equal("where the cgroups have been removed under the init, services start all the same",
                (init.start("a")["a"]["ok"], init.start("b")["b"]["ok"]), (True, True))
        until(lambda: len(init.log("a", ("out",))) > 1, 5, "ticks")
        t.equal("what they belong to is told by their session", len(init.own_processes()) >= 3, True)
        init.stop("a")
        t.equal("a stop leaves none of them", [what[4] for what in init.own_processes().values()], ["sleep 1000"])
        init.start("a")
        init.stop("a")
        said = init.text("a", ("init",), once="found by their session")
        t.equal("that is told once", said.count("found by their session"), 1)
        features = {one["name"]: one for one in init.call("Probe")["parameters"]["features"]}
        t.equal("probe tells it too", features["cgroup for each run"]["available"], False)


GROUPS = [cgroup_freeze, cgroup_freeze_none, cgroup_lacks, cgroup_sums, cgroup_delegated, cgroup_vanishes]
