"""What programs send by syslog(3): kept, each line once, in the log of the service that sent it; whatever happens to the
collector, to the init and to the socket meanwhile."""
import os
import random
import re
import signal
import socket
import time

from checks_crash import crash, reexec
from harness import sh, until

MESSAGES = 10000
# A /dev of its own: then the init makes /dev/log there.
NODES = (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9))


def own_devices(t):
    path = t.scene.work + "/dev"
    os.makedirs(path, exist_ok=True)
    return [f"mount -t tmpfs -o mode=755 none {path}",
            *[f"mknod -m 666 {path}/{name} c 1 {number}" for name, number in NODES],
            f"mount --bind {path} /dev"]


PYTHON = """
import logging, logging.handlers, sys
log = logging.getLogger()
handler = logging.handlers.SysLogHandler("/dev/log", logging.handlers.SysLogHandler.LOG_MAIL)
handler.ident = "script: "
log.addHandler(handler)
for number in range(int(sys.argv[1])):
    log.warning("%09d", number)
"""


def counted(init, unit, word):
    """The numbers of the lines `WORD...: NUMBER`."""
    return [int(line[3].rsplit(" ", 1)[1]) for line in init.log(unit, ()) if line[2].startswith("syslog.")
            and line[3].startswith(word)]


def syslog_kept(t, cgroups=True):
    gate = f"{t.scene.work}/syslog-go-{cgroups}"
    units = {"c": {"service": {"command": [t.scene.program("sys_syslog"), "c-prog", str(MESSAGES), gate]}},
             "python": {"service": {"type": "oneshot", "command": ["/usr/bin/env", "python3", "-c", PYTHON, "1000"]}},
             "logger": {"service": sh("for i in 1 2 3 4 5; do echo $i; done | logger -t five -p local3.err; "
                                      "logger --rfc5424 -t new --id=77 -p mail.info 'a b'; exec sleep 1000")}}
    with t.scene.init({**units, "goal": {"target": {}}}, mounts=own_devices(t), cgroups=cgroups) as init:
        init.wait("c")
        init.wait("python", "done")
        open(gate, "w").close()
        chance = random.Random()
        size = lambda: os.path.getsize(init.logs + "/c/current") if os.path.exists(init.logs + "/c/current") else 0
        line = 28 + len("notice syslog.daemon: c-prog[1]: 000000000\n")
        killed = []
        for number in range(3):
            goal = MESSAGES * line * (number + chance.random()) / 4
            until(lambda: size() > goal, 60, "progress of the log", 0.001)
            pid = init.collector()
            os.kill(pid, signal.SIGKILL)
            killed.append(size() // line)
            until(lambda: init.collector() != pid, 5, "a new collector", 0.002)
        until(lambda: "sent" in init.text("c"), 60, "all are sent")
        how = "by cgroup" if cgroups else "by session"
        t.ok(f"the collector is killed in the middle of {MESSAGES} messages of syslog(3)", killed[-1] < MESSAGES, killed)
        until(lambda: len(counted(init, "c", "c-prog[")) >= MESSAGES, 20)
        t.ok(f"each of them is kept once, in order, for the service that sent it ({how})",
             counted(init, "c", "c-prog[") == list(range(MESSAGES)),
             (len(counted(init, "c", "c-prog[")), len(counted(init, "syslog", "c-prog["))))
        t.equal("so are those of Python's SysLogHandler", counted(init, "python", "script: "), list(range(1000)))
        t.equal("with priority and facility", {line[1:3] for line in init.log("python", ())
                                               if line[3].startswith("script")}, {("warning", "syslog.mail")})
        # Whoever is gone when his message is read may stay unknown: then it is in the log of `syslog`.
        sent = lambda: [line[1:] for unit in ("logger", "syslog") for line in init.log(unit, ())
                        if line[2].startswith("syslog.")]
        until(lambda: any(line[2].endswith(" a b") for line in sent()), 10)
        t.equal("logger's lines are there", [line for line in sent() if line[2].startswith("five")],
                [("err", "syslog.local3", f"five: {number}") for number in range(1, 6)])
        t.ok("those of RFC 5424 too", any(line[:2] == ("info", "syslog.mail") and line[2].startswith("new[77]: ")
                                          for line in sent()), sent())
        t.has("`minictl logs` shows them", init.ctl("logs", "-D", init.logs, "python", "-n", "1").stdout,
              "python: script: 000000999")


def syslog_without_cgroups(t):
    syslog_kept(t, cgroups=False)


def tells_of_the_dead():
    """Whether the kernel tells the cgroup of one that has sent something, has ended and was collected (Linux 6.17)."""
    with socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0] as receiver:
        try:
            receiver.setsockopt(socket.SOL_SOCKET, 76, 1)  # SO_PASSPIDFD
        except OSError:
            return False
    return tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) >= (6, 17)


def syslog_of_the_dead(t):
    gate, done = (f"{t.scene.work}/syslog-{word}" for word in ("begin", "done"))
    script = (f"until [ -e {gate} ]; do sleep 0.02; done; for i in 1 2 3 4 5 6; do logger -p daemon.info -t short $i; done; "
              f"echo >{done}; exec sleep 1000")
    # Another shell in between, and a session of its own: nothing but the cgroup tells whose it is.
    apart = (f"until [ -e {done} ]; do sleep 0.02; done; setsid sh -c 'logger -p daemon.info -t apart 7; true'; echo >{done}-too; "
             "exec sleep 1000")
    units = {"short": {"service": sh(script)}, "apart": {"service": sh(apart)}}
    with t.scene.init({**units, "goal": {"target": {}}}, mounts=own_devices(t)) as init:
        init.wait("short")
        init.wait("apart")
        collector = init.collector()
        if not init.freeze(collector):
            return t.note("nothing can be frozen here")
        try:
            open(gate, "w").close()
            until(lambda: os.path.exists(done + "-too"), 20, "all have sent and ended")
        finally:
            init.thaw(collector)
        numbers = lambda: sorted(counted(init, "short", "short: ") + counted(init, "apart", "apart: "))
        everywhere = lambda: numbers() + counted(init, "syslog", "short: ") + counted(init, "syslog", "apart: ")
        until(lambda: len(everywhere()) >= 7, 20)
        if t.scene.cgroups and tells_of_the_dead():
            t.equal("messages of those who ended before they were read are their services'", numbers(), list(range(1, 8)))
        t.equal("none of them is lost, or there twice", sorted(everywhere()), list(range(1, 8)))
    units = {"own": {"service": {"type": "oneshot", "command": ["/usr/bin/env", "logger", "-p", "daemon.info", "-t", "own", "8"]},
                     "enabled": False}}
    with t.scene.init({**units, "goal": {"target": {}}}, mounts=own_devices(t), cgroups=False) as init:
        init.wait("goal")
        collector = init.collector()
        if not init.freeze(collector):
            return t.note("nothing can be frozen here")
        try:
            init.ctl("--no-wait", "start", "own")
            until(lambda: init.status("own")["state"] == "done" or not init.status("own").get("main_pid"), 10, "its end")
        finally:
            init.thaw(collector)
        t.ok("without cgroups a main process that has just been started is known when it is gone",
             until(lambda: counted(init, "own", "own: ") == [8], 10), init.log("own", ()))


def syslog_socket_lives(t):
    """The socket outlives the init that made it, and comes back where somebody takes it away."""
    path = t.scene.work + "/syslog-socket"

    def send(text):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(path)
            sender.send(text.encode())

    def got(text):
        return until(lambda: text in init.text("syslog", ()), 10)

    with t.scene.init({"keeper": {"service": sh("exec sleep 1000")}}, sections={"log": {"syslog-socket": path}}) as init:
        until(lambda: os.path.exists(path), 10, "the socket")
        t.equal("everybody may send", os.stat(path).st_mode & 0o777, 0o666)
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        connected.connect(path)
        connected.send(b"<14>first")
        t.ok("who belongs to no unit is in the log of `syslog`", got("first"))
        crash(init, signal.SIGSEGV, 1)
        connected.send(b"<14>after a crash")
        t.ok("a crash of the init leaves it in place", got("after a crash"))
        reexec(init)
        connected.send(b"<14>executed anew")
        t.ok("so does a new program", got("executed anew"))
        os.unlink(path)
        until(lambda: os.path.exists(path), 10, "the socket is made again")
        send("<14>made again")
        t.ok("removed, it is made again", got("made again"))
        with Expecting(ConnectionError) as expected:
            until(lambda: connected.send(b"<14>to the old one") < 0, 10)
        t.ok("and who was connected to the old one is told", expected.raised)
        connected.close()
        # Somebody else's: a syslogd that takes the place of ours, as rsyslogd does, and is not quick.
        other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        t.ok("who removes it has the time to put a socket of his own there", taken_over(path, other))
        taken = until(lambda: "another program's" in init.text("miniinit", ("init",)), 10)
        t.ok("a foreign one that lives is left alone, and the log says so", taken)
        send("<14>for the other")
        t.equal("it gets what is sent", other.recv(100), b"<14>for the other")
        other.close()
        os.unlink(path)
        until(lambda: os.path.exists(path), 10, "the socket is made again after the other one")
        send("<14>at last")
        t.ok("when it goes, ours is back", got("at last"))
        init.signal(signal.SIGTERM)
        init.ended()
        t.ok("at the end it is removed", not os.path.exists(path))


def taken_over(path, other):
    """A busy machine may take all the time that there is, but not again and again."""
    for _ in range(5):
        os.unlink(path)
        time.sleep(0.5)
        try:
            other.bind(path)
            return True
        except OSError:
            until(lambda: os.path.exists(path), 10)
    return False


class Expecting:
    """That an exception is raised."""

    def __init__(self, kind):
        self.kind, self.raised = kind, False

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.raised = kind is not None and issubclass(kind, self.kind)
        return self.raised


def syslog_off(t):
    with t.scene.init({"goal": {"target": {}}, "c": {"service": sh("exec sleep 1000")}},
                      sections={"log": {"syslog": False}}, mounts=own_devices(t)) as init:
        init.wait("c")
        t.ok("`syslog = false`: there is no /dev/log", not os.path.exists(init.inside("/dev/log")))
    with t.scene.init({"c": {"service": sh("exec sleep 1000")}}) as init:
        init.wait("c")
        t.ok("nor is there one in a /dev that is the machine's", not os.path.exists(init.inside("/dev/log")))


GROUPS = [syslog_of_the_dead, syslog_socket_lives, syslog_off]
ALONE = [syslog_kept, syslog_without_cgroups]
