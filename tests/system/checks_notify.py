"""sd_notify(3) complete: who is heard, what each key does, descriptors that outlive a run, the watchdog, and clients that
Debian ships."""
import glob
import os
import re
import signal
import socket
import subprocess
import sys
import time

from harness import NOBODY, sh, until

SLEEP = "exec sleep 1000"
SERVICE = [sys.executable, os.path.join(os.path.dirname(os.path.realpath(__file__)), "notify_service.py")]


def talk(*steps, **service):
    """A service of type notify that takes these steps."""
    unit = {"type": "notify", "restart": "no", "command": [*SERVICE, *steps],
            **{key.replace("_", "-"): value for key, value in service.items()}}
    return {"service": unit}


def says(init, unit, sources=("out", "err")):
    return init.text(unit, sources)


def notify_who_is_heard(t):
    units = {
        "plain": {"service": sh("echo ${NOTIFY_SOCKET-none} ${WATCHDOG_USEC-none}; " + SLEEP)},
        "watched": {"service": {**sh('echo ${NOTIFY_SOCKET:+given} $WATCHDOG_USEC $([ "$WATCHDOG_PID" = $$ ] && echo mine); '
                                     + SLEEP), "watchdog": "1h"}},
        "open": {"service": {**sh("echo ${NOTIFY_SOCKET:+given} ${WATCHDOG_PID-none}; " + SLEEP), "notify-access": "all"}},
        "hook-main": talk("send:READY=1;STATUS=by main", post_start=[[*SERVICE, "send:STATUS=by hook", "exit:0"]]),
        "hook-exec": talk("send:READY=1;STATUS=by main", notify_access="exec",
                          post_start=[[*SERVICE, "send:STATUS=by hook", "exit:0"]]),
        "child-exec": talk("send:READY=1;STATUS=by main", "child:STATUS=by child", "say:told", notify_access="exec"),
        "gone": talk(*[f"child:STATUS={i}" for i in range(1, 31)], "child:READY=1;STATUS=by a child that is gone",
                     notify_access="all"),
        "gone-main": talk("child:READY=1", "say:told", notify_access="main", start_timeout="6s"),
        "closes-door": talk("send:READY=1", "send:NOTIFYACCESS=none;STATUS=last word", "send:STATUS=more", "say:told"),
        "opens-door": talk("child:READY=1", "send:NOTIFYACCESS=all", "child:READY=1"),
        "as-user": {"service": {"type": "notify", "restart": "no", "command":
                                [t.scene.program("sys_notify"), "send:READY=1;STATUS=as a user"]},
                    "process": {"user": "daemon"}},
        "target-of-others": talk("send:READY=1;STATUS=mine"),
        "rootless": talk("send:READY=1;STATUS=mine", notify_access="all"),
    }
    with t.scene.init(units) as init:
        until(lambda: says(init, "plain"), 5)
        t.equal("a simple service has no notify socket", says(init, "plain"), "none none")
        until(lambda: says(init, "watched"), 5)
        t.equal("one with a watchdog has, and knows the time and that it is meant", says(init, "watched"),
                "given 3600000000 mine")
        until(lambda: says(init, "open"), 5)
        t.equal("one with notify-access has one too", says(init, "open"), "given none")
        t.equal("a command around it is not heard with notify-access main", init.wait("hook-main").get("status_text"),
                "by main")
        t.equal("with exec it is", init.wait("hook-exec").get("status_text"), "by hook")
        init.wait("child-exec")
        until(lambda: "told" in says(init, "child-exec"), 5)
        t.equal("a child is not, with exec", init.status("child-exec").get("status_text"), "by main")
        status = t.attempt("with all, a child is heard that has ended and was collected before we look",
                           lambda: init.wait("gone"))
        t.equal("and its status is there", (status or {}).get("status_text"), "by a child that is gone")
        until(lambda: "told" in says(init, "gone-main"), 5)
        t.equal("with main it is not", init.state("gone-main"), "starting")
        t.has("which is said", says(init, "gone-main", ("init",)), "notify-access")
        init.wait("closes-door")
        until(lambda: "told" in says(init, "closes-door"), 5)
        t.equal("NOTIFYACCESS=none ends it", init.status("closes-door").get("status_text"), "last word")
        t.attempt("NOTIFYACCESS=all opens it", lambda: init.wait("opens-door"))
        t.equal("a service may run as a user", init.wait("as-user").get("status_text"), "as a user")
        # Others who write to its socket.
        for name in ("target-of-others", "rootless"):
            init.wait(name)
        sockets = {name: until(lambda: re.search(r"NOTIFY_SOCKET=(\S+)", open(
            f"/proc/{init.outside(init.status(name)['main_pid'])}/environ").read().replace("\0", "\n")), 5).group(1)
            for name in ("target-of-others", "rootless", "as-user")}
        forge = "import socket, os, sys\nos.setresuid(*[int(sys.argv[2])] * 3)\n" \
                "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\ns.connect(sys.argv[1])\n" \
                "s.send(b'STATUS=forged\\nMAINPID=1\\nSTOPPING=1')"
        for name, uid in (("target-of-others", 0), ("target-of-others", NOBODY), ("rootless", NOBODY)):
            subprocess.run([sys.executable, "-c", forge, sockets[name], str(uid)], check=True)
        refused = subprocess.run([sys.executable, "-c", forge, sockets["as-user"], str(NOBODY)], capture_output=True,
                                 text=True)
        t.has("another user cannot even write to the socket of a service that has a user", refused.stderr,
              "PermissionError")
        init.call("Ping")
        t.equal("a stranger's message changes nothing",
                [(init.state(name), init.status(name).get("status_text")) for name in ("target-of-others", "rootless")],
                [("up", "mine")] * 2)
        t.has("and is told in the log", says(init, "target-of-others", ("init",)), "is ignored")
        path = sockets["target-of-others"]
        t.ok("each service has a socket of its own", len(set(sockets.values())) == 3, sockets)
        init.stop("target-of-others")
        t.ok("which goes with the run", not os.path.exists(path), path)


def notify_keys(t):
    units = {
        "error": talk("send:STATUS=bad config;ERRNO=2", "exit:3"),
        "bus-error": talk("send:READY=1;BUSERROR=org.example.Broken"),
        "stopping": talk("send:READY=1", "sleep:100", "send:STOPPING=1;STATUS=going", "sleep:300", "exit:0"),
        "barrier": talk("send:READY=1;STATUS=before", "barrier:", "ask:barrier", "ask:after"),
        "after": {"requires": ["barrier"], "service": sh(SLEEP)},
        "long": talk("send:READY=1;STATUS=" + "x" * 9000, "send:READY=1;STATUS=short"),
        "aside": talk("main:", "send:READY=1", notify_access="all", restart="on-failure", restart_delay="50ms"),
    }
    with t.scene.init(units) as init:
        status = init.wait("error", "failed")
        t.equal("ERRNO is told in words, and with the status stays after a failure",
                (status.get("error_text"), status.get("status_text")), ("No such file or directory", "bad config"))
        t.has("`status` shows both", init.ctl("status", "error").stdout, "No such file or directory", "bad config")
        t.equal("BUSERROR is told as it is", init.wait("bus-error").get("error_text"), "org.example.Broken")
        until(lambda: init.state("stopping") == "down", 10)
        t.equal("after STOPPING=1 a service ends in its own time, and well", init.brief("stopping").split(" ")[0], "down")
        until(lambda: says(init, "barrier").count("\n") >= 2, 10)
        t.equal("a barrier is lifted when all before it has been acted on, for those that depend on it too",
                [says(init, "barrier").split("\n")[-3:-1], says(init, "barrier").split("\n")[-1] in ("starting", "up")],
                [["lifted", "up"], True])  # a process is made, and it is not waited for what becomes of it
        t.equal("a message that is too long is ignored, the next one is not", init.wait("long").get("status_text"), "short")
        t.has("which is said", says(init, "long", ("init",)), "too long")
        status = init.wait("aside")
        pid = int(until(lambda: says(init, "aside"), 5))
        t.equal("MAINPID can be a process whose parent is not PID 1", status["main_pid"], pid)
        events = init.events("aside")
        init.kill_inside(init.outside(pid), signal.SIGKILL)
        t.attempt("whose end is noticed all the same", lambda: events.until("aside", "backoff"))
        t.attempt("and the service started again", lambda: events.until("aside", "up"))


def notify_descriptors(t):
    units = {
        "store": {"service": {**talk("listed:", "store:a:memfd:first", "store:b:memfd:second", "store:a:memfd:third",
                                     "store:c:socket", "store:gone:pipe", "store:d:pipe:nopoll", "store:e:memfd:removed",
                                     "send:FDSTOREREMOVE=1;FDNAME=e", "barrier:", "send:READY=1")["service"],
                              "restart": "always", "restart-delay": "50ms", "restart-limit": 0}},
        "full": talk("store:a:memfd:1", "store:b:memfd:2", "store:c:memfd:3", "send:READY=1", "barrier:",
                     fd_store_max=2),
        "none": talk("store:a:memfd:1", "send:READY=1", "barrier:", fd_store_max=0),
        "many": {"enabled": False, **talk("send:READY=1", "many:40", "barrier:", "say:sent")},
    }
    def handed(run):
        """What run number `run` of the store, from 1, says it was handed."""
        found = lambda: [line for line in says(init, "store").split("\n") if line.startswith("names=")]
        return until(lambda: len(found()) >= run and found()[run - 1], 10)

    with t.scene.init(units) as init:
        status = init.wait("store")
        t.equal("at first nothing is handed over", handed(1), "names= held=")
        t.equal("descriptors are kept, but not one that has hung up or was given up", status["stored_descriptors"], 5)
        t.has("`status` shows how many", init.ctl("status", "store").stdout, "5 descriptors")
        events = init.events("store")
        init.kill_inside(init.outside(status["main_pid"]), signal.SIGKILL)
        events.until("store", "starting")
        events.until("store", "up")
        # Its own end of the socket is closed, so that the other one has hung up by now.
        t.equal("the next run is handed them, by name and in order, after a crash", handed(2),
                "names=a:b:a:d held=first,second,third,pipe")
        init.ask("Restart", "store")
        t.equal("and after a restart by hand, with those that it has sent since", handed(3),
                "names=a:b:a:d:a:b:a:d held=first,second,third,pipe,first,second,third,pipe")
        init.stop("store")
        t.equal("a stop drops them", init.status("store")["stored_descriptors"], 0)
        init.start("store")
        t.equal("so that the next run begins with none", handed(4), "names= held=")
        t.equal("fd-store-max is the bound", init.wait("full")["stored_descriptors"], 2)
        t.has("which is said", says(init, "full", ("init",)), "fd-store-max")
        t.equal("0: none", init.wait("none")["stored_descriptors"], 0)
        before = init.descriptors()
        init.start("many")
        until(lambda: "sent" in says(init, "many"), 20)
        # One more line, for the run of "many" itself: its socket and two log pipes.
        t.ok("descriptors that nobody asked for are closed", until(lambda: init.descriptors() <= before + 4, 10),
             f"{before} before, {init.descriptors()} after")
        t.equal("and leave no zombie", until(lambda: init.zombies() == 0, 5), True)


def notify_watchdog(t):
    quick = {"restart_delay": "50ms", "restart": "on-failure"}
    units = {
        "alive": talk("send:READY=1", "ping:20:100", "say:pinged", "wait:", watchdog="600ms", **quick),
        "simple": {"service": {"command": [*SERVICE, "say:up", "wait:"], "watchdog": "300ms", "restart": "no"}},
        "hung": talk("send:READY=1", "wait:", watchdog="300ms", **quick),
        "deaf": talk("ignore:SIGABRT", "ignore:SIGTERM", "send:READY=1", "wait:", watchdog="300ms", stop_timeout="300ms"),
        "confesses": talk("send:READY=1", "send:WATCHDOG=trigger", "wait:", watchdog="1h"),
        "sets": talk("send:READY=1;WATCHDOG_USEC=300000", "wait:", watchdog="1h"),
        "slow-start": talk("sleep:900", "send:READY=1", "ping:3:100", "say:up", watchdog="300ms"),
        "policy": talk("send:READY=1", "wait:", watchdog="300ms", restart="on-abnormal", restart_delay="50ms"),
    }
    with t.scene.init(units) as init:
        events = init.events("hung")
        until(lambda: "pinged" in says(init, "alive"), 10)
        t.equal("a service that pings in time lives", init.status("alive")["restarts"], 0)
        for name in ("simple", "deaf", "confesses", "sets"):
            status = init.wait(name, "failed", 10)
            t.has(f"one that does not is ended, and the reason says why: {name}", status["reason"], "watchdog")
            t.equal(f"by what signal: {name}", status["last_exit"]["number"],
                    signal.SIGKILL if name == "deaf" else signal.SIGABRT)
        t.has("also where it says so itself", init.status("confesses")["reason"], "says itself")
        event = events.until("hung", "backoff", 10)
        t.has("it is tried again by its restart policy", event["reason"], "watchdog")
        t.attempt("and comes back", lambda: events.until("hung", "up"))
        t.has("the log says so", says(init, "hung", ("init",)), "watchdog")
        t.has("`explain` too", " ".join(init.explain("simple")), "watchdog")
        t.ok("a hang counts as abnormal", until(lambda: init.status("policy")["restarts"] > 0, 10), init.brief("policy"))
        until(lambda: "up" in says(init, "slow-start"), 10)
        t.equal("the time runs from when it is up", says(init, "slow-start"), "up")


def notify_flood(t):
    flood = f"import socket, os\ns = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n" \
            "s.connect(os.environ['NOTIFY_SOCKET'])\ns.send(b'READY=1')\nwhile True: s.send(b'STATUS=again')"
    units = {"flood": {"service": {"type": "notify", "command": [sys.executable, "-c", flood]}},
             "other": {"enabled": False, **talk("send:READY=1;STATUS=heard")}}
    with t.scene.init(units) as init:
        init.wait("flood")
        times = []
        for _ in range(20):
            began = time.monotonic()
            init.call("Ping")
            times.append(time.monotonic() - began)
        t.ok("a service that floods PID 1 with messages does not keep others from being answered",
             sorted(times)[10] < 0.05, f"median {sorted(times)[10] * 1000:.1f} ms")
        t.attempt("nor other services from being heard", lambda: init.start("other") and init.wait("other", timeout=5))

        def cpu():
            with open(f"/proc/{init.pid()}/stat") as file:
                return sum(int(field) for field in file.read().rsplit(")", 1)[1].split()[11:13])
        began, used = time.monotonic(), cpu()
        until(lambda: time.monotonic() - began > 2, 3)
        share = (cpu() - used) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began)
        t.note(f"PID 1 uses {share * 100:.0f} % of a processor under the flood")
        t.ok("PID 1 has most of its time left", share < 0.6, share)
        init.stop("flood")
        t.equal("it can be stopped", init.state("flood"), "down")


def notify_above(t):
    """We as somebody's service."""
    work = t.scene.work + "/above"
    os.mkdir(work)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(work + "/socket")
    server.settimeout(10)
    units = {"one": {"service": sh("echo ${NOTIFY_SOCKET-none}; " + SLEEP)}, "slow": talk("sleep:400", "send:READY=1")}
    with t.scene.init(units, env={"NOTIFY_SOCKET": work + "/socket"}) as init:
        message = server.recv(4096).decode()
        t.has("it says READY=1 upwards once all is up", message, "READY=1\n", "STATUS=2 services are up")
        t.equal("and not earlier", init.state("slow"), "up")
        until(lambda: says(init, "one"), 5)
        t.equal("its services do not get the address", says(init, "one"), "none")
        init.call("Shutdown", how="poweroff")
        t.has("it says STOPPING=1 at its end", server.recv(4096).decode(), "STOPPING=1")
        init.ended()
    server.close()
    gone = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    gone.bind(work + "/gone")
    gone.close()
    with t.scene.init({"one": {"service": sh(SLEEP)}}, env={"NOTIFY_SOCKET": work + "/gone"}) as init:
        t.equal("nobody there does no harm", init.wait("one")["state"], "up")


def notify_bare(t):
    """Without cgroups, and without /proc."""
    far = "import os, sys\nif os.fork(): os.wait(); os.execvp('sleep', ['sleep', '1000'])\nos.setsid()\n" \
          "if os.fork(): os._exit(0)\nos.execve(sys.executable, [sys.executable, *sys.argv[1:]], " \
          "{'NOTIFY_SOCKET': os.environ['NOTIFY_SOCKET']})"
    units = {
        "main": {"service": {"type": "notify", "restart": "no", "start-timeout": "10s",
                             "command": [t.scene.program("sys_notify"), "send:READY=1;STATUS=main"]}},
        "gone": talk("child:READY=1;STATUS=gone", notify_access="all", start_timeout="10s"),
        # In a session of its own, an orphan, without INVOCATION_ID: known by nothing but that it once was a child.
        "far": {"service": {"type": "notify", "restart": "no", "notify-access": "all", "start-timeout": "2s", "command":
                            [sys.executable, "-c", far, *SERVICE[1:], "send:READY=1"]}},
        "aside": talk("main:", "send:READY=1", notify_access="all", restart="on-failure", restart_delay="50ms"),
    }
    with t.scene.init(units, cgroups=False) as init:
        for name in ("main", "gone"):
            t.attempt(f"without cgroups they are heard: {name}", lambda: init.wait(name))
        pid = init.wait("aside")["main_pid"]
        events = init.events("aside")
        init.kill_inside(init.outside(pid), signal.SIGKILL)
        t.attempt("and the end of another's child is noticed", lambda: events.until("aside", "backoff"))
        t.attempt("what cannot be told from a stranger is not heard", lambda: init.wait("far", "failed"))
        t.has("which is said", says(init, "far", ("init",)), "is ignored")
    with t.scene.init({name: units[name] for name in ("main", "gone")}, proc=False) as init:
        for name in ("main", "gone"):
            status = t.attempt(f"without /proc they are heard: {name}", lambda: init.wait(name))
            t.equal(f"with what they say: {name}", (status or {}).get("status_text"), name)


def unpacked(t, *packages):
    """The contents of Debian packages, which need not be installed; nothing where there are none to be had."""
    cache = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "build", "packages")
    roots = []
    for package in packages:
        root = os.path.join(os.path.realpath(cache), package)
        if not os.path.isdir(root):
            fetch = f"{root}.{os.getpid()}"
            os.makedirs(fetch + "/root")
            done = subprocess.run(f"cd {fetch} && apt-get -qq download {package} && dpkg-deb -x *.deb root", shell=True,
                                  capture_output=True, text=True)
            if done.returncode != 0:
                t.note(f"{package} is not to be had: {done.stderr.strip()[-200:]}")
                subprocess.run(["rm", "-rf", fetch])
                return None
            try:
                os.rename(fetch + "/root", root)
            except OSError:
                pass  # another run was faster
            subprocess.run(["rm", "-rf", fetch])
        roots.append(root)
    return roots


def libraries(roots):
    return ":".join(path for root in roots for pattern in ("/usr/lib/*-linux-gnu", "/lib/*-linux-gnu",
                                                            "/usr/lib/*-linux-gnu/systemd") for path in glob.glob(root + pattern))


def notify_clients(t):
    """systemd-notify, python3-sdnotify, dbus-daemon."""
    units = {}
    tool = "/usr/bin/systemd-notify"
    environment = {}
    if not os.access(tool, os.X_OK):
        roots = unpacked(t, "systemd", "libsystemd-shared")
        if roots:
            tool = next(path for path in (roots[0] + "/usr/bin/systemd-notify", roots[0] + "/bin/systemd-notify")
                        if os.path.exists(path))
            environment = {"LD_LIBRARY_PATH": libraries(roots)}
    runs = os.access(tool, os.X_OK) and subprocess.run([tool, "--version"], env=environment,
                                                       capture_output=True).returncode == 0
    if runs:
        for user in ("", "daemon"):
            for option in ("", "--no-block"):
                script = f"{tool} {option} --ready --status='from a script'; echo told $?; " + SLEEP
                units[f"script{user}{option}"] = {
                    "service": {**sh(script, type="notify"), "notify-access": "all", "start-timeout": "10s", "restart": "no"},
                    "process": {"environment": environment, **({"user": user} if user else {})}}
        units["reloader"] = {
            "service": {**talk("send:READY=1")["service"], "notify-access": "exec",
                        "reload-command": ["/bin/sh", "-c", f"exec {tool} --no-block --status=reloaded"]},
            "process": {"environment": environment}}
    else:
        t.note("systemd-notify cannot be run here")
    roots = unpacked(t, "python3-sdnotify")
    if roots:
        code = "import sdnotify, time\nn = sdnotify.SystemdNotifier(debug=True)\nn.notify('READY=1')\n" \
               "n.notify('STATUS=from python')\ntime.sleep(1000)"
        units["python"] = {"service": {"type": "notify", "command": [sys.executable, "-c", code], "restart": "no"},
                           "process": {"environment": {"PYTHONPATH": roots[0] + "/usr/lib/python3/dist-packages"}}}
    daemon = "/usr/bin/dbus-daemon"
    if not os.access(daemon, os.X_OK):
        roots = unpacked(t, "dbus-daemon", "libdbus-1-3", "libapparmor1", "libaudit1", "libcap-ng0", "libexpat1", "libsystemd0")
        daemon = roots[0] + "/usr/bin/dbus-daemon" if roots else None
        environment = {"LD_LIBRARY_PATH": libraries(roots)} if roots else {}
    if daemon:
        work = t.scene.work + "/dbus"
        os.mkdir(work)
        with open(work + "/bus.conf", "w") as file:
            file.write(f"<busconfig><type>session</type><listen>unix:path={work}/bus</listen><auth>EXTERNAL</auth>"
                       "<policy context='default'><allow send_destination='*' eavesdrop='true'/><allow own='*'/></policy>"
                       "</busconfig>")
        units["bus"] = {"service": {"type": "notify", "start-timeout": "10s", "restart": "no", "command":
                                    [daemon, f"--config-file={work}/bus.conf", "--nofork", "--nopidfile",
                                     "--systemd-activation"]},
                        "process": {"environment": environment}}
    with t.scene.init(units) as init:
        for name in [name for name in units if name.startswith("script")]:
            status = t.attempt(f"`systemd-notify --ready` of a shell script makes its service ready: {name}",
                               lambda: init.wait(name))
            t.equal(f"with its status: {name}", (status or {}).get("status_text"), "from a script")
            until(lambda: "told" in says(init, name), 5)
            t.equal(f"and is content with us: {name}", says(init, name), "told 0")
        if "reloader" in units:
            init.wait("reloader")
            init.ask("Reload", "reloader")
            t.ok("a reload-command can speak for its service with notify-access exec",
                 until(lambda: init.status("reloader").get("status_text") == "reloaded", 5), init.status("reloader"))
        if "python" in units:
            status = t.attempt("python3-sdnotify is understood", lambda: init.wait("python"))
            t.ok("with its status", until(lambda: init.status("python").get("status_text") == "from python", 5))
        if "bus" in units:
            t.attempt("dbus-daemon says when it is ready", lambda: init.wait("bus"))
            t.ok("and then it answers", until(lambda: os.path.exists(t.scene.work + "/dbus/bus"), 1))
            init.stop("bus")
            t.equal("and stops", init.state("bus"), "down")


GROUPS = [notify_who_is_heard, notify_keys, notify_descriptors, notify_watchdog, notify_above,
          notify_bare, notify_clients]
ALONE = [notify_flood]
