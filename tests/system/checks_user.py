"""User mode: `miniinit --user` run by a user without privileges, under another init, and how minictl finds it."""
import os
import shutil
import signal
import subprocess

from harness import Failed, remove_tree_of_cgroups, toml, until

SLEEP = "exec sleep 2000"


class UserInit:
    """`miniinit --user` of a user of its own, as the child of a shell in a PID namespace (nothing outlives it). `runtime`:
    XDG_RUNTIME_DIR, by name below the scene's directory, or None: not set. `units`: as for toml()."""

    def __init__(self, t, units=None, runtime="runtime", files=None, env=None, cgroup=False, args=(), mount="",
                 start=True):
        with t.scene.lock:
            t.scene.count += 1
            number = t.scene.count
        self.scene, self.uid = t.scene, 20000 + os.getpid() % 10000 + number * 100
        self.dir = os.path.join(t.scene.work, f"user{number}")
        self.home, self.temporary = self.dir + "/home", f"/tmp/miniinit-{self.uid}"
        self.process = self.cgroup = None
        os.mkdir(self.dir, 0o755)
        self.own(self.home)
        self.env = {"PATH": os.environ["PATH"], "HOME": self.home, **(env or {})}
        self.run_dir = self.temporary
        if runtime:
            self.env["XDG_RUNTIME_DIR"] = self.dir + "/" + runtime
            self.own(self.dir + "/" + runtime)
            self.run_dir = self.dir + "/" + runtime + "/miniinit"
        self.config, self.logs = self.home + "/.config/miniinit", self.home + "/.local/state/miniinit/log"
        for path in (self.home + "/.config", self.config):
            self.own(path)
        self.write("../miniinit.toml", toml(units or {}))
        for name, text in (files or {}).items():
            self.write(name, text)
        if cgroup and t.scene.cgroups:
            self.cgroup = f"{t.scene.cgroups}/miniinit-user-{os.getpid()}-{number}"
            os.mkdir(self.cgroup)
            for name in ("", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads"):
                os.chown(self.cgroup + name, self.uid, self.uid)
        self.args, self.mount = args, mount
        if start:
            self.start()

    def own(self, path, mode=0o700):
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode)
        os.chown(path, self.uid, self.uid)

    def write(self, name, text):
        """A file of the user's below ~/.config/miniinit."""
        path = os.path.normpath(os.path.join(self.config, name))
        if not os.path.isdir(os.path.dirname(path)):
            self.own(os.path.dirname(path))
        with open(path, "w") as file:
            file.write(text)
        os.chown(path, self.uid, self.uid)
        return path

    def as_user(self, *words):
        return ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", "--inh-caps=-all",
                "--bounding-set=-all", *words]

    def start(self, wait=True):
        enter = f"echo 0 >{self.cgroup}/cgroup.procs && " if self.cgroup else ""
        # The shell is process 1 of the namespace: the manager is not, and has to be a subreaper to hear of orphans.
        line = ["setpriv", "--pdeathsig", "KILL", "unshare", "-p", "-f", "--kill-child", "-m", "--propagation", "private",
                "--mount-proc", "/bin/sh", "-c", enter + self.mount + '"$@"; exit $?', "sh",
                *self.as_user(self.scene.binary, "--user", *self.args)]
        self.console_path = self.dir + "/console"
        with open(self.console_path, "wb") as console:
            self.process = subprocess.Popen(line, env=self.env, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        if wait:
            until(lambda: os.path.exists(self.run_dir + "/control") or self.process.poll() is not None, 10,
                  "the control socket of the user's manager")

    def console(self):
        with open(self.console_path, errors="replace") as file:
            return file.read()

    def pid(self):
        """Of the manager, as seen from outside."""
        at = self.process.pid
        for _ in range(2):  # unshare, the shell
            with open(f"/proc/{at}/task/{at}/children") as file:
                at = int(file.read().split()[0])
        return at

    def ctl(self, *words, env=None, timeout=30, cwd=None):
        return subprocess.run(self.as_user(self.scene.minictl, *words), env={**self.env, **(env or {})}, text=True,
                              capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL, cwd=cwd)

    def up(self, unit):
        result = self.ctl("wait", unit, "--for", "up", "--timeout", "15s")
        if result.returncode:
            raise Failed(f"{unit} does not come up: {result.stderr} {self.console()}")

    def ended(self, timeout=20):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failed(f"miniinit --user does not end: {self.console()}") from None

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.cgroup:
            until(lambda: remove_tree_of_cgroups(self.cgroup), 5)
        shutil.rmtree(self.temporary, ignore_errors=True)
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def unit(script, **more):
    return {**more, "service": {"script": script}}


def user_supervises(t):
    show = ("env; echo cwd=$(pwd) umask=$(umask) uid=$(id -u) groups=$(id -G); "
            "echo session=$(ps -o sid= -p $$ | tr -d ' ') self=$$ parent=$(ps -o args= -p $PPID | cut -c1-200); "
            "(setsid sh -c 'sleep 1000 & exec sleep 1001' &); " + SLEEP)
    units = {"show": unit(show), "first": unit(SLEEP), "second": unit(SLEEP, requires=["first"])}
    order = {}
    with UserInit(t, units, env={"SECRET": "no", "XDG_DATA_HOME": "/data"}) as init:
        for name, number in (("first", 1), ("second", 2)):
            order[name] = units[name]
            order[name]["service"]["post-stop"] = [["/bin/sh", "-c", f"echo {name} >>{init.home}/stopped"]]
        order["myself"] = {**unit("echo I am $(id -u); " + SLEEP), "process": {"user": str(init.uid), "group": str(init.uid)}}
        units["myself"] = order["myself"]
        init.write("../miniinit.toml", toml({**units, **order}))
        init.ctl("reload-units")
        init.ctl("start", "myself")
        for name in units:
            init.up(name)
        result = init.ctl("list", "--json")
        t.ok("a user's manager is found without an option where the system has none",
             result.returncode == 0 and '"second"' in result.stdout, f"{result.returncode} {result.stderr}")
        t.has("and tells that it is one", init.ctl("status").stdout, "user mode", "running")
        text = until(lambda: "parent=" in (s := init.ctl("logs", "-o", "cat", "show").stdout) and s, 5) or ""
        lines = text.splitlines()
        t.has("a service of a user has the clean context that a user can give", text, "cwd=/ ", "umask=0022",
              f"uid={init.uid} groups={init.uid}")
        t.ok("a unit may name the user that it has in any case",
             until(lambda: f"I am {init.uid}" in init.ctl("logs", "-o", "cat", "myself").stdout, 10), init.ctl("logs", "myself").stdout)
        session = next((line for line in lines if line.startswith("session=")), "session=0 self=1")
        words = dict(word.split("=", 1) for word in session.split()[:2])
        t.equal("a session of its own", words.get("session"), words.get("self"))
        t.ok("the user's own places in its environment, and nothing else of ours",
             f"HOME={init.home}" in lines and f"XDG_RUNTIME_DIR={init.env['XDG_RUNTIME_DIR']}" in lines
             and "XDG_DATA_HOME=/data" in lines and "SECRET=no" not in lines, text)
        t.equal("its log is below the state directory", os.path.exists(init.logs + "/show/current"), True)
        t.equal("which is nobody else's business", os.stat(os.path.dirname(init.logs)).st_mode & 0o777, 0o700)
        sleeper = lambda: [p for p in os.listdir("/proc") if p.isdigit() and orphan_of(p, init)]
        manager = init.pid()
        t.ok("an orphan comes to the manager, which is a subreaper",
             until(lambda: any(parent(p) == manager for p in sleeper()), 5), sleeper())
        init.ctl("stop", "show")
        t.equal("and is ended with its service, without a cgroup of its own", sleeper(), [])
        second = subprocess.run(init.as_user(t.scene.binary, "--user"), env=init.env, text=True, capture_output=True,
                                timeout=20)
        t.ok("a second manager of the user is refused, and says why", second.returncode == 1
             and "another one runs for this user already" in second.stderr, f"{second.returncode} {second.stderr}")
        t.equal("the first one goes on", init.ctl("healthcheck", "first").returncode, 0)
        os.kill(init.pid(), signal.SIGTERM)
        t.equal("SIGTERM ends it in order, with 0", init.ended(), 0)
        with open(init.home + "/stopped") as file:
            t.equal("what requires another stops first", file.read().split(), ["second", "first"])
        t.equal("and the sockets are gone", os.path.exists(init.run_dir + "/control"), False)
        os.unlink(init.home + "/stopped")
        init.start()
        init.up("second")
        os.kill(init.pid(), signal.SIGINT)
        t.equal("SIGINT does the same, and the lock of the former one was no hindrance",
                (init.ended(), open(init.home + "/stopped").read().split()), (0, ["second", "first"]))
        t.equal("without a word on the terminal", init.console(), "")


def parent(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def orphan_of(pid, init):
    """Whether it is one of the two sleeps that the service `show` of that user left behind itself."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as command, open(f"/proc/{pid}/environ", "rb") as environ:
            return os.stat(f"/proc/{pid}").st_uid == init.uid and b"MINIINIT_UNIT=show" in environ.read() and \
                command.read() in (b"sleep\x001000\x00", b"sleep\x001001\x00") and parent(pid) != 0
    except OSError:
        return False


def user_places(t):
    units = {"a": unit(SLEEP)}
    with UserInit(t, units, runtime=None) as init:
        init.up("a")
        t.equal("without XDG_RUNTIME_DIR it lives in a directory of its own in /tmp, mode 0700",
                (os.stat(init.temporary).st_mode & 0o777, os.stat(init.temporary).st_uid), (0o700, init.uid))
        t.equal("where minictl finds it", init.ctl("status", "a").returncode, 0)
        other = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", t.scene.minictl, "--control",
                                init.temporary + "/control", "list"], text=True, capture_output=True, timeout=20)
        t.equal("and nobody else does", other.returncode, 4)
        init.process.kill()
        init.process.wait()
    for what, plant in (("of another user", lambda path: os.mkdir(path, 0o755)),
                        ("that is a link", lambda path: os.symlink("/var", path)),
                        ("that others may write", None)):
        with UserInit(t, units, runtime=None, start=False) as init:
            if plant:
                plant(init.temporary)
            else:
                init.own(init.temporary, 0o770)
            init.start(wait=False)
            t.ok(f"a directory in /tmp {what} is refused", init.ended() == 1 and init.temporary in init.console()
                 and "cannot keep our files there" in init.console(), init.console())
            if os.path.islink(init.temporary):
                os.unlink(init.temporary)
    with UserInit(t, units, runtime="foreign", start=False) as init:
        os.chown(init.env["XDG_RUNTIME_DIR"], 0, 0)
        init.run_dir = init.temporary
        init.start()
        init.up("a")
        t.has("an XDG_RUNTIME_DIR of another user is passed over, and that is said", init.console(),
              "XDG_RUNTIME_DIR is not used", "owned by user 0")
    with UserInit(t, runtime=None, start=False) as init:
        # Somebody else's socket where ours would be: the client does not speak to it.
        init.own(init.temporary, 0o755)
        os.chown(init.temporary, 65534, 65534)
        server = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "setpriv", "--reuid=65534", "--regid=65534",
                                   "--clear-groups", t.scene.binary, "--container", "--control",
                                   init.temporary + "/control", "--run-dir", init.temporary + "/run", "--log-dir",
                                   init.temporary + "/log", "--config", "/dev/null", "--", "sleep", "1000"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: os.path.exists(init.temporary + "/control"), 10, "the planted socket")
            os.chmod(init.temporary + "/control", 0o666)
            result = init.ctl("list")
            t.ok("minictl does not speak to a manager of another user's", result.returncode == 4
                 and "another user" in result.stderr, f"{result.returncode} {result.stdout} {result.stderr}")
        finally:
            server.terminate()
            server.wait(20)
    with UserInit(t, files={"good.toml": f'[service]\nscript = "{SLEEP}"\n', "open.toml": f'[service]\nscript = "{SLEEP}"\n',
                            "gone.toml": f'[service]\nscript = "{SLEEP}"\n',
                            "own.toml": f'[service]\nscript = "{SLEEP}"\n'}, start=False) as init:
        # As a umask of 0002 makes them: every user has a group that nobody else is in.
        for name, mode in (("", 0o775), ("/..", 0o775), ("/own.toml", 0o664), ("/../miniinit.toml", 0o664),
                           ("/open.toml", 0o664)):
            os.chmod(init.config + name, mode)
        os.chown(init.config + "/open.toml", init.uid, 4)
        os.chown(init.config + "/gone.toml", 65534, 65534)
        init.start()
        init.up("good")
        t.attempt("a file that only the user's own group may write, in such a directory, is read", lambda: init.up("own"))
        t.equal("and verify finds nothing wrong with it", (result := init.ctl("verify", init.config + "/own.toml"))
                and (result.returncode, result.stderr), (0, ""))
        t.has("a unit file that others may write is refused, with the command that mends it",
              init.ctl("status", "open").stdout, "invalid", "is writable by group 4",
              f"chmod go-w {init.config}/open.toml")
        t.has("and one of another user's", init.ctl("status", "gone").stdout, "invalid", "is owned by user 65534",
              f"chown {init.uid} {init.config}/gone.toml")
        result = init.ctl("disable", "good")
        t.ok("minictl disable makes its link in the user's own configuration", result.returncode == 0
             and os.path.lexists(init.config + "/disabled/good"), result.stderr)
        result = init.ctl("enable", "good")
        t.ok("and enable too", result.returncode == 0 and os.path.lexists(init.config + "/enabled/good")
             and not os.path.lexists(init.config + "/disabled/good"), result.stderr)
        shown = init.ctl("show", "good").stdout
        t.has("minictl show knows where the user's settings come from", shown, init.config + "/good.toml:",
              init.config + "/enabled/good")
        t.equal("poweroff does not end a user's manager that was not named",
                (init.ctl("poweroff").returncode, init.ctl("healthcheck", "good").returncode), (1, 0))
        t.equal("--user names it", (init.ctl("poweroff", "--user").returncode, init.ended()), (0, 0))


def user_and_system(t):
    units = {"mine": unit(SLEEP)}
    # Both at once: the system's is a container's init with the usual socket, in a mount namespace with a /run of its own.
    with UserInit(t, units) as init:
        init.up("mine")
        config = init.dir + "/system.toml"
        with open(config, "w") as file:
            file.write(toml({"theirs": unit(SLEEP)}))
        os.chmod(config, 0o644)
        script = ('mount -t tmpfs -o mode=755 none /run && setpriv --bounding-set=-sys_admin,-sys_boot,-sys_time,'
                  '-sys_module "$0" --container --config "$1" --units "$2" --log-dir "$2/log" & '
                  'until [ -S /run/miniinit/control ]; do sleep 0.02; done; shift 2; "$@"; '
                  'kill %1; wait')
        empty = init.dir + "/empty"
        os.makedirs(empty + "/log")

        def both(*words, root=False, typed=""):
            """`typed`: what a shell in a terminal of the user's gets, in place of words for minictl."""
            line = [t.scene.minictl, *words] if root else init.as_user(t.scene.minictl, *words)
            if typed:
                line = init.as_user("script", "-qec", t.scene.minictl + " " + typed, "/dev/null")
            return subprocess.run(["setpriv", "--pdeathsig", "KILL", "unshare", "-p", "-f", "--kill-child", "-m",
                                   "--propagation", "private", "--mount-proc", "/bin/bash", "-c", script,
                                   t.scene.binary, config, empty, *line],
                                  env=init.env, text=True, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
        t.has("where the system has a manager, that is meant", both("list").stdout, "theirs")
        t.has("--user is the user's own", both("--user", "list").stdout, "mine")
        t.has("for root it is always the system's", both("list", root=True).stdout, "theirs")
        result = both("stop", "theirs")
        t.has("a user may only look at it, and is told of his own", result.stderr, "not allowed", "--user")
        t.equal("nothing is said of the other one where nobody sits", both("list").stderr, "")
        result = both("status", "mine")
        t.has("what only the user's own has is told", result.stderr, "minictl --user status mine")
        said = both(typed="list").stdout
        t.has("on a terminal it is said which one is meant", said, "(this is the init of the system; --user is your own")
        t.equal("once", said.count("(this is"), 1)
        t.ok("but not where it was chosen", "(this is" not in both(typed="--user list").stdout)
        left = ('mount -t tmpfs -o mode=755 none /run && mkdir /run/miniinit && python3 -c "import socket; '
                'socket.socket(socket.AF_UNIX).bind(\'/run/miniinit/control\')" && chmod 666 /run/miniinit/control && exec "$@"')
        result = subprocess.run(["unshare", "-m", "--propagation", "private", "/bin/sh", "-c", left, "sh",
                                 *init.as_user(t.scene.minictl, "list")], env=init.env, text=True, capture_output=True,
                                timeout=30, stdin=subprocess.DEVNULL)
        t.has("a socket that is left of a system's manager is none: the user's own is meant", result.stdout, "mine")
        t.has("--system is that even where there is none", init.ctl("--system", "list").stderr, "/run/miniinit/control")


def user_cgroup(t):
    if not t.scene.cgroups:
        t.note("no cgroups here")
        return
    script = f"(setsid sh -c 'setsid sleep 1000 & setsid sleep 1001' &); cat /proc/self/cgroup; {SLEEP}"
    with UserInit(t, {"show": unit(script)}, cgroup=True) as init:
        init.up("show")
        t.ok("where a cgroup is delegated to the user, each service has one of its own",
             until(lambda: "/show" in init.ctl("logs", "-o", "cat", "show").stdout, 5),
             init.ctl("logs", "-o", "cat", "show").stdout)
        left = lambda: [p for p in os.listdir("/proc") if p.isdigit() and orphan_of(p, init)]
        t.ok("its children have other sessions", until(lambda: len(left()) >= 2, 5), left())
        t.equal("and are ended with it", (init.ctl("stop", "show").returncode, left()), (0, []))
        os.kill(init.pid(), signal.SIGTERM)
        t.equal("at its end the manager leaves no cgroup behind", (init.ended(), [name for name in os.listdir(init.cgroup)
                if os.path.isdir(f"{init.cgroup}/{name}")]), (0, []))


GROUPS = [user_supervises, user_places, user_and_system, user_cgroup]
