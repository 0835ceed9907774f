"""PID 1 crashes, and is executed anew, under load: what runs goes on as if nothing had been, and nothing is lost."""
import os
import random
import re
import signal
import socket
import statistics
import time

from harness import SANITIZERS, Failed, sh, until

SLEEP = "exec sleep 1000"
FAULTS = ["segv", "abort", "stack-overflow", "assert", "ill", "fpe", "bus", "exception"]
if not SANITIZERS:  # whose allocator refuses nothing
    FAULTS.append("bad-alloc")
MANAGER = {"manager": {"crash-limit": 1000}}


def overview(init):
    return init.call("Overview")["parameters"]


def again(init, timeout=10):
    """A new connection, as the ones of before may be gone. The time until it is answered."""
    began = time.monotonic()

    def answered():
        try:
            if init.main_client:
                init.main_client.close()
            init.main_client = init.client()
            init.main_client.call("Ping", 10)
            return True
        except (OSError, Failed):
            return False
    until(answered, timeout, "the init answers again", 0.001)
    return time.monotonic() - began


def crash(init, how, count):
    """Has the init crash, and waits until it has come back: `count` crashes it has had by then. Seconds without it."""
    began = time.monotonic()
    if isinstance(how, int):
        os.kill(init.pid(), how)
    else:
        client = init.client()
        client.send("Crash", kind=how)
        try:
            client.receive(5)
        except (Failed, OSError):
            pass
        client.close()

    def back():
        try:
            again(init)
            return overview(init).get("crashes", 0) >= count
        except (OSError, Failed):
            return False  # it was still to come
    until(back, 10, f"crash {count}", 0.001)
    return time.monotonic() - began


def reexec(init):
    began = time.monotonic()
    reply = init.call("Reexec", 20)
    if "error" in reply:
        raise Failed(f"not executed anew: {reply}")
    return time.monotonic() - began


def numbers(init, unit, prefix):
    """The lines of a unit that counts; what is missing between the first and the last."""
    found = [int(line[3].split()[1]) for line in init.log(unit, ("out",)) if line[3].startswith(prefix)]
    return found, sorted(set(range(1, (max(found) if found else 0) + 1)) - set(found))


def crash_load(t):
    beat = t.scene.program("sys_beat")
    units = {}
    for number in range(100):
        units[f"s{number:02}"] = {"service": {"command": [beat, str(20 + number)], "restart": "no"}}
    for number in range(0, 100, 5):
        units[f"s{number:02}"]["service"].update(
            {"command": [beat, str(20 + number), "notify"], "type": "notify", "watchdog": "5s"})
    units["retry"] = {"service": sh("exit 1", restart_delay="300ms", restart_delay_max="300ms", restart_limit=0)}
    units["done"] = {"service": sh("echo once >>$0.ran; true", type="oneshot")}
    units["hourly"] = {"timer": {"every": "1h"}, "service": sh("true", type="oneshot")}
    units["door"] = {"listen": [{"stream": f"{t.scene.work}/door", "mode": "0666"}],
                     "service": {**sh(SLEEP), "activation": "on-demand"}}
    for number in range(6):
        units[f"victim{number}"] = {"enabled": False, "service": sh(SLEEP, restart="no")}
    chance = random.Random(seed := int(os.environ.get("SEED", time.time_ns() % 1000000)))
    t.note(f"seed {seed}")
    with t.scene.init(units, sections=MANAGER, fault_injection=True) as init:
        names = [name for name in units if name.startswith("s")]
        for name in names:
            init.wait(name, timeout=30)
        init.wait("done", "done")
        before = {name: init.status(name) for name in names + ["done", "hourly", "door"]}
        memory, descriptors = [], []
        away, handed, count, tries = [], [], 0, []
        ways = [signal.SIGSEGV, signal.SIGABRT, *FAULTS]
        exits_seen = 0
        for turn in range(50):
            victim = f"victim{turn % 6}"
            init.start(victim)
            pid = init.outside(init.status(victim)["main_pid"])
            how = ways[turn % len(ways)] if turn < len(ways) else chance.choice(ways)
            count += 1
            os.kill(pid, signal.SIGKILL)
            away.append(crash(init, how, count))
            status = init.wait_failed(victim)
            exits_seen += status["last_exit"]["number"] == 9
            handed.append(reexec(init))
            tries.append(init.status("retry")["restarts"])
            if turn in (5, 49):
                memory.append(init.memory())
                descriptors.append(init.descriptors())
        after = {name: init.status(name) for name in before}
        t.equal("50 crashes are counted", overview(init).get("crashes", 0), 50)
        t.equal("50 re-executions are counted", overview(init).get("reexecs", 0), 50)
        t.equal("every service has the process it had", [after[name]["main_pid"] for name in names],
                [before[name]["main_pid"] for name in names])
        t.equal("no service was restarted", [name for name in before if after[name]["restarts"]], [])
        t.equal("states are what they were", {name: after[name]["state"] for name in before},
                {name: before[name]["state"] for name in before})
        t.equal("each of them is since when it was", {name: after[name].get("since") for name in before},
                {name: before[name].get("since") for name in before})
        t.equal("every exit in the middle of a crash is reported", exits_seen, 50)
        t.equal("what a unit in backoff has tried is never forgotten", tries, sorted(tries))
        t.ok("and it is tried on", until(lambda: init.status("retry")["restarts"] > tries[-1]), init.status("retry"))
        t.ok("memory is level", memory[1] < memory[0] + 600, f"{memory} KiB")
        t.ok("so are descriptors", descriptors[1] <= descriptors[0] + 8, descriptors)
        t.ok("an on-demand service listens on", os.path.exists(f"{t.scene.work}/door"))
        told = lambda: sum("crashed" in line[3] for line in init.log("miniinit", ()))
        t.ok("the log tells of each crash", until(lambda: told() >= 50, 10), told())
        t.note(f"without supervision: median {1000 * statistics.median(away):.0f} ms, worst {1000 * max(away):.0f} ms; "
               f"re-executed: median {1000 * statistics.median(handed):.0f} ms")
        init.stop(*names)
        lost = {}
        for name in names:
            found, missing = numbers(init, name, "beat")
            last, _ = numbers(init, name, "last")
            if missing or last != [max(found)] or len(found) != len(set(found)):
                lost[name] = (missing[:5], last, max(found))
        t.equal("every line of 100 services is in their logs, once", lost, {})
        t.equal("no zombie is left", init.zombies(), 0)


def crash_subscriptions(t):
    """What clients wait for is waited for by the next program."""
    units = {"slow": {"enabled": False, "service": sh("read line <$MINI_FIFO; echo >&3; " + SLEEP, type="notify-fd")},
             "other": {"service": sh(SLEEP)}}
    with t.scene.init(units, sections=MANAGER) as init:
        init.wait("other")
        events = init.client()
        events.send("Events", more=True)
        waits = init.client()
        waits.send("Wait", unit="other", state="down")
        until(lambda: init.call("Ping") is not None)
        reexec(init)
        init.call("Ping")
        crash(init, signal.SIGSEGV, 1)
        init.stop("other")
        reply = waits.receive(10)
        t.ok("a call that waits is answered by the init after the next", reply and reply["parameters"]["unit"]["state"] == "down",
             reply)
        seen = []
        while (reply := events.receive(5)) is not None:
            seen.append(reply["parameters"]["event"])
            if seen[-1].get("unit") == "other" and seen[-1].get("state") == "down":
                break
        t.ok("a subscriber hears of what happens after", seen and seen[-1].get("state") == "down", seen[-3:])
        events.close()
        waits.close()


def crash_kinds(t):
    """Units of every kind, over crashes and re-executions."""
    work = t.scene.work
    units = {"echo": {"listen": [{"stream": f"{work}/echo", "accept": True}], "service": {"command": ["/bin/cat"]},
                      "process": {"stdin": "socket", "stdout": "socket"}},
             "limited": {"service": sh(SLEEP), "cgroup": {"pids-max": 20}},
             "private": {"service": sh(SLEEP), "process": {"runtime-directory": ["carried"]}},
             "forks": {"service": {"command": ["/bin/sh", "-c", f"sleep 1000 & echo $! >{work}/forks.pid"], "type": "forking"},
                       "process": {"pid-file": f"{work}/forks.pid"}},
             "hooks": {"enabled": False, "service": {**sh(SLEEP), "pre-start": [["/bin/sleep", "1"]], "post-stop": [["/bin/true"]]}},
             "late": {"timer": {"after-boot": "0s", "every": "1h"}, "service": sh("echo ran", type="oneshot")},
             "gone": {"service": sh(SLEEP)}}
    with t.scene.init(units, sections=MANAGER, fault_injection=True) as init:
        for unit in ("limited", "private", "forks", "gone"):
            init.wait(unit)
        until(lambda: init.log("late", ("out",)), 5, "the first run of a timer")
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(10)
        peer.connect(f"{work}/echo")
        peer.sendall(b"one")
        t.equal("before, a connection is served", peer.recv(10), b"one")
        init.ctl("run", "--name", "transient", "--", "/bin/sleep", "1000")
        told = lambda: {unit: (init.status(unit).get("main_pid"), init.state(unit), init.status(unit)["restarts"])
                        for unit in ("echo", "limited", "private", "forks", "transient", "gone")}
        before = told()
        del units["gone"]
        init.write_units(units, MANAGER)  # its file has gone when the next program reads them
        starter = init.client()
        starter.send("Start", units=["hooks"])
        until(lambda: init.state("hooks") == "starting", 5, "hooks starts")
        for number, how in enumerate(("segv", "abort", "bus"), 1):
            crash(init, how, number)
            reexec(init)
        t.equal("afterwards all run as they did", told(), before)
        reply = starter.receive(10)
        t.ok("a start in the middle of its hooks goes on and is answered", reply and reply["parameters"]["results"][0]["ok"],
             reply)
        peer.sendall(b"two")
        t.equal("a connection is served on by its process", peer.recv(10), b"two")
        t.equal("and counted", init.status("echo")["sockets"][0]["connections"], 1)
        peer.close()
        until(lambda: init.status("echo")["sockets"][0]["connections"] == 0, 5, "the end of a connection")
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(10)
            peer.connect(f"{work}/echo")
            peer.sendall(b"three")
            t.equal("a new connection is served", peer.recv(10), b"three")
        t.equal("what ran once a boot does not run again", len(init.log("late", ("out",))), 1)
        results = init.stop("forks", "transient", "private", "limited", "hooks", "gone")
        t.ok("all can be stopped", all(result["ok"] for result in results.values()), results)
        t.ok("a PID file is removed with the run", not os.path.exists(f"{work}/forks.pid"))
        t.ok("no process of them is left", until(lambda: not init.own_processes(), 5), init.own_processes())


def crash_signals(t):
    """Signals that end other programs, sent by a service to PID 1."""
    units = {"killer": {"enabled": False, "service": sh("kill -SEGV 1; kill -ABRT 1; kill -KILL 1; echo sent", type="oneshot")},
             "keeper": {"service": sh(SLEEP)}}
    with t.scene.init(units, sections=MANAGER) as init:
        pid = init.wait("keeper")["main_pid"]
        try:
            init.start("killer")
        except (Failed, OSError):
            pass
        again(init)
        until(lambda: again(init) and overview(init).get("crashes", 0) >= 1, 10, "a crash")
        init.wait("killer", "done")
        t.equal("a service that sends SEGV, ABRT and KILL to PID 1 ends nothing", init.status("keeper")["main_pid"], pid)
        text = init.text("miniinit", (), once="sent by process")
        t.ok("who has sent it is said", re.search(r"SIG(SEGV|ABRT).*sent by process \d+", text), text[-300:])


def crash_versions(t):
    """Another program on the disk."""
    with t.scene.init({"keeper": {"service": sh(SLEEP)}}, sections=MANAGER) as init:
        pid = init.wait("keeper")["main_pid"]
        right, aside = t.scene.binary, t.scene.binary + ".right"
        os.rename(right, aside)
        with open(right, "w") as file:
            file.write("#!/bin/sh\necho I know of no such state >&2\nexit 1\n")
        os.chmod(right, 0o755)
        reply = init.call("Reexec")
        os.rename(aside, right)
        t.ok("a program that cannot read the state does not take over", "cannot go on with our state" in
             reply.get("parameters", {}).get("message", ""), reply)
        t.ok("what it had to say is in the log", until(lambda: any("I know of no such state" in line[3]
             for line in init.log("miniinit", ())), 5))
        crash(init, signal.SIGSEGV, 1)
        reexec(init)
        t.equal("and everything goes on", init.status("keeper")["main_pid"], pid)


def crash_while_renewing(t):
    """The collector of before is still writing what it has when the program that replaced ours crashes."""
    beat = t.scene.program("sys_beat")
    with t.scene.init({"web": {"service": {"command": [beat, "5"], "restart": "no"}}}, sections=MANAGER) as init:
        init.wait("web")
        until(lambda: len(numbers(init, "web", "beat")[0]) > 20, 10, "lines of web")
        before = init.collector()
        if not init.freeze(before):
            return t.note("nothing can be frozen here")
        reexec(init)
        crash(init, signal.SIGSEGV, 1)
        crash(init, signal.SIGSEGV, 2)
        t.equal("there is no other collector before that one has ended", init.collector(), before)
        init.thaw(before)
        t.ok("then there is", until(lambda: init.collector() != before, 10))
        number = max(numbers(init, "web", "beat")[0])
        until(lambda: max(numbers(init, "web", "beat")[0]) > number + 100, 10, "later lines of web")
        found, missing = numbers(init, "web", "beat")
        t.ok("no line is lost, and none there twice", not missing and len(found) == len(set(found)), (missing, len(found)))
        before = init.collector()
        if not init.freeze(before):
            return t.note("nothing can be frozen here")
        reexec(init)
        t.ok("one that does not end is killed, and replaced", until(lambda: init.collector() != before, 60))
        init.stop("web")
        found, missing = numbers(init, "web", "beat")
        t.ok("still every line is there once", not missing and len(found) == len(set(found)), (missing, len(found)))


def crash_in_shutdown(t):
    """A crash on the way down: the way is gone on."""
    units = {"slow": {"service": sh("trap 'sleep 1; exit 0' TERM; while :; do sleep 0.1; done")}, "quick": {"service": sh(SLEEP)}}
    with t.scene.init(units, sections=MANAGER) as init:
        init.wait("slow")
        os.kill(init.pid(), signal.SIGTERM)
        until(lambda: init.state("slow") == "stopping", 5, "stopping")
        os.kill(init.pid(), signal.SIGSEGV)
        t.equal("an init that crashes while it ends ends all the same", init.process.wait(15), 0)


GROUPS = [crash_subscriptions, crash_kinds, crash_signals, crash_while_renewing,
          crash_in_shutdown]
ALONE = [crash_load, crash_versions] # the latter takes away the program that others start
