"""Somebody who asks the init for as much as he can: flood_client.py SOCKET KIND CONNECTIONS. Says "on" when it has begun, and ends
with its standard input. The kinds:

  same     one call of 100 kB that names the same unit over and over
  lists    lists of everything, forty calls at a time
  mix      everything that anybody may ask for
  numbers  100 kB that are no names
  mute     as lists, but the answers are not read
  vanish   as lists, but the connection is closed as soon as the calls are sent
  connect  connections that are closed as soon as they are made
  trickle  a call byte by byte
  listen   events, which are not read, of units that are named
"""
import json
import select
import socket
import sys

path, kind, most = sys.argv[1], sys.argv[2], int(sys.argv[3])


def call(method, more=False, **parameters):
    return json.dumps({"method": "org.miniinit.Manager." + method, "parameters": parameters,
                       **({"more": True} if more else {})}).encode() + b"\0"


lists = call("List", all=True, usage=True) * 40
CALLS = {
    "same": call("Status", units=["keeper"] * 9000),
    "lists": lists, "mute": lists, "vanish": lists, "connect": b"",
    "mix": b"".join([call("List", all=True), call("Tree", whole=True, order=True), call("BootTimes"), call("Probe"),
                     call("Overview"), call("Explain", unit="keeper"), call("Wait", unit="keeper", state="up"),
                     call("Status", units=[f"other{number}" for number in range(100)]),
                     call("Status", units=["kepeer"]), call("Status", units=["none@1"]), call("Stop", units=["keeper"]),
                     b'{"method":"org.varlink.service.GetInterfaceDescription",'
                     b'"parameters":{"interface":"org.miniinit.Manager"}}\0']) * 8,
    "numbers": call("Status", units=[1] * 33000),
    "trickle": call("List", all=True),
    "listen": call("Events", True, units=["keeper", "talker"] + [f"other{number}" for number in range(100)]),
}[kind]
PIECE = 1 if kind == "trickle" else len(CALLS)
reads = kind not in ("mute", "listen")
poll, clients = select.epoll(), {}


def connect():
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        one.settimeout(1)
        one.connect(path)
    except OSError:
        return
    one.setblocking(False)
    clients[one.fileno()] = [one, CALLS]
    poll.register(one, select.EPOLLOUT | (select.EPOLLIN if reads else 0))


def part(fd):
    clients.pop(fd)[0].close()


poll.register(sys.stdin, select.EPOLLIN | select.EPOLLHUP)
print("on", flush=True)
while True:
    for _ in range(min(16, most - len(clients))):
        connect()
    for fd, what in poll.poll(0.05):
        if fd == sys.stdin.fileno():
            sys.exit()
        one, rest = clients[fd]
        try:
            if what & select.EPOLLIN and not one.recv(1 << 18):
                raise OSError
            if what & select.EPOLLOUT:
                sent = one.send(rest[:PIECE]) if rest else 0
                clients[fd][1] = rest[sent:] or (b"" if kind == "listen" else CALLS)
                if kind == "listen" and not clients[fd][1]:
                    poll.modify(one, 0)
                if kind == "connect" or (kind == "vanish" and sent == len(rest)):
                    raise OSError
        except BlockingIOError:
            pass
        except OSError:
            part(fd)
