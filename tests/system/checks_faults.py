"""What the system refuses, and what somebody takes away, while the init works: no process, no descriptor, no memory, no
room, sockets and directories gone. Each fault is brought about for real, or by the kernel asking us about the init's system
calls (sys_faults); what should come of it stands in miniinit(8), FAULTS."""
import errno
import os
import platform
import signal
import socket
import subprocess

from harness import Client, Failed, NOBODY, sh, until

SLEEP = "exec sleep 1000"


def in_its_mounts(init, command):
    """As root, in the init's mount namespace, which is private."""
    subprocess.run(["nsenter", "-t", str(init.pid()), "-m", "-p", "/bin/sh", "-c", command], check=True)


def own(init, once=""):
    """What the init itself says in its log, once that is in it."""
    return init.text("miniinit", (), once)


def faults_no_process(t):
    if platform.machine() != "x86_64":
        return
    makers = ("clone", "clone3", "fork", "vfork")
    units = {"keeper": {"service": sh(SLEEP)},
             "plain": {"enabled": False, "service": sh(SLEEP)},
             "job": {"enabled": False, "service": sh("echo did it", type="oneshot")},
             "given-up": {"enabled": False, "service": sh(SLEEP)},
             "bounded": {"enabled": False, "service": sh(SLEEP, start_timeout="300ms", restart="no")},
             "crash": {"enabled": False, "service": sh("sleep 0.1; exit 1", restart_delay="10ms", restart_limit=0)}}
    with t.scene.init(units, faults=makers) as init:
        init.wait("keeper")
        for name, code in (("EAGAIN", errno.EAGAIN), ("ENOMEM", errno.ENOMEM)):
            for call in makers:
                init.fault(call, code)
            init.call("Start", units=["plain", "job", "given-up"], wait=False)
            until(lambda: init.fault("clone", code) > 0, 5, "a refused process")
            t.equal(f"{name}: what cannot have its process now waits for it, and has not failed",
                    [init.state(unit) for unit in ("plain", "job", "given-up")], ["starting"] * 3)
            t.ok(f"{name}: its log says so", until(lambda: "cannot start yet" in (
                init.text("job", ()) if name == "ENOMEM" else init.console()), 10), init.console()[-300:])
            t.equal(f"{name}: it can be stopped", (init.stop("given-up")["given-up"]["ok"], init.state("given-up")),
                    (True, "down"))
            result = init.ask("Start", "bounded")["bounded"]
            t.ok(f"{name}: start-timeout bounds the wait", "start-timeout" in result["message"], result)
            for call in makers:
                init.fault(call, 0)
            t.equal(f"{name}: when there are processes again, it comes up by itself",
                    (init.wait("plain")["state"], init.wait("job", "done")["state"]), ("up", "done"))
            init.stop("plain", "job")
            init.stop("bounded")
        init.start("crash")
        for call in makers:
            init.fault(call, errno.EAGAIN)
        before = init.fault("clone", errno.EAGAIN)
        until(lambda: init.fault("clone", errno.EAGAIN) > before + 2, 10, "refused restarts")
        for call in makers:
            init.fault(call, 0)
        restarts = init.status("crash")["restarts"]
        t.ok("a service that ends meanwhile is started again when that is possible",
             until(lambda: init.status("crash")["restarts"] > restarts + 2, 10), init.brief("crash"))
        init.signal(signal.SIGTERM)
        t.equal("and it all ends in order", init.ended(15), 0)


def faults_no_collector(t):
    if platform.machine() != "x86_64":
        return
    for call in ("memfd_create", "socketpair"):
        with t.scene.init({"talks": {"service": sh("echo early; " + SLEEP)}}, faults=(f"{call}=ENFILE",)) as init:
            init.wait("talks")
            t.has(f"without {call} there is no log collector, and it is said", init.console(), "Too many open files in system",
                  "tried again")
            init.fault(call, 0)
            t.ok(f"when {call} works again there is one, and what was written meanwhile is in the log",
                 until(lambda: init.text("talks") == "early", 20), init.console()[-300:])
            t.has("so are the init's own lines of that time", own(init, "tried again"), "miniinit ", "tried again")
    units = {"talks": {"service": sh("i=0; while :; do i=$((i+1)); echo line $i; sleep 0.02; done")}}
    with t.scene.init(units) as init:
        init.wait("talks")
        for _ in range(12):  # faster than it can say Hello, some of them
            collector = init.collector()
            os.kill(collector, signal.SIGKILL)
            until(lambda: not os.path.exists(f"/proc/{collector}"), 5, "the end of a collector")
        numbers = lambda: [int(line[3].split()[1]) for line in init.log("talks", ("out",))]
        last = len(numbers())
        t.ok("a collector that dies a dozen times in a row is started again, in the end after a pause",
             until(lambda: len(numbers()) > last, 20))
        kept = numbers()  # there are more in a moment
        t.equal("and no line is lost or doubled", kept, list(range(1, len(kept) + 1)))


def faults_descriptors(t):
    if platform.machine() != "x86_64":
        return
    units = {f"s{number:02}": {"service": sh("echo hello; " + SLEEP, restart_delay="100ms", restart_limit=0)}
             for number in range(30)}
    units["keeper"] = {"service": sh(SLEEP)}
    with t.scene.init(units, before=("prlimit", "--nofile=56:56"), cgroups=False) as init:
        up = lambda: [name for name in units if init.state(name) == "up"]
        until(lambda: all(init.state(name) in ("up", "backoff", "failed") for name in units), 10, "all tried")
        held = [name for name in units if init.state(name) != "up"]
        t.ok("with its descriptors used up some services cannot start, and the reason says so",
             held and "Too many open files" in init.status(held[0])["reason"], init.brief(held[0] if held else "keeper"))
        others = [init.client() for _ in range(3)]

        def answered():
            try:
                others.append(init.client())
                return "parameters" in others[-1].call("Ping")
            except (OSError, Failed):
                return False  # a start had the last descriptor just then
        t.ok("it answers", until(answered, 10))
        for one in others:
            one.close()
        init.main_client = init.client()  # it was the idlest
        gone = up()[:12]
        result = init.ask("Stop", *gone)
        t.ok("services can be stopped", all(one["ok"] for one in result.values())
             and not set(gone) & set(up()), result)
        t.ok("and in their places others come up by themselves", until(lambda: set(held) & set(up()), 20))
        until(lambda: all(init.state(name) != "up" or init.text(name) for name in units), 30)
        t.ok("the output of those that run is in their logs", all("hello" in init.text(name) for name in up()
             if name != "keeper"), ([name for name in up() if not init.text(name)], init.console()[-600:]))
        init.signal(signal.SIGTERM)
        t.equal("it ends in order", init.ended(15), 0)

    units = {"keeper": {"service": sh(SLEEP)},
             "fd": {"enabled": False, "service": sh("echo >&3; " + SLEEP, type="notify-fd", restart_delay="200ms")},
             "plain": {"enabled": False, "service": sh("echo here; echo there >&2; " + SLEEP, restart_delay="200ms")}}
    with t.scene.init(units, faults=("accept4", "pipe2", "epoll_ctl")) as init:
        init.wait("keeper")
        for name, code in (("EMFILE", errno.EMFILE), ("ENFILE", errno.ENFILE), ("ENOMEM", errno.ENOMEM)):
            init.fault("accept4", code)
            late = Client(init.control)
            late.send("Ping")
            first = init.fault("accept4", code)
            t.ok(f"{name} at accept: whoever calls waits", late.receive(1.5) is None)
            t.ok(f"{name} at accept: and PID 1 does not turn round and round", init.fault("accept4", code) - first < 40,
                 init.fault("accept4", code) - first)
            init.fault("accept4", 0)
            other = Client(init.control)
            other.send("Ping")
            t.ok(f"{name} at accept: when it has passed, calls are answered", other.receive(5) is not None)
            late.close(), other.close()
        init.main_client = init.client()  # room was made: those connections went
        for call, code, words in (("pipe2", errno.ENFILE, "Too many open files in system"),
                                  ("epoll_ctl", errno.ENOMEM, "Cannot allocate memory")):
            init.fault(call, code)
            init.call("Start", units=["fd"], wait=False)
            until(lambda: init.state("fd") == "backoff", 5, "a start that failed")
            t.has(f"{call} refused: the start fails with that reason", init.status("fd")["reason"], words)
            init.fault(call, 0)
            t.equal(f"{call} works again: it comes up by itself", init.wait("fd")["state"], "up")
            init.stop("fd")
        collector = init.collector()
        many = len(os.listdir(f"/proc/{collector}/fd"))
        subprocess.run(["prlimit", f"--pid={collector}", f"--nofile={many}:"], check=True)
        init.start("plain")
        t.ok("a collector that has no descriptor left for a service's output says so",
             until(lambda: "out of descriptors" in init.console(), 5), init.console()[-300:])
        t.equal("and the service runs", init.state("plain"), "up")
        subprocess.run(["prlimit", f"--pid={collector}", f"--nofile={many + 20}:"], check=True)
        t.ok("when it has, the output is read", until(lambda: len(os.listdir(f"/proc/{collector}/fd")) > many, 10))


def faults_doors(t):
    """The control socket, the run directory, all of /run."""
    tell = t.scene.program("sys_notify")
    word_file = t.scene.work + "/word"
    with open(word_file, "w") as file:
        file.write("first\n")
    beats = (f"{tell} send:READY=1 end:0; while :; do {tell} 'send:WATCHDOG=1;STATUS='$(cat {word_file}) end:0; "
             "sleep 0.2; done")
    units = {"keeper": {"service": sh(SLEEP)},
             "speaks": {"service": sh(beats, type="notify", watchdog="5s", notify_access="all")},
             "later": {"enabled": False, "service": sh(f"{tell} send:READY=1 end:0; " + SLEEP, type="notify",
                                                       notify_access="all")}}
    with t.scene.init(units) as init:
        init.wait("speaks")
        pid = init.status("speaks")["main_pid"]
        inside = init.inside(init.control)
        os.unlink(inside)
        t.ok("a control socket that was removed is made again, at once",
             until(lambda: init.ctl("list").returncode == 0, 5))
        t.ok("connections of before live on", "parameters" in init.call("Ping"))
        t.ok("it is said", until(lambda: "control socket" in own(init) and "made again" in own(init), 5), own(init))
        t.equal("executed anew, it goes on looking at these places", init.ctl("reexec").returncode, 0)
        os.unlink(init.inside(init.control))
        t.ok("and makes the socket again then, too", until(lambda: init.ctl("list").returncode == 0, 5))
        with open(init.control + ".else", "w"):
            pass
        os.rename(init.control + ".else", init.control)
        until(lambda: "what is no socket" in init.console(), 5, "a complaint")
        os.unlink(init.control)
        t.ok("one in whose place something else was put is made again when that is gone",
             until(lambda: init.ctl("list").returncode == 0, 5), init.console()[-300:])

        def word(text):
            with open(word_file, "w") as file:
                file.write(text + "\n")
            return until(lambda: init.status("speaks").get("status_text") == text, 10)

        t.ok("a service speaks to it", word("second"))
        os.rename(init.run, init.run + ".gone")  # at one stroke: it is made again as fast as it can be removed
        t.ok("the run directory removed: a service with a watchdog is heard again, and lives on",
             word("third") and init.status("speaks")["main_pid"] == pid, init.brief("speaks"))
        t.ok("and others can start", init.start("later")["later"]["ok"])
        init.stop("later")
        in_its_mounts(init, f"mount -t tmpfs none {init.run}")
        t.ok("something mounted over it: likewise", word("fourth") and init.status("speaks")["main_pid"] == pid,
             init.brief("speaks"))
        t.ok("and others can start then, too", init.start("later")["later"]["ok"])
        init.stop("later")
        names = [name for name in os.listdir(init.inside(init.run) + "/notify")]
        for name in names:
            os.unlink(f"{init.inside(init.run)}/notify/{name}")
        init.signal(signal.SIGHUP)
        t.ok("a notify socket alone that was removed is made again at SIGHUP", word("fifth")
             and init.status("speaks")["main_pid"] == pid, init.brief("speaks"))
        in_its_mounts(init, f"umount -l {init.run}")
        t.ok("when that is taken away, the one of the same name beneath it, of before, is not believed to be ours",
             word("sixth") and init.status("speaks")["main_pid"] == pid, init.brief("speaks"))


def faults_full(t):
    """File systems without room, without inodes, read-only."""
    beats = t.scene.program("sys_notify")
    units = {"keeper": {"service": sh(SLEEP)},
             "plain": {"enabled": False, "service": sh("echo here; echo there >&2; " + SLEEP)},
             "notifies": {"enabled": False, "service": sh(beats + " send:READY=1 end:0; " + SLEEP, type="notify",
                                                          notify_access="all", restart_delay="300ms")}}
    with t.scene.init(units, run_mount="size=64K,nr_inodes=40") as init:
        init.wait("keeper")
        run = init.inside(init.run)
        def fill():
            for number in range(100):
                try:
                    os.close(os.open(f"{run}/fill{number}", os.O_CREAT | os.O_WRONLY))
                except OSError:
                    return
        fill()
        t.ok("a full /run: a service starts and is logged", init.start("plain")["plain"]["ok"]
             and until(lambda: "here" in init.text("plain"), 5))
        init.call("Start", units=["notifies"], wait=False)
        until(lambda: init.state("notifies") == "backoff", 5, "a start that failed")
        t.has("one that wants a notify socket does not, and the reason says why", init.status("notifies")["reason"],
              "No space left")
        t.ok("it answers, over new connections, too", init.ctl("list").returncode == 0)
        for name in os.listdir(run):
            if name.startswith("fill"):
                os.unlink(f"{run}/{name}")
        t.equal("with room again it comes up by itself", init.wait("notifies")["state"], "up")

    units = {"talks": {"service": sh("i=0; while :; do i=$((i+1)); echo line $i of some length; sleep 0.01; done")},
             "late": {"enabled": False, "service": sh("echo one; echo two; exec sleep 1000")}}
    with t.scene.init(units, log_mount="size=2M,nr_inodes=24",
                      sections={"log": {"rotate-size": "4K", "rotate-keep": 3, "compress": False}}) as init:
        logs = init.inside(init.logs)
        until(lambda: len(init.log_names("talks")) == 4, 10, "rotated logs")
        for number in range(100):
            try:
                os.close(os.open(f"{logs}/fill{number}", os.O_CREAT | os.O_WRONLY))
            except OSError:
                break
        numbers = lambda: [int(line[3].split()[1]) for line in init.log("talks", ("out",), logs)]
        size = lambda: os.path.getsize(logs + "/talks/current")
        t.ok("no inode left: a log grows on beyond rotate-size, as it cannot be rotated",
             until(lambda: size() > 12000, 20), (size(), init.log_names("talks")))
        got = numbers()
        t.ok("and loses nothing", got == list(range(got[0], got[-1] + 1)), (len(got), got[0], got[-1]))
        init.start("late")
        t.ok("a log that cannot be made is told of", until(lambda: "late: log lines are being lost (write: No space left"
             in init.console(), 10), init.console()[-300:])
        for name in os.listdir(logs):
            if name.startswith("fill"):
                os.unlink(f"{logs}/{name}")
        t.ok("with inodes again, rotation goes on", until(lambda: size() < 8000, 20), size())
        t.ok("and the log says how many lines it lacks",
             until(lambda: "2 lines lost here: No space left on device" in
                   "\n".join(line[3] for line in init.log("late", (), logs)), 10))

    with t.scene.init({"talks": {"service": sh("echo early; exec sleep 1000")}}, log_mount="ro,size=2M") as init:
        init.wait("talks")
        t.equal("a log directory that cannot be written: services run", init.state("talks"), "up")
        in_its_mounts(init, f"mount -o remount,rw {init.logs}")
        t.ok("when it can be, what was written before is there", until(lambda: "early" in
             "\n".join(line[3] for line in init.log("talks", ("out",), init.inside(init.logs))), 10))


def faults_cgroup_gone(t):
    if not t.scene.cgroups:
        return
    units = {"moved": {"service": sh("sleep 1000 & sleep 1000 & wait")}, "other": {"enabled": False, "service": sh(SLEEP)}}
    with t.scene.init(units) as init:
        init.wait("moved")
        tree = next(entry.path for entry in os.scandir(init.cgroup) if entry.is_dir() and "miniinit-" in entry.name
                    and os.path.isdir(entry.path + "/moved"))
        until(lambda: len(open(tree + "/moved/cgroup.procs").read().split()) == 3, 5, "three processes")
        for pid in open(tree + "/moved/cgroup.procs").read().split():
            with open(init.cgroup + "/cgroup.procs", "w") as file:
                file.write(pid)
        os.rmdir(tree + "/moved")
        t.equal("its cgroup removed under it: a service goes on", init.state("moved"), "up")
        t.ok("a stop ends all its processes", init.stop("moved")["moved"]["ok"] and not init.own_processes_of("sleep 1000"),
             init.own_processes_of("sleep 1000"))
        until(lambda: not os.path.isdir(tree + "/moved"), 5)
        os.rmdir(tree)
        t.ok("the whole tree removed: it is made again with the next start", init.start("other")["other"]["ok"]
             and os.path.isdir(tree + "/other"))
        t.ok("and that is said", until(lambda: "is made again" in init.text("other", ()), 5), init.text("other", ()))
        t.equal("a stop leaves nothing of it", (init.stop("other")["other"]["ok"], os.path.isdir(tree + "/other")),
                (True, False))


def faults_pid_reuse(t):
    """A stranger gets the number that a process of a service had."""
    for cgroups in (True, False):
        where = "with cgroups" if cgroups else "without cgroups"
        units = {"a": {"service": sh(SLEEP, restart_delay="10ms")}, "once": {"enabled": False, "service": sh("exit 0")}}
        with t.scene.init(units, cgroups=cgroups) as init:
            old = init.wait("a")["main_pid"]
            init.kill_inside(init.outside(old), signal.SIGKILL)
            until(lambda: init.status("a").get("main_pid") not in (old, None), 5, "a restart")
            init.wait("a")
            for _ in range(20):
                stranger = subprocess.Popen(
                    ["nsenter", "-t", str(init.pid()), "-p", "-m", "/bin/sh", "-c",
                     f"echo {old - 1} >/proc/sys/kernel/ns_last_pid; setsid sleep 2000 & echo $!; wait"],
                    stdout=subprocess.PIPE, text=True)
                if int(stranger.stdout.readline()) == old:
                    break
                stranger.kill()
                stranger.wait()
            else:
                raise Failed("no process gets the old number")
            try:
                init.call("Signal", unit="a", signal=int(signal.SIGTERM), all=True)
                until(lambda: init.status("a")["restarts"] >= 2, 5, "a second restart")
                init.wait("a")
                t.ok(f"{where}, a signal to a service does not reach who has its old number",
                     init.outside(old) is not None)
                init.stop("a")
                t.ok(f"{where}, nor does a stop", init.outside(old) is not None)
                init.start("a")
                t.ok(f"{where}, nor a start and the end of it all with it", init.stop("a")["a"]["ok"]
                     and init.outside(old) is not None)
            finally:
                stranger.kill()
                stranger.wait()


def faults_idle_instances(t):
    files = {"tmpl@.toml": "enabled = false\n[service]\ncommand = \"/bin/sleep 1000\"\n",
             "keeper.toml": "[service]\ncommand = \"/bin/sleep 1000\"\n"}
    with t.scene.init(files=files) as init:
        init.wait("keeper")
        memory = init.memory()
        for number in range(3000):
            init.call("Status", units=[f"tmpl@{number}"])
        t.ok("who only looks cannot make PID 1 hold any number of units", init.memory() < memory + 4096,
             f"{memory} to {init.memory()} KiB")
        looked = init.ctl("status", "tmpl@other", user=NOBODY)
        t.ok("who may not act has no file read for him", looked.returncode != 0 and "tmpl@other" in looked.stderr,
             looked.stdout + looked.stderr)
        t.ok("who acts gets an instance all the same", init.start("tmpl@real")["tmpl@real"]["ok"])
        t.equal("and anybody may look at that", init.ctl("status", "tmpl@real", user=NOBODY).returncode, 0)


def faults_hanging_collector(t):
    """One that is stopped for good, while a service crashes all the time."""
    counted = t.scene.work + "/hanging-counted"
    loop = {**sh(f"echo once more; echo >>{counted}; exit 1"), "restart-delay": "1ms", "restart-delay-max": "1ms", "restart-limit": 0}
    with t.scene.init({"loop": {"service": loop}}) as init:
        until(lambda: init.text("loop", ("out",)), 10, "a first line")
        collector = init.collector()
        if not init.freeze(collector):
            return t.note("nothing can be frozen here")
        t.ok("a collector that does not answer for long is killed, and that is said",
             until(lambda: "does not answer" in init.console(), 120), init.console()[-400:])
        t.ok("another one takes over", until(lambda: init.collector() not in (None, collector), 10))
        init.ctl("stop", "loop")
        t.ok("and the pipes that have gathered are read and gone",
             until(lambda: len(os.listdir(f"/proc/{init.pid()}/fd")) < 60, 30), len(os.listdir(f"/proc/{init.pid()}/fd")))
        with open(counted) as file:  # a start may have been refused, and the last run ended between the two lines
            runs = len(file.readlines())
        t.ok("no line was lost", until(lambda: init.text("loop", ("out",)).count("once more") in (runs, runs + 1), 10),
             (runs, init.text("loop", ("out",)).count("once more")))


GROUPS = [faults_no_process, faults_no_collector, faults_hanging_collector, faults_descriptors, faults_doors, faults_full, faults_cgroup_gone,
          faults_pid_reuse, faults_idle_instances]
