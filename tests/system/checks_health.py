"""[health]: probes, what waits for them and what follows from them; and `minictl check`."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

from checks_crash import MANAGER, again, crash, overview, reexec
from harness import sh, until

SERVER = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../programs/health_server.py")
SLEEP = "exec sleep 1000"
PORT = 8080


def server(path=None):
    return {"command": ["/usr/bin/python3", SERVER, str(PORT)] + ([path] if path else [])}


def health(init, unit):
    return init.status(unit)["health"]


def probes(init, unit):
    return [line[3] for line in init.log(unit, ("health",))]


def count(path):
    try:
        with open(path) as file:
            return len(file.read().split())
    except FileNotFoundError:
        return 0


def health_gate(t):
    """A command that succeeds once a file is there."""
    flag = f"{t.scene.work}/gate-flag"
    units = {"db": {"service": sh(SLEEP, start_timeout="60s"),
                    "health": {"command": ["/bin/sh", "-c", f"test -e {flag} || {{ echo not yet; exit 3; }}"],
                               "interval": "100ms", "start-interval": "50ms", "action": "none", "failures": 2}},
             "web": {"requires": ["db"], "service": sh(SLEEP)}}
    with t.scene.init(units) as init:
        until(lambda: probes(init, "db"), 15, "the first probe has said something")
        status = init.status("db")
        t.equal("a unit whose probes have not succeeded yet is starting, and so is its health",
                (status["state"], status.get("stage"), status["health"]), ("starting", "health", "starting"))
        t.equal("what requires it waits", init.state("web"), "waiting")
        t.ok("explain says which probe failed, how often, and its last words",
             until(lambda: (said := " ".join(init.explain("web"))) and "its health probe (command /bin/sh -c" in said and
                   "has failed" in said and "exit code 3: not yet" in said, 15), init.explain("web"))
        t.equal("healthcheck fails meanwhile", init.ctl("healthcheck", "db").returncode, 1)
        events = init.events("db")
        open(flag, "w").close()
        t.equal("wait --for healthy waits for it", init.ctl("wait", "db", "--for", "healthy", "--timeout", "30s").returncode, 0)
        t.attempt("and then what requires it is started", lambda: init.wait("web"))
        t.equal("healthcheck is content", init.ctl("healthcheck", "db").returncode, 0)
        t.has("status shows it", init.ctl("status", "db").stdout, "health", "healthy")
        before = init.status("web")["main_pid"]
        os.unlink(flag)
        t.equal("wait --for unhealthy waits for failures in a row",
                init.ctl("wait", "db", "--for", "unhealthy", "--timeout", "30s").returncode, 0)
        t.equal("with action = \"none\" it is shown only",
                (init.state("db"), init.status("web")["main_pid"]), ("up", before))
        t.has("list shows it", init.ctl("list").stdout, "unhealthy")
        t.has("list --failed names it", init.ctl("list", "--failed").stdout, "db")
        t.has("healthcheck says what is wrong", init.ctl("healthcheck").stdout, "db is up: it is unhealthy", "not yet")
        t.equal("healthcheck of the unit fails", init.ctl("healthcheck", "db").returncode, 1)
        t.equal("--json has it", json.loads(init.ctl("status", "--json", "db").stdout)["units"][0]["health"], "unhealthy")
        open(flag, "w").close()
        t.attempt("one good probe is enough to be healthy again",
                  lambda: until(lambda: health(init, "db") == "healthy", 30, "healthy again"))
        changes = [event["health"] for event in events.drain(0.3) if event.get("kind") == "health"]
        t.equal("events tell of each change", changes, ["healthy", "unhealthy", "healthy"])
        t.has("what has no probes has no health to wait for", init.ctl("wait", "web", "--for", "healthy").stderr, "[health]")


def health_hang(t):
    """The hang that no exit shows."""
    units = {"app": {"service": {**server(), "restart-delay": "10ms"},
                     "health": {"http": f"http://127.0.0.1:{PORT}/", "interval": "200ms", "timeout": "500ms",
                                "failures": 2}},
             "web": {"requires": ["app"], "service": sh(SLEEP)}}
    with t.scene.init(units, net=True) as init:
        init.wait("web", timeout=60)
        status = init.status("app")
        t.equal("it is up and healthy", status["health"], "healthy")
        began = time.monotonic()
        os.kill(init.outside(status["main_pid"]), signal.SIGSTOP)
        until(lambda: init.status("app")["restarts"] == 1, 60, "a service that hangs is restarted")
        init.wait("app", timeout=60)
        t.note(f"from the hang to new readiness: {time.monotonic() - began:.2f} s (interval 200 ms, timeout 500 ms, 2 failures)")
        t.attempt("its dependents wait, and come back", lambda: init.wait("web", timeout=60))
        t.has("its log says why", init.text("app", ("init",)), "it is unhealthy", "no answer within 500 ms")


def overrun(t, cgroups):
    """A probe that forks and hangs."""
    pids = f"{t.scene.work}/overrun-{cgroups}"
    text = f"sleep 998 & sleep 999 & echo $$ >>{pids}; wait"
    units = {"app": {"service": sh(SLEEP), "health": {"command": ["/bin/sh", "-c", text], "timeout": "300ms",
                                                      "start-interval": "10ms"}}}
    with t.scene.init(units, cgroups=cgroups) as init:
        until(lambda: count(pids) > 5, 60, "several probes were made")
        way = "its cgroup" if cgroups else "its session"
        most = 0
        for _ in range(50):
            most = max(most, sum("sleep 999" in what[1] for what in init.processes().values()))
            time.sleep(0.01)
        t.ok(f"a probe that overruns is ended with all that it forked, by {way}; there are never two", most <= 1, most)
        t.ok("explain says so", until(lambda: "did not end within its timeout" in " ".join(init.explain("app")), 15))
        init.stop("app")
        t.equal("when the unit has stopped nothing of a probe is left",
                [what for what in init.processes().values() if "sleep 99" in what[1]], [])


def health_overrun_cgroup(t):
    if t.scene.cgroups:
        overrun(t, True)


def health_overrun_session(t):
    overrun(t, False)


def health_cannot_run(t):
    units = {"app": {"service": sh(SLEEP, start_timeout="60s"),
                     "health": {"command": ["/no/such/probe"], "start-interval": "50ms"}}}
    with t.scene.init(units) as init:
        t.attempt("a probe that cannot run makes its unit unhealthy",
                  lambda: until(lambda: health(init, "app") == "unhealthy", 15, "unhealthy"))
        t.equal("which is no end of its start", init.state("app"), "starting")
        t.has("and says why", init.status("app")["reason"], "it cannot run", "/no/such/probe", "No such file")


def health_log_line(t):
    fifo = f"{t.scene.work}/log-line"
    os.mkfifo(fifo, 0o666)
    units = {"app": {"service": sh(f"while read -r line; do eval \"$line\"; done <>{fifo}", start_timeout="120s"),
                     "health": {"log-line": "^<*is [r]eady( now)?$|x{5}is ready"}},
             "web": {"requires": ["app"], "service": sh(SLEEP)}}
    with t.scene.init(units) as init:
        def say(line):
            with open(fifo, "w") as file:
                file.write(line + "\n")

        def restart():
            init.call("Restart", 20, units=["app"], wait=False)
            until(lambda: init.status("app").get("stage") == "health", 20, "it waits for its line")
        until(lambda: init.status("app").get("stage") == "health", 20, "it waits for its line")
        say("echo it is not ready; printf 'is '")
        until(lambda: "not ready" in init.text("app"), 15, "the first line has come")
        say("echo 'ready now, nearly'")
        until(lambda: "nearly" in init.text("app"), 15, "the next line has come")
        t.equal("lines that do not match make nothing ready", init.state("app"), "starting")
        say("echo 'is ready now'")
        t.attempt("a line that matches does, at once", lambda: init.wait("web", timeout=30))
        restart()
        say("head -c 60000 /dev/zero | tr '\\0' x; printf 'is rea'")
        until(lambda: "xxx" in init.text("app"), 20, "a piece of a long line is written")
        killed = init.collector()
        os.kill(killed, signal.SIGKILL)
        until(lambda: init.collector() != killed, 20, "there is another collector")
        t.equal("half a line is none", init.state("app"), "starting")
        say("echo dy")
        t.attempt("a line of more than 48 KiB, in two writes, and another collector between them",
                  lambda: init.wait("app", timeout=30))
        restart()
        crash(init, signal.SIGSEGV, 1)
        say("echo 'is ready'")
        t.attempt("it is waited for also by the PID 1 that comes after a crash", lambda: init.wait("app", timeout=30))


def health_not_probed(t):
    """Frozen, reloading, stopping."""
    seen = f"{t.scene.work}/not-probed"
    units = {"app": {"service": {**sh("trap 'exit 0' TERM; while :; do sleep 0.05; done"),
                                 "reload-command": ["/bin/sleep", "1.5"]},
                     "health": {"command": ["/bin/sh", "-c", f"echo x >>{seen}"], "interval": "20ms"}}}
    with t.scene.init(units) as init:
        init.wait("app")
        until(lambda: count(seen) > 3, 30, "it is probed")
        client = init.client()
        client.send("Reload", units=["app"])
        until(lambda: init.state("app") == "reloading", 15, "it reloads")
        time.sleep(0.1)  # for a probe that was under way
        before = count(seen)
        time.sleep(0.5)
        t.ok("what reloads is not probed", init.state("app") != "reloading" or count(seen) == before)
        client.receive(30)
        client.close()
        before = count(seen)
        t.ok("and is again when it is up", until(lambda: count(seen) > before, 30))
        if t.scene.cgroups:
            init.call("Freeze", units=["app"])
            time.sleep(0.1)
            before = count(seen)
            time.sleep(0.5)
            t.equal("what is frozen is not probed", count(seen), before)
            t.equal("nor does that make it unhealthy", health(init, "app"), "healthy")
            init.call("Thaw", units=["app"])
            t.ok("thawed, it is again", until(lambda: count(seen) > before, 30))
        init.stop("app")
        before = count(seen)
        time.sleep(0.3)
        t.equal("nothing is probed that is down", (count(seen), health(init, "app")), (before, "none"))


def health_crashes(t):
    """PID 1 crashes while probes run."""
    runs, twice = f"{t.scene.work}/crash-runs", f"{t.scene.work}/crash-twice"
    probe = (f"mkdir {t.scene.work}/probe-$MINIINIT_UNIT 2>/dev/null || echo $MINIINIT_UNIT >>{twice}; sleep 0.02; "
             f"rmdir {t.scene.work}/probe-$MINIINIT_UNIT; echo x >>{runs}")
    units = {f"s{number}": {"service": sh(SLEEP),
                            "health": {"command": ["/bin/sh", "-c", probe], "interval": "30ms", "timeout": "60s"}}
             for number in range(8)}
    units["ails"] = {"service": sh(SLEEP), "health": {"command": ["/bin/sh", "-c", f"test ! -e {runs}.no"],
                                                      "interval": "1h", "failures": 1000, "action": "none"}}
    with t.scene.init(units, sections=MANAGER) as init:
        for name in units:
            init.wait(name, timeout=60)
        pids = {name: init.status(name)["main_pid"] for name in units}
        for number in range(1, 51):
            crash(init, signal.SIGSEGV, number)
        t.equal("fifty crashes", overview(init)["crashes"], 50)
        t.equal("no probe was doubled", count(twice), 0)
        before = count(runs)
        t.ok("none was forgotten: all are probed on", until(lambda: count(runs) > before + 16, 60))
        t.equal("all are healthy still, and the processes are the same",
                {name: (init.status(name)["health"], init.status(name)["main_pid"]) for name in units},
                {name: ("healthy", pid) for name, pid in pids.items()})
        t.note(f"{count(runs)} probes meanwhile")


def health_counters(t):
    """Failures are counted over a crash and a re-exec."""
    seen = f"{t.scene.work}/counters"
    units = {"app": {"service": sh(SLEEP, restart="no"),
                     "health": {"command": ["/bin/sh", "-c", f"echo x >>{seen}; test $(wc -l <{seen}) -eq 1"],
                                "interval": "400ms", "failures": 6}},
             "other": {"service": sh(SLEEP)}}
    with t.scene.init(units, sections=MANAGER) as init:
        init.wait("app")
        until(lambda: count(seen) >= 3, 30, "two probes have failed")
        crash(init, signal.SIGSEGV, 1)
        reexec(init)
        again(init)
        until(lambda: init.state("app") == "failed", 60, "it becomes unhealthy")
        t.equal("counters survive a crash and a re-exec", count(seen), 7)


def health_confined(t):
    """A probe of ours in the service's root directory, as its user."""
    root = f"{t.scene.work}/probe-root"
    os.makedirs(root + "/dev")
    os.chmod(root, 0o755)
    shutil.copy(t.scene.program("sys_beat"), root + "/service")
    # What a binary that is not static asks for.
    for library in re.findall(r"(/\S+) \(0x", subprocess.run(["ldd", t.scene.binary], text=True, capture_output=True).stdout):
        os.makedirs(root + os.path.dirname(library), exist_ok=True)
        shutil.copy(library, root + library)
    listens = {"listen": [{"stream": f"127.0.0.1:{PORT}"}]}
    units = {"app": {**listens, "service": {"command": ["/service", "1000"]},
                     "process": {"user": "65534", "root-directory": root},
                     "health": {"tcp": f"127.0.0.1:{PORT}", "interval": "100ms"}},
             "local": {"listen": [{"stream": f"{t.scene.work}/probe-local"}], "service": sh(SLEEP),
                       "health": {"unix": f"{t.scene.work}/probe-local"}}}
    for proc in (True, False):
        with t.scene.init(units, net=True, proc=proc) as init:
            where = "" if proc else ", without /proc"
            t.attempt("a probe of ours runs in a root directory without us, as another user" + where,
                      lambda: until(lambda: health(init, "app") == "healthy", 30, init.brief("app")))
            t.attempt("a probe of ours asks a Unix socket" + where, lambda: init.wait("local", timeout=30))


def health_without(t):
    """No table: no cost."""
    with t.scene.init({"app": {"service": sh(SLEEP)}}) as init:
        init.wait("app")
        init.fall_idle()
        before = init.wakeups(init.pid())
        time.sleep(2)
        t.equal("without [health] PID 1 sleeps", init.wakeups(init.pid()) - before, 0)
        t.equal("and there is no health", health(init, "app"), "none")


def health_check(t):
    """`minictl check`, without any manager that it could ask."""
    path = f"{t.scene.work}/check.socket"
    units = {"server": {"service": server(path), "health": {"log-line": "it serves"}}}
    with t.scene.init(units, net=True) as init:
        init.wait("server", timeout=60)

        def ask(*words):
            line = ["nsenter", f"--net=/proc/{init.pid()}/ns/net", init.minictl, "check", *words]
            done = subprocess.run(line, text=True, capture_output=True, env={"PATH": os.environ["PATH"]}, timeout=60)
            return done.returncode, done.stdout.strip(), done.stderr.strip()
        here = f"127.0.0.1:{PORT}"
        for url in (f"http://{here}/", f"http://[::1]:{PORT}/", f"http://localhost:{PORT}", f"tcp://{here}",
                    f"tcp://[::1]:{PORT}", f"unix:{path}", f"unix+http://{path}:/", f"http://{here}/moved",
                    f"http://{here}/early", f"http://{here}?a=b"):
            code, out, err = ask(url)
            t.ok(f"well: {url.replace(path, 'PATH')}", code == 0 and out.count("\n") == 0 and not err, (code, out, err))
        t.equal("--quiet says nothing of what is well", ask("--quiet", f"tcp://{here}"), (0, "", ""))
        t.equal("the Host header is what was written", ask("--expect", f"^host={here}$", f"http://{here}/host")[0], 0)
        t.equal("an answer in chunks is put together", ask("--expect", "^all is well$", f"http://{here}/chunks")[0], 0)
        for words, why in (((f"http://{here}/500",), "500 Internal Server Error"),
                           (("--status", "204", f"http://{here}/"), "expected 204"),
                           (("--expect", "ill", f"http://{here}/"), "nothing in it matches"),
                           (("--timeout", "200ms", f"http://{here}/slow"), "no answer within 200 ms"),
                           ((f"http://{here}/garbage",), "is not HTTP/1"),
                           (("tcp://127.0.0.1:1",), "Connection refused"),
                           ((f"unix:{path}.none",), "No such file"),
                           (("https://127.0.0.1/",), "no TLS"),
                           (("ftp://127.0.0.1/",), "not a known scheme"),
                           (("http://no.such.name/",), "is not in /etc/hosts"),
                           (("--expect", "(", f"http://{here}/"), "no regular expression")):
            code, out, err = ask(*words)
            t.ok(f"not well: {why}", code == 1 and why in out + err and (out + err).count("\n") == 0, (code, out, err))
        t.equal("--status says which is well", ask("--status", "404", f"http://{here}/404")[0], 0)


GROUPS = [health_gate, health_hang, health_overrun_cgroup, health_overrun_session, health_cannot_run, health_log_line, health_not_probed,
          health_crashes, health_counters, health_confined, health_without, health_check]
