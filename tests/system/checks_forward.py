"""Forwarding to a syslog server on loopback: one that is not there at first, goes away, comes back, and reads slowly."""
import re
import socket

from harness import sh, until

MESSAGE = re.compile(rb"<(\d+)>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (\S+) (\S+) (\S+) (\S+) "
                     rb"\[meta sequenceId=\"(\d+)\"\] (.*)", re.S)


class Server:
    """A syslog server for TCP, in this process: it reads when it is told to."""

    def __init__(self, port=0):
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(5)
        self.listener.settimeout(20)
        self.port, self.connection, self.bytes = self.listener.getsockname()[1], None, b""

    def accept(self):
        self.connection, _ = self.listener.accept()
        self.connection.settimeout(20)
        self.bytes = b""

    def messages(self):
        """Those that are whole by now, as (PRI, unit, PROCID, MSGID, text)."""
        found, rest = [], self.bytes
        while b" " in rest:
            count, _, rest = rest.partition(b" ")
            if len(rest) < int(count):
                break
            match = MESSAGE.fullmatch(rest[:int(count)])
            if not match:
                raise AssertionError(f"no message: {rest[:int(count)]!r}")
            pri, _, _, unit, process, name, _, text = match.groups()
            found.append((int(pri), unit.decode(), process.decode(), name.decode(), text.decode()))
            rest = rest[int(count):]
        return found

    def read_until(self, text, piece=65536):
        """Reads until a message has that text."""
        if self.connection is None:
            self.accept()
        while text.encode() not in self.bytes or not any(message[4].endswith(text) for message in self.messages()[-200:]):
            got = self.connection.recv(piece)
            if not got:
                break
            self.bytes += got
        return self.messages()

    def close(self):
        for one in (self.connection, self.listener):
            if one is not None:
                one.close()
        self.connection = None


def of(messages, unit, word):
    return [int(message[4].split()[1]) for message in messages if message[1] == unit and message[4].startswith(word)]


def forward_tcp(t):
    server = Server()
    port = server.port
    server.close()
    gate = t.scene.work + "/forward-go"
    syslog = t.scene.work + "/forward-syslog"
    units = {"web": {"service": sh(f"i=0; while [ $i -lt 50 ]; do echo line $i; i=$((i+1)); done; echo '<3>bad'; "
                                   f"until [ -e {gate} ]; do sleep 0.05; done; "
                                   "while [ $i -lt 100 ]; do echo line $i; i=$((i+1)); done; exec sleep 1000")},
             "quiet": {"service": sh("echo line 1; exec sleep 1000"), "log": {"forward": False}}}
    with t.scene.init(units, sections={"log": {"forward": f"tcp://127.0.0.1:{port}", "syslog-socket": syslog}}) as init:
        init.wait("web")
        init.wait("quiet")
        told = until(lambda: "Connection refused; lines wait" in init.text("miniinit", ("init",)), 10)
        t.ok("a server that is not there is said so", told)
        pid = init.collector()
        server = Server(port)
        messages = server.read_until("bad")
        t.equal("what was written meanwhile is there when it comes", of(messages, "web", "line"), list(range(50)))
        t.ok("with unit, stream and priority", any(message[:4] == (27, "web", "-", "out") for message in messages)
             and any(message[:4] == (30, "web", "-", "out") for message in messages), messages[:3])
        t.ok("a unit with `forward = false` stays here", not any(message[1] == "quiet" and message[3] == "out"
                                                                 for message in messages))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(syslog)
            sender.send(b"<86>Nov 22 04:10:01 login[77]: hello")
        t.ok("what came by syslog(3) has its facility and its PID",
             any(message == (86, "syslog", "77", "syslog", "login[77]: hello")
                 for message in server.read_until("login[77]: hello")))
        # An orderly end: what had arrived does not come again.
        server.close()
        open(gate, "w").close()
        until(lambda: "line 99" in init.text("web"), 10, "the rest is written")
        server = Server(port)
        numbers = of(server.read_until("line 99"), "web", "line")
        t.ok("a server that goes and comes back gets the rest", set(range(50, 100)) <= set(numbers), numbers)
        t.equal("by one and the same collector", init.collector(), pid)
        idle = init.wakeups(pid)
        server.connection.settimeout(1)
        try:
            server.connection.recv(1)
        except TimeoutError:
            pass
        t.ok("while there is nothing to say nobody wakes up", init.wakeups(pid) - idle <= 3, init.wakeups(pid) - idle)
        server.close()


def forward_slow(t):
    """A server that does not read: files are written, and what finds no room is told."""
    server = Server()
    count = 40000
    writer = t.scene.program("log_writer")
    units = {"flood": {"service": {"type": "oneshot", "command": [writer, "flood", str(count), "100"]}},
             "last": {"service": sh("echo the last one; exec sleep 1000")}, "keeper": {"service": sh("exec sleep 1000")}}
    units["last"]["enabled"] = False
    with t.scene.init(units, sections={"log": {"forward": [f"tcp://127.0.0.1:{server.port}"],
                                               "forward-queue": "256K", "rotate-size": "0"}}) as init:
        init.wait("flood", "done")
        t.equal("a server that does not read holds up no file", len(init.log("flood", ("out",))), count)
        server.accept()
        server.read_until("too many waited")  # there is room again
        init.start("last")
        messages = server.read_until("the last one")
        numbers = of(messages, "flood", "flood")
        missing = [int(message[4].split()[0]) for message in messages if re.search("lines? (is|are) missing here", message[4])
                   and message[4][0].isdigit()]
        t.ok("it gets the beginning, and what found room later, in order",
             numbers[0] == 0 and numbers == sorted(set(numbers)) and len(numbers) < count, numbers[:3])
        t.ok("and how many lines are missing", 0 <= len(numbers) + sum(missing) - count < 10, (len(numbers), missing))
        t.has("the init's own log tells it, too", init.text("miniinit", ("init",), once="lines are missing here"), "lines are missing here")
        server.close()


def forward_udp(t):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    server.settimeout(20)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    units = {"web": {"service": sh("echo line 1; echo line 2 >&2; exec sleep 1000")}}
    with t.scene.init(units, sections={"log": {"forward": [f"udp://localhost:{server.getsockname()[1]}",
                                                           "tcp://no-such-host:601"]}}) as init:
        found = {}
        while not {"line 1", "line 2"} <= found.keys():
            match = MESSAGE.fullmatch(server.recv(10000))
            found[match.group(8).decode()] = match.group(6).decode()
        t.equal("by UDP each line is a datagram", (found["line 1"], found["line 2"]), ("out", "err"))
        told = until(lambda: "no-such-host" in init.text("miniinit", ("init",)), 10)
        t.ok("a name that is nowhere is said so", told and "/etc/hosts" in init.text("miniinit", ("init",), once="/etc/hosts"))
    server.close()


GROUPS = [forward_tcp, forward_udp]
ALONE = [forward_slow]
