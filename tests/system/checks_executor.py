"""A service's user who holds up, stops or looks into the processes that are made for him: what spawn.cpp argues, tried on the
whole program. The attackers are unprivileged users in the init's own namespaces, or own a file that it executes."""
import ctypes
import os
import shutil
import signal
import subprocess
import time

from checks_crash import MANAGER, crash, reexec
from harness import NOBODY, sh, until

SLEEP = "exec sleep 1000"
KCMP, KCMP_VM = 312, 1
LIBC = ctypes.CDLL(None, use_errno=True)


def same_memory(first, second):
    """Whether two processes share their memory; None where one is gone."""
    answer = LIBC.syscall(KCMP, first, second, KCMP_VM, 0, 0)
    return None if answer < 0 else answer == 0


class Lease:
    """A program of nobody's, and nobody's hold on it: whoever executes it waits until the hold ends."""

    def __init__(self, t, name, program="sys_beat"):
        self.path = f"{t.scene.work}/{name}"
        shutil.copy(t.scene.program(program), self.path)
        os.chown(self.path, NOBODY, NOBODY)
        self.helper, self.holder = t.scene.program("sys_lease"), None
        self.hold()

    def hold(self):
        self.holder = subprocess.Popen([self.helper, str(NOBODY), self.path], stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "held\n"

    def release(self):
        if self.holder:
            self.holder.kill()
            self.holder.wait()
            self.holder.stdout.close()
            self.holder = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()


def held_processes(init, path):
    """Those of another user that stand before the exec of `path`: {pid outside: what it executes now}. One of root's own
    shows as PID 1 does, whose memory it shares."""
    return {pid: os.readlink(f"/proc/{pid}/exe") for pid, what in init.own_processes().items() if path in what[4]}


def executor_lease(t):
    with Lease(t, "held") as lease:
        units = {f"held{number}": {"enabled": False, "service": {"command": [lease.path, "20"], "restart": "no"},
                                   "process": {"user": "nobody"} if number < 8 else {}} for number in range(10)}
        units["other"] = {"enabled": False, "service": sh(SLEEP)}
        units["keeper"] = {"service": sh(SLEEP)}
        units["late"] = {"enabled": False, "service": {"command": [lease.path, "20"], "start-timeout": "1s",
                                                       "restart": "no"}, "process": {"user": "nobody"}}
        with t.scene.init(units) as init:
            held = [name for name in units if name.startswith("held")]
            init.call("Start", units=held, wait=False)
            until(lambda: len(held_processes(init, lease.path)) == 8, 10, "eight that are held up")
            began = time.monotonic()
            client = init.client()
            client.call("List")
            t.note(f"list while ten are held up: {1000 * (time.monotonic() - began):.1f} ms")
            t.equal("another service starts meanwhile", init.start("other")["other"]["state"], "up")
            t.equal("those that are held up are starting", {init.state(name) for name in held}, {"starting"})
            shared = [pid for pid in held_processes(init, lease.path)
                      if os.stat(f"/proc/{pid}").st_uid != 0 and same_memory(pid, init.pid())]
            t.equal("none of another user shares PID 1's memory", shared, [])
            images = {image for pid, image in held_processes(init, lease.path).items()
                      if "/memfd:" in image}
            t.ok("they are in the executor image, in memory of their own", images, held_processes(init, lease.path))
            opened = [pid for pid in held_processes(init, lease.path) if subprocess.run(
                ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "/bin/sh", "-c",
                 f"exec 3<>/proc/{pid}/mem"], stderr=subprocess.DEVNULL).returncode == 0]
            t.equal("and their user cannot open it", opened, [])
            init.call("Start", units=["late"], wait=False)
            status = init.wait_failed("late")
            t.has("one that is held up past its start-timeout has failed, and where it stood is said", status["reason"],
                  "start-timeout", "exec", lease.path)
            t.equal("a stop ends one that is held up at once", init.stop("held0")["held0"]["state"], "down")
            lease.release()
            for name in held[1:]:
                t.equal(f"let go, {name} is up", init.wait(name)["state"], "up")
            running = [what[4] for what in init.own_processes().values() if lease.path in what[4]]
            t.equal("each of them was started once", len(running), 9)


def executor_crash(t):
    with Lease(t, "crashed") as lease:
        unit = {"enabled": False, "service": {"command": [lease.path, "20"], "restart": "no"},
                "process": {"user": "nobody"}}
        units = {"held": unit, "failing": unit, "own": {**unit, "process": {}}, "keeper": {"service": sh(SLEEP)}}
        with t.scene.init(units, sections=MANAGER) as init:
            init.call("Start", units=["held", "failing", "own"], wait=False)
            until(lambda: len(held_processes(init, lease.path)) == 2, 10, "two that are held up")
            before = set(held_processes(init, lease.path))
            crash(init, signal.SIGSEGV, 1)
            reexec(init)
            t.equal("a crash and a re-execution start none of them anew", set(held_processes(init, lease.path)), before)
            t.equal("the one with another user is starting still", init.state("held"), "starting")
            os.kill(next(pid for pid in before if os.stat(f"/proc/{pid}").st_uid != 0), signal.SIGKILL)
            lease.release()
            states = until(lambda: (now := sorted(init.state(name) for name in ("held", "failing"))) ==
                           ["failed", "up"] and now, 10)
            t.equal("let go, one is up; the other, that was killed, has failed", states, ["failed", "up"])
            t.equal("the one of root's is up", init.wait("own")["state"], "up")
            running = [what[4] for what in init.own_processes().values() if lease.path in what[4]]
            t.equal("no other process was made of them", len(running), 2)


def executor_stop(t):
    user = 4211
    with open("/etc/passwd") as file:
        assert f":{user}:" not in file.read()
    quick = {"service": sh("exit 1", restart="always", restart_delay="1ms", restart_delay_max="1ms", restart_limit=0),
             "process": {"user": str(user)}}
    units = {f"quick{number}": {"enabled": False, **quick} for number in range(4)}
    units["other"] = {"enabled": False, "service": sh(SLEEP)}
    units["enemy"] = {"enabled": False, "service": {"command": [t.scene.program("sys_stopper"), str(user)]}}
    with t.scene.init(units) as init:
        init.start("enemy")
        init.call("Start", units=[name for name in units if name.startswith("quick")], wait=False)
        shared, seen, end = [], 0, time.monotonic() + 4
        while time.monotonic() < end:
            for entry in os.listdir("/proc"):
                if entry.isdigit():
                    try:
                        if os.stat(f"/proc/{entry}").st_uid == user:
                            seen += 1
                            if same_memory(int(entry), init.pid()):
                                shared.append(entry)
                    except OSError:
                        pass
            init.call("List", timeout=5)
        t.ok("processes of a user who stops all of his are seen", seen, seen)
        t.equal("none of them is ever in PID 1's memory", shared, [])
        t.equal("others start meanwhile", init.start("other")["other"]["state"], "up")
        results = init.stop(*[name for name in units if name.startswith("quick")])
        t.equal("what is stopped so can be stopped by us", {result["state"] for result in results.values()}, {"down"})


def executor_files(t):
    """A service's user puts a link, or a second name of a file, where root opens."""
    secret = f"{t.scene.work}/secret"
    with open(secret, "w") as file:
        file.write("top secret\n")
    os.chmod(secret, 0o600)
    owned = f"{t.scene.work}/owned"
    os.mkdir(owned)
    os.chown(owned, NOBODY, NOBODY)
    os.symlink(f"{t.scene.work}/made-by-root", f"{owned}/out")
    os.symlink(secret, f"{owned}/in")
    os.link(secret, f"{owned}/second")
    os.symlink("/dev/full", f"{owned}/tty")
    os.symlink("/etc", f"{owned}/etc")
    trusted = f"{t.scene.work}/trusted"
    os.mkdir(trusted)
    os.symlink(f"{trusted}/real", f"{trusted}/link")
    user = {"user": "nobody"}
    units = {"out": {"process": {**user, "stdout": f"file:{owned}/out"}},
             "err": {"process": {**user, "stderr": f"file:{owned}/out"}},
             "in": {"process": {**user, "stdin": f"file:{owned}/in"}},
             "second": {"process": {**user, "stdin": f"file:{owned}/second"}},
             "deeper": {"process": {**user, "stdout": f"file:{owned}/etc/made-by-root"}},
             "up": {"process": {**user, "stdout": f"file:{owned}/../made-by-root"}},
             "fine": {"process": {**user, "stdout": f"file:{owned}/fine"}},
             "linked": {"process": {**user, "stdout": f"file:{trusted}/link"}}}
    for name, unit in units.items():
        unit.update({"enabled": False, "service": sh("cat; echo words", type="oneshot")})
    units["keeper"] = {"service": sh(SLEEP)}
    with t.scene.init(units) as init:
        for name in ("out", "err", "in", "second", "deeper", "up"):
            init.call("Start", units=[name], wait=True)
            status = init.wait_failed(name)
            t.has(f"{name}: a path that its user has bent fails the start", status["reason"], "open", owned)
        t.ok("root has made nothing there", not os.path.exists(f"{t.scene.work}/made-by-root")
             and not os.path.exists("/etc/made-by-root"))
        t.equal("nor told its secret", [line for name in units for line in init.log(name, ("out",))
                                        if "secret" in line[3]], [])
        init.start("fine", "linked")
        with open(f"{owned}/fine") as one, open(f"{trusted}/real") as other:
            t.equal("a plain file in the user's directory is written, and one over a link of root's", one.read() +
                    other.read(), "words\nwords\n")


def executor_frozen(t):
    """A cgroup that somebody else has frozen: what is born there never gets to run."""
    units = {"frozen": {"service": {**sh("while :; do sleep 0.1; done"), "reload-command": ["/bin/true"]}},
             "other": {"enabled": False, "service": sh(SLEEP)}}
    with t.scene.init(units) as init:
        init.wait("frozen")
        places = [path for path, _, files in os.walk(init.cgroup or "/nowhere") if "cgroup.freeze" in files
                  and os.path.basename(path).startswith("frozen")]
        if not places:
            t.note("no cgroup to freeze here")
            return
        with open(f"{places[0]}/cgroup.freeze", "w") as file:
            file.write("1")
        init.call("Reload", units=["frozen"], wait=False)
        t.equal("while its command is frozen at birth, others start", init.start("other")["other"]["state"], "up")
        t.equal("and it is reloading", init.state("frozen"), "reloading")
        with open(f"{places[0]}/cgroup.freeze", "w") as file:
            file.write("0")
        t.ok("thawed, it ends its reload", until(lambda: init.state("frozen") == "up"), init.brief("frozen"))


GROUPS = [executor_lease, executor_crash, executor_files, executor_frozen]
ALONE = [executor_stop]
