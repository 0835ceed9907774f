"""`minictl run`: a command as a unit of its own, in the system's manager and in a user's."""
import hashlib
import json
import os
import re
import signal
import subprocess

from checks_user import UserInit, parent, unit
from harness import sh, until

SLEEP = "exec sleep 3000"


def run_in_system(t):
    with t.scene.init({"keeper": {"service": sh(SLEEP)}}, sections=None) as init:
        transient = init.run + "/transient"
        result = init.ctl("run", "--", "/bin/sh", "-c", "echo out; echo err >&2; pwd; umask; echo ${name} $MARK; " + SLEEP)
        name = result.stdout.strip()
        t.ok("minictl run says the name of the unit it made", result.returncode == 0
             and re.fullmatch(r"run-[0-9a-v]{6}", name), f"{result.returncode} {result.stdout} {result.stderr}")
        status = init.status(name)
        t.equal("it is up, described by its command, and not restarted",
                (status["state"], status["description"].startswith("/bin/sh -c echo out"), status["restarts"]),
                ("up", True, 0))
        text = lambda: init.text(name, ("out",))
        until(lambda: text().count("\n") >= 3 and init.text(name, ("err",)), 5)
        t.equal("its output is in its log, and it runs where and as minictl was called: nothing of it is expanded",
                (text().split("\n"), init.text(name, ("err",))), (["out", os.getcwd(), "%04o" % umask(), ""], "err"))
        t.has("minictl show knows it", init.ctl("show", name).stdout, 'service.restart', '"no"', transient)
        t.equal("its file, which holds an environment, is for root alone",
                (os.stat(f"{transient}/{name}.toml").st_mode & 0o777, os.stat(transient).st_mode & 0o777), (0o600, 0o700))
        t.equal("reload-units leaves it alone", (init.ctl("reload-units").stdout, init.state(name)), ("", "up"))
        t.equal("stop ends it", (init.ctl("stop", name).returncode, len(init.own_processes())), (0, 1))
        t.ok("and then it is gone, with its file, but for its log", until(lambda: "error" in init.call("Status", units=[name]), 5)
             and not os.path.exists(f"{transient}/{name}.toml") and "out" in text())
        for code, script in ((0, "exit 0"), (7, "exit 7"), (143, "kill -TERM $$"), (3, "sleep 0.2; exit 3")):
            result = init.ctl("run", "--wait", "--", "sh", "-c", script)
            t.equal(f"--wait exits as `{script}` does", result.returncode, code)
        result = init.ctl("run", "--wait", "--", "/no/such/program")
        t.ok("what cannot be started is told", result.returncode == 127 and "No such file" in result.stderr,
             f"{result.returncode} {result.stderr}")
        failed = [u["name"] for u in init.call("List", failed=True)["parameters"]["units"]]
        t.equal("those that failed are kept to be looked at, the others are not", len(failed), 4)
        init.call("Reset", units=[])
        until(lambda: len(init.call("List", all=True)["parameters"]["units"]) == 1, 5)
        t.equal("reset forgets them", [u["name"] for u in init.call("List", all=True)["parameters"]["units"]], ["keeper"])
        t.equal("and leaves no file", os.listdir(transient), [])
        result = init.ctl("run", "--name", "job", "-p", "process.nice=5", "-p", "service.restart=always", "-p",
                          "service.restart-delay=10ms", "-p", "process.environment.X=a b", "-p", "wants=keeper", "-p",
                          'service.success-exit=[0, 9]', "--", "sh", "-c", "echo $X $(nice); sleep 0.1")
        t.equal("--name and --property", (result.returncode, result.stderr), (0, ""))
        t.ok("any key of a unit can be set", until(lambda: text_of(init, "job").count("a b 5") >= 3, 5)
             and init.status("job")["restarts"] >= 2 and "keeper" in init.status("job")["dependencies"]["wants"],
             text_of(init, "job"))
        result = init.ctl("run", "--name", "job", "--", "true")
        t.ok("a name is taken as long as its unit runs", result.returncode == 1 and "running already" in result.stderr,
             result.stderr)
        result = init.ctl("run", "--name", "keeper", "--", "true")
        t.ok("and that of a unit of somebody's for ever", result.returncode == 1 and "there is a unit keeper" in result.stderr,
             result.stderr)
        init.stop("job")
        for wrong, said in (("service.restrt=no", "unknown key `restrt` in [service]"), ("service.restart=sometimes", "expected"),
                            ("process.nice=50", "`nice`"), ("nonsense", "is not SECTION.KEY=VALUE"),
                            ("bad key=1", "cannot be the name of a key")):
            result = init.ctl("run", "-p", wrong, "--", "true")
            t.ok(f"--property {wrong} is refused in the words of the reader of units", result.returncode == 2
                 and said in result.stderr, f"{result.returncode} {result.stderr}")
        t.equal("of such a call nothing is left", os.listdir(transient), [])
        result = init.ctl("run", "--clean", "--wait", "--name", "clean", "--", "sh", "-c", "pwd; env")
        t.ok("--clean: the clean context", init.text("clean").startswith("/\n") and "MINIINIT_CONTROL" not in
             init.text("clean"), init.text("clean"))
        reply = init.call("Run", name="../x", unit="[service]\ncommand = 'true'\n")
        t.ok("a name that leads elsewhere is refused by the manager too", reply.get("error", "").endswith("InvalidUnit"), reply)
        reply = init.call("Run", name="x", unit="[target]\n")
        t.ok("and what is no service", reply.get("error", "").endswith("InvalidUnit"), reply)
        result = init.ctl("run", "--system", "--", "true", user=65534)
        t.ok("only who may act may run something", result.returncode in (1, 4), result.stderr)
        result = init.ctl("run", "--name", "slow", "-p", "service.pre-start=[['sleep', '0.3']]", "--json", "--", "sh", "-c", SLEEP)
        t.equal("--json tells the result", json.loads(result.stdout)["results"][0]["state"], "up")
        os.kill(init.pid(), signal.SIGTERM)
        init.ended()
        t.equal("at the end nothing of them is left", os.listdir(transient), [])


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def text_of(init, name):
    return init.text(name)


def run_as_user(t):
    with UserInit(t, start=False) as init:
        # There is no manager: the first `run` starts one. As from a terminal that goes away: in a session of its own, which
        # is killed with everything in it.
        script = f'"$0" run --name long -- sh -c "echo here is \\$(pwd) \\$MARK; (setsid sleep 3001 &); {SLEEP}"; echo $?; ' \
                 'sleep 1000'
        shell = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *init.as_user("sh", "-c", script, t.scene.minictl)],
                                 env={**init.env, "MARK": "marked"}, cwd=init.home, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        manager = None
        try:
            told = shell.stdout.readline() + shell.stdout.readline()
            t.equal("minictl run of a user who has no manager starts one", told, "long\n0\n")
            with open(init.run_dir + "/lock") as file:
                manager = int(file.read())
            t.ok("which has nothing to do with the terminal", os.getsid(manager) != os.getsid(shell.pid), manager)
            os.killpg(shell.pid, signal.SIGHUP)
            os.killpg(shell.pid, signal.SIGKILL)
            shell.wait(20)
            result = init.ctl("status", "long")
            t.ok("the command outlives what it was started from", result.returncode == 0 and "up" in result.stdout,
                 result.stdout + result.stderr)
            said = until(lambda: "here is" in (s := init.ctl("logs", "-o", "cat", "long").stdout) and s, 5)
            t.equal("in the directory and the environment of its caller", said, f"here is {init.home} marked\n")
            left = lambda: [p for p in os.listdir("/proc") if p.isdigit() and command(p) == b"sleep\x003001\x00"
                            and os.stat(f"/proc/{p}").st_uid == init.uid]
            t.ok("what it leaves in other sessions is still its own", until(left, 5))
            t.equal("stop ends all of it", (init.ctl("stop", "long").returncode, left()), (0, []))
            t.equal("a second run uses the same manager", (init.ctl("run", "--wait", "--", "sh", "-c", "exit 5").returncode,
                    int(open(init.run_dir + "/lock").read())), (5, manager))
        finally:
            if shell.poll() is None:
                shell.kill()
            init.ctl("poweroff", "--user")
            gone = manager is None or until(lambda: not os.path.exists(f"/proc/{manager}")
                                            or parent(str(manager)) and zombie(manager), 10)
            if not gone:
                os.kill(manager, signal.SIGKILL)
        t.ok("poweroff --user ends the manager", gone)


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


def zombie(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def run_streams(t):
    """`run --wait` and `--pipe`: the streams of the command are those of minictl."""
    with t.scene.init({"keeper": {"service": sh(SLEEP)}}, sections=None) as init:
        def run(*words, stdin=b"", timeout=30):
            return subprocess.run([t.scene.minictl, "run", *words], input=stdin, capture_output=True, timeout=timeout,
                                  env={**os.environ, "MINIINIT_CONTROL": init.control})
        result = run("--wait", "--", "sh", "-c", "echo out; echo err >&2; printf 'no end'; exit 3")
        t.equal("--wait shows what the command writes, where it writes it, and exits as it did",
                (result.stdout, result.stderr, result.returncode), (b"out\nno end", b"err\n", 3))
        many = b"".join(b"line %d\n" % i for i in range(20000))
        result = run("--wait", "--", "sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done")
        t.ok("all of it, to the last line", result.stdout == many, len(result.stdout))
        gate = init.dir + "/gate"
        os.mkfifo(gate)
        slow = subprocess.Popen([t.scene.minictl, "run", "-w", "sh", "-c", f"echo first; read x <{gate}; echo last"],
                                env={**os.environ, "MINIINIT_CONTROL": init.control}, stdout=subprocess.PIPE, text=True)
        try:
            t.equal("as it comes", slow.stdout.readline(), "first\n")
            with open(gate, "w") as file:
                file.write("go\n")
            t.equal("and to the end", (slow.stdout.read(), slow.wait(20)), ("last\n", 0))
        finally:
            slow.kill()
            slow.wait()
            slow.stdout.close()
        data = bytes(range(256)) * 3000
        result = run("--pipe", "--", "sh", "-c", "sha256sum; exit 7", stdin=data)
        t.equal("--pipe passes standard input on, byte for byte, and its end", (result.stdout.split()[0], result.returncode),
                (hashlib.sha256(data).hexdigest().encode(), 7))
        t.equal("an empty one, too", (run("--pipe", "cat").stdout, run("--pipe", "wc", "-c").stdout), (b"", b"0\n"))
        result = run("--pipe", "sh", "-c", "read line; echo $line", stdin=b"hello\n" + b"x" * 1000000)
        t.equal("who does not read all of it is no fault", (result.stdout, result.returncode), (b"hello\n", 0))
        result = run("--pipe", "--wait", "--", "/no/such/program", stdin=b"x")
        t.ok("nor is one that cannot be started waited for", result.returncode == 127, result)
        t.equal("no FIFO is left", [name for name in os.listdir("/tmp") if name.startswith("minictl-")
                                    and os.path.exists(f"/tmp/{name}/stdin")], [])
        quiet = run("--wait", "--json", "echo", "x")
        t.ok("--json is the answer alone", json.loads(quiet.stdout)["results"][0]["ok"], quiet.stdout)


def run_health(t):
    with t.scene.init({"keeper": {"service": sh(SLEEP)}}, sections=None) as init:
        init.wait("keeper")
        init.ctl("run", "--name", "job", "--wait", "--", "false")
        t.equal("a command that failed is kept to be looked at", init.state("job"), "failed")
        t.equal("but nothing is unhealthy for it", (init.ctl("healthcheck").returncode, init.call("Overview")[
            "parameters"]["state"]), (0, "running"))
        t.has("its status says how it ended", init.ctl("status", "job").stdout, "exit code 1")
        t.has("and it is among those that failed", init.ctl("list", "--failed").stdout, "job")
        t.equal("asked for by name it is not healthy", init.ctl("healthcheck", "job").returncode, 1)
        init.ctl("run", "--name", "again", "-p", "service.restart=always", "-p", "service.restart-delay=1h", "--", "false")
        until(lambda: init.state("again") == "backoff", 10)
        t.equal("one that is to be kept up is another matter", init.ctl("healthcheck").returncode, 1)


GROUPS = [run_in_system, run_as_user, run_streams, run_health]
