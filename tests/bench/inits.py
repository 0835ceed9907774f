"""The programs under test: how each is told, by its own means, to run N test services, and how it is started and
stopped. The floor is one of them: plain vfork and exec."""

import shutil
import signal
import subprocess
from pathlib import Path


class Init:
    name = ""
    logs = "none"  # by what the services' output is kept
    stop_signal = signal.SIGTERM  # None: it cannot stop everything in order here
    ends = True  # whether PID 1 ends when it was told to stop
    restarts_apart = 0.0  # seconds between two deaths of a service, so that a throttle is not what is measured
    most = 10000  # services that make sense within the time of a benchmark

    def __init__(self, tools):
        self.tools = tools  # directory of the C programs

    def missing(self):
        """Why it cannot take part, or ''."""
        return ""

    def service(self, place, index, *more):
        return [str(self.tools / "bench_service"), str(place.board_path), str(index), *more]

    def services(self, place, count):
        """(argv, keywords for Run) for `count` services."""
        raise NotImplementedError

    def chain(self, place, count):
        """The same for `count` oneshots, each after the one before; None: it has no such thing."""
        return None


def program(name, package):
    return "" if shutil.which(name) else f"{name} is not installed (package {package})"


class Floor(Init):
    name = "floor"

    def services(self, place, count):
        return [self.tools / "bench_floor", "services", place.board_path, self.tools / "bench_service", count], {}

    def chain(self, place, count):
        return [self.tools / "bench_floor", "chain", place.board_path, self.tools / "bench_service", count], {}


class Miniinit(Init):
    name = "miniinit"
    logs = "built in"

    def __init__(self, tools, binary, cgroup=None, name=None):
        super().__init__(tools)
        self.binary, self.cgroup = binary, cgroup
        if name is not None:
            self.name = name
        elif cgroup is not None:
            self.name = "miniinit, cgroup each"

    def argv(self, place, units):
        return [self.binary, "--container", "--units", units, "--config", place.path / "manager.toml",
                "--run-dir", place.path / "run", "--log-dir", place.path / "log", "--control", place.path / "control"]

    def write(self, place, units):
        """{name: text} as a directory of unit files; gives what services() gives."""
        directory = place.path / "units"
        directory.mkdir()
        (place.path / "manager.toml").write_text("[log]\nrotate-size = \"1G\"\n")
        for name, text in units.items():
            (directory / f"{name}.toml").write_text(text)
        return self.argv(place, directory), {"cgroup": self.cgroup} if self.cgroup else {}

    def unit(self, command, more="", service=""):
        words = ", ".join(f'"{word}"' for word in command)
        return f'description = "A service of the benchmark"\n{more}\n[service]\ncommand = [{words}]\n{service}'

    def services(self, place, count):
        restart = 'restart = "always"\nrestart-delay = "0s"\nrestart-limit = 0\n'
        return self.write(place, {f"service-{i}": self.unit(self.service(place, i), service=restart)
                                  for i in range(count)})

    def chain(self, place, count):
        def link(i):
            before = f'requires = ["link-{i - 1}"]\n' if i > 0 else ""
            return self.unit(self.service(place, i, "once"), more=before, service='type = "oneshot"\n')
        return self.write(place, {f"link-{i}": link(i) for i in range(count)})


class Stateless(Miniinit):
    """The same, with nothing that would outlive a crash of it: what that costs is the difference. Only the program for
    tests can be told so."""
    name = "miniinit, no state"

    def __init__(self, tools):
        super().__init__(tools, tools / "miniinit-faults")

    def missing(self):
        return "" if self.binary.exists() else "there is no miniinit-faults, so what state costs was not measured"

    def write(self, place, units):
        argv, how = super().write(place, units)
        return argv, {**how, "environment": {"MINIINIT_NO_STATE": "1"}}


class OtherUser(Miniinit):
    """The same, with another user for every service."""

    def unit(self, command, more="", service=""):
        return super().unit(command, more, service) + '[process]\nuser = "nobody"\n'


class Crowded(Miniinit):
    """The same, with many other units that nothing happens to."""
    name = "miniinit, crowded"
    others = 5000

    def write(self, place, units):
        idle = {f"idle-{i}": self.unit(["/bin/true"], more="enabled = false\n") for i in range(self.others)}
        return super().write(place, {**idle, **units})


class Busybox(Init):
    name = "busybox init"
    ends = False  # it wants to halt the machine, which it may not here
    stop_signal = signal.SIGUSR1
    restarts_apart = 0.0

    def missing(self):
        return program("busybox", "busybox-static")

    def run(self, place, lines):
        etc = place.path / "etc"
        etc.mkdir()
        (etc / "inittab").write_text("".join(line + "\n" for line in lines))
        links = place.path / "init"
        links.symlink_to(shutil.which("busybox"))
        # Its table is at a fixed place, so that place is another one in its namespace.
        return [links], {"binds": [(etc, "/etc")]}

    def services(self, place, count):
        return self.run(place, ["::respawn:" + " ".join(self.service(place, i)) for i in range(count)])

    def chain(self, place, count):
        return self.run(place, ["::wait:" + " ".join(self.service(place, i, "once")) for i in range(count)])


class Scanned(Init):
    """s6 and runit: a directory for each service, a supervisor process for each, and a logger with one, too."""

    def make(self, place, count, logger):
        scan = place.path / "scan"
        scan.mkdir()
        for i in range(count):
            for name, command in ((f"service-{i}", self.service(place, i)),
                                  (f"service-{i}/log", [*logger, str(place.path / f"logs-{i}")])):
                directory = scan / name
                directory.mkdir()
                (place.path / f"logs-{i}").mkdir(exist_ok=True)
                file = directory / "run"
                file.write_text("#!/bin/sh\nexec " + " ".join(command) + "\n")
                file.chmod(0o755)
        return scan


class S6(Scanned):
    name = "s6-svscan"
    logs = "s6-log"
    restarts_apart = 1.2
    most = 1000

    def missing(self):
        return program("s6-svscan", "s6")

    def services(self, place, count):
        scan = self.make(place, count, [shutil.which("s6-log") or "s6-log"])
        return ["s6-svscan", "-c", max(500, 2 * count + 10), scan], {}


class Runit(Scanned):
    name = "runsvdir"
    logs = "svlogd"
    stop_signal = None  # as PID 1 it would end before anything else has, and the kernel would kill the rest
    restarts_apart = 1.2
    most = 1000

    def missing(self):
        return program("runsvdir", "runit")

    def services(self, place, count):
        return ["runsvdir", self.make(place, count, [shutil.which("svlogd") or "svlogd", "-b", "65536"])], {}


class Supervisord(Init):
    name = "supervisord"
    logs = "built in"
    restarts_apart = 1.2
    most = 1000

    def missing(self):
        return program("supervisord", "supervisor")

    def services(self, place, count):
        lines = ["[supervisord]", "nodaemon=true", "user=root", f"logfile={place.path}/supervisord.log",
                 f"pidfile={place.path}/pid", f"childlogdir={place.path}", "minfds=8192", "minprocs=200"]
        for i in range(count):
            lines += [f"[program:service-{i}]", "command=" + " ".join(self.service(place, i)), "startsecs=0",
                      "autorestart=true"]
        file = place.path / "supervisord.conf"
        file.write_text("\n".join(lines) + "\n")
        return ["supervisord", "-c", file], {}


class Finit(Init):
    name = "finit"
    logs = "none"
    ends = False
    most = 1000
    restarts_apart = 2.5

    def __init__(self, tools, where):
        super().__init__(tools)
        self.where = where

    def missing(self):
        """It conflicts with every other init as a package, so it is unpacked, not installed."""
        binary = self.where / "sbin/finit"
        if binary.exists():
            return ""
        self.where.mkdir(parents=True, exist_ok=True)
        if not shutil.which("apt-get"):
            return "finit: no apt-get to fetch it with"
        for package in ("finit", "libite5", "libuev3"):
            subprocess.run(["apt-get", "-qq", "download", package], cwd=self.where, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False, timeout=30)
        for package in self.where.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, self.where], check=False)
        return "" if binary.exists() else "finit could not be fetched (apt-get download finit)"

    def services(self, place, count):
        etc = place.path / "etc"
        etc.mkdir()
        shutil.copy("/etc/passwd", etc)
        shutil.copy("/etc/group", etc)
        shutil.copy("/etc/ld.so.cache", etc)
        # It writes to these, and may clean them.
        private = [place.path / name for name in ("run", "tmp")]
        for directory in private:
            directory.mkdir()
        # Without a number of its own, a second service of the same program would replace the first.
        rest = "".join(f"service [S12345789] name:service-{i} :{i + 1} {' '.join(self.service(place, i))}\n"
                       for i in range(count))
        (etc / "finit.conf").write_text("runlevel 2\n" + rest)
        libraries = [str(path) for path in (self.where / "usr/lib", self.where / "lib")]
        libraries += [str(path) for path in self.where.glob("usr/lib/*-linux-gnu")]
        return [self.where / "sbin/finit"], {
            "binds": [(etc, "/etc"), *[(directory, f"/{directory.name}") for directory in private]],
            "environment": {"LD_LIBRARY_PATH": ":".join(libraries)}}


def tool(name):
    found = shutil.which(name)
    return Path(found) if found else None
