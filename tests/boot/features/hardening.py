"""Each key that keeps a service away from something: with the key the forbidden thing is refused, without it the same
service does it. The service is a prober (programs/hard_probe.c) that says how each of its tries went."""

import json
import shlex

NAME = "hard"


def inline(value):
    """A value as TOML has it, which is as JSON has it but for tables."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {inline(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)


def toml(tables):
    lines = []
    for table, values in tables.items():
        lines.append(f"[{table}]")
        lines += [f"{key} = {inline(value)}" for key, value in values.items()]
    return lines


class Range:
    """Units of this module, written into the machine and taken away again."""

    def __init__(self, machine):
        self.machine = machine
        self.run, self.good, self.until = machine.run, machine.good, machine.until
        self.count = 0
        self.names = []

    def unit(self, process, service):
        """A new unit, known to the init; its name."""
        self.count += 1
        name = f"{NAME}-{self.count}"
        text = " ".join(shlex.quote(line) for line in toml({"service": service, "process": process}))
        self.good(f"printf '%s\\n' {text} >/etc/miniinit/{name}.toml && minictl reload-units >/dev/null")
        self.names.append(name)
        return name

    def said(self, name):
        """What its processes printed, a line each."""
        return self.good(f"minictl logs -o cat {name} | cat").splitlines()

    def tries(self, process, tries, **service):
        """The lines of the prober in a oneshot with this `[process]`; `service` may replace how it runs."""
        name = self.unit(process, {"type": "oneshot", "command": ["hard_probe", *tries], **service})
        code, text = self.run(f"minictl start {name}")
        assert code == 0, f"{name} did not start: {text[-600:]}"
        lines = self.said(name)
        self.run(f"minictl stop {name}")
        return lines

    def refusal(self, process, tries=("networks",), **service):
        """What is said of a unit that must not come up."""
        name = self.unit(process, {"type": "oneshot", "command": ["hard_probe", *tries], **service})
        code, text = self.run(f"minictl start {name}")
        assert code != 0, f"{name} started: {self.said(name)}"
        return text + self.run(f"minictl status {name}")[1]

    def status(self, name):
        answer = self.machine.json(f"minictl status --json {name}")
        units = answer["units"] if isinstance(answer, dict) and "units" in answer else answer
        return units[0] if isinstance(units, list) else units

    def clear(self):
        for name in self.names:
            self.run(f"minictl stop {name}; rm -f /etc/miniinit/{name}.toml")
        self.run("minictl reload-units")


def holds(lines, *wanted):
    missing = [line for line in wanted if line not in lines]
    assert not missing, f"no {missing} in {lines}"


# (key, [process] with it, tries, what it says with the key, what it says without)
PAIRS = [
    ("capabilities, of root", {"capabilities": ["CAP_NET_BIND_SERVICE"]}, {},
     ["privileged-port", "chown=/run/hard-chown", "clock", "status=CapEff", "status=CapBnd", "status=CapInh"],
     ["privileged-port: ok", "chown /run/hard-chown: EPERM", "clock: EPERM", "status CapEff: 0000000000000400",
      "status CapBnd: 0000000000000400", "status CapInh: 0000000000000000"],
     ["privileged-port: ok", "chown /run/hard-chown: ok", "clock: ok"]),
    ("capabilities, kept over a change of user", {"capabilities": ["CAP_NET_BIND_SERVICE"]}, {"user": "nobody"},
     ["privileged-port", "clock", "status=CapAmb", "status=CapEff", "status=CapPrm", "status=CapInh", "status=CapBnd"],
     ["privileged-port: ok", "clock: EPERM"] +
     [f"status Cap{which}: 0000000000000400" for which in ("Amb", "Eff", "Prm", "Inh", "Bnd")],
     ["privileged-port: EACCES", "clock: EPERM", "status CapAmb: 0000000000000000", "status CapEff: 0000000000000000"]),
    ("capabilities, none of them", {"capabilities": []}, {}, ["clock", "status=CapEff", "status=CapBnd"],
     ["clock: EPERM", "status CapEff: 0000000000000000", "status CapBnd: 0000000000000000"], ["clock: ok"]),
    ("system-call-filter, as a list of what is allowed",
     {"system-call-filter": ["@system-service"], "system-call-error": "EPERM"}, {},
     ["trace", "clock", "chown=/run/hard-chown", "unknown-call", "status=Seccomp", "status=NoNewPrivs"],
     ["trace: EPERM", "clock: EPERM", "chown /run/hard-chown: ok", "unknown-call: ENOSYS", "status Seccomp: 2",
      "status NoNewPrivs: 0"],
     ["trace: ok", "clock: ok", "chown /run/hard-chown: ok", "unknown-call: ENOSYS", "status Seccomp: 0"]),
    ("system-call-filter, as a list of what is denied",
     {"system-call-filter": ["!@debug", "~@chown"], "system-call-error": "EACCES"}, {},
     ["trace", "clock", "chown=/run/hard-chown"],
     ["trace: EACCES", "clock: ok", "chown /run/hard-chown: EACCES"],
     ["trace: ok", "clock: ok", "chown /run/hard-chown: ok"]),
    ("system-call-filter, of a user",
     {"system-call-filter": ["@system-service"], "system-call-error": "EPERM"}, {"user": "nobody"},
     ["trace", "status=NoNewPrivs"], ["trace: EPERM", "status NoNewPrivs: 1"], ["trace: ok", "status NoNewPrivs: 0"]),
    ("cpu-affinity", {"cpu-affinity": [0]}, {}, ["processors", "status=Cpus_allowed_list"],
     ["processors: 1, the first is ours", "status Cpus_allowed_list: 0"], []),
    ("scheduling", {"scheduling": "fifo:10"}, {}, ["schedule"], ["schedule: 1 10"], ["schedule: 0 0"]),
    ("scheduling, of a user", {"scheduling": "batch"}, {"user": "nobody"}, ["schedule"], ["schedule: 3 0"],
     ["schedule: 0 0"]),
    ("io-priority", {"io-priority": "idle"}, {}, ["io-priority"], [f"io-priority: {3 << 13}"], ["io-priority: 0"]),
    ("root-directory", {"root-directory": "/srv/jail"}, {}, ["list=/", "list=/etc", "read=/etc/passwd"],
     ["list /: bin", "list /etc: ENOENT", "read /etc/passwd: ENOENT"], ["read /etc/passwd: ok"]),
    ("private-tmp", {"private-tmp": True}, {"user": "nobody"},
     ["read=/tmp/hard-secret", "read=/var/tmp/hard-secret", "mode=/tmp", "make=/tmp/hard-own"],
     ["read /tmp/hard-secret: ENOENT", "read /var/tmp/hard-secret: ENOENT", "mode /tmp: 1777 0:0",
      "make /tmp/hard-own: ok"],
     ["read /tmp/hard-secret: ok", "read /var/tmp/hard-secret: ok"]),
    ("private-devices", {"private-devices": True}, {},
     ["write=/dev/kmsg", "read=/dev/zero", "read=/dev/urandom", "write=/dev/null", "device=/run/hard-device",
      "append=/dev/stdout", "append=/dev/stderr", "make=/dev/shm/hard", "status=CapBnd"],
     ["write /dev/kmsg: ENOENT", "read /dev/zero: ok", "read /dev/urandom: ok", "write /dev/null: ok",
      "device /run/hard-device: EPERM", "append /dev/stdout: ok", "append /dev/stderr: ok", "make /dev/shm/hard: ok",
      "status CapBnd: 000001fff7fdffff"],
     ["write /dev/kmsg: ok", "device /run/hard-device: ok", "status CapBnd: 000001ffffffffff"]),
    ("protect-proc, of a user", {"protect-proc": "invisible"}, {"user": "nobody"},
     ["read=/proc/1/comm", "read=/proc/self/comm", "read=/proc/uptime"],
     ["read /proc/1/comm: ENOENT", "read /proc/self/comm: ok", "read /proc/uptime: ok"], ["read /proc/1/comm: ok"]),
    ("proc-subset", {"proc-subset": "pid"}, {}, ["read=/proc/uptime", "read=/proc/1/comm"],
     ["read /proc/uptime: ENOENT", "read /proc/1/comm: ok"], ["read /proc/uptime: ok"]),
    ("bind-paths", {"bind-paths": ["/srv/data:/srv/shown", "-/not/there:/srv/else"]}, {},
     ["read=/srv/shown/file", "make=/srv/shown/hard"], ["read /srv/shown/file: ok", "make /srv/shown/hard: ok"],
     ["read /srv/shown/file: ENOENT"]),
    ("bind-read-only-paths", {"bind-read-only-paths": ["/srv/data:/srv/seen"]}, {},
     ["read=/srv/seen/file", "make=/srv/seen/hard"], ["read /srv/seen/file: ok", "make /srv/seen/hard: EROFS"],
     ["read /srv/seen/file: ENOENT"]),
    ("private-network", {"private-network": True}, {}, ["networks", "loopback"], ["networks: lo", "loopback: ok"],
     ["networks: lo eth0", "loopback: ok"]),
    ("read-only-paths", {"read-only-paths": ["/srv/data", "-/not/there"]}, {},
     ["make=/srv/data/hard", "make=/srv/data/deep/hard", "read=/srv/data/file"],
     ["make /srv/data/hard: EROFS", "make /srv/data/deep/hard: EROFS", "read /srv/data/file: ok"],
     ["make /srv/data/hard: ok", "make /srv/data/deep/hard: ok", "read /srv/data/file: ok"]),
    ("read-only-paths, by a link and with an exception",
     {"read-only-paths": ["/srv/link"], "read-write-paths": ["/srv/data/deep"]}, {},
     ["make=/srv/data/hard", "make=/srv/data/deep/hard"],
     ["make /srv/data/hard: EROFS", "make /srv/data/deep/hard: ok"], []),
    ("inaccessible-paths", {"inaccessible-paths": ["/srv/data", "/etc/shadow"]}, {},
     ["list=/srv/data", "read=/etc/shadow", "make=/srv/data/hard", "write=/etc/shadow"],
     ["list /srv/data:", "read /etc/shadow: empty", "make /srv/data/hard: EROFS", "write /etc/shadow: EROFS"],
     ["list /srv/data: deep file", "read /etc/shadow: ok", "make /srv/data/hard: ok", "write /etc/shadow: ok"]),
    ("inaccessible-paths, below a path that it can write",
     {"inaccessible-paths": ["/srv/data/deep"], "read-write-paths": ["/srv/data"], "protect-system": "strict"}, {},
     ["make=/srv/data/hard", "list=/srv/data/deep", "make=/srv/hard"],
     ["make /srv/data/hard: ok", "list /srv/data/deep:", "make /srv/hard: EROFS"], []),
    ("inaccessible-paths, of a user", {"inaccessible-paths": ["/srv/data", "/etc/passwd"]}, {"user": "nobody"},
     ["list=/srv/data", "read=/etc/passwd"], ["list /srv/data: EACCES", "read /etc/passwd: EACCES"],
     ["list /srv/data: deep file", "read /etc/passwd: ok"]),
    ("protect-system = yes", {"protect-system": "yes"}, {},
     ["make=/usr/hard", "make=/bin/hard", "make=/etc/hard", "make=/srv/hard"],
     ["make /usr/hard: EROFS", "make /bin/hard: EROFS", "make /etc/hard: ok", "make /srv/hard: ok"],
     ["make /usr/hard: ok", "make /bin/hard: ok", "make /etc/hard: ok", "make /srv/hard: ok"]),
    ("protect-system = full", {"protect-system": "full"}, {}, ["make=/usr/hard", "make=/etc/hard", "make=/srv/hard"],
     ["make /usr/hard: EROFS", "make /etc/hard: EROFS", "make /srv/hard: ok"],
     ["make /usr/hard: ok", "make /etc/hard: ok", "make /srv/hard: ok"]),
    ("protect-system = strict",
     {"protect-system": "strict", "private-tmp": True, "state-directory": "hard", "read-write-paths": ["/srv/data"]}, {},
     ["make=/srv/hard", "make=/run/hard", "make=/tmp/hard", "make=/var/lib/hard/x", "make=/srv/data/hard",
      "write=/dev/null", "write=/proc/self/oom_score_adj"],
     ["make /srv/hard: EROFS", "make /run/hard: EROFS", "make /tmp/hard: ok", "make /var/lib/hard/x: ok",
      "make /srv/data/hard: ok", "write /dev/null: ok", "write /proc/self/oom_score_adj: ok"],
     ["make /srv/hard: ok", "make /run/hard: ok", "make /srv/data/hard: ok"]),
]

SCENE = ("mkdir -p /srv/jail/bin /srv/data/deep && cp /usr/bin/hard_probe /usr/bin/demo_notify /srv/jail/bin/ && "
         "echo x >/srv/data/file && ln -sfn /srv/data /srv/link && mkdir -p /var/tmp && "
         "echo x >/tmp/hard-secret && echo x >/var/tmp/hard-secret && chmod 1777 /var/tmp")
# What tries leave where nothing forbids them.
LEFT = ("rm -rf /run/hard /run/hard-chown /run/hard-device /usr/hard /bin/hard /etc/hard /srv/hard /srv/data/hard "
        "/srv/data/deep/hard /tmp/hard /tmp/hard-own /dev/shm/hard /var/lib/hard; : >/run/hard-chown")


def checks(report, machine):
    check = report.check
    place = Range(machine)
    with check("the scene of the hardening checks is set"):
        place.good(SCENE)

    for title, key, process, tries, refused, free in PAIRS:
        with check(f"{title}: what it forbids is refused, the rest works"):
            place.good(LEFT)
            holds(place.tries({**process, **key}, tries), *refused)
        if free:
            with check(f"{title}: without it, all of that works"):
                place.good(LEFT)
                holds(place.tries(process, tries), *free)
    place.run(LEFT)

    with check("a service that makes a denied call is ended by SIGSYS, and its status says why"):
        text = place.refusal({"system-call-filter": ["@system-service"]}, ["trace"])
        assert "SIGSYS" in text and "system-call-filter" in text, text
    with check("a processor that is not there is named by the step that fails"):
        text = place.refusal({"cpu-affinity": [7]})
        assert "sched_setaffinity: Invalid argument" in text, text
    with check("a path that is missing is named by the step and the key"):
        text = place.refusal({"read-only-paths": ["/not/there"]})
        assert 'mount: No such file or directory (read-only-paths "/not/there")' in text, text
        text = place.refusal({"inaccessible-paths": ["/not/there"]})
        assert 'mount: No such file or directory (inaccessible-paths "/not/there")' in text, text
    with check("a root directory that is missing is named"):
        text = place.refusal({"root-directory": "/not/there"})
        assert 'change root: No such file or directory ("/not/there")' in text, text

    with check("nothing that a service mounts for itself is seen outside, and PID 1's own root and directory stay"):
        assert "/srv/data" not in place.good("cat /proc/mounts")
        assert place.good("readlink /proc/1/cwd").splitlines()[-1] == "/"
        assert place.good("ls /proc/1/root/etc/passwd").splitlines()[-1] == "/proc/1/root/etc/passwd"
    with check("all commands of a service see the same private /tmp, and it is gone when the run is over"):
        name = place.unit({"private-tmp": True, "user": "nobody"},
                          {"type": "oneshot", "pre-start": [["hard_probe", "make=/tmp/hard-mark"]],
                           "command": ["hard_probe", "read=/tmp/hard-mark", "make=/tmp/hard-more"],
                           "post-stop": [["hard_probe", "read=/tmp/hard-more"]]})
        place.good(f"minictl start {name}")
        holds(place.said(name), "make /tmp/hard-mark: ok", "read /tmp/hard-mark: empty", "make /tmp/hard-more: ok")
        assert place.good(f"stat -c '%a %u' /tmp/miniinit-{name}-*").splitlines()[-1] == "700 0"
        assert place.run("ls /tmp/hard-mark")[0] != 0
        place.good(f"minictl stop {name}")
        holds(place.said(name), "read /tmp/hard-more: empty")
        place.until(f"! ls -d /tmp/miniinit-{name}-* /var/tmp/miniinit-{name}-* 2>/dev/null", "it is still there")
    with check("a deep and wide private /tmp goes too"):
        name = place.unit({"private-tmp": True}, {
            "type": "oneshot", "script": "cd /tmp; for i in $(seq 300); do mkdir d; cd d; : >f; done; ln -s /etc /tmp/link"})
        place.good(f"minictl start {name}; minictl stop {name}")
        place.until(f"! ls -d /tmp/miniinit-{name}-* 2>/dev/null", "it is still there")
        place.good("[ -e /etc/passwd ]")
    with check("the processes of one run share a network, and the next run has a new one"):
        shell = "readlink /proc/self/ns/net"
        name = place.unit({"private-network": True}, {"type": "oneshot", "pre-start": [["/bin/sh", "-c", shell]],
                                                      "command": ["/bin/sh", "-c", shell]})
        place.good(f"minictl start {name}")
        first = place.said(name)
        place.good(f"minictl restart {name}")
        both = place.said(name)
        outside = place.good(shell).splitlines()[-1]
        assert len(first) == 2 and first[0] == first[1] != outside, (first, outside)
        assert len(both) == 4 and both[2] == both[3] != outside, both
    with check("what it mounts is seen by itself alone"):
        name = place.unit({"private-mounts": True}, {"type": "notify-fd", "command": [
            "/bin/sh", "-c", "mount -t tmpfs none /srv/data/deep && echo >&3 && exec sleep 10000"]})
        place.good(f"minictl start {name}")
        assert " /srv/data/deep " in place.good(f"cat /proc/{place.status(name)['main_pid']}/mounts")
        assert " /srv/data/deep " not in place.good("cat /proc/mounts")
        place.good(f"minictl stop {name}")
    with check("a notify service becomes ready out of its root directory"):
        name = place.unit({"root-directory": "/srv/jail"}, {"type": "notify", "command": ["demo_notify", "60"]})
        place.good(f"minictl start {name}")
        pid = place.status(name)["main_pid"]
        assert "bin" in place.good(f"ls /proc/{pid}/root").split()
        assert " /srv " not in place.good(f"cat /proc/{pid}/mounts")
        place.good(f"minictl stop {name}")
    with check("directories of its own are made, owned by its user, and named in its environment"):
        name = place.unit({"user": "nobody", "runtime-directory": ["hard-a", "hard-b/inner"], "state-directory": "hard-s",
                           "logs-directory": "hard-l", "cache-directory": "hard-c", "configuration-directory": "hard-e"},
                          {"command": ["/bin/sleep", "10000"], "post-start": [[
                              "hard_probe", "variable=RUNTIME_DIRECTORY", "variable=STATE_DIRECTORY",
                              "variable=LOGS_DIRECTORY", "variable=CACHE_DIRECTORY", "variable=CONFIGURATION_DIRECTORY",
                              "mode=/var/cache/hard-c", "mode=/etc/hard-e", "mode=/run/hard-a", "mode=/run/hard-b", "mode=/run/hard-b/inner",
                              "mode=/var/lib/hard-s", "mode=/var/log/hard-l", "make=/run/hard-a/mine"]]})
        place.good(f"minictl start {name}")
        holds(place.said(name), "variable RUNTIME_DIRECTORY: /run/hard-a:/run/hard-b/inner",
              "variable STATE_DIRECTORY: /var/lib/hard-s", "variable LOGS_DIRECTORY: /var/log/hard-l",
              "variable CACHE_DIRECTORY: /var/cache/hard-c", "variable CONFIGURATION_DIRECTORY: /etc/hard-e",
              "mode /var/cache/hard-c: 0755 65534:65534", "mode /etc/hard-e: 0755 0:0",
              "mode /run/hard-a: 0755 65534:65534", "mode /run/hard-b: 0755 0:0",
              "mode /run/hard-b/inner: 0755 65534:65534", "mode /var/lib/hard-s: 0755 65534:65534",
              "mode /var/log/hard-l: 0755 65534:65534", "make /run/hard-a/mine: ok")
    with check("those in /run stay over a restart and go at the stop; the others stay"):
        place.good(f"minictl restart {name} && [ -e /run/hard-a/mine ]")
        place.good(f"kill -9 {place.status(name)['main_pid']}")
        for _ in range(100):
            status = place.status(name)
            if status["restarts"] == 1 and status["state"] == "up":
                break
            place.run("sleep 0.1")
        assert status["restarts"] == 1 and status["state"] == "up", status
        place.good("[ -e /run/hard-a/mine ]")
        place.good(f"minictl stop {name} && [ ! -e /run/hard-a ] && [ ! -e /run/hard-b/inner ] && [ -d /run/hard-b ] && "
                   "[ -d /var/lib/hard-s ] && [ -d /var/log/hard-l ]")
        place.until("[ -z \"$(ls /run/miniinit/removed)\" ]", "it is only set aside")
        place.good("rm -rf /run/hard-b /var/lib/hard-s /var/log/hard-l")
    with check("a link that somebody has planted in place of such a directory is refused, and not followed"):
        before = place.good("stat -c '%u %Y' /srv/data").splitlines()[-1]
        place.good("ln -s /srv/data /var/lib/hard-link")
        text = place.refusal({"user": "nobody", "state-directory": "hard-link"})
        assert 'make directory: Not a directory ("/var/lib/hard-link")' in text, text
        place.refusal({"user": "nobody", "state-directory": "hard-link/deep"})
        assert place.good("stat -c '%u %Y' /srv/data").splitlines()[-1] == before
        place.good("rm /var/lib/hard-link")
    with check("/dev/stdout and /dev/stderr can be opened after privileges are dropped"):
        holds(place.tries({"user": "nobody", "capabilities": []}, ["append=/dev/stdout", "append=/dev/stderr"]),
              "append /dev/stdout: ok", "append /dev/stderr: ok")
    with check("a daemon with all of it at once comes up, as the example of miniinit-unit(5) has it"):
        name = place.unit({"user": "nobody", "capabilities": ["CAP_NET_BIND_SERVICE"],
                           "system-call-filter": ["@system-service", "!@resources", "!@keyring"],
                           "protect-system": "strict", "private-tmp": True, "private-devices": True,
                           "private-network": True, "inaccessible-paths": ["-/home", "/root", "-/srv"],
                           "state-directory": "hard-all", "runtime-directory": "hard-all",
                           "limits": {"core": 0, "nproc": 64}},
                          {"type": "notify", "command": ["demo_notify", "60"], "post-start": [[
                              "hard_probe", "make=/var/lib/hard-all/x", "make=/run/hard-all/x", "make=/tmp/x", "make=/etc/x",
                              "privileged-port", "list=/root", "status=NoNewPrivs", "status=Seccomp", "networks"]]})
        place.good(f"minictl start {name}")
        holds(place.said(name), "make /var/lib/hard-all/x: ok", "make /run/hard-all/x: ok", "make /tmp/x: ok",
              "make /etc/x: EROFS", "privileged-port: ok", "list /root: EACCES", "status NoNewPrivs: 1",
              "status Seccomp: 2", "networks: lo")
        place.good(f"minictl stop {name} && [ ! -e /run/hard-all ] && rm -r /var/lib/hard-all")
    with check("`minictl probe` says that namespaces and filters are there"):
        text = place.good("minictl probe")
        for feature in ("mount namespaces", "network namespaces", "mount_setattr", "system call filters"):
            assert feature in text, text

    place.clear()
    with check("the hardening checks leave nothing mounted and nothing lying about"):
        place.good("rm -rf /srv/jail /srv/data /srv/link /tmp/hard-secret /var/tmp/hard-secret /run/hard-chown")
        assert place.run("ls -d /tmp/miniinit-* /var/tmp/miniinit-* /run/hard* 2>/dev/null")[0] != 0
