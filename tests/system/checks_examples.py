"""etc/container, and etc/examples/web.toml as people are shown it, with a port that is free and its script given on the command
line. (The other examples run in QEMU: tests/boot/features/examples.py.)"""

import os
import re
import signal
import socket
import subprocess
import tomllib
import urllib.request

from harness import until

HERE = os.path.dirname(os.path.realpath(__file__))
EXAMPLES = os.path.join(HERE, "../../etc/examples")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as answer:
        return answer.read().decode()


def examples_web(t):
    with open(os.path.join(EXAMPLES, "web.toml"), "rb") as file:
        unit = tomllib.load(file)
    with open(os.path.join(EXAMPLES, "web.py")) as file:
        unit["service"]["command"] = ["/usr/bin/python3", "-c", file.read()]
    port = free_port()
    unit["listen"][0]["stream"] = f"127.0.0.1:{port}"
    del unit["wanted-by"]  # here is no such target, and every enabled unit is wanted
    with t.scene.init({"web": unit}) as init:
        init.wait("web")
        t.equal("the web example is up before anything of it runs", init.status("web").get("main_pid"), None)
        first = ask(port)
        t.has("the first request starts it and is answered", first, "hello from process")
        t.equal("it says what it is doing", until(lambda: init.status("web").get("status_text"), 10), "answering")
        pid = init.status("web")["main_pid"]
        os.kill(init.outside(pid), 9)
        t.has("killed, it answers again: the socket was there all the time", ask(port), "hello from process")
        t.ok("by another process", until(lambda: init.status("web").get("main_pid") not in (None, pid), 10))
        t.equal("it runs as nobody", until(lambda: re.search(r"^Uid:\s+(\d+)", open(
            f"/proc/{init.outside(init.status('web')['main_pid'])}/status").read(), re.M), 10).group(1), "65534")


def examples_container(t):
    """The file of etc/container, as in its image: nothing else, /srv its own, a network of its own."""
    with open(os.path.join(EXAMPLES, "../container/miniinit.toml"), "rb") as file:
        units = tomllib.load(file)["units"]
    with t.scene.init(units, net=True, mounts=["mount -t tmpfs -o mode=755 none /srv"]) as init:
        init.wait("web")
        page = until(lambda: subprocess.run(
            ["nsenter", "-t", str(init.pid()), "-n", "busybox", "wget", "-qO-", "http://127.0.0.1:8080/"], capture_output=True,
            text=True).stdout, 10)
        t.ok("the services of the container example come up, and the page is served", re.search(r"\d\d:\d\d:\d\d", page), page)
        t.equal("its health check finds it well", init.ctl("healthcheck").returncode, 0)
        init.signal(signal.SIGTERM)
        t.equal("and a runtime's stop ends it in order", init.ended(10), 0)


GROUPS = [examples_web, examples_container]
