"""An init in namespaces of its own, for checks: started with the units of a dict, driven through its control socket,
and gone without a trace afterwards. What is checked is the business of the files checks_*.py.

Nothing under test has power over the machine: the namespaces and mounts are made first, then CAP_SYS_ADMIN,
CAP_SYS_BOOT, CAP_SYS_TIME and CAP_SYS_MODULE are given up for good, then the init is executed.
"""
import errno
import glob
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
from fault_injection import program_with_faults  # noqa: E402

FORBIDDEN = "-sys_admin,-sys_boot,-sys_time,-sys_module,-sys_rawio"
NOBODY = 65534
# What a sanitizer of the binary under test is to do: scripts/test says.
SANITIZERS = {name: value for name, value in os.environ.items() if name in ("ASAN_OPTIONS", "UBSAN_OPTIONS")}
# Numbers of x86-64, where alone these checks are made.
CALLS = {"accept4": 288, "bind": 49, "clone": 56, "clone3": 435, "epoll_ctl": 233, "fork": 57, "inotify_add_watch": 254,
         "memfd_create": 319, "mkdir": 83, "openat": 257, "pipe2": 293, "socket": 41, "socketpair": 53,
         "unlinkat": 263, "unshare": 272, "vfork": 58}


class Failed(Exception):
    """Something a check cannot go on without did not come about."""


class Scene:
    """What all checks share: the binary (a copy that a rebuild does not change under them), its programs, and a
    directory."""

    def __init__(self, binary):
        here = os.path.dirname(os.path.realpath(__file__))
        self.work = tempfile.mkdtemp(prefix="miniinit-system-")
        os.chmod(self.work, 0o755)
        self.given, self.with_faults = binary, None
        self.binary, self.minictl = self.install(binary, "bin")
        self.programs = os.path.join(self.work, "programs")
        os.mkdir(self.programs)
        self.built = os.path.dirname(os.path.realpath(binary))
        built = os.path.join(self.built, "programs")
        for source in sorted(glob.glob(here + "/../programs/sys_*.c")) + [here + "/../programs/log_writer.c"]:
            name = os.path.basename(source)[:-2]
            if os.access(os.path.join(built, name), os.X_OK):
                shutil.copy(os.path.join(built, name), self.programs)
            else:
                subprocess.run(["cc", "-O2", "-std=gnu17", "-D_GNU_SOURCE", "-static", "-o",
                                os.path.join(self.programs, name), source], check=True)
        self.cgroups = next((path for path in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
                             if os.access(path + "/cgroup.procs", os.W_OK)), None)
        self.inits, self.lock, self.count = [], threading.Lock(), 0

    def install(self, binary, directory):
        """A copy of the binary in a directory of its own, and the minictl that it is, too."""
        place = os.path.join(self.work, directory)
        os.mkdir(place)
        shutil.copy(binary, place + "/miniinit")
        os.symlink("miniinit", place + "/minictl")
        return place + "/miniinit", place + "/minictl"

    def binaries(self, fault_injection):
        """The init and its minictl: those under test, or those that fail when they are asked to."""
        if not fault_injection:
            return self.binary, self.minictl
        with self.lock:
            if self.with_faults is None:
                try:
                    self.with_faults = self.install(program_with_faults(self.given), "fault-injection")
                except FileNotFoundError as missing:
                    raise Failed(str(missing)) from None
            return self.with_faults

    def program(self, name):
        return os.path.join(self.programs, name)

    def init(self, *args, **named):
        with self.lock:
            self.count += 1
            number = self.count
        return Init(self, number, *args, **named)

    def close(self):
        for init in list(self.inits):
            init.close()
        shutil.rmtree(self.work, ignore_errors=True)


def toml(units, **sections):
    """The text of a bundle file. A unit is a dict as its file would be; JSON values are TOML values."""
    lines = []

    def table(path, values, of_many=False):
        name = ".".join(json.dumps(part) for part in path)
        lines.append(f"[[{name}]]" if of_many else f"[{name}]")
        inner = []
        for key, value in values.items():
            if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
                inner.append((key, value))
            else:
                lines.append(f"{json.dumps(key)} = {json.dumps(value)}")
        for key, value in inner:
            for one in value if isinstance(value, list) else [value]:
                table(path + [key], one, isinstance(value, list))

    for name, values in sections.items():
        table([name], values)
    for name, values in units.items():
        table(["units", name], values)
    return "\n".join(lines) + "\n"


def sh(text, **service):
    """The `service` of a unit that runs `text` in a shell."""
    return {"command": ["/bin/sh", "-c", text], **{key.replace("_", "-"): value for key, value in service.items()}}


def until(condition, timeout=10, what="", pause=0.01):
    """Waits for what nothing tells of. Gives what `condition` gave, or nothing after the timeout; with `what`: fails
    then."""
    end = time.monotonic() + timeout
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            if what:
                raise Failed(f"{what}: not within {timeout} s")
            return got
        time.sleep(pause)


def remove_tree_of_cgroups(top):
    """The innermost first. False: there are processes in it."""
    for path, _, _ in os.walk(top, topdown=False):
        try:
            os.rmdir(path)
        except OSError:
            return False
    return True


class Client:
    """A connection to the control socket, speaking Varlink."""

    def __init__(self, path, timeout=10):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.socket.connect(path)  # waits where many are waiting
        self.socket.settimeout(timeout)
        self.buffer = b""

    def send(self, method, more=False, **parameters):
        call = {"method": method if "." in method else "org.miniinit.Manager." + method, "parameters": parameters,
                **({"more": True} if more else {})}
        self.socket.sendall(json.dumps(call).encode() + b"\0")

    def receive(self, timeout=None):
        """The next reply; None if none came within `timeout` seconds."""
        end = time.monotonic() + timeout if timeout is not None else None
        while b"\0" not in self.buffer:
            if end is not None:
                self.socket.settimeout(max(0.001, end - time.monotonic()))
            try:
                more = self.socket.recv(1 << 16)
            except socket.timeout:
                return None
            if not more:
                raise Failed("the init closed the connection")
            self.buffer += more
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, timeout=20, **parameters):
        self.send(method, **parameters)
        reply = self.receive(timeout)
        if reply is None:
            raise Failed(f"{method} {parameters}: no answer within {timeout} s")
        return reply

    def close(self):
        self.socket.close()


class Init:
    """One init. `units` as for toml(); `files` are unit files instead, by name ("web.toml"), in a directory given
    with --units. `mounts`: shell commands that are run before it, in its mount namespace. `fault_injection`: one that
    fails when it is asked to. `bare`: with nothing said of units and places, as for a command alone."""

    def __init__(self, scene, number, units=None, files=None, sections=None, args=(), command=(), cgroups=True,
                 proc=True, faults=(), fault_injection=False,
                 net=False, before=(), env=None, run_mount=None, log_mount=None, mounts=(), wait=True, stdin=subprocess.DEVNULL, stdout=None,
                 bare=False):
        self.scene, self.number, self.main_client, self.cgroup = scene, number, None, None
        self.binary, self.minictl = scene.binaries(fault_injection)
        self.dir = os.path.join(scene.work, str(number))
        self.run, self.logs, self.units_dir = self.dir + "/run", self.dir + "/log", self.dir + "/units"
        self.control = self.dir + "/control"
        for path in (self.dir, self.run, self.logs, self.units_dir):
            os.mkdir(path, 0o755)
        self.config = self.dir + "/config.toml"
        self.write_units(units or {}, sections)
        for name, text in (files or {}).items():
            self.write_file(name, text)
        if scene.cgroups:
            self.cgroup = f"{scene.cgroups}/miniinit-check-{os.getpid()}-{number}"
            os.mkdir(self.cgroup)
        prepare = []
        if net:  # a network namespace with nothing but loopback
            prepare.append("ip link set lo up")
        if self.cgroup:
            prepare.append(f"echo 0 >{self.cgroup}/cgroup.procs")
        if not cgroups:
            prepare.append("mount -t tmpfs none /sys/fs/cgroup")
        if run_mount:
            prepare.append(f"mount -t tmpfs -o {run_mount} none {self.run}")
        if log_mount:
            prepare.append(f"mount -t tmpfs -o {log_mount} none {self.logs}")
        prepare += mounts
        if proc is False:
            prepare.append("mount -t tmpfs none /proc")
        prepare.append('exec "$@"')
        line = ["setpriv", "--pdeathsig", "KILL", "unshare", "-p", "-f", "--kill-child", "-m", "--propagation",
                "private"]
        line += ["--mount-proc"] if proc else []
        line += ["-n"] if net else []
        line += ["/bin/sh", "-c", " && ".join(prepare), "sh"]
        line += ["setpriv", "--bounding-set=" + FORBIDDEN, "--inh-caps=" + FORBIDDEN, *before, self.binary,
                 "--container"]
        if not bare:
            line += ["--config", self.config] if units is not None or files is None else []
            line += ["--units", self.units_dir] if files is not None else []
            line += ["--run-dir", self.run, "--log-dir", self.logs, "--control", self.control]
        line += args
        line += ["--", *command] if command else []
        self.helpers = 1 if faults else 0  # children of the first process that are not the init
        if faults:  # system calls that fault() can make fail
            pairs = [name.split("=") for name in faults]
            numbers = ",".join(f"{CALLS[name]}={getattr(errno, code[0]) if code else 0}" for name, *code in pairs)
            line = [scene.program("sys_faults"), self.dir + "/faults", numbers, "--", *line]
        self.console_path = self.dir + "/console"
        with open(self.console_path, "wb") as console:
            self.process = subprocess.Popen(line, stdin=stdin, stdout=stdout or console, stderr=console,
                                            env={"PATH": os.environ["PATH"], **SANITIZERS, **(env or {})})
        with scene.lock:
            scene.inits.append(self)
        if wait:
            try:
                self.wait_for_socket()
            except Failed:
                self.close()
                raise

    # ---- what it reads
    # ------------------------------------------------------------------------------------------------------

    def write_units(self, units, sections=None):
        with open(self.config, "w") as file:
            file.write(toml(units, **(sections or {})))

    def write_file(self, name, text):
        path = os.path.join(self.units_dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        return path

    # ---- talking to it
    # ------------------------------------------------------------------------------------------------------

    def wait_for_socket(self, timeout=10):
        def there():
            if self.process.poll() is not None:
                raise Failed(f"the init ended with {self.process.returncode}: {self.console()}")
            try:
                self.main_client = Client(self.control)
            except OSError:
                return False
            return True
        until(there, timeout, "control socket", 0.005)

    def client(self):
        return Client(self.control)

    def call(self, method, timeout=20, **parameters):
        return self.main_client.call(method, timeout, **parameters)

    def ask(self, method, *units, timeout=20):
        """Start, Stop and their like: the results, by unit."""
        reply = self.call(method, timeout, units=list(units))
        if "error" in reply:
            raise Failed(f"{method} {units}: {reply['error']} {reply.get('parameters')}")
        return {result["unit"]: result for result in reply["parameters"]["results"]}

    def start(self, *units):
        return self.ask("Start", *units)

    def stop(self, *units):
        return self.ask("Stop", *units, timeout=30)

    def status(self, unit):
        reply = self.call("Status", units=[unit])
        if "error" in reply:
            raise Failed(f"status of {unit}: {reply['error']}")
        return reply["parameters"]["units"][0]

    def state(self, unit):
        return self.status(unit)["state"]

    def wait(self, unit, state="up", timeout=15):
        """Waits until the unit is in the state; its status then."""
        client = self.client()
        try:
            reply = client.call("Wait", timeout, unit=unit, state=state)
        except Failed:
            raise Failed(f"{unit} is not {state} within {timeout} s, it is {self.brief(unit)}") from None
        finally:
            client.close()
        if "error" in reply:
            raise Failed(f"{unit} does not become {state}: {reply['error'].split('.')[-1]} "
                         f"{reply['parameters'].get('message', '')}")
        return reply["parameters"]["unit"]

    def wait_failed(self, unit, timeout=15):
        """Waits until the unit has failed; its status then."""
        return self.wait(unit, "failed", timeout)

    def wait_idle(self, unit, timeout=15):
        """Waits until the unit waits for its trigger again."""
        return until(lambda: (status := self.status(unit)).get("stage") == "idle" and status, timeout,
                     f"{unit} waits again")

    def brief(self, unit):
        status = self.status(unit)
        return f"{status['state']} ({status.get('reason', '')})"

    def explain(self, unit):
        return self.call("Explain", unit=unit)["parameters"]["sentences"]

    def ctl(self, *words, timeout=20, user=None, input=None):
        """minictl: a CompletedProcess with text. `user` is a number."""
        line = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user is not None else []
        return subprocess.run(line + [self.minictl, *words], text=True, capture_output=True, timeout=timeout,
                              input=input,
                              stdin=None if input is not None else subprocess.DEVNULL,
                              env={"PATH": os.environ["PATH"], "MINIINIT_CONTROL": self.control})

    def events(self, *units):
        return Events(self.client(), units)

    # ---- looking at it
    # ------------------------------------------------------------------------------------------------------

    def pid(self):
        """Of the init, as seen from outside."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path) as file:
            return int(file.read().split()[self.helpers])

    def processes(self):
        """Every process of the namespace but the init: {pid outside: (pid inside, name, state, parent outside,
        command)}."""
        init = self.pid()
        ours = os.readlink(f"/proc/{init}/ns/pid")
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == init:
                continue
            try:
                if os.readlink(f"/proc/{entry}/ns/pid") != ours:
                    continue
                with open(f"/proc/{entry}/status") as file:
                    status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    command = file.read().replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                continue
            found[int(entry)] = (int(status["NSpid"].split()[-1]), status["Name"], status["State"][0],
                                 int(status["PPid"]),
                                 command)
        return found

    def zombies(self):
        """How many zombies the init has for children. (Zombies have no namespace link, so by parent.)"""
        count, init = 0, self.pid()
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open(f"/proc/{entry}/stat") as file:
                        state, parent = file.read().rsplit(")", 1)[1].split()[:2]
                    count += state == "Z" and int(parent) == init
                except OSError:
                    pass
        return count

    def own_processes(self):
        """The processes of services: all but the init and its collector."""
        return {pid: what for pid, what in self.processes().items() if "miniinit-logd" not in what[4]
                and what[2] != "Z"}

    def own_processes_of(self, word):
        """Those of them whose command has the word in it."""
        return [what[4] for what in self.own_processes().values() if word in what[4]]

    def collector(self):
        """The collector's PID outside."""
        def find():
            init = self.pid()
            with open(f"/proc/{init}/task/{init}/children") as file:
                for child in reversed(file.read().split()):
                    try:
                        with open(f"/proc/{child}/cmdline", "rb") as command:
                            if command.read().startswith(b"miniinit-logd"):
                                return int(child)
                    except OSError:
                        pass
            return None
        return until(find, 5, "a collector", 0.001)

    def outside(self, inside):
        """The PID outside of a PID inside."""
        return next((pid for pid, what in self.processes().items() if what[0] == inside), None)

    def inside(self, path):
        """A path of the init's mount namespace, for us."""
        return f"/proc/{self.pid()}/root{path}"

    def wakeups(self, pid):
        """How often a process has slept and come back."""
        with open(f"/proc/{pid}/status") as file:
            return int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)", file.read()).group(1))

    @staticmethod
    def fall_idle():
        """Until nothing is left to be done: 5 s after the last line the collector is asked whether it still works, and
        within 3 s of whatever was done memory is given back, once."""
        time.sleep(10)

    def memory(self):
        """Of PID 1, resident, in KiB. A sanitizer keeps what was freed: with one it says nothing, and is 0."""
        if SANITIZERS:
            return 0
        with open(f"/proc/{self.pid()}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid()}/fd"))

    def console(self):
        with open(self.console_path, errors="replace") as file:
            return file.read()

    def log_names(self, unit):
        """The files of a unit's log."""
        directory = os.path.join(self.inside(self.logs), unit)
        return [name for name in os.listdir(directory) if name[0] != "."] if os.path.isdir(directory) else []

    def log(self, unit, sources=("out", "err", "init"), logs=None):
        """The log of a unit: a list of (stamp, priority, source, text). `logs`: where, if not in our mount namespace."""
        lines = []
        directory = os.path.join(logs or self.logs, unit)
        names = sorted({name.removesuffix(".zst") for name in os.listdir(directory)
                        if name.endswith((".log", ".log.zst"))}) if os.path.isdir(directory) else []
        for name in names + ["current"]:
            try:
                with self.open_log(os.path.join(directory, name)) as file:
                    for line in file:
                        head, _, text = line.rstrip("\n").partition(": ")
                        parts = head.split(" ")
                        if len(parts) == 3 and (parts[2].rstrip("+") in sources or not sources):
                            lines.append((parts[0], parts[1], parts[2], text))
            except FileNotFoundError:
                pass
        return lines

    @staticmethod
    def open_log(path):
        """A file of a log, which may have been compressed."""
        how = {"errors": "surrogateescape", "newline": "\n"}
        try:
            return open(path, **how)
        except FileNotFoundError:
            if not os.path.exists(path + ".zst"):
                raise
        text = subprocess.run(["zstd", "-dcq", path + ".zst"], stdout=subprocess.PIPE, check=True).stdout
        return io.TextIOWrapper(io.BytesIO(text), **how)

    def text(self, unit, sources=("out", "err"), once=""):
        """What a unit wrote, joined; waits until `once` is in it. (What the init says itself is in no hurry to get there.)"""
        text = lambda: "\n".join(line[3] for line in self.log(unit, sources))
        until(lambda: once in text(), 10)
        return text()

    # ---- its end
    # ------------------------------------------------------------------------------------------------------------

    def ended(self, timeout=20):
        """Its exit code."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failed(f"the init does not end within {timeout} s: {self.console()[-500:]}") from None

    def signal(self, number):
        os.kill(self.pid(), number)

    def freeze(self, outside):
        """Has a process of ours hang as one does whom a dead disk holds: its parent is told nothing, and nothing but SIGKILL
        reaches it. False where the kernel has no such thing."""
        if not self.cgroup or not os.path.exists(self.cgroup + "/cgroup.freeze"):
            return False
        frozen = f"{self.cgroup}/frozen-{outside}"
        os.makedirs(frozen, exist_ok=True)
        for name, text in (("procs", str(outside)), ("freeze", "1")):
            with open(f"{frozen}/cgroup.{name}", "w") as file:
                file.write(text)
        def done():
            with open(frozen + "/cgroup.events") as file:
                return "frozen 1" in file.read()
        until(done, 5, f"{outside} is frozen")
        return True

    def thaw(self, outside):
        with open(f"{self.cgroup}/frozen-{outside}/cgroup.freeze", "w") as file:
            file.write("0")

    def hold(self, call):
        """From now on all processes but the init are held up where they make this system call, until `fault` ends it."""
        return self.fault(call, -1, who=-self.pid())

    def fault(self, call, code, everybody=False, who=None):
        """From now on this system call of the init (or of all its processes, too) fails with that errno; 0: not any more.
        How many have failed so far, or been held up."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as asker:
            asker.bind("")  # a name of the kernel's choice, to be answered at
            asker.settimeout(10)
            asker.connect(self.dir + "/faults")
            asker.send(f"{CALLS[call]} {code} {who if who is not None else 0 if everybody else self.pid()}".encode())
            return int(asker.recv(100))

    def kill_inside(self, outside, number):
        os.kill(outside, number)

    def close(self):
        if self.main_client:
            self.main_client.close()
        if self.process.poll() is None:
            self.process.kill()  # unshare; its child, PID 1 of the namespace, goes along, and with it everybody
        self.process.wait()
        if self.cgroup:
            until(lambda: remove_tree_of_cgroups(self.cgroup), 5)
        shutil.rmtree(self.dir, ignore_errors=True)
        with self.scene.lock:
            if self in self.scene.inits:
                self.scene.inits.remove(self)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


class Events:
    """What happens from now on, as the Events method tells it."""

    def __init__(self, client, units):
        self.client, self.seen = client, []
        client.send("Events", more=True, **({"units": list(units)} if units else {}))

    def until(self, unit, state, timeout=10):
        """Reads on until the unit is in the state; that event."""
        end = time.monotonic() + timeout
        while True:
            reply = self.client.receive(max(0.001, end - time.monotonic()))
            if reply is None:
                raise Failed(f"{unit} does not become {state} within {timeout} s; events: "
                             + ", ".join(f"{e.get('unit')} {e.get('state')}" for e in self.seen[-12:]))
            event = reply["parameters"]["event"]
            self.seen.append(event)
            if event.get("unit") == unit and event.get("state") == state and event["kind"] == "state":
                return event

    def drain(self, quiet=0.1):
        while (reply := self.client.receive(quiet)) is not None:
            self.seen.append(reply["parameters"]["event"])
        return self.seen

    def states(self, unit):
        return [event["state"] for event in self.seen if event.get("unit") == unit and event["kind"] == "state"]


class Checks:
    """The results of one group."""

    def __init__(self, scene, name):
        self.scene, self.name, self.lines, self.passed, self.failed = scene, name, [], 0, 0

    def ok(self, sentence, good, why=""):
        if good:
            self.passed += 1
            self.lines.append(f"ok - {sentence}")
        else:
            self.failed += 1
            self.lines.append(f"not ok - {sentence}" + (f" ({why})" if why != "" else ""))
        return good

    def equal(self, sentence, got, expected):
        return self.ok(sentence, got == expected, f"expected {shown(expected)}, got {shown(got)}")

    def has(self, sentence, text, *parts):
        missing = [part for part in parts if part not in text]
        return self.ok(sentence, not missing, f"no {shown(missing)} in {shown(text)}")

    def attempt(self, sentence, action):
        """`action` must not fail; gives what it gives."""
        try:
            result = action()
        except Failed as failure:
            self.ok(sentence, False, str(failure))
            return None
        self.ok(sentence, True)
        return result

    def note(self, text):
        self.lines.append(f"# {text}")


def shown(value):
    text = value if isinstance(value, str) else repr(value)
    text = text.replace("\n", " | ")
    return text if len(text) < 600 else text[:600] + "…"
