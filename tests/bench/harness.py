"""One run of one program as PID 1 of a namespace: starting it, the board its services write on, looking at its
processes, and ending it. What the programs are is inits.py's business, what is measured measures.py's."""

import ctypes
import mmap
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

SLOTS = 8192

# What a container or a kernel gives to PID 1: little, and the same for all.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/", "TERM": "linux"}


class Slot(ctypes.Structure):
    _fields_ = [("started", ctypes.c_uint64), ("starts", ctypes.c_uint64)]


class Layout(ctypes.Structure):  # tests/bench/board.h
    _fields_ = [
        ("target", ctypes.c_uint32), ("started", ctypes.c_uint32), ("stopped", ctypes.c_uint32),
        ("go", ctypes.c_uint32),
        ("begun", ctypes.c_uint64), ("all_started", ctypes.c_uint64), ("all_stopped", ctypes.c_uint64),
        ("ended", ctypes.c_uint64), ("work_begun", ctypes.c_uint64), ("work_ended", ctypes.c_uint64),
        ("reserved", ctypes.c_uint64 * 4), ("slots", Slot * SLOTS),
    ]


class Trouble(Exception):
    """A program under test did not do what it was to do: its row says so, the others go on."""


def wait_for(what, condition, seconds):
    """Looks every 2 ms: exact times are on the board, this only has to notice."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Trouble(f"{what}: not within {seconds:g} s")
        time.sleep(0.002)


def own_cgroup():
    """The cgroup v2 directory in which new ones can be made, or None."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    own = next((line[3:].strip() for line in lines if line.startswith("0::")), "/")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, point, kind = line.split()[:3]
        directory = Path(point + own.rstrip("/"))
        if kind == "cgroup2" and os.access(directory / "cgroup.procs", os.W_OK):
            return directory
    return None


def remove_cgroup(directory):
    end = time.monotonic() + 5
    while directory.is_dir():
        for path, _, _ in os.walk(directory, topdown=False):
            try:
                os.rmdir(path)
            except OSError:  # a process of it is still ending
                pass
        if time.monotonic() > end:
            return
        time.sleep(0.01)


class Place:
    """A directory for one run, with its board."""

    def __init__(self, root, name):
        self.path = root / name
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)
        self.board_path = self.path / "board"
        with open(self.board_path, "wb", opener=lambda path, flags: os.open(path, flags, 0o666)) as file:
            os.fchmod(file.fileno(), 0o666)  # services of other users write there, too
            file.truncate(ctypes.sizeof(Layout))
        with open(self.board_path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), ctypes.sizeof(Layout))
        self.board = Layout.from_buffer(self._map)

    def close(self):
        shutil.rmtree(self.path, ignore_errors=True)


class Run:
    """A program under test, from its start to its end; a context manager, so that nothing is left behind."""

    number = 0

    def __init__(self, launch, place, argv, target, cgroup=None, binds=(), environment=None):
        self.place, self.board = place, place.board
        self.board.target = target
        self.cgroup = None
        command = [launch, place.board_path]
        if cgroup is not None:
            Run.number += 1
            self.cgroup = cgroup / f"bench-{os.getpid()}-{Run.number}"
            command += ["--cgroup", self.cgroup]
        else:
            command += ["--no-cgroup"]
        for source, onto in binds:
            command += ["--bind", source, onto]
        self.output = place.path / "output"
        command += [self.output, *argv]
        self._launcher = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True,
                                          env={**ENVIRONMENT, **(environment or {})})
        line = self._launcher.stdout.readline()
        if not line:
            raise Trouble(f"{argv[0]} could not be launched")
        self.pid = int(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._launcher.poll() is None:
            self.send(signal.SIGKILL)  # the kernel ends the rest of the namespace with it
        self._launcher.wait()
        self._launcher.stdout.close()
        if self.cgroup is not None:
            remove_cgroup(self.cgroup)

    def send(self, number):
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            pass

    def all_up(self, seconds=60):
        """Seconds from the program's exec until the last service said that it is up."""
        def up():
            if self._launcher.poll() is not None:
                raise Trouble(f"ended by itself: {self.said()}")
            return self.board.all_started != 0
        wait_for(f"{self.board.started} of {self.board.target} services came up", up, seconds)
        return (self.board.all_started - self.board.begun) / 1e9

    def stop(self, number=signal.SIGTERM, seconds=60, to_the_end=True):
        """Seconds from the signal until PID 1 has ended; where it does not, until the last service has its signal."""
        before = time.monotonic_ns()
        self.send(number)
        if to_the_end:
            wait_for("the end after a signal", lambda: self._launcher.poll() is not None, seconds)
            return (self.board.ended - before) / 1e9
        what = f"{self.board.stopped} of {self.board.target} services stopped"
        wait_for(what, lambda: self.board.all_stopped != 0, seconds)
        return (self.board.all_stopped - before) / 1e9

    def finished(self, seconds=60):
        """The exit code, once the program has ended by itself."""
        try:
            return self._launcher.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Trouble(f"did not end within {seconds:g} s") from None

    def said(self):
        text = self.output.read_text(errors="replace").strip() if self.output.exists() else ""
        return text.splitlines()[-1][:200] if text else "without a word"

    # --- looking at processes -----------------------------------------------------------------------------------------

    def processes(self):
        """PIDs, as seen from here, of all processes of the namespace: [(pid, name)]."""
        children = {}
        names = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                stat = Path("/proc", entry, "stat").read_text()
            except OSError:
                continue
            name = stat[stat.index("(") + 1:stat.rindex(")")]
            parent = int(stat[stat.rindex(")") + 2:].split()[1])
            names[int(entry)] = name
            children.setdefault(parent, []).append(int(entry))
        found, todo = [], [self.pid]
        while todo:
            pid = todo.pop()
            found.append((pid, names.get(pid, "")))
            todo += children.get(pid, [])
        return found

    def services(self):
        return [pid for pid, name in self.processes() if name == "bench_service"]

    def supervisors(self):
        """PID 1 and whatever else of the init is there because of the services: loggers, a supervisor for each."""
        return [pid for pid, name in self.processes() if name != "bench_service"]

    def pss(self):
        """KiB of proportional set size of the init's own processes."""
        total = 0
        for pid in self.supervisors():
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except ProcessLookupError:  # it has just ended
                continue
            for line in lines:
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        return total

    def cpu(self):
        """Nanoseconds that PID 1 has run."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0])

    def wakeups(self, pids):
        """Context switches that these processes made by going to sleep."""
        total = 0
        for pid in pids:
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches"):
                    total += int(line.split()[1])
        return total

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))
