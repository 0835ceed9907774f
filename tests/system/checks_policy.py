"""What happens after an end: restart, backoff, limits and their actions, success-exit, on-failure and on-success; and
what units are to each other: requires, wants, milestones, conflicts, conditions, what is no longer needed."""
import os
import signal
import time

from harness import sh, until

SLEEP = "exec sleep 1000"


def policy_restart(t):
    work = t.scene.work + "/restart"
    os.mkdir(work)

    def ends(how, **service):
        return {"service": sh("echo run; " + how, restart_delay="10ms", restart_delay_max="1s", restart_limit=2,
                              **service)}

    units = {}
    for policy in ("no", "on-failure", "on-abnormal", "always"):
        units[f"{policy}-zero"] = ends("exit 0", restart=policy)
        units[f"{policy}-one"] = ends("exit 1", restart=policy)
        units[f"{policy}-killed"] = ends("kill -KILL $$", restart=policy)
    units["success-exit"] = {"service": {**sh("exit 42", restart="on-failure"), "success-exit": [0, 42, "SIGUSR1"]}}
    units["success-signal"] = {"service": {**sh("kill -USR1 $$", restart="on-failure"),
                                           "success-exit": [0, 42, "SIGUSR1"]}}
    units["oneshot-success"] = {"service": {**sh("exit 42", type="oneshot"), "success-exit": [0, 42]}}
    units["default-oneshot"] = {"service": sh("exit 1", type="oneshot")}
    units["alarm"] = {"enabled": False, "service": sh("echo alarm; exit 0", type="oneshot")}
    units["party"] = {"enabled": False, "service": sh("echo party; exit 0", type="oneshot")}
    units["alarms"] = {"on-failure": ["alarm"], "on-success": ["party"], **ends("exit 1", restart="on-failure")}
    units["completes"] = {"on-failure": ["never"], "on-success": ["party"], "service": sh("exit 0", type="oneshot")}
    units["never"] = {"enabled": False, "service": sh(SLEEP)}
    units["retries"] = {"service": sh(f"echo x >>{work}/retries; exit 1", restart_delay="20ms",
                                      restart_delay_max="200ms", restart_limit=2,
                                      restart_limit_action="retry")}
    units["keeper"] = {"service": sh(SLEEP)}
    with t.scene.init(units) as init:
        restarted = {"no": (), "on-failure": ("one", "killed"), "on-abnormal": ("killed",),
                     "always": ("zero", "one", "killed")}
        for policy, ends_again in restarted.items():
            for end in ("zero", "one", "killed"):
                name = f"{policy}-{end}"
                status = until(lambda: (s := init.status(name))["state"] in ("failed", "down", "done") and s,
                               5) or init.status(name)
                t.equal(f"restart = \"{policy}\" after {dict(zero='exit 0', one='exit 1', killed='SIGKILL')[end]}",
                        (status["state"], init.text(name).count("run"), status["restarts"]),
                        ("failed", 3, 2) if end in ends_again else ("failed" if end != "zero" else "down", 1, 0))
        t.has("past the limit the reason says so", init.status("on-failure-one")["reason"], "too often", "exit code 1")
        for name in ("success-exit", "success-signal"):
            status = until(lambda: (s := init.status(name))["state"] == "down" and s, 5) or init.status(name)
            t.equal(f"{name}: it is a success, and ends it", (status["state"], status["restarts"]), ("down", 0))
        t.attempt("success-exit holds for a oneshot", lambda: init.wait("oneshot-success", "done"))
        t.equal("a oneshot is not restarted unless asked for", (init.wait("default-oneshot", "failed")["restarts"]), 0)
        t.attempt("on-failure starts its unit when the limit is passed", lambda: init.wait("alarm", "done"))
        t.attempt("on-success starts its unit when a oneshot is done", lambda: init.wait("party", "done"))
        t.equal("neither is started for the other end", (init.text("party"), init.state("never")), ("party", "down"))
        count = lambda: len(open(work + "/retries").readlines())
        t.ok("restart-limit-action = \"retry\" goes on, slowly", until(lambda: count() >= 5, 5)
             and init.state("retries") in ("backoff", "starting", "up", "stopping"),
             init.brief("retries"))
        init.stop("retries")
        init.call("Reset", units=["on-failure-one"])
        t.ok("`reset` makes a failed unit that is wanted try again, with all its tries",
             until(lambda: init.text("on-failure-one").count("run") == 6 and
             init.state("on-failure-one") == "failed", 5), init.text("on-failure-one"))

    units = {"slow": {"service": sh("exit 1", restart_delay="10s", restart_delay_max="20s")},
             "keeper": {"service": sh(SLEEP)},
             "dies": {"service": sh("exec sleep 1000", restart_delay="50ms")},
             "needs-dies": {"requires": ["dies"], "service": sh(SLEEP)},
             "after-dies": {"wants": ["dies"], "service": sh(SLEEP)}}
    with t.scene.init(units) as init:
        status = init.wait("slow", "backoff")
        t.ok("the time left of a backoff is shown", 5000 < (status.get("left_ms") or 0) <= 15000, status)
        began = time.monotonic()
        init.stop("slow")
        t.ok("a stop cancels a pending restart", init.state("slow") == "down" and time.monotonic() - began < 2,
             init.brief("slow"))
        for name in ("needs-dies", "after-dies"):
            init.wait(name)
        pids = {name: init.status(name)["main_pid"] for name in ("dies", "needs-dies", "after-dies")}
        events = init.events()
        init.kill_inside(init.outside(pids["dies"]), signal.SIGKILL)
        events.until("needs-dies", "up")
        t.ok("a service that is killed comes back", init.status("dies")["main_pid"] not in (None, pids["dies"]))
        t.ok("what requires it was stopped and came back with it",
             init.status("needs-dies")["main_pid"] != pids["needs-dies"]
             and "stopping" in events.states("needs-dies"), events.states("needs-dies"))
        t.equal("what wants it went on", init.status("after-dies")["main_pid"], pids["after-dies"])


def policy_no_default(t):
    units = {"service": {"service": sh(SLEEP)}, "target": {"target": {}, "requires": ["needed"]},
             "needed": {"enabled": False, "service": sh(SLEEP)},
             "disabled": {"enabled": False, "service": sh(SLEEP)}}
    with t.scene.init(units) as init:
        init.wait("service")
        init.wait("target")
        t.equal("where there is no unit `default`, every enabled unit is wanted, targets too",
                [init.state(name) for name in units], ["up", "up", "up", "down"])


def policy_target(t):
    """`minictl target`, and what else brings units down together."""
    off = {"enabled": False}
    units = {"default": {"target": {}, "wants": ["web", "log", "setup"]},
             "rescue": {"target": {"aliases": ["runlevel1"]}, **off, "requires": ["shell"], "wants": ["log"]},
             "web": {"requires": ["net"], "service": sh(SLEEP)}, "net": {"service": sh(SLEEP)},
             "log": {"service": sh(SLEEP)}, "shell": {**off, "service": sh(SLEEP)},
             "setup": {"service": {**sh("echo set up", type="oneshot"), "stop-command": ["/bin/echo torn down"],
                                   "post-stop": ["/bin/echo swept"]}},
             "by-hand": {**off, "service": sh(SLEEP)}, "slow": {**off, "service": sh("sleep 1000", type="oneshot")}}
    with t.scene.init(units) as init:
        init.wait("default")
        init.start("by-hand")
        pid = init.status("log")["main_pid"]
        result = init.ctl("target", "runlevel1")
        t.equal("`minictl target` by an alias", (result.returncode, result.stderr), (0, ""))
        t.equal("it starts what the target needs and stops all else",
                [init.state(name) for name in ("rescue", "shell", "log", "web", "net", "setup", "by-hand", "default")],
                ["up", "up", "up", "down", "down", "down", "down", "down"])
        t.equal("what both need is not touched", init.status("log")["main_pid"], pid)
        until(lambda: init.state("setup") == "down", 3)
        t.equal("a oneshot that was done is undone by its stop-command and post-stop", init.text("setup"),
                "set up\ntorn down\nswept")
        result = init.ctl("target", "default")
        t.equal("and back", (result.returncode, [init.state(name)
                for name in ("default", "web", "net", "log", "setup", "shell", "by-hand")]),
                (0, ["up", "up", "up", "up", "done", "down", "down"]))
        t.equal("a target that is not there: 4", init.ctl("target", "nowhere").returncode, 4)
        waiting = init.client()
        waiting.send("Start", units=["slow"])
        waiting.send("Wait", unit="by-hand", state="up")
        until(lambda: init.state("slow") == "starting", 3)
        init.signal(signal.SIGTERM)
        t.ok("who waits for a start is told when the init ends instead", waiting.receive(5) is not None)
        t.equal("and the init ends", init.ended(10), 0)
    with t.scene.init({"slow": {"service": {**sh(
        "trap 'sleep 0.7; exit 0' TERM; echo >&3; while :; do sleep 0.05; done", type="notify-fd")}},
        "other": {**off, "service": sh(SLEEP)}}) as init:
        init.wait("slow")
        init.signal(signal.SIGTERM)
        until(lambda: init.state("slow") == "stopping", 3)
        result = init.ctl("start", "other")
        t.ok("on the way down nothing is started any more, and that is said", result.returncode == 1
             and "going down" in result.stderr, f"{result.returncode} {result.stderr}")
        t.equal("and the way down goes on", init.ended(10), 0)


def policy_limit_actions(t):
    for action, expected in (("shutdown", "ends the container"), ("reboot", "ends the container")):
        units = {"crash": {"service": sh("exit 9", restart_delay="10ms", restart_limit=1, restart_limit_action=action)},
                 "keeper": {"service": sh(
                     "trap 'echo stopped in order; exit 0' TERM; echo >&3; while :; do sleep 0.05; done",
                     type="notify-fd")}}
        units["crash"]["requires"] = ["keeper"]
        with t.scene.init(units) as init:
            init.ended(10)
            t.has(f"restart-limit-action = \"{action}\" {expected}, in order", init.text("keeper", ("out",)),
                  "stopped in order")


def policy_relations(t):
    flag = t.scene.work + "/relations-flag"
    open(flag, "w").close()
    down = {"enabled": False}
    units = {
        "base": {**down, "service": sh(SLEEP)},
        "middle": {**down, "requires": ["base"], "service": sh(SLEEP)},
        "top": {**down, "requires": ["middle"], "service": sh(SLEEP)},
        "shared": {**down, "requires": ["base"], "service": sh(SLEEP)},
        "weak": {**down, "wants": ["gone", "fails"], "service": sh(SLEEP)},
        "fails": {**down, "service": sh("exit 1", type="oneshot")},
        "hard": {**down, "requires": ["no-such-unit"], "service": sh(SLEEP)},
        "mile": {**down, "service": sh("exec sleep 1000", restart="no")},
        "past": {**down, "milestones": ["mile"], "service": sh(SLEEP)},
        "day": {**down, "conflicts": ["night"], "service": sh(SLEEP)},
        "night": {**down, "service": sh(SLEEP)},
        "skipped": {**down, "condition": {"path-exists": ["/no/such/path"]}, "service": sh(SLEEP)},
        "after-skipped": {**down, "requires": ["skipped"], "service": sh(SLEEP)},
        "met": {**down, "condition": {"path-exists": [flag], "path-missing": "/no/such/path", "container": True},
                "service": sh(SLEEP)},
        "negated": {**down, "condition": {"path-exists": ["!" + flag]}, "service": sh(SLEEP)},
        "group": {**down, "requires": ["middle"], "wants": ["weak"], "target": {"aliases": ["crowd"]}},
        "pulled": {"enabled": True, "required-by": ["group"], "service": sh(SLEEP)},
        "order-b": {**down, "after": ["order-a"], "service": sh("echo b >>FILE; exec sleep 1000".replace("FILE",
                t.scene.work + "/order"))},
        "order-a": {**down, "service": {"type": "oneshot", **sh("sleep 0.2; echo a >>FILE".replace("FILE",
                t.scene.work + "/order"), type="oneshot")}},
        "loop-a": {**down, "requires": ["loop-b"], "service": sh(SLEEP)},
        "loop-b": {**down, "requires": ["loop-a"], "service": sh(SLEEP)},
        "soft-a": {**down, "requires": ["soft-b"], "service": sh(SLEEP)},
        "soft-b": {**down, "wants": ["soft-a"], "service": sh(SLEEP)},
        "keeper": {"service": sh(SLEEP)},
    }
    with t.scene.init(units) as init:
        init.wait("keeper")
        states = lambda *names: [init.state(name) for name in names]
        t.ok("starting a unit starts what it requires, all the way", init.start("top")["top"]["ok"]
             and states("base", "middle", "top") == ["up"] * 3)
        pids = [init.status(name)["main_pid"] for name in ("base", "middle")]
        init.start("shared")
        init.stop("top")
        t.equal("what was started only for it stops with it, but not what another needs",
                until(lambda: states("top", "middle", "base", "shared") == ["down", "down", "up", "up"], 3)
                or states("top", "middle", "base", "shared"), True)
        t.equal("and that was not touched", init.status("base")["main_pid"], pids[0])
        init.start("top")
        init.stop("base")
        t.equal("stopping a unit stops what requires it, which waits for it then",
                states("base", "middle", "top", "shared"), ["down"] + ["waiting"] * 3)
        t.equal("none of them has a process (the two that are up have)",
                [what[4] for what in init.own_processes().values()], ["sleep 1000"] * 2)
        init.start("base")
        t.attempt("when it comes back, so do they", lambda: [init.wait(name, timeout=3)
                                                             for name in ("middle", "top", "shared")])
        t.ok("`wants`: started, failure and absence borne", init.start("weak")["weak"]["ok"]
             and init.state("fails") == "failed", init.brief("weak"))
        result = init.start("hard")["hard"]
        t.ok("`requires` of a unit that is not there fails", not result["ok"] and "no-such-unit" in result["message"],
             result)
        init.start("past")
        init.kill_inside(init.outside(init.status("mile")["main_pid"]), signal.SIGKILL)
        init.wait("mile", "failed")
        t.equal("`milestones`: what they do later does not matter", init.state("past"), "up")
        init.start("night")
        init.start("day")
        t.equal("`conflicts`: starting one stops the other", states("day", "night"), ["up", "down"])
        init.start("night")
        t.equal("and the reverse", states("day", "night"), ["down", "up"])
        t.ok("an unmet condition skips the unit, which satisfies its dependents",
             init.start("after-skipped")["after-skipped"]["ok"]
             and states("skipped", "after-skipped") == ["skipped", "up"], states("skipped", "after-skipped"))
        t.has("and says which", init.status("skipped")["reason"], "/no/such/path")
        t.ok("conditions that hold do not hinder", init.start("met")["met"]["ok"] and init.state("met") == "up")
        init.start("negated")
        t.equal("a negated condition", init.state("negated"), "skipped")
        t.ok("a target starts what it requires and wants, and what declares it is required by it",
             init.start("crowd") and states("group", "middle", "weak", "pulled") == ["up"] * 4,
             states("group", "middle", "weak", "pulled"))
        init.stop("pulled")
        t.equal("a target goes down with what it requires, and waits for it", init.state("group"), "waiting")
        init.ask("Start", "order-b", "order-a")
        t.equal("`after` orders what is started together", until(lambda: open(t.scene.work
                + "/order").read() == "a\nb\n", 3), True)
        reply = init.call("Start", units=["loop-a"])
        t.ok("a cycle of requirements is invalid, with its whole path",
             reply.get("error", "").endswith(".InvalidUnit") and
             "loop-a -> loop-b -> loop-a" in reply["parameters"]["message"], reply)
        result = init.start("soft-a")["soft-a"]
        t.ok("a cycle is broken at a wants edge", result["ok"], result)
        t.ok("the init's own log tells of the cycle", "loop-b" in init.text("miniinit", (), once="loop-b")
             and "soft-b" in init.text("miniinit", (), once="soft-b"),
             init.text("miniinit", ()))


def policy_parts(t):
    marks = t.scene.work + "/parts-marks"
    reload = ["/bin/sh", "-c", f"echo reloaded >>{marks}; exit 0"]
    units = {
        "umbrella": {"service": sh("true", type="oneshot")},
        "part": {"part-of": ["umbrella"], "reload-with": ["umbrella"],
                 "service": sh(SLEEP, **{"reload-command": reload})},
        "inner": {"part-of": ["part"], "service": sh(SLEEP)},
        "task": {"service": sh("true", type="oneshot", **{"reload-command": reload})},
    }
    with t.scene.init(units) as init:
        for name in ("umbrella", "task"):
            init.wait(name, "done")
        init.wait("part")
        init.wait("inner")
        t.equal("status says what a unit is part of", [init.status("inner")["dependencies"]["part_of"],
                init.status("part")["dependencies"]["reload_with"]], [["part", "umbrella"], ["umbrella"]])
        pids = [init.status(name)["main_pid"] for name in ("part", "inner")]
        init.ctl("restart", "umbrella")
        t.ok("a unit is stopped and restarted with what it is part of", until(lambda: all(
            init.state(name) == "up" and init.status(name)["main_pid"] not in pids for name in ("part", "inner"))),
            init.brief("part"))
        done = init.ctl("reload", "umbrella")
        t.ok("a reload is passed on to what is reloaded with it",
             done.returncode == 0 and until(lambda: os.path.exists(marks) and open(marks).read() == "reloaded\n"), done)
        done = init.ctl("reload", "task")
        t.equal("a oneshot that is done is reloaded by its command",
                (done.returncode, open(marks).read(), init.state("task")), (0, "reloaded\n" * 2, "done"))
        init.stop("umbrella")
        t.ok("and stopped with it", until(lambda: [init.state(name) for name in ("part", "inner")] == ["down"] * 2),
             init.brief("part"))
        t.has("explain says why", init.ctl("explain", "part").stdout, "umbrella, which it is part of, stopped")
        init.start("umbrella")
        t.ok("and comes back with it", until(lambda: [init.state(name) for name in ("part", "inner")] == ["up"] * 2),
             init.brief("part"))


def policy_by_hand(t):
    units = {"inner": {"refuse-manual-start": True, "refuse-manual-stop": True, "enabled": False, "service": sh(SLEEP)},
             "outer": {"requires": ["inner"], "enabled": False, "service": sh(SLEEP)}, "keeper": {"service": sh(SLEEP)}}
    with t.scene.init(units) as init:
        done = init.ctl("start", "inner")
        t.ok("what is left to other units is not started by hand",
             done.returncode != 0 and "refuse-manual-start" in done.stderr and init.state("inner") == "down", done)
        init.start("outer")
        t.equal("but with a unit that requires it", init.state("inner"), "up")
        for verb in ("stop", "restart", "try-restart"):
            done = init.ctl(verb, "inner")
            t.ok(f"nor stopped by hand: {verb}",
                 done.returncode != 0 and "refuse-manual-" in done.stderr and init.state("inner") == "up", done)
        init.stop("outer")
        t.ok("it goes when nothing needs it any more", until(lambda: init.state("inner") == "down"), init.brief("inner"))


def policy_reasons(t):
    """Why a unit failed or stopped is not lost with what comes later; what is started and reset runs what it should."""
    units = {"fails": {"service": sh("exit 3", restart="no")},
             "once": {"service": sh("echo run", type="oneshot")},
             "user": {"requires": ["once"], "service": sh(SLEEP)},
             "well": {"service": sh("echo run", restart="no")},
             "missing": {"service": {"command": ["/no/such/program"], "restart": "always"}},
             "stranger": {"service": sh(SLEEP), "process": {"user": "no-such-user"}},
             "slow": {"service": {**sh("trap '' TERM; while :; do sleep 0.1; done"), "stop-timeout": "1min"}},
             "dep": {"wants": ["slow"], "service": sh(SLEEP)}}
    with t.scene.init(units) as init:
        for unit in ("user", "slow", "dep"):
            init.wait(unit)
        init.wait("fails", "failed")
        init.wait("well", "down")
        for unit, why in (("missing", "No such file"), ("stranger", "no such user")):
            status = init.wait_failed(unit)
            t.ok(f"what cannot get better by itself is not tried again ({why})",
                 status["restarts"] == 0 and why in status["reason"], status)
        init.stop("fails")
        t.equal("a stop of what has failed leaves why it did", init.explain("fails"),
                ["fails is down: it ended with exit code 3 (stopped by hand)."])
        init.call("Stop", units=["slow"], wait=False)
        init.wait("slow", "stopping")
        t.equal("what is stopped by hand says so while it stops", init.explain("slow"),
                ["slow is stopping: stopped by hand."])
        pid = init.status("user")["main_pid"]
        result = init.ctl("start", "once")
        t.equal("`start` runs a oneshot again that is done, and what requires it goes on",
                (result.returncode, init.text("once").count("run"), init.state("once"), init.status("user")["main_pid"]),
                (0, 2, "done", pid))
        init.ctl("reset")
        t.equal("`reset` starts nothing that ended well", (init.state("well"), init.text("well").count("run")),
                ("down", 1))


def policy_rings(t):
    delays = {"restart-delay": "10ms", "restart-delay-max": "1s", "restart-limit": 4}
    units = {"ping": {"on-success": ["pong"], "service": {**sh("echo run", type="oneshot"), **delays}},
             "pong": {"on-success": ["ping"], "service": {**sh("echo run", type="oneshot"), **delays}},
             "breaks": {"on-failure": ["mends"], "service": {**sh("echo run; exit 1", restart="no"), **delays}},
             "mends": {"enabled": False, "on-success": ["breaks"], "service": {**sh("echo run", type="oneshot"), **delays}}}
    with t.scene.init(units) as init:
        until(lambda: "failed" in (init.state("ping"), init.state("pong")), 20, "one of a ring that has failed")
        t.has("a ring of units ends at its restart-limit", init.status("ping")["reason"] + init.status("pong")["reason"],
              "too often in a row, started each time by the end of")
        t.ok("after as many rounds", all(3 <= init.text(unit).count("run") <= 7 for unit in ("ping", "pong")),
             {unit: init.text(unit).count("run") for unit in units})
        until(lambda: "too often" in init.status("breaks")["reason"] + init.status("mends")["reason"], 20,
              "the end of the ring by failure")
        t.ok("so does one of a failure and of what is to mend it", init.text("breaks").count("run") <= 7,
             {unit: init.text(unit).count("run") for unit in units})
        warning = ": ping -> pong -> ping (on-success, on-success); each round counts as a restart"
        t.has("the init's own log tells of it", init.text("miniinit", (), once="ping -> pong"), warning)
        result = init.ctl("verify", "--config", init.config)
        t.ok("`verify` names the ring", "warning" in result.stdout and warning in result.stdout, result.stdout)
        t.equal("and it is no error", result.returncode, 0)
        for name in ("one", "two"):
            init.write_file(name + ".toml", f'on-success = ["{"two" if name == "one" else "one"}"]\n'
                                            '[service]\ntype = "oneshot"\ncommand = "/bin/true"\n')
        files = [f"{init.units_dir}/{name}.toml" for name in ("one", "two")]
        t.has("nor is one of files that are verified", init.ctl("verify", *files).stdout, "one -> two -> one")


def aliases(t):
    """A service has further names, for people and for other units."""
    units = {"ssh": {"aliases": ["sshd", "shell"], "enabled": False, "service": sh("echo serving; " + SLEEP)},
             "needs": {"requires": ["sshd"], "service": sh(SLEEP)},
             "other": {"aliases": ["needs"], "service": sh(SLEEP)}}
    with t.scene.init(units) as init:
        for name in ("needs", "other"):
            init.wait(name)
        t.equal("a service answers to its alias", (init.status("shell")["name"], init.state("sshd")), ("ssh", "up"))
        init.stop("shell")
        t.equal("it is stopped by it, and what requires it by another one waits", (init.state("ssh"), init.state("needs")),
                ("down", "waiting"))
        init.start("sshd")
        t.equal("and started", init.state("ssh"), "up")
        t.ok("its log is found by it", until(lambda: "serving" in init.ctl("logs", "sshd").stdout, 5))
        t.equal("an alias that is a unit's own name is that unit's", init.status("needs")["name"], "needs")
        t.has("which is said", init.text("miniinit", ("init",), once="alias"), "other has the alias needs, which is already needs")

GROUPS = [aliases, policy_restart, policy_target, policy_no_default, policy_limit_actions, policy_parts, policy_by_hand, policy_relations, policy_reasons,
          policy_rings]
