"""A service that speaks sd_notify(3) in every way there is; the steps are its arguments, in order.

  send:TEXT       one message, ";" between its lines, PID for its own pid
  child:TEXT      the same from a child that has ended, and is collected, before the next step
  store:NAME:KIND[:TEXT]  FDSTORE=1 of a descriptor: memfd (holding TEXT), pipe (its other end is closed), socket (kept
                  open), file, null; with ":nopoll" behind it FDPOLL=0 is said too
  many:COUNT      messages with 253 descriptors of /dev/null each
  barrier:        BARRIER=1, and waits until it is lifted
  ask:UNIT        says the state of a unit, as the control socket tells it
  listed:         says LISTEN_FDNAMES, and what the memfds hold
  ping:COUNT:MS   WATCHDOG=1 every MS milliseconds
  main:           a child whose parent lives on becomes the main process; then waits. Says its pid
  await:PATH      waits until there is such a file
  touch:PATH      makes one
  say:TEXT, sleep:MS, ignore:SIGNAL, wait:, exit:CODE
"""
import array
import json
import os
import signal
import socket
import sys
import time

kept = []  # what stays open


def tell(text, fds=()):
    text = text.replace(";", "\n").replace("PID=PID", f"PID={os.getpid()}")
    one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    one.sendmsg([text.encode("latin-1")], rights, 0, os.environ["NOTIFY_SOCKET"])
    one.close()


def make(kind, text):
    if kind == "memfd":
        fd = os.memfd_create("kept")
        os.write(fd, text.encode())
        return fd
    if kind == "pipe":
        read, write = os.pipe()
        os.close(write)
        return read
    if kind == "socket":
        ours, theirs = socket.socketpair()
        kept.append(ours)
        return theirs.detach()
    return os.open({"file": "/etc/passwd", "null": "/dev/null"}[kind], os.O_RDONLY)


def state_of(unit):
    one = socket.socket(socket.AF_UNIX)
    one.connect(os.environ["NOTIFY_SOCKET"].rsplit("/", 3)[0] + "/control")
    one.sendall(json.dumps({"method": "org.miniinit.Manager.Status", "parameters": {"units": [unit]}}).encode() + b"\0")
    data = b""
    while not data.endswith(b"\0"):
        data += one.recv(65536)
    return json.loads(data[:-1])["parameters"]["units"][0]["state"]


def listed():
    names = os.environ.get("LISTEN_FDNAMES", "")
    held = []
    for fd in range(3, 3 + int(os.environ.get("LISTEN_FDS", "0"))):
        link = os.readlink(f"/proc/self/fd/{fd}")
        held.append(os.pread(fd, 100, 0).decode() if "memfd" in link else link.split(":")[0])
    whose = os.environ.get("LISTEN_PID", "") in ("", str(os.getpid()))
    return f"names={names} held={','.join(held)}{'' if whose else ' of another'}"


def run(step):
    what, _, value = step.partition(":")
    if what == "send":
        tell(value)
    elif what == "child":
        child = os.fork()
        if child == 0:
            tell(value)
            os._exit(0)
        os.waitpid(child, 0)
    elif what == "store":
        name, kind, *rest = value.split(":")
        tell(f"FDSTORE=1;FDNAME={name}" + (";FDPOLL=0" if "nopoll" in rest else ""), [make(kind, rest[0] if rest else "")])
    elif what == "many":
        fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(253)]
        for _ in range(int(value)):
            tell("STATUS=many", fds)
    elif what == "barrier":
        read, write = os.pipe()
        tell("BARRIER=1", [write])
        os.close(write)
        os.read(read, 1)
        print("lifted", flush=True)
    elif what == "ask":
        print(state_of(value), flush=True)
    elif what == "listed":
        print(listed(), flush=True)
    elif what == "ping":
        count, pause = value.split(":")
        for _ in range(int(count)):
            tell("WATCHDOG=1")
            time.sleep(int(pause) / 1000)
    elif what == "main":
        child = os.fork()
        if child:
            while True:
                signal.pause()
        tell("MAINPID=PID")
        print(os.getpid(), flush=True)
    elif what == "await":
        while not os.path.exists(value):
            time.sleep(0.01)
    elif what == "touch":
        open(value, "w").close()
    elif what == "say":
        print(value, flush=True)
    elif what == "sleep":
        time.sleep(int(value) / 1000)
    elif what == "ignore":
        signal.signal(getattr(signal, value), signal.SIG_IGN)
    elif what == "wait":
        while True:
            signal.pause()
    elif what == "exit":
        sys.exit(int(value))


for argument in sys.argv[1:]:
    run(argument)
while True:
    signal.pause()
