"""What wears an init down: many starts and stops, a collector that hangs, a full disk, requests that cross; and that
it sleeps when there is nothing to do."""
import os
import signal
import time

from harness import sh, until

SLEEP = "exec sleep 1000"


def robust_cycles(t):
    units = {f"s{number:02}": {"enabled": False, "service": sh(f"echo hello from {number}; echo >&3; " + SLEEP,
                                                               type="notify-fd")} for number in range(40)}
    units["crash"] = {"enabled": False, "service": sh("exit 1", restart_delay="1ms", restart_delay_max="2ms", restart_limit=0),
                      "log": {"rotate-size": "64K", "rotate-keep": 1}}
    units["keeper"] = {"service": sh(SLEEP)}
    with t.scene.init(units) as init:
        init.wait("keeper")
        names = [name for name in units if name.startswith("s")]
        init.ask("Start", *names)
        up = init.descriptors()
        init.ask("Stop", *names)
        base = until(lambda: (count := init.descriptors()) <= up - 2 * len(names) + 4 and count,
                     5) or init.descriptors()
        t.ok("PID 1 has at most two descriptors for a running service", up - base <= 2 * len(names) + 8,
             f"{base} to {up}")
        init.call("Start", units=["crash"], wait=False)
        until(lambda: init.status("crash")["restarts"] > 10, 20, "10 restarts")
        memory, collector = init.memory(), init.collector()
        descriptors = lambda: len(os.listdir(f"/proc/{collector}/fd"))
        of_collector = descriptors()
        for _ in range(10):
            init.ask("Start", *names)
            init.ask("Stop", *names)
        t.ok("after 400 starts and stops all descriptors are back", until(lambda: init.descriptors() <= base + 4, 5),
             f"{base} to {init.descriptors()}")
        until(lambda: init.status("crash")["restarts"] > 300, 20, "300 restarts")
        t.ok("after that and 300 restarts of a crashing service memory is what it was", init.memory() < memory + 512,
             f"{memory} to {init.memory()} KiB")
        t.ok("the collector too has no descriptors left over", until(lambda: descriptors() <= of_collector + 2, 5),
             f"{of_collector} to {descriptors()}")
        if init.cgroup:
            left = [name for path, names, _ in os.walk(init.cgroup) for name in names if name.startswith("s")]
            t.equal("no cgroup of a stopped service is left", left, [])
        t.equal("every one of 440 lines is there", sum(len(init.log(name, ("out",))) for name in names), 440)
        t.equal("no zombie is left", init.zombies(), 0)


def robust_crossing(t):
    """Requests that come while others are under way."""
    slow = "trap 'sleep 0.3; exit 0' TERM; echo >&3; while :; do sleep 0.05; done"
    units = {"slow": {"enabled": False, "service": sh("sleep 0.3; " + slow, type="notify-fd")},
             "above": {"enabled": False, "requires": ["slow"], "service": sh(SLEEP)},
             "long": {"enabled": False, "service": sh("sleep 1000", type="oneshot")},
             "crash": {"enabled": False, "service": sh("exit 1", restart_delay="5s", restart_delay_max="10s")},
             "on-crash": {"enabled": False, "requires": ["crash"], "service": sh(SLEEP)},
             "reload": {"enabled": False,
                        "service": {**sh("trap 'echo hup' HUP; echo >&3; while :; do sleep 0.05; done",
                                         type="notify-fd")}},
             "reload-command": {"enabled": False, "service": {**sh(SLEEP),
                     "reload-command": ["/bin/sh", "-c", "echo reloaded $MINIINIT_UNIT"]}},
             "reload-fails": {"enabled": False, "service": {**sh(SLEEP),
                                                            "reload-command": ["/bin/sh", "-c", "exit 3"]}},
             "reload-hangs": {"enabled": False, "service": {**sh(SLEEP), "reload-command": ["/bin/sleep", "1000"]}},
             "context": {"enabled": False, "service": {**sh("id -u; echo main $INVOCATION_ID; exec sleep 1000"),
                     "pre-start": [["/bin/sh", "-c", "id -u; echo pre $INVOCATION_ID; pwd"]],
                                                     "post-stop": [["/bin/sh", "-c",
                                                                    "echo post $INVOCATION_ID $(umask)"]]},
                         "process": {"user": "daemon", "working-directory": "/usr", "umask": "0077"}},
             "one": {"enabled": False, "service": {"type": "oneshot", **sh("sleep 0.2", type="oneshot")}},
             "keeper": {"service": sh(SLEEP)}}
    for number in range(6):
        units[f"p{number}"] = {"enabled": False,
                               "service": sh(
                                   f"echo + >>{t.scene.work}/parallel; sleep 0.1; echo - >>{t.scene.work}/parallel",
                                   type="oneshot")}
    with t.scene.init(units, sections={"manager": {"parallel-starts": 2}}) as init:
        init.wait("keeper")
        a, b = init.client(), init.client()
        a.send("Start", units=["above"])
        until(lambda: init.state("slow") == "starting", 3)
        result = b.call("Stop", units=["above", "slow"])["parameters"]["results"]
        t.ok("a stop while it starts: it is down in the end", all(one["ok"] for one in result)
             and init.state("slow") == init.state("above") == "down", result)
        reply = a.receive(5)
        t.ok("and who asked for the start is told that it came to nothing", reply
             and ("error" in reply or not reply["parameters"]["results"][0]["ok"]), reply)
        init.start("above")
        a.send("Stop", units=["slow"])
        until(lambda: init.state("slow") == "stopping", 3)
        result = b.call("Start", units=["above"])["parameters"]["results"]
        t.ok("a start while it stops: it is up in the end", result[0]["ok"]
             and init.state("slow") == init.state("above") == "up", result)
        t.ok("who asked for the stop is answered too", a.receive(3) is not None)
        a.close()
        a = init.client()
        first = init.status("slow")["main_pid"]
        a.send("Restart", units=["slow"])
        b.send("Restart", units=["slow"])
        a.receive(10), b.receive(10)
        t.ok("two restarts at once end with it up", init.state("slow") == "up"
             and init.status("slow")["main_pid"] != first, init.brief("slow"))
        a.send("Start", units=["long"])
        until(lambda: init.state("long") == "starting", 3)
        t.ok("a oneshot that runs can be stopped", init.stop("long")["long"]["ok"] and init.state("long") == "down",
             init.brief("long"))
        a.receive(5)
        a.send("Start", units=["on-crash"])
        until(lambda: init.state("crash") == "backoff", 3, "crash in backoff")
        t.ok("what requires a unit in backoff waits for it", until(lambda: init.state("on-crash") == "waiting", 3),
             init.brief("on-crash"))
        t.has("and `explain` says for what", " ".join(init.explain("on-crash")), "crash", "exit code 1")
        t.ok("it can be stopped", init.ask("Stop", "on-crash")["on-crash"]["ok"] and init.state("on-crash") == "down",
             init.brief("on-crash"))
        init.stop("crash")
        a.close(), b.close()

        init.ask("Start", "reload", "reload-command", "reload-fails", "reload-hangs")
        init.ask("Reload", "reload")
        t.ok("reload sends SIGHUP", until(lambda: "hup" in init.text("reload"), 3))
        t.ok("reload-command runs instead", init.ask("Reload", "reload-command")["reload-command"]["ok"]
             and "reloaded reload-command" in init.text("reload-command"), init.text("reload-command"))
        result = init.ask("Reload", "reload-fails")["reload-fails"]
        t.ok("one that fails is told, and the service goes on", not result["ok"]
             and init.state("reload-fails") == "up", result)
        init.call("Reload", units=["reload-hangs"], wait=False)
        t.ok("one that hangs does not hinder a stop", init.stop("reload-hangs")["reload-hangs"]["ok"]
             and init.state("reload-hangs") == "down", init.brief("reload-hangs"))
        init.start("context")
        until(lambda: "main" in init.text("context"), 3)
        init.stop("context")
        lines = init.text("context").split("\n")
        ids = {line.split()[1] for line in lines if line.split()[0] in ("pre", "main", "post")}
        t.equal("the commands around the main one have its context: user, directory, umask, INVOCATION_ID",
                (lines.count("1"), "/usr" in lines, lines[-1].split()[-1], len(ids)),
                (2, True, "0077", 1))
        t.ok("without `wait` a start answers at once", init.call("Start", 1, units=["one"],
                wait=False)["parameters"] is not None and init.state("one") in ("starting", "waiting"),
                init.brief("one"))
        init.wait("one", "done")
        init.ask("Start", *(f"p{number}" for number in range(6)))
        running = most = 0
        for line in open(t.scene.work + "/parallel"):
            running += 1 if line == "+\n" else -1
            most = max(most, running)
        t.equal("parallel-starts bounds how many start at once", most, 2)
        for number in range(3):
            init.kill_inside(init.outside(init.status("keeper")["main_pid"]), signal.SIGSTOP)
            init.ask("Restart", "keeper")
        t.equal("a frozen service can be restarted, again and again", init.state("keeper"), "up")


def robust_collector(t):
    units = {"talks": {"service": sh("i=0; while :; do i=$((i+1)); echo line $i; sleep 0.01; done")},
             "later": {"enabled": False, "service": sh("echo late; " + SLEEP)},
             "job": {"enabled": False, "service": sh("echo job; exit 2", type="oneshot")}}
    with t.scene.init(units) as init:
        init.wait("talks")
        collector = init.collector()
        if not init.freeze(collector):
            return t.note("nothing can be frozen here")
        began = time.monotonic()
        t.ok("with a collector that hangs, units start", init.start("later")["later"]["ok"])
        result = init.start("job")["job"]
        t.ok("and ends are told, if a little later", not result["ok"] and time.monotonic() - began < 4,
             f"{time.monotonic() - began:.1f} s")
        t.equal("and stops work", (init.stop("later")["later"]["ok"], init.state("talks")), (True, "up"))
        init.thaw(collector)
        t.ok("when it goes on, nothing is lost", until(lambda: init.text("job", ("out",)) == "job"
                                                       and init.text("later", ("out",)) == "late", 5), init.text("job"))
        init.freeze(init.collector())
        began = time.monotonic()
        init.signal(signal.SIGTERM)
        t.ok("a collector that hangs does not keep the init from ending", init.ended(15) == 0
             and time.monotonic() - began < 12, f"{time.monotonic() - began:.1f} s")


def robust_full_disk(t):
    writer = t.scene.program("log_writer")
    units = {"flood": {"enabled": False, "service": {"type": "oneshot", "command": [writer, "f", "60000", "100"]}},
             "talks": {"service": sh("i=0; while :; do i=$((i+1)); echo line $i; sleep 0.02; done")}}
    with t.scene.init(units, log_mount="size=2M", sections={"log": {"rotate-size": "400K",
                                                                    "rotate-keep": 100,
                                                                    "compress": False}}) as init:
        init.wait("talks")
        until(lambda: os.path.exists(init.inside(init.logs) + "/talks/current"), 5, "a log")
        result = init.start("flood")["flood"]
        t.ok("6 MB of log on a disk of 2 MB: the service is not blocked", result["ok"], result)
        directory = init.inside(init.logs)
        stored = sum(os.path.getsize(os.path.join(path, name)) for path, _, names in os.walk(directory)
                     for name in names)
        t.ok("the disk is full", stored > 1 << 20, stored)
        before = open(directory + "/talks/current").read()
        t.ok("what was stored is whole", all(line.count("out: line ") == 1 for line in before.split("\n")[:-1]
                                             if " out: " in line), before[-300:])
        t.equal("the init goes on", init.state("talks"), "up")
        for name in os.listdir(directory + "/flood"):
            if name.endswith(".log"):
                os.unlink(f"{directory}/flood/{name}")
        last = len(before)
        t.ok("when there is room again it resumes by itself",
             until(lambda: os.path.getsize(directory + "/talks/current") > last, 15))
        text = until(lambda: "lost" in (all_of := "".join(open(os.path.join(path, name), errors="replace").read()
                                                          for path, _, names in os.walk(directory) for name in names))
                     .lower() or "dropped" in all_of.lower(), 5)
        t.ok("and what was dropped is said in the log", bool(text))


def robust_idle(t):
    units = {f"s{number}": {"service": sh("echo hello; " + SLEEP)} for number in range(20)}
    with t.scene.init(units) as init:
        for name in units:
            init.wait(name)
        pids = init.pid(), init.collector()
        init.fall_idle()
        before = [init.wakeups(pid) for pid in pids]
        time.sleep(3)
        after = [init.wakeups(pid) for pid in pids]
        t.equal("with 20 services up and idle, PID 1 and the collector do not wake once in 3 s",
                [b - a for a, b in zip(before, after)], [0, 0])


def robust_environment(t):
    with t.scene.init({"shows": {"service": sh("env; exit 0", type="oneshot")}, "keeper": {"service": sh(SLEEP)}},
                      env={"FROM_RUNTIME": "yes", "HOME": "/root", "NOTIFY_SOCKET": "/x", "LISTEN_FDS": "3"}) as init:
        init.wait("shows", "done")
        text = init.text("shows").split("\n")
        t.ok("in a container services get the container's environment", "FROM_RUNTIME=yes" in text, text)
        t.equal("but not what the init was told as a service itself",
                [line for line in text if line.split("=")[0] in ("NOTIFY_SOCKET", "LISTEN_FDS")], [])
        t.ok("what is passed on is said once, at the start", until(lambda: "environment" in init.text("miniinit", ()), 10),
             init.text("miniinit", ()))


GROUPS = [robust_cycles, robust_crossing, robust_collector, robust_full_disk, robust_environment]
ALONE = [robust_idle]
