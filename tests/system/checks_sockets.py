"""[[listen]]: sockets of every kind, handed over as sd_listen_fds(3) says; activation by the first connection; one process
for each connection; and that nobody is refused while a server restarts.

Each init has a network namespace of its own with nothing but loopback; clients join it (net_client.py)."""
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading

from checks_syslog import taken_over
from harness import Failed, sh, until

HERE = os.path.dirname(os.path.realpath(__file__))
SLEEP = "exec sleep 1000"

# What a service finds of its sockets, told by an independent reading of them.
SHOW = """
import os, socket, stat, sys
count = int(os.environ["LISTEN_FDS"])
print("pid", os.environ["LISTEN_PID"] == str(os.getpid()), "names", os.environ["LISTEN_FDNAMES"])
for fd in range(3, 3 + count):
    mode, blocking = os.fstat(fd).st_mode, os.get_blocking(fd)
    if stat.S_ISFIFO(mode):
        print(fd, "fifo", blocking, os.read(fd, 5).decode())
        continue
    one = socket.socket(fileno=os.dup(fd))
    kind = {socket.SOCK_STREAM: "stream", socket.SOCK_DGRAM: "datagram", socket.SOCK_SEQPACKET: "seqpacket"}[one.type]
    listens = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    print(fd, one.family.name, kind, "listens" if listens else "bound", blocking, one.getsockname())
    one.close()
others = [fd for fd in os.listdir("/proc/self/fd") if int(fd) >= 3 + count]
print("others", len([fd for fd in others if os.path.exists("/proc/self/fd/" + fd)]))
sys.stdout.flush()
"""


def client(init, *words, **popen):
    """net_client.py in the network namespace of the init."""
    return subprocess.Popen(["nsenter", f"--net=/proc/{init.pid()}/ns/net", sys.executable, "-B",
                             HERE + "/net_client.py", *map(str, words)], stdout=subprocess.PIPE, text=True, **popen)


def last_line(process):
    said, _ = process.communicate(timeout=120)
    return json.loads(said.strip().split("\n")[-1])


def ask(init, address, port, text="hello"):
    with client(init, "ask", address, port, text) as process:
        said, _ = process.communicate(timeout=30)
    return json.loads(said)


def ask_path(path, text="hello", kind=socket.SOCK_STREAM, timeout=10):
    with socket.socket(socket.AF_UNIX, kind) as one:
        one.settimeout(timeout)
        one.connect(path)
        one.sendall(text.encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            more = one.recv(4096)
            if not more:
                break
            answer += more
        return answer.decode().rstrip("\n")


def sockets_kinds(t):
    work = t.scene.work + "/kinds"
    os.mkdir(work)
    listen = [{"stream": "127.0.0.1:8101", "name": "four"}, {"stream": "[::1]:8101", "backlog": 5},
              {"stream": "*:8102"}, {"datagram": "127.0.0.1:8101", "name": "udp"},
              {"stream": work + "/deep/er/stream", "mode": "0640", "user": "daemon"},
              {"datagram": work + "/datagram", "mode": "0602"}, {"sequential-packet": work + "/packets"},
              {"stream": "@miniinit-check"}, {"fifo": work + "/fifo", "mode": "0620"}, {"stream": "localhost:8103"}]
    units = {"show": {"service": {"command": [sys.executable, "-c", SHOW + "\nimport time; time.sleep(1000)"]},
                      "listen": listen},
             "eager": {"service": {"command": [sys.executable, "-c", SHOW + "\nimport time; time.sleep(1000)"],
                                   "non-blocking": True}, "listen": [{"stream": "127.0.0.1:8104"}]},
             "plain": {"service": sh("echo fds $LISTEN_FDS; exec sleep 1000")},
             "hooks": {"service": {**sh("echo main $LISTEN_FDS; exec sleep 1000"),
                                   "pre-start": [["/bin/sh", "-c", "echo pre $LISTEN_FDS; echo $(ls /proc/self/fd)"]]},
                       "listen": [{"stream": work + "/hooks"}]}}
    with t.scene.init(units, net=True) as init:
        init.wait("show")
        with open(work + "/fifo", "w") as fifo:
            fifo.write("hello")
        lines = until(lambda: init.text("show").split("\n") if "others" in init.text("show") else None, 10,
                      "what the service found")
        t.equal("LISTEN_PID is the service's own, and LISTEN_FDNAMES has a name for each",
                lines[0], "pid True names four:show:show:udp:show:show:show:show:show:show")
        t.equal("descriptors come in the order of the file, each of its kind and blocking", lines[1:-1],
                ["3 AF_INET stream listens True ('127.0.0.1', 8101)", "4 AF_INET6 stream listens True ('::1', 8101, 0, 0)",
                 "5 AF_INET6 stream listens True ('::', 8102, 0, 0)", "6 AF_INET datagram bound True ('127.0.0.1', 8101)",
                 f"7 AF_UNIX stream listens True {work}/deep/er/stream", f"8 AF_UNIX datagram bound True {work}/datagram",
                 f"9 AF_UNIX seqpacket listens True {work}/packets", "10 AF_UNIX stream listens True b'\\x00miniinit-check'",
                 "11 fifo True hello", "12 AF_INET stream listens True ('127.0.0.1', 8103)"])
        t.equal("and no other descriptor", lines[-1], "others 0")
        t.has("sockets are handed on blocking, or non-blocking where the unit says so",
              init.text("eager", ("out",), once="others"), "3 AF_INET stream listens False ")
        look = os.stat(work + "/deep/er/stream")
        t.equal("a path has its mode and owner", (oct(look.st_mode & 0o7777), look.st_uid, look.st_gid), ("0o640", 1, 1))
        t.equal("so has that of a datagram socket", oct(os.stat(work + "/datagram").st_mode & 0o7777), "0o602")
        look = os.stat(work + "/fifo")
        t.equal("and a FIFO", (stat.S_ISFIFO(look.st_mode), oct(look.st_mode & 0o7777)), (True, "0o620"))
        t.equal("a service without sockets is told of none", until(lambda: init.text("plain"), 5), "fds")
        said = until(lambda: init.text("hooks") if "main" in init.text("hooks") else None, 5, "hooks").split("\n")
        t.equal("the commands around the main process get no sockets", (said[0].strip(), said[1].split(), said[2]),
                ("pre", ["0", "1", "2", "3"], "main 1"))  # 3 is the directory that ls reads
        status = init.status("show")
        t.equal("status tells each socket", [(one["kind"], one["address"], one["name"]) for one in status["sockets"]][:4],
                [("stream", "127.0.0.1:8101", "four"), ("stream", "[::1]:8101", "show"), ("stream", "*:8102", "show"),
                 ("datagram", "127.0.0.1:8101", "udp")])
        t.has("so does minictl", init.ctl("status", "show").stdout, "stream 127.0.0.1:8101", "fifo " + work + "/fifo")
        queues = subprocess.run(["nsenter", f"--net=/proc/{init.pid()}/ns/net", "ss", "-Hltn"], capture_output=True,
                                text=True).stdout
        t.ok("backlog bounds how many connections wait", any(line.split()[2:4] == ["5", "[::1]:8101"]
                                                             for line in queues.splitlines()), queues)
        t.equal("with *:PORT both IPs connect", [ask_fault(init, host, 8102) for host in ("127.0.0.1", "::1")], ["", ""])
        init.stop("show")
        t.equal("after a stop no path is left", [name for name in ("deep/er/stream", "datagram", "packets", "fifo")
                                                if os.path.lexists(f"{work}/{name}")], [])
        t.equal("and connections are refused", ask(init, "127.0.0.1", 8101), {"fault": "Connection refused"})
        t.equal("and status tells no socket", init.status("show")["sockets"], [])


def ask_fault(init, host, port):
    """Connects and says nothing: the fault, or nothing."""
    return subprocess.run(["nsenter", f"--net=/proc/{init.pid()}/ns/net", sys.executable, "-c",
                           "import socket, sys\n"
                           "try: socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)\n"
                           "except OSError as error: print(error)", host, str(port)],
                          capture_output=True, text=True, timeout=20).stdout.strip()


def sockets_faults(t):
    work = t.scene.work + "/faults"
    os.mkdir(work)
    with open(work + "/file", "w") as file:
        file.write("precious")
    units = {"privileged": {"service": sh(SLEEP, restart="no"), "listen": [{"stream": "0.0.0.0:81"}]},
             "file": {"service": sh(SLEEP, restart="no"), "listen": [{"stream": work + "/good"},
                                                                     {"stream": work + "/file"}]},
             "user": {"service": sh(SLEEP, restart="no"), "listen": [{"stream": work + "/x", "user": "nosuchuser"}]},
             "one": {"service": sh(SLEEP), "listen": [{"stream": "127.0.0.1:8111"}]},
             "other": {"requires": ["one"], "service": sh(SLEEP, restart="no"), "listen": [{"stream": "127.0.0.1:8111"}]},
             "stale": {"service": sh(SLEEP), "listen": [{"stream": work + "/stale"}]}}
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(work + "/stale")
    stale.close()
    # Without the privilege for low ports.
    with t.scene.init(units, net=True, before=["setpriv", "--bounding-set=-net_bind_service"]) as init:
        t.equal("a port that it may not have is told with the step",
                init.wait_failed("privileged")["reason"],
                "cannot listen at 0.0.0.0:81: bind: Permission denied "
                "(a port below 1024 needs root or CAP_NET_BIND_SERVICE)")
        t.equal("a file in the way is told", init.wait_failed("file")["reason"],
                f"cannot listen at {work}/file: replace what is no socket: File exists")
        with open(work + "/file") as file:
            t.equal("and left alone", file.read(), "precious")
        t.ok("and what was opened before it is closed again", not os.path.lexists(work + "/good"))
        t.equal("a user that does not exist is told", init.wait_failed("user")["reason"],
                f'cannot listen at {work}/x: user "nosuchuser": no such user')
        t.equal("an address that is in use is told", init.wait_failed("other")["reason"],
                "cannot listen at 127.0.0.1:8111: bind: Address already in use")
        init.wait("stale")
        t.ok("a stale socket is replaced", socket_connects(work + "/stale"))


def socket_connects(path):
    with socket.socket(socket.AF_UNIX) as one:
        try:
            one.connect(path)
        except OSError:
            return False
    return True


def sockets_before_anything(t):
    """A client that starts first, and orders nothing, finds the server's socket open."""
    work = t.scene.work + "/before"
    os.mkdir(work)
    connect = (f"import socket; one = socket.socket(socket.AF_UNIX); one.connect('{work}/late'); "
               "one.sendall(b'early\\n'); print('answer', one.recv(100).decode().split()[1])")
    units = {"client": {"service": {"command": [sys.executable, "-c", connect], "type": "oneshot"}},
             "slow": {"service": sh("sleep 0.5", type="oneshot")},
             "server": {"requires": ["slow"], "service": {"command": [t.scene.program("sys_server"), "serve"]},
                        "listen": [{"stream": work + "/late"}]},
             "broken": {"service": sh("exit 1", type="oneshot")},
             "never": {"requires": ["broken"], "service": sh(SLEEP), "listen": [{"stream": work + "/never"}]},
             "skipped": {"condition": {"path-exists": ["/nonexistent"]}, "service": sh(SLEEP),
                         "listen": [{"stream": work + "/skipped"}]}}
    with t.scene.init(units) as init:
        init.wait("client", "done")
        t.equal("a client that starts before the server is answered by it", init.text("client"), "answer early")
        init.wait_failed("never")
        t.ok("the socket of what fails for a dependency is closed",
             until(lambda: not os.path.lexists(work + "/never"), 5))
        init.wait("skipped", "skipped")
        t.ok("and so is that of what is skipped", not os.path.lexists(work + "/skipped"))


def sockets_rings(t):
    """On-demand services that trigger one another without end: each takes what waits, so neither fails."""
    work = t.scene.work + "/rings"
    os.mkdir(work)
    units = {name: {"service": sh(f"read line <&3; echo run; echo go >{work}/{other}", activation="on-demand"),
                    "listen": [{"fifo": f"{work}/{name}"}]} for name, other in (("ping", "pong"), ("pong", "ping"))}
    with t.scene.init(units) as init:
        for name in units:
            init.wait(name)
        with open(work + "/ping", "w") as fifo:
            fifo.write("go\n")
        braked = until(lambda: [name for name in units if "within 2s it was started" in init.text(name, ("init",))], 60,
                       "one of the ring that is slowed down")
        t.ok("on-demand services that start one another are slowed down", braked)
        t.equal("and neither has failed", [init.state(name) for name in units].count("failed"), 0)
        init.wait_idle(braked[0])
        init.stop("ping", "pong")
        t.equal("a stop ends it", [init.state(name) for name in units], ["down", "down"])


def sockets_on_demand(t):
    work = t.scene.work + "/demand"
    os.mkdir(work)
    server = t.scene.program("sys_server")
    units = {"once": {"service": {"command": [server, "once"], "activation": "on-demand"},
                      "listen": [{"stream": work + "/once"}]},
             "shop": {"requires": ["once"], "service": sh(SLEEP)},
             "leaves": {"service": {"command": [server, "leave"], "activation": "on-demand"},
                        "listen": [{"stream": work + "/leaves"}]},
             "crashes": {"service": {"command": ["/bin/false"], "activation": "on-demand", "restart-delay": "10ms",
                                     "restart-limit": 3}, "listen": [{"stream": work + "/crashes"}]},
             "wait": {"service": {"command": [server, "datagram"], "activation": "on-demand"},
                      "process": {"stdin": "socket"}, "listen": [{"datagram": work + "/wait"}]},
             "fifo": {"service": sh("head -n1 <&3; echo pid $$", activation="on-demand"),
                      "listen": [{"fifo": work + "/fifo"}]},
             "echo": {"service": {"command": [server, "serve"], "activation": "on-demand"},
                      "listen": [{"stream": "127.0.0.1:8121"}, {"stream": "[::1]:8121"}]}}
    with t.scene.init(units, net=True) as init:
        init.wait("shop")
        status = init.status("once")
        t.equal("an on-demand service is up without running", (status["state"], status["stage"], status["main_pid"]),
                ("up", "idle", None))
        t.has("explain says what it waits for", " ".join(init.explain("once")), "it listens for connections")
        t.has("list shows that it listens", next(line for line in init.ctl("list").stdout.split("\n") if "once" in line),
              "it listens for connections")
        t.equal("nothing of it runs", init.own_processes_of("sys_server"), [])
        first = ask_path(work + "/once", "one").split()
        t.equal("the first connection starts it and is answered", first[1:], ["one"])
        init.wait_idle("once")
        second = ask_path(work + "/once", "two").split()
        t.ok("when it has ended, the next connection starts it again", second[1:] == ["two"] and second[0] != first[0],
             (first, second))
        t.equal("what requires it stays up meanwhile", init.status("shop")["restarts"], 0)
        t.equal("IPv6 triggers as IPv4 does", ask(init, "::1", 8121, "six")["answer"].split()[1:], ["six"])
        pid = init.status("echo").get("main_pid")
        t.equal("and one process serves all its sockets", ask(init, "127.0.0.1", 8121)["answer"].split()[0], str(pid))

        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
            one.bind(work + "/asker")
            one.settimeout(10)
            one.sendto(b"hello", work + "/wait")
            answer = one.recv(100).decode().split()
            t.equal("a datagram starts a server that has the socket as its standard input", answer[1:], ["hello"])
            init.wait_idle("wait")
            one.sendto(b"again", work + "/wait")
            t.ok("which is started again by a later one", one.recv(100).decode().split()[1:] == ["again"])
        with open(work + "/fifo", "w") as fifo:
            fifo.write("words\n")
        t.ok("bytes in a FIFO start its reader", until(lambda: "words" in init.text("fifo"), 10), init.text("fifo"))

        def fails(unit):
            with socket.socket(socket.AF_UNIX) as one:
                one.connect(f"{work}/{unit}")
                status = init.wait_failed(unit)
                one.settimeout(5)
                try:
                    gone = one.recv(10) == b""
                except ConnectionResetError:
                    gone = True
                return status, gone
        status, gone = fails("leaves")
        t.equal("one that ends at once and takes nothing fails", status["reason"],
                "it was triggered too often: 20 times in a row it ended at once and left what waited at its socket")
        t.ok("and whoever waits is told so", gone)
        t.ok("and its path is gone", not os.path.lexists(work + "/leaves"))
        status, gone = fails("crashes")
        t.has("one that crashes fails by its restart limit", status["reason"], "it ended too often in a row")
        t.ok("and whoever waits is told so", gone)
        init.start("leaves")
        init.stop("once", "shop")
        t.ok("a stop closes the socket of one that waits", not os.path.lexists(work + "/once"))
        t.equal("and it is down", init.state("once"), "down")


def sockets_accept(t):
    work = t.scene.work + "/accept"
    os.mkdir(work)
    show = 'read line; echo "got $line from $REMOTE_ADDR ${REMOTE_PORT:+port} fds ${LISTEN_FDS:-none}"; echo aside >&2'
    listed = ("import os, socket; one = socket.socket(fileno=3); "
              "one.sendall((os.environ['LISTEN_FDS'] + ' ' + os.environ['LISTEN_FDNAMES'] + ' ' + "
              "str(os.environ['LISTEN_PID'] == str(os.getpid())) + '\\n').encode())")
    units = {"show": {"service": sh(show), "listen": [{"stream": "*:8131", "accept": True},
                                                      {"stream": work + "/show", "accept": True}]},
             "loud": {"service": sh("read line; echo out; echo err >&2"), "process": {"stderr": "socket"},
                      "listen": [{"stream": work + "/loud", "accept": True}]},
             "listed": {"service": {"command": [sys.executable, "-c", listed]},
                        "process": {"stdin": "null", "stdout": "log"},
                        "listen": [{"stream": work + "/listed", "accept": True}]},
             "few": {"service": sh("echo hello; cat >/dev/null"),
                     "listen": [{"stream": "127.0.0.1:8132", "accept": True, "max-connections": 2}]},
             "bad": {"service": {"command": ["/nonexistent/program"]},
                     "listen": [{"stream": work + "/bad", "accept": True}]},
             "dies": {"service": sh("read line; kill -SEGV $$"), "listen": [{"stream": work + "/dies", "accept": True}]}}
    with t.scene.init(units, net=True) as init:
        init.wait("show")
        t.equal("a connection is the standard input and output of a process of its own, and knows its peer",
                [ask(init, host, 8131)["answer"] for host in ("127.0.0.1", "::1")],
                ["got hello from 127.0.0.1 port fds none", "got hello from ::1 port fds none"])
        t.equal("a local one has no address", ask_path(work + "/show"), "got hello from   fds none")
        t.ok("standard error goes to the log", until(lambda: init.text("show") == "aside\naside\naside", 5),
             init.text("show"))
        t.equal("or to the connection", read_all(work + "/loud"), "out\nerr\n")
        t.equal("where no stream is the socket, it is descriptor 3", ask_path(work + "/listed"), "1 connection True")
        status = until(lambda: (s := init.status("show"))["sockets"][0]["connections"] == 0 and s, 5, "no connection")
        t.equal("status counts connections, at each socket", [(one["connections"], one["accepted"])
                                                              for one in status["sockets"]], [(0, 2), (0, 1)])
        with client(init, "hold", "127.0.0.1", 8132, 5, stdin=subprocess.PIPE) as held:
            def answered():
                held.stdin.write("look\n")
                held.stdin.flush()
                return json.loads(held.stdout.readline())["answered"]
            until(lambda: answered() >= 2, 10, "two answers")
            told = init.status("few")["sockets"][0]
            t.equal("no more connections are accepted than max-connections says",
                    (answered(), told["connections"], told["accepted"]), (2, 2, 2))
            t.has("minictl says how many", init.ctl("status", "few").stdout, "2 of 2 connections")
            held.stdin.write("close 0\n")
            held.stdin.flush()
            held.stdout.readline()
            t.ok("those that wait are served when one ends", until(lambda: init.status("few")["sockets"][0]["accepted"] == 3,
                                                                   10))
            t.equal("a stop ends those that are left", init.stop("few")["few"]["state"], "down")
            t.equal("all of them", [what for what in init.own_processes().values() if "cat" in what[1]], [])
            held.stdin.close()
        t.equal("and its port is closed", ask(init, "127.0.0.1", 8132), {"fault": "Connection refused"})
        t.equal("a connection whose program cannot be executed is closed", read_all(work + "/bad"), "")
        t.ok("which its log tells", until(lambda: "is not served: exec: No such file" in init.text("bad", ("init",)), 5),
             init.text("bad", ("init",)))
        t.equal("the unit goes on", init.state("bad"), "up")
        read_all(work + "/dies")
        t.ok("a process that crashes is told in the log", until(lambda: "SIGSEGV" in init.text("dies", ("init",)), 5),
             init.text("dies", ("init",)))


def read_all(path, text="hello\n"):
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(10)
        one.connect(path)
        said = b""
        try:
            one.sendall(text.encode())
            while more := one.recv(4096):
                said += more
        except (ConnectionResetError, BrokenPipeError):
            pass
        return said.decode()


def sockets_inetd_program(t):
    """A program that was written for inetd, not for these checks."""
    work = t.scene.work + "/real"
    os.mkdir(work)
    os.chmod(work, 0o755)
    with open(work + "/index.html", "w") as file:
        file.write("hello from inetd\n")
    units = {"web": {"service": {"command": ["busybox", "httpd", "-i", "-h", work]}, "process": {"user": "nobody"},
                     "listen": [{"stream": "127.0.0.1:8151", "accept": True}]}}
    with t.scene.init(units, net=True) as init:
        init.wait("web")
        said = subprocess.run(["nsenter", f"--net=/proc/{init.pid()}/ns/net", "socat", "-t", "10", "-",
                               "TCP:127.0.0.1:8151"], input="GET /index.html HTTP/1.0\r\n\r\n", capture_output=True,
                              text=True, timeout=30).stdout
        t.has("busybox httpd serves a page to socat", said, "200 OK", "hello from inetd")


def sockets_out_of_descriptors(t):
    """With few descriptors to spare, connections wait and are all served in the end, without a spin."""
    work = t.scene.work + "/few"
    os.mkdir(work)
    units = {"echo": {"service": sh("read line; sleep 0.05; echo $line"),
                      "listen": [{"stream": work + "/echo", "accept": True, "max-connections": 200}]}}
    with t.scene.init(units, before=["prlimit", "--nofile=52:52"]) as init:
        init.wait("echo")
        answers, lock = [], threading.Lock()

        def one(number):
            answer = ask_path(work + "/echo", f"n{number}", timeout=60)
            with lock:
                answers.append((number, answer))
        before = cpu(init)
        threads = [threading.Thread(target=one, args=(number,)) for number in range(60)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        t.equal("every connection is served when there are descriptors again",
                sorted(number for number, answer in answers if answer == f"n{number}"), list(range(60)))
        t.has("its log says that they had to wait", init.text("echo", ("init",), once="Too many"), "Too many open files")
        t.ok("PID 1 does not spin meanwhile", cpu(init) - before < 3, cpu(init) - before)


def cpu(init):
    """Seconds of processor time PID 1 has used."""
    with open(f"/proc/{init.pid()}/stat") as file:
        parts = file.read().rsplit(")", 1)[1].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def sockets_reread(t):
    work = t.scene.work + "/reread"
    os.mkdir(work)
    server = t.scene.program("sys_server")

    def units(idle, running, extra=()):
        return {"idle": {"service": {"command": [server, "serve"], "activation": "on-demand"},
                         "listen": [{"stream": f"{work}/{name}"} for name in idle]},
                "running": {"service": {"command": [server, "serve"]},
                            "listen": [{"stream": f"{work}/{name}"} for name in running]},
                **{name: {"service": {"command": [server, "serve"]}, "listen": [{"stream": f"{work}/{name}"}]}
                   for name in extra}}
    with t.scene.init(units(["i1", "i2"], ["r1", "r2"], ["gone"])) as init:
        for name in ("idle", "running", "gone"):
            init.wait(name)
        inode = os.stat(work + "/r1").st_ino, os.stat(work + "/i1").st_ino
        init.write_units(units(["i1", "i3"], ["r3", "r1"]))
        init.call("ReloadUnits")
        t.equal("while nothing of a unit runs, changed sockets are opened and closed at once",
                sorted(name for name in os.listdir(work) if name[0] == "i"), ["i1", "i3"])
        t.equal("those of a running one wait for its next start",
                sorted(name for name in os.listdir(work) if name[0] == "r"), ["r1", "r2"])
        t.equal("which serves as before", ask_path(work + "/r2").split()[1:], ["hello"])
        t.equal("a new socket triggers", ask_path(work + "/i3").split()[1:], ["hello"])
        init.ask("Restart", "running")
        t.equal("then they change", sorted(name for name in os.listdir(work) if name[0] == "r"), ["r1", "r3"])
        t.equal("those that did not change are the same sockets still",
                (os.stat(work + "/r1").st_ino, os.stat(work + "/i1").st_ino), inode)
        t.equal("all of them are served", [ask_path(f"{work}/{name}").split()[1:] for name in ("r1", "r3")], [["hello"]] * 2)
        init.write_units({"broken": {"service": {"command": [server, "serve"], "no-such-key": True}},
                          **{name: {**unit, "no-such-key": True} for name, unit in units(["i1"], ["r1"]).items()}})
        init.call("ReloadUnits")
        t.equal("one that waits listens on while its file is broken", ask_path(work + "/i3").split()[1:], ["hello"])
        init.stop("idle", "running")
        t.equal("and is closed when it is stopped", [name for name in sorted(os.listdir(work)) if name != "gone"], [])
        init.stop("gone")
        t.ok("those of a unit that is gone go with it", not os.path.lexists(work + "/gone"))


def sockets_no_connection_lost(t):
    units = {"web": {"service": {"command": [t.scene.program("sys_server"), "serve"]},
                     "listen": [{"stream": "127.0.0.1:8141"}]}}
    with t.scene.init(units, net=True) as init:
        init.wait("web")
        stop = init.dir + "/stop"
        descriptors = init.descriptors()
        with client(init, "storm", "127.0.0.1", 8141, 10000, 24, stop) as storm:
            restarts, _ = 0, storm.stdout.readline()
            while restarts < 20 and storm.poll() is None:
                result = init.ask("Restart", "web")["web"]
                restarts += result["ok"]
                storm.stdout.readline()  # a new server answers
                if restarts % 5 == 0:
                    init.call("ReloadUnits")
            open(stop, "w").close()
            result = last_line(storm)
        t.equal("the server was restarted 20 times", restarts, 20)
        t.equal("10,000 connections meanwhile: none refused, none lost, none mistaken",
                (result["answered"] >= 10000, result["refused"], result["lost"], result["wrong"], result["faults"]),
                (True, 0, 0, 0, []))
        t.ok("by many servers one after the other", result["servers"] >= 20, result["servers"])
        t.note(f"{result['answered']} connections in {result['seconds']} s, answered by {result['servers']} servers")
        t.ok("no descriptor is left behind", until(lambda: init.descriptors() <= descriptors, 5),
             (init.descriptors(), descriptors))


def sockets_inetd(t):
    units = {"inetd": {"service": sh('read line; echo "$$ $line"'),
                       "listen": [{"stream": "127.0.0.1:8142", "accept": True, "max-connections": 32}]}}
    with t.scene.init(units, net=True) as init:
        init.wait("inetd")
        ask(init, "127.0.0.1", 8142)
        until(lambda: init.status("inetd")["sockets"][0]["connections"] == 0, 5, "no connection")
        descriptors, memory, children = init.descriptors(), init.memory(), len(init.processes())
        open(init.dir + "/stop", "w").close()
        with client(init, "storm", "127.0.0.1", 8142, 2000, 16, init.dir + "/stop") as storm:
            result = last_line(storm)
        t.equal("2,000 connections, each with a process: none refused, none lost, none mistaken",
                (result["answered"], result["refused"], result["lost"], result["wrong"]), (2000, 0, 0, 0))
        t.note(f"inetd: {result['answered'] / result['seconds']:.0f} connections a second, by {result['servers']} processes")
        until(lambda: init.status("inetd")["sockets"][0]["connections"] == 0, 10, "no connection")
        t.equal("it counts them", init.status("inetd")["sockets"][0]["accepted"], 2001)
        t.equal("no zombie is left", until(lambda: init.zombies() == 0, 5) and init.zombies(), 0)
        t.equal("no process", len(init.processes()), children)
        t.ok("no descriptor", until(lambda: init.descriptors() <= descriptors, 5), (init.descriptors(), descriptors))
        t.ok("and no memory to speak of", init.memory() - memory < 1024, init.memory() - memory)


def sockets_lost(t):
    """Somebody removes or replaces what stands at the path of a unit's socket."""
    work = t.scene.work + "/lost"
    os.mkdir(work)
    server = t.scene.program("sys_server")
    on_demand = {"activation": "on-demand", "restart": "no"}
    units = {"web": {"service": {"command": [server, "once"], **on_demand}, "listen": [{"stream": work + "/deep/er/web"}]},
             "each": {"service": {"command": "/bin/cat"}, "process": {"stdin": "socket", "stdout": "socket"},
                      "listen": [{"stream": work + "/each", "accept": True, "mode": "0600"}]},
             "pipe": {"service": {**sh("read line <&3; echo got $line"), **on_demand}, "listen": [{"fifo": work + "/pipe"}]},
             "packets": {"service": {"command": [server, "datagram"], **on_demand},
                         "listen": [{"datagram": work + "/packets"}]},
             "stays": {"service": {"command": [server, "serve"]}, "listen": [{"stream": work + "/stays"}]},
             "same": {"service": {"command": [server, "once"], **on_demand}, "listen": [{"stream": work + "/same"}]}}
    path = lambda name: f"{work}/deep/er/web" if name == "web" else f"{work}/{name}"
    def answered(name):
        try:
            return ask_path(path(name), timeout=5).endswith("hello")
        except OSError:
            return False
    # A path is there a moment before somebody listens at it: bind(2) makes it.
    served = lambda name: until(lambda: answered(name), 5)
    with t.scene.init(units) as init:
        init.wait("stays")
        for name in units:
            until(lambda: os.path.exists(path(name)), 5, "the path of " + name)
        inodes = {name: os.stat(path(name)).st_ino for name in units}
        same = lambda name: os.path.exists(path(name)) and os.stat(path(name)).st_ino == inodes[name]
        def back(name):
            return until(lambda: os.path.exists(path(name)) and not same(name), 15)
        wakeups = init.wakeups(init.pid())
        for number in range(50):
            open(f"{work}/other-{number}", "w").close()
            os.unlink(f"{work}/other-{number}")
        t.ok("other files of the directory concern nobody", init.wakeups(init.pid()) - wakeups < 10,
             init.wakeups(init.pid()) - wakeups)
        for what, lose in (("is removed", lambda name: os.unlink(path(name))),
                           ("is renamed", lambda name: os.rename(path(name), work + "/away"))):
            for name in ("web", "each"):
                inodes[name] = os.stat(path(name)).st_ino
                lose(name)
                t.ok(f"a socket that {what} is made again: {name}", back(name), os.listdir(work))
                t.ok("and who connects is served", served(name), init.brief(name))
        t.has("which the unit's log says", init.text("web", ("init",), once="made again"),
              f"its socket {path('web')} was gone and is made again")
        t.equal("it has the mode that it had", oct(os.stat(path("each")).st_mode & 0o7777), "0o600")
        inodes["web"] = os.stat(path("web")).st_ino
        os.rename(work + "/deep", work + "/gone")  # at one stroke: it is made again as fast as it can be removed
        shutil.rmtree(work + "/gone")
        t.ok("so is one whose directory is removed", back("web") and served("web"), init.brief("web"))
        inodes["web"] = os.stat(path("web")).st_ino
        os.rename(work + "/deep/er", work + "/deep/est")
        os.mkdir(work + "/deep/er")
        t.ok("and one whose directory has become another", back("web") and served("web"), init.brief("web"))
        os.unlink(path("pipe"))
        t.ok("a FIFO too", back("pipe") and stat.S_ISFIFO(os.stat(path("pipe")).st_mode))
        with open(path("pipe"), "w") as pipe:
            pipe.write("word\n")
        t.has("and what is written there arrives", init.text("pipe", once="got"), "got word")
        os.unlink(path("packets"))
        t.ok("a socket for datagrams too", back("packets") and stat.S_ISSOCK(os.stat(path("packets")).st_mode))

        # Something else in its place is not removed.
        with open(work + "/file", "w") as file:
            file.write("precious")
        os.rename(work + "/file", path("same"))
        t.has("one that is replaced by another file is not made again, and why is said",
              init.text("same", ("init",), once="nobody can connect"), f"its socket {path('same')} is gone", "File exists")
        t.equal("what replaced it stays, and the unit waits on", (open(path("same")).read(), init.state("same")),
                ("precious", "up"))
        os.unlink(path("same"))
        t.ok("when that is gone it is made again", until(lambda: answered("same"), 15), init.brief("same"))
        t.equal("the trouble was said once", init.text("same", ("init",)).count("nobody can connect"), 1)

        # A service that runs has the old one, or makes one itself.
        pid = init.status("stays")["main_pid"]
        with socket.socket(socket.AF_UNIX) as other:
            t.ok("a service that runs may put a socket of its own there", taken_over(path("stays"), other))
            other.listen()
        os.unlink(path("stays"))
        t.ok("when that is gone ours is back", back("stays"))
        inodes["stays"] = os.stat(path("stays")).st_ino
        os.unlink(path("stays"))
        t.ok("that of a service that runs is made again", back("stays"))
        t.has("and it is said that the service has the old one", init.text("stays", ("init",), once="old one"),
              "what runs has the old one until it is restarted")
        t.equal("which goes on", init.status("stays")["main_pid"], pid)
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(10)
            one.connect(path("stays"))
            one.sendall(b"hello\n")
            init.ask("Restart", "stays")
            t.equal("who connects meanwhile is served after a restart", one.recv(100).split()[-1:], [b"hello"])

        t.equal("the next program looks after them, too", init.ctl("reexec").returncode, 0)
        inodes["web"] = os.stat(path("web")).st_ino
        os.unlink(path("web"))
        t.ok("as the one before did", back("web") and served("web"), init.brief("web"))
        init.stop("web", "pipe")
        t.equal("one that is stopped leaves nothing, and nothing is made again",
                [os.path.lexists(path(name)) for name in ("web", "pipe")], [False, False])


GROUPS = [sockets_kinds, sockets_lost, sockets_faults, sockets_before_anything, sockets_on_demand, sockets_rings, sockets_accept,
          sockets_inetd_program, sockets_out_of_descriptors, sockets_reread]
ALONE = [sockets_no_connection_lost, sockets_inetd]
