"""How it all ends, and what it does with less: exit codes, a COMMAND beside units, no /proc, no cgroups, nothing
writable, no root."""
import os
import signal
import socket
import subprocess
import sys
import time

from checks_executor import Lease
from harness import NOBODY, SANITIZERS, sh, until

SLEEP = "exec sleep 1000"
OWN_USER = 64999  # has no other process on this machine


def wait_channel(pid):
    try:
        with open(f"/proc/{pid}/wchan") as file:
            return file.read()
    except OSError:
        return ""


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return file.read().split()


def ending_order(t):
    stamp = t.scene.program("sys_stamp")
    for number, name in ((signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "SIGINT"), (signal.SIGRTMIN + 3, "SIGRTMIN+3")):
        stamps = f"{t.scene.work}/ending-{int(number)}"
        units = {"a": {"service": {"command": [stamp, stamps, "a", "simple", "0", "100"]}},
                 "b": {"requires": ["a"], "service": {"command": [stamp, stamps, "b", "notify", "10", "100"],
                                                      "type": "notify"}},
                 "c": {"requires": ["b"], "service": {"command": [stamp, stamps, "c", "simple", "0", "100"]}},
                 "deaf": {"service": {**sh("trap '' TERM; while :; do sleep 0.1; done"), "stop-timeout": "500ms"}},
                 "last": {"service": {**sh(SLEEP), "post-stop": [["/bin/sh", "-c", "echo the last words"]]}}}
        with t.scene.init(units) as init:
            init.wait("c")
            until(lambda: open(stamps).read().count("begin") == 3, 3)
            began = time.monotonic()
            init.signal(number)
            t.equal(f"{name}: everything stops and the exit code is 0", init.ended(10), 0)
            t.ok(f"{name}: within the time that the slowest takes", time.monotonic() - began < 3,
                 f"{time.monotonic() - began:.1f} s")
            order = [tuple(line.split()[:2]) for line in open(stamps) if line.split()[1] in ("term", "end")]
            t.equal(f"{name}: in reverse order", order, [(unit, what) for unit in "cba" for what in ("term", "end")])
            t.has(f"{name}: what was said last is in the log", init.text("last"), "the last words")


def ending_codes(t):
    keeper = {"keeper": {"service": sh("trap 'echo stopped; exit 0' TERM; echo >&3; while :; do sleep 0.05; done",
                                       type="notify-fd")}}
    for what, text, code in (("exits 7", "exit 7", 7), ("exits 0", "exit 0", 0), ("is killed", "kill -KILL $$", 137)):
        with t.scene.init({**keeper, "main": {"requires": ["keeper"],
                "service": {**sh(f"sleep 0.1; {text}", restart="no"), "exit-action": "shutdown"}}}, wait=False) as init:
            t.equal(f"exit-action = \"shutdown\": a service that {what} ends the container with {code}",
                    init.ended(10), code)
            t.has("and the others are stopped first", init.text("keeper", ("out",)), "stopped")
    with t.scene.init({"job": {"service": {**sh("exit 3", restart_delay="20ms", restart_limit=2),
                                           "exit-action": "shutdown"}}, **keeper}, wait=False) as init:
        t.equal("exit-action waits for the restarts: it is the end for good that counts",
                (init.ended(10), init.text("job", ("init",)).count("tried again")), (3, 2))
    with t.scene.init({"a": {"service": sh("exit 1", restart="no")},
                       "b": {"service": sh("exit 2", restart_delay="10ms", restart_limit=1)}}, wait=False) as init:
        t.equal("a container in which all has failed exits 1", init.ended(10), 1)
        t.has("and says why", init.console(), "failed")
    with t.scene.init({"a": {"service": sh(SLEEP)}, "b": {"enabled": False,
                                                          "service": sh("exit 1", restart="no")}}) as init:
        init.wait("a")
        init.stop("a")
        init.call("Start", units=["b"])
        time.sleep(0.2)
        t.ok("one in which a service was stopped by hand and another failed goes on", init.process.poll() is None
             and init.state("a") == "down", init.console())
    with t.scene.init({"a": {"service": {"comand": ["/bin/true"]}}}, wait=False) as init:
        t.equal("so does one in which nothing is valid", init.ended(10), 1)
        t.has("and the file and line of the mistake are on the console", init.console(), "config.toml:", "comand")
    path = t.scene.work + "/on-demand"
    takes = "import socket; socket.socket(fileno=3).accept()[0].sendall(b'taken'); raise SystemExit(3)"
    with t.scene.init({"only": {"service": {"type": "oneshot", "command": ["/bin/false"]},
                                "timer": {"every": "300ms"}}}) as init:
        ran = [init.wait_failed("only")["since_monotonic"]]
        ran += [until(lambda: (s := init.status("only"))["state"] == "failed" and s["since_monotonic"] != ran[0]
                      and s["since_monotonic"], 10)]
        t.ok("a container whose only unit has a timer goes on after a run that failed", all(ran), init.console())
    with t.scene.init({"only": {"service": {"type": "oneshot", "command": [sys.executable, "-c", takes],
                                            "activation": "on-demand"}, "listen": [{"stream": path}]}}) as init:
        init.wait_idle("only")
        answers = []
        for _ in range(2):
            with socket.socket(socket.AF_UNIX) as one:
                one.connect(path)
                answers.append(one.recv(10))
            init.wait_failed("only")
        t.equal("and one whose only unit is on demand answers the next connection", answers, [b"taken"] * 2)
    for verb in ("poweroff", "reboot", "halt"):
        with t.scene.init(keeper) as init:
            init.wait("keeper")
            result = init.ctl(verb)
            t.equal(f"`minictl {verb}` ends a container in order, with 0",
                    (result.returncode, init.ended(10), init.text("keeper", ("out",))), (0, 0, "stopped"))
    units = {"hang": {"service": {**sh("trap '' TERM; echo >&3; while :; do sleep 0.1; done", type="notify-fd"),
                                  "stop-timeout": "60s"}}, **keeper}
    with t.scene.init(units, sections={"manager": {"shutdown-timeout": "700ms"}}) as init:
        init.wait("hang")
        init.wait("keeper")
        began = time.monotonic()
        init.signal(signal.SIGTERM)
        init.ended(10)
        t.ok("shutdown-timeout bounds the whole", 0.5 < time.monotonic() - began < 4,
             f"{time.monotonic() - began:.1f} s")
        t.has("and what was in the way is told", init.console(), "hang")
    slow = {"slow": {"service": {**sh("trap 'sleep 9.5; echo in time; exit' TERM; echo >&3; while :; do sleep 0.1; done",
                                      type="notify-fd"), "stop-timeout": "60s"}}}
    with t.scene.init(slow, sections={"manager": {"shutdown-timeout": "90s"}}) as init:
        init.wait("slow")
        init.signal(signal.SIGTERM)
        t.equal("one that is said holds, though it is more than what a container has where nothing is said",
                (init.ended(40), init.text("slow", ("out",))), (0, "in time"))


def ending_table(t):
    """Each line of the table in miniinit(8), EXIT STATUS; those of a command alone are in tests/container."""
    keeper = {"keeper": {"service": sh(SLEEP)}}
    def ends(what, code, service, args=(), command=(), said="", more=None, **unit):
        units = {**keeper, "main": {"service": {"exit-action": "shutdown", "restart": "no", **service}, **unit},
                 **(more or {})}
        if command:
            del units["main"]
        with t.scene.init(units, wait=False, args=args, command=command) as init:
            t.equal(f"{what} ends a container with {code}", init.ended(15), code)
            if said:
                t.has(f"{what}: it is said", init.console(), said)
    late = {"type": "notify", "start-timeout": "200ms"}
    ends("a start that takes too long", 1, {**late, **sh(SLEEP)})
    ends("one that is told to end then and exits 0", 1, {**late, **sh("trap 'exit 0' TERM; while :; do sleep 0.02; done")})
    ends("one that has to be killed then", 1, {**late, "stop-timeout": "100ms",
                                                **sh("trap '' TERM; while :; do sleep 0.02; done")})
    ends("an end before READY=1", 1, {"type": "notify", **sh("exit 0")})
    ends("an end before READY=1 with a code of its own", 9, {"type": "notify", **sh("exit 9")})
    ends("a failed pre-start command", 1, {**sh(SLEEP), "pre-start": ["/bin/false"]})
    ends("a failed post-start command", 1, {**sh(SLEEP), "post-start": ["/bin/false"]})
    ends("a hung service", 1, {**sh(SLEEP), "watchdog": "100ms"})
    ends("a program that does not exist", 1, {"command": "/no/such/program"})
    ends("what it requires and cannot have", 1, {**sh(SLEEP)}, requires=["broken"],
         more={"broken": {"service": {"type": "oneshot", **sh("exit 5", type="oneshot")}}})
    ends("an exit code that counts as a success", 3, {**sh("exit 3"), "success-exit": [0, 3]})
    ends("the exit code 0 that counts as a failure", 1, {**sh("exit 0"), "success-exit": [3]})
    ends("the signal that kills it", 143, sh("kill -TERM $$"))
    ends("the last of too many restarts", 6, {**sh("exit 6"), "restart": "on-failure", "restart-limit": 1,
                                              "restart-delay": "10ms"})
    ends("a restart limit with its own action", 6, {**sh("exit 6"), "restart": "on-failure", "restart-limit": 1,
                                                    "exit-action": "none", "restart-delay": "10ms",
                                                    "restart-limit-action": "shutdown"})
    healthy_once = {"command": ["/bin/sh", "-c", f"[ ! -e {t.scene.work}/was ] && touch {t.scene.work}/was"], "failures": 1,
                    "interval": "10ms", "start-interval": "10ms"}
    ends("a health that is gone for good", 1, {**sh(SLEEP), "restart": "no"}, health=healthy_once)
    ends("a oneshot that is done", 0, sh("exit 0", type="oneshot"))
    ends("an exit code that is remapped", 0, sh("exit 44"), args=["--remap-exit", "44"])
    for what, unit in (("a mistake in its file", {"main": {"service": {**sh(SLEEP), "exit-action": "shutdown", "comand": "x"}}}),
                       ("a file that is no TOML, as far as it can be read", None),
                       ("a mistake in a file that the default target wants",
                        {"main": {"service": {**sh(SLEEP), "exit-action": "shutdown", "comand": "x"}},
                         "default": {"wants": ["keeper", "main"], "target": {}}})):
        with t.scene.init({**keeper, **unit} if unit else None, wait=False, files=None if unit else {
                "keeper.toml": f'[service]\nscript = "{SLEEP}"\n',
                "main.toml": f'[service]\nscript = "{SLEEP}"\nexit-action = "shutdown"\nrestart = = 3\n'}) as init:
            t.equal(f"{what}, and with its end everything is to end, beside a healthy service: 1", init.ended(15), 1)
            t.has("and it is said", init.console(), "main is invalid, and with its end everything is to end")
    for what, unit in (("nobody wants", {"target": {}, "wants": ["keeper"]}), ("is disabled", None)):
        broken = {"service": {**sh(SLEEP), "exit-action": "shutdown", "comand": "x"}, **({} if unit else {"enabled": False})}
        with t.scene.init({**keeper, "main": broken, **({"default": unit} if unit else {})}) as init:
            init.wait("keeper")
            t.ok(f"one that {what} ends nothing", init.process.poll() is None and init.state("main") == "invalid")
    # Beside units a command has the codes that it has alone.
    ends("a command that is killed", 137, {}, command=["/bin/sh", "-c", "kill -KILL $$"])
    ends("a command that is a directory", 126, {}, command=["/"])
    ends("a command that is not there", 127, {}, command=["/no/such/command"])
    with t.scene.init(wait=False, bare=True, command=["/bin/true"], faults=["vfork=EAGAIN"]) as init:
        t.equal("a command for which there is no process ends a container with 125", init.ended(15), 125)
        t.has("and it is said", init.console(), 'cannot start "/bin/true": fork: ')
    with t.scene.init(keeper, wait=False, before=["prlimit", "--fsize=4096:4096"]) as init:
        t.equal("limits in which the init cannot work end a container with 70", init.ended(15), 70)
        t.has("and they are said", init.console(), "cannot work: ")
    with t.scene.init(keeper, wait=False, args=["--no-such-option"]) as init:
        t.equal("an option that is not understood ends a container with 2", init.ended(15), 2)
    # Only the command is where the init was started.
    work = t.scene.work + "/started"
    os.mkdir(work)
    units = {"beside": {"service": sh("pwd; exec sleep 1000")}}
    where = f"pwd; echo up >>{work}/ups; exec sleep 1000"
    with t.scene.init(units, command=["/bin/sh", "-c", where], before=["env", "-C", work]) as init:
        cwd = lambda pid: os.readlink(f"/proc/{pid}/cwd")
        init.wait("beside")
        init.wait("command")
        until(lambda: os.path.exists(work + "/ups"), 5, "the command")
        t.equal("a command beside units keeps the directory that the init was started in, which nothing else is in",
                (cwd(init.outside(init.status("command")["main_pid"])), cwd(init.pid()), cwd(init.collector()),
                 init.text("beside", once="/")), (work, "/", "/", "/"))
        t.equal("so it does when it is started again, after a re-exec, too",
                (init.ctl("reexec").returncode, init.ctl("stop", "command").returncode,
                 init.ctl("start", "command").returncode), (0, 0, 0))
        until(lambda: open(work + "/ups").read().count("up") == 2, 5, "the command once more")
        t.equal("there it is", cwd(init.outside(init.status("command")["main_pid"])), work)
    with open(work + "/relative", "w") as file:
        file.write("#!/bin/sh\nexit 8\n")
    os.chmod(work + "/relative", 0o755)
    with t.scene.init(units, wait=False, command=["./relative"], before=["env", "-C", work]) as init:
        t.equal("a command is found from there", init.ended(15), 8)

    # Whoever executes a program that somebody holds a lease on waits: there it is killed.
    for beside, what in ((keeper, "beside units"), (None, "alone")):
        with Lease(t, f"leased-command-{beside is None}") as lease:
            with t.scene.init(beside, wait=False, **({"files": {}} if beside is None else {}), bare=beside is None,
                              command=[lease.path]) as init:
                until(lambda: children(init.process.pid), 10, "the init")
                waits = lambda: [pid for pid in init.processes() if wait_channel(pid) == "__break_lease"]
                os.kill(until(waits, 10, "a command that waits for its program")[0], signal.SIGKILL)
                t.equal(f"a command {what} that is killed before it has become its program: 137", init.ended(15), 137)


def ending_collector(t):
    """The collector dies while it has the last lines to write."""
    quiet = {"service": sh(SLEEP), "process": {"stdout": "null", "stderr": "null"}}  # nothing of it is waited for
    with t.scene.init({"quiet": quiet}, sections={"manager": {"shutdown-timeout": "60s"}}) as init:
        init.wait("quiet")
        collector = init.collector()
        if not init.freeze(collector):
            return t.note("nothing can be frozen here")
        init.signal(signal.SIGTERM)
        until(lambda: init.state("quiet") == "down", 20, "all units are down")
        os.kill(collector, signal.SIGKILL)
        t.equal("a container whose collector dies at the end ends all the same", init.ended(20), 0)
        t.has("and nothing is lost: another one has written the last lines", init.text("miniinit", ()), "all units are down")


def ending_command(t):
    keeper = {"keeper": {"service": {**sh(
        "trap 'sleep 0.1; echo stopped; exit 0' TERM; echo ready; while :; do sleep 0.05; done")}},
              "db": {"service": {"type": "oneshot", **sh("echo db", type="oneshot")}}}
    with t.scene.init(keeper,
                      command=["/bin/sh", "-c",
                               f"echo command $FLAG $$; until [ -s {t.scene.work}/keeper-ready ]; do sleep 0.05; done; exit 5"],
                      env={"FLAG": "passed"}) as init:
        until(lambda: "ready" in init.text("keeper"), 5)
        with open(t.scene.work + "/keeper-ready", "w") as file:
            file.write("now")
        t.equal("a COMMAND beside units: its exit code is ours", init.ended(10), 5)
        t.has("it has our output and our environment", init.console(), "command passed")
        t.equal("the units ran beside it and were stopped after it", init.text("keeper", ("out",)), "ready\nstopped")
        t.equal("oneshots too", init.text("db"), "db")
    script = "trap 'echo got USR1' USR1; trap 'echo got HUP' HUP; trap 'echo got TERM; exit 9' TERM; echo up; while :; do sleep 0.05; done"
    with t.scene.init(keeper, command=["/bin/sh", "-c", script], args=["--grace", "2s"]) as init:
        until(lambda: "up" in init.console() and "ready" in init.text("keeper"), 5, "the command")
        for number, word in ((signal.SIGUSR1, "USR1"), (signal.SIGHUP, "HUP")):
            init.signal(number)
            t.ok(f"SIG{word} to us is forwarded to it", until(lambda: f"got {word}" in init.console(), 3),
                 init.console())
        init.signal(signal.SIGTERM)
        t.equal("SIGTERM too; then its code is ours", init.ended(10), 9)
        t.has("and the units were stopped after it", init.text("keeper"), "stopped")
    script = "trap 'echo got TERM; exit 9' TERM; echo up in $(pwd); while :; do sleep 0.05; done"
    with t.scene.init(keeper, command=["/bin/sh", "-c", script], args=["--restart-on", "HUP"]) as init:
        for times in (1, 2, 3):
            t.ok(f"a COMMAND beside units, start {times}" + (", at a signal of --restart-on" if times > 1 else ""),
                 until(lambda: init.console().count("up in") == times, 15), init.console())
            if times < 3:
                init.signal(signal.SIGHUP)
        t.ok("it was stopped before, and the units were left alone",
             init.console().count("got TERM") == 2 and "stopped" not in init.text("keeper"), init.console())
        init.signal(signal.SIGTERM)
        t.equal("its end otherwise is the end, as before", init.ended(15), 9)
    with t.scene.init(keeper, command=["no-such-command"], wait=False) as init:
        t.equal("a COMMAND that is not there: 127", init.ended(10), 127)
        t.has("and it is said", init.console(), "no-such-command")


def ending_bare(t):
    """With less than usual."""
    units = {"simple": {"service": sh("echo works; exec sleep 1000")},
             "once": {"service": sh("echo done", type="oneshot")},
             "notify": {"service": {"type": "notify", "command": [t.scene.program("sys_notify"), "send:READY=1"]}},
             "forking": {"service": sh(
                 f"setsid sh -c 'echo $$ >{t.scene.work}/bare-PLACE; exec sleep 1000' >/dev/null 2>&1 & exit 0",
                 type="forking"),
                         "process": {"pid-file": t.scene.work + "/bare-PLACE"}},
             "user": {"service": sh("id -u; exec sleep 1000"), "process": {"user": str(NOBODY)}},
             "family": {"service": {"command": [t.scene.program("sys_family"), "double", "3"]}}}
    places = {"without /proc": {"proc": False}, "without cgroups": {"cgroups": False},
              "with a read-only run directory": {"run_mount": "ro"},
              "with all of that": {"proc": False, "cgroups": False, "run_mount": "ro"}}
    if SANITIZERS:  # which find their options in /proc
        places = {place: named for place, named in places.items() if named.get("proc", True)}
    for number, (place, named) in enumerate(places.items()):
        here = {name: eval(repr(unit).replace("bare-PLACE", f"bare-{number}")) for name, unit in units.items()}
        if "run_mount" in named:
            del here["notify"]  # there is no place for its socket
        with t.scene.init(here, **named) as init:
            # Without /proc nothing tells whose process a PID file names, and so it is not believed.
            for name in here.keys() - ({"forking"} if not named.get("proc", True) else set()):
                t.attempt(f"{place}, a service of each type comes up: {name}", lambda: init.wait(name, timeout=5))
            t.equal(f"{place}, logs are kept", (until(lambda: init.text("simple"), 3), init.text("once")),
                    ("works", "done"))
            t.equal(f"{place}, users are changed", (until(lambda: init.text("user"), 3),
                                                    init.status("user")["restarts"]), (str(NOBODY), 0))
            until(lambda: "ready" in init.text("family"), 3)
            init.stop("family")
            left = [what[4] for what in init.own_processes().values() if "sys_family" in what[4]]
            if named.get("proc", True):
                t.equal(f"{place}, a stop leaves nobody", left, [])
            else:
                t.note(f"{place}, a stop leaves {len(left)} who got away: nothing could tell whose they are")
            init.kill_inside(init.outside(init.status("simple")["main_pid"]), signal.SIGKILL)
            t.ok(f"{place}, a killed service is started again",
                 until(lambda: init.status("simple")["restarts"] == 1 and init.state("simple") == "up", 5))
            probe = init.call("Probe")["parameters"]["features"]
            t.ok(f"{place}, `probe` says what is missing", any(not feature["available"] for feature in probe) and all(
                feature["name"] and feature["instead"] for feature in probe if not feature["available"]), probe)
            init.signal(signal.SIGTERM)
            t.equal(f"{place}, it ends in order", init.ended(15), 0)

    # Nothing writable at all: no run directory, no log directory, no control socket.
    with t.scene.init({"once": {"service": {**sh("exit 4", type="oneshot"), "exit-action": "shutdown"}}}, wait=False,
                      args=["--run-dir", "/proc/nowhere", "--log-dir", "/proc/nowhere", "--control",
                            "/proc/nowhere/control"]) as init:
        t.equal("with nothing writable, services run all the same", init.ended(10), 4)

    # As nobody, who may do nothing.
    with t.scene.init({"once": {"service": {**sh("id -u; sleep 0.1; exit 6", type="oneshot"),
                                            "exit-action": "shutdown"}}}, wait=False,
                      before=["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"],
                      args=["--allow-insecure-units"]) as init:
        t.equal("as a user without any privilege, services run all the same", init.ended(10), 6)


def ending_user_mode(t):
    """`miniinit --user`, no PID 1 and no namespace: a subreaper."""
    home = t.scene.work + "/home"
    os.makedirs(home + "/config/miniinit")
    os.makedirs(home + "/run", mode=0o700)
    for name, text in (("web.toml",
                        '[service]\nscript = "echo hello; setsid sh -c \'setsid sleep 1000 & sleep 1000\' & exec sleep 1000"\n'),
                       ("job.toml", '[service]\ntype = "oneshot"\ncommand = "/bin/echo ${name}"\n')):
        with open(f"{home}/config/miniinit/{name}", "w") as file:
            file.write(text)
    subprocess.run(["chown", "-R", str(OWN_USER), home], check=True)
    env = {"PATH": os.environ["PATH"], "HOME": home, "XDG_CONFIG_HOME": home + "/config", "XDG_RUNTIME_DIR": home
           + "/run", "XDG_STATE_HOME": home + "/state"}
    as_user = ["setpriv", f"--reuid={OWN_USER}", f"--regid={OWN_USER}", "--clear-groups"]
    init = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *as_user, t.scene.binary, "--user"], env=env,
                            stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    ctl = lambda *words: subprocess.run([*as_user, t.scene.minictl, *words], env=env, capture_output=True, text=True,
                                        timeout=10)
    mine = lambda: subprocess.run(["pgrep", "-u", str(OWN_USER), "-x", "sleep"], capture_output=True,
                                  text=True).stdout.split()
    before = set(mine())
    try:
        t.ok("in user mode the socket is in XDG_RUNTIME_DIR",
             until(lambda: os.path.exists(home + "/run/miniinit/control"), 5))
        t.equal("`minictl --user wait`", (ctl("wait", "--user", "web", "--timeout", "5s").returncode,
                                          ctl("wait", "--user", "job", "--timeout", "5s").returncode), (0, 0))
        t.has("its logs are in XDG_STATE_HOME", ctl("logs", "--user", "web").stdout, "hello")
        t.equal("`minictl --user stop` leaves no process", (ctl("stop", "--user", "web").returncode,
                                                            set(mine()) - before), (0, set()))
        ctl("start", "--user", "web")
        init.send_signal(signal.SIGTERM)
        t.equal("SIGTERM ends it in order", init.wait(10), 0)
        t.equal("and nothing is left", set(mine()) - before, set())
    finally:
        init.kill()
        init.wait()
        init.stdout.close()
        for pid in set(mine()) - before:
            os.kill(int(pid), signal.SIGKILL)


GROUPS = [ending_order, ending_codes, ending_table, ending_collector, ending_command, ending_bare, ending_user_mode]
