"""Clients that mean no good, or do not care: PID 1 goes on working, in bounded memory; and who may do what."""
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time

from harness import Client, Failed, NOBODY, sh, until

SLEEP = "exec sleep 1000"


CROWD = r"""
import socket, sys
crowd, refused = [], 0
for number in range(1000):
    try:
        one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        one.connect(sys.argv[1])
        one.setblocking(False)
        one.send(b'{"method":"org.miniinit.Manager.Events","more":true}\0' if number % 2 else b'{"method":"org.miniinit.Manager.List","parameters":{"all":true}}\0' * 50)
        crowd.append(one)
    except OSError:
        refused += 1
print(len(crowd), refused, flush=True)
sys.stdin.read()
"""


def connect(init):
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    one.connect(init.control)  # waits where many are waiting
    one.settimeout(10)
    return one


def still_works(t, init, number, during):
    """A unit is started and stopped, by minictl as root, within a second or so."""
    began = time.monotonic()
    result = init.ctl("start", f"probe{number}")
    started = time.monotonic() - began
    state = init.ctl("status", "--json", f"probe{number}")
    stopped = init.ctl("stop", f"probe{number}")
    took = time.monotonic() - began
    t.ok(f"{during}: `minictl` starts and stops a unit, at once", result.returncode == 0 and stopped.returncode == 0 and
         json.loads(state.stdout)["units"][0]["state"] == "up" and took < 2,
         f"{result.returncode} {result.stderr} {state.stdout[:100]} {started:.2f} {took:.2f} s")


def clients_hostile(t):
    units = {f"probe{number}": {"enabled": False, "service": sh(SLEEP)} for number in range(12)}
    units["flood"] = {"enabled": False, "service": {"type": "notify",
            "command": [t.scene.program("sys_notify"), "send:READY=1", "flood:200000", "say:flooded"]}}
    units["keeper"] = {"service": sh(SLEEP)}
    units["busy"] = {"service": sh("exit 1", restart_delay="20ms", restart_delay_max="40ms", restart_limit=0)}
    with t.scene.init(units) as init:
        init.wait("keeper")
        memory, descriptors = init.memory(), init.descriptors()
        chance = random.Random(2)
        call = b'{"method":"org.miniinit.Manager.List","parameters":{"all":true}}\0'

        # Garbage of many kinds.
        garbage = [b"\0", b"\0" * 1000, b"hello\n\0", b"{}\0", b"[]\0", b"null\0", b'{"method":7}\0',
                   b'{"method":"x"}\0', b'{"method":"org.miniinit.Manager.Nope"}\0',
                   b'{"method":"org.miniinit.Manager.Start","parameters":{"units":"web"}}\0',
                   b'{"method":"org.miniinit.Manager.Start","parameters":{"units":[[[[]]]]}}\0',
                   b'{"method":"org.miniinit.Manager.Status","parameters":{"units":["../../etc/passwd","\\u0000",""]}}\0',
                   b'{"method":"org.miniinit.Manager.Wait","parameters":{"unit":"keeper","state":"flying"}}\0',
                   b'{"method":"org.miniinit.Manager.Signal","parameters":{"unit":"keeper","signal":-1}}\0',
                   b'{"method":"org.miniinit.Manager.Signal","parameters":{"unit":"keeper","signal":1e99}}\0',
                   b"[" * 100000 + b"\0", b'{"a":' * 20000 + b"1" + b"}" * 20000 + b"\0", b'{"method":"'
                   + b"\xff\xfe\x80" * 100 + b'"}\0',
                   b'{"method":"org.miniinit.Manager.Events"}\0', bytes(chance.randrange(256) for _ in range(5000))
                   + b"\0"]
        garbage += [bytes(chance.randrange(256) for _ in range(chance.randrange(1, 300))) + b"\0" for _ in range(200)]
        for junk in garbage:
            one = connect(init)
            try:
                one.sendall(junk)
                one.settimeout(0.02)
                one.recv(65536)
            except OSError:
                pass
            one.close()
        still_works(t, init, 0, "after garbage")
        t.equal("no signal came of it", init.state("keeper"), "up")

        # Half messages, by clients who stay.
        halves = []
        for number in range(100):
            one = connect(init)
            one.sendall(call[:1 + number % (len(call) - 1)])
            halves.append(one)
        still_works(t, init, 1, "with 100 half messages pending")
        for one in halves[:50]:
            one.close()
        whole = halves[-1]
        whole.sendall(call[1 + 99 % (len(call) - 1):])
        t.ok("the other half can come later", b'"keeper"' in whole.recv(1 << 20))
        for one in halves[50:]:
            one.close()

        # 10 MB in one message, with an end and without.
        for end, name in ((b"\0", "with"), (b"", "without")):
            one = connect(init)
            one.settimeout(5)
            sent = 0
            try:
                for _ in range(160):
                    one.sendall(b'{"method":"' + b"a" * 65536)
                    sent += 65536
                one.sendall(end)
                one.settimeout(0.3)
                reply = one.recv(65536)
            except OSError as error:
                reply = str(error)
            one.close()
            t.ok(f"a message of 10 MB {name} an end costs PID 1 no memory", init.memory() < memory + 1024,
                 f"{memory} to {init.memory()} KiB, sent {sent}, {reply[:80]}")
        still_works(t, init, 2, "after messages of 10 MB")

        # Calls one after the other without waiting, and a client that sends byte by byte.
        one = connect(init)
        one.sendall(b'{"method":"org.miniinit.Manager.Ping"}\0' * 500)
        got = b""
        while got.count(b"\0") < 500 and (more := one.recv(65536)):
            got += more
        t.equal("500 calls in one go are answered, each", got.count(b"\0"), 500)
        for byte in b'{"method":"org.miniinit.Manager.Ping"}\0':
            one.send(bytes([byte]))
        t.ok("a call that comes byte by byte is answered", b"\0" in one.recv(65536))
        one.close()

        # 1,000 who ask for much and never read, as nobody.
        crowd = subprocess.Popen(["setpriv", "--pdeathsig=KILL", f"--reuid={NOBODY}", f"--regid={NOBODY}",
                                  "--clear-groups", sys.executable, "-c", CROWD, init.control],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        connected, refused = crowd.stdout.readline().split()
        t.ok("1,000 connections do not cost more than a bounded buffer each", init.memory() < memory + 64 * 1024,
             f"{memory} to {init.memory()} KiB")
        began = time.monotonic()
        restarts = init.status("busy")["restarts"]
        still_works(t, init, 3, "with 1,000 connections that never read")
        for number in range(4, 9):
            init.start(f"probe{number}")
        t.ok("and starts five more within a second", time.monotonic() - began < 3, f"{time.monotonic() - began:.2f} s")
        until(lambda: init.status("busy")["restarts"] > restarts + 20, 10, "restarts of a crashing service")
        def growth():
            before, restarts = init.memory(), init.status("busy")["restarts"]
            until(lambda: init.status("busy")["restarts"] > restarts + 40, 10, "restarts of a crashing service")
            return init.memory() - before
        grew = []
        t.ok("what they do not read does not pile up", any(grew.append(growth()) or grew[-1] < 2048 for _ in range(10)),
             f"by {grew} KiB")
        t.ok("beyond a bounded buffer each", init.memory() < memory + 64 * 1024, f"{memory} to {init.memory()} KiB")
        t.note(
            f"{connected} connected, {refused} refused, PID 1 has {init.descriptors()} descriptors, {memory} to {init.memory()} KiB")
        crowd.communicate()
        t.ok("when they are gone their descriptors are closed",
             until(lambda: init.descriptors() <= descriptors + 20, 5), f"{descriptors} to {init.descriptors()}")
        # One process of nobody's that connects as fast as it can.
        stop = threading.Event()

        def hammer():
            while not stop.is_set():
                try:
                    connect(init).close()
                except OSError:
                    pass
        hammers = [threading.Thread(target=hammer) for _ in range(4)]
        for one in hammers:
            one.start()
        still_works(t, init, 9, "while four connect and close as fast as they can")
        stop.set()
        for one in hammers:
            one.join()
        # A service that floods it with messages.
        listener = init.events()
        init.start("flood")
        still_works(t, init, 10, "while a service sends 200,000 messages")
        t.ok("they are all taken", until(lambda: "flooded" in init.text("flood"), 180), init.brief("flood"))
        t.equal("the last one counts", until(lambda: init.status("flood").get("status_text") == "200000 of 200000", 60),
                True)
        t.ok("PID 1's memory stays bounded", init.memory() < memory + 8192, f"{memory} to {init.memory()} KiB")
        listener.client.close()
        t.equal("the init is the same one, and well", init.call("Overview")["parameters"]["pid"], 1)
        t.equal("it wrote no complaint on the console", [line for line in init.console().split("\n")
                                                         if line and "busy" not in line and line != "flood: flooded"], [])


def clients_permissions(t):
    units = {"keeper": {"service": sh(SLEEP)}, "other": {"enabled": False, "service": sh(SLEEP)}}
    with t.scene.init(units, sections={"manager": {"control-group": "disk"}}) as init:
        init.wait("keeper")
        for verb in (["list"], ["status", "keeper"], ["tree"], ["explain", "keeper"], ["version"], ["probe"]):
            result = init.ctl(*verb, user=NOBODY)
            t.equal(f"anyone may look: {verb[0]}", (result.returncode, result.stderr), (0, ""))
        for verb in (["start", "other"], ["stop", "keeper"], ["restart", "keeper"], ["reload", "keeper"],
                     ["signal", "KILL", "keeper"], ["reset"],
                     ["target", "keeper"], ["reload-units"], ["poweroff"], ["reboot"], ["halt"]):
            result = init.ctl(*verb, user=NOBODY)
            t.ok(f"only root may act: {verb[0]} exits 4 and says so", result.returncode == 4
                 and "not allowed" in result.stderr, f"{result.returncode} {result.stderr}")
        t.equal("and nothing came of it", (init.state("keeper"), init.status("keeper")["restarts"],
                                           init.state("other")), ("up", 0, "down"))
        result = init.ctl("stop", "keeper", "--json", user=NOBODY)
        t.ok("with --json the refusal is JSON", result.returncode == 4
             and "PermissionDenied" in json.dumps(json.loads(result.stdout or result.stderr)), result.stdout
             + result.stderr)
        group = next(line.split(":")[2] for line in open("/etc/group") if line.startswith("disk:"))
        line = ["setpriv", f"--reuid={NOBODY}", f"--regid={group}", "--clear-groups", t.scene.minictl, "start", "other"]
        result = subprocess.run(line, env={"MINIINIT_CONTROL": init.control}, capture_output=True, text=True,
                                timeout=10)
        t.equal("the control group may act", (result.returncode, result.stderr, init.state("other")), (0, "", "up"))


def clients_introspection(t):
    with t.scene.init({"keeper": {"service": sh(SLEEP)}}) as init:
        one = connect(init)

        def call(method, **parameters):
            one.sendall(json.dumps({"method": method, "parameters": parameters}).encode() + b"\0")
            data = b""
            while not data.endswith(b"\0"):
                data += one.recv(65536)
            return json.loads(data[:-1])
        info = call("org.varlink.service.GetInfo")["parameters"]
        t.ok("Varlink's GetInfo names us and our interfaces",
             {"org.varlink.service", "org.miniinit.Manager"} <= set(info["interfaces"]) and info["product"], info)
        for interface in ("org.miniinit.Manager", "org.varlink.service"):
            text = call("org.varlink.service.GetInterfaceDescription", interface=interface)["parameters"]["description"]
            t.has(f"the description of {interface} can be read", text, f"interface {interface}", "method ")
        t.equal("an unknown method has Varlink's own error", call("org.miniinit.Manager.Fly")["error"],
                "org.varlink.service.MethodNotFound")
        t.equal("so has an unknown interface", call("org.example.X.Y").get("error"),
                "org.varlink.service.InterfaceNotFound")
        t.equal("and Events without more", call("org.miniinit.Manager.Events").get("error"),
                "org.varlink.service.ExpectedMore")
        one.sendall(b'{"method":"org.miniinit.Manager.Ping","oneway":true}\0{"method":"org.miniinit.Manager.Ping"}\0')
        one.settimeout(1)
        data = one.recv(65536)
        try:
            one.settimeout(0.2)
            data += one.recv(65536)
        except socket.timeout:
            pass
        t.equal("a oneway call is not answered", data.count(b"\0"), 1)
        one.close()


GROUPS = [clients_hostile, clients_permissions, clients_introspection]
