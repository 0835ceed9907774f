"""The state a service starts in (SPEC 1.3), whatever PID 1 itself was started with, and what is said where it cannot
be made."""
import glob
import os
import pty
import re
import signal
import resource
import select
import shutil
import socket
import stat
import subprocess

from harness import NOBODY, sh, until


def state_of(init, unit="show"):
    """What sys_state printed: {key: [lines]}, with /proc/self/status as `status` by field."""
    state = {}
    for line in init.text(unit, ("out",)).split("\n"):
        key, _, value = line.partition(" ")
        state.setdefault(key, []).append(value)
    state["status"] = dict(re.split(r":\s*", line, maxsplit=1) for line in state.get("status", []) if ":" in line)
    state["env"] = dict(line.split("=", 1) for line in state.get("env", []))
    state["fd"] = {int(line.split()[0]): line.split(" ", 1)[1] for line in state.get("fd", [])}
    return state


def one(state, key):
    return (state.get(key) or ["?"])[0]


def show(t, **more):
    return {"service": {"type": "oneshot", "command": [t.scene.program("sys_state")]}, **more}


def limits_of(state):
    return {line[:25].strip(): tuple(line[25:].split()[:2]) for line in state.get("limit", [])}


def context_clean(t):
    own_limits = [line[:25].strip() for line in open("/proc/self/limits")][1:]
    own = {line[:25].strip(): tuple(line[25:].split()[:2]) for line in open("/proc/self/limits")}
    units = {"show": show(t), "second": show(t)}
    with t.scene.init(units, before=[t.scene.program("sys_dirty")],
                      sections={"defaults": {"pass-environment": ["WANTED"]}}) as init:
        init.wait("show", "done")
        init.wait("second", "done")
        state = state_of(init)
        status = state["status"]
        for name, what in (("SigBlk", "no signal is blocked"), ("SigIgn", "no signal is ignored"),
                           ("SigCgt", "no signal is caught"),
                           ("SigPnd", "no signal is pending"), ("ShdPnd", "no signal is pending for the process")):
            t.equal(f"a service starts clean from a dirty parent: {what}", status.get(name), "0" * 16)
        t.equal("a service starts clean from a dirty parent: umask 0022", one(state, "umask"), "0022")
        t.equal("a service starts clean from a dirty parent: nice 0", one(state, "nice"), "0")
        t.equal("a service starts clean from a dirty parent: working directory /", one(state, "cwd"), "/")
        t.equal("a service starts clean from a dirty parent: descriptors 0, 1 and 2 and no other", sorted(state["fd"]),
                [0, 1, 2])
        t.equal("standard input is /dev/null", state["fd"].get(0), "/dev/null")
        t.ok("standard output and error are two pipes", state["fd"].get(1, "").startswith("pipe:") and
             state["fd"].get(2, "").startswith("pipe:") and state["fd"].get(1) != state["fd"].get(2), state["fd"])
        t.ok("it leads a session and a process group of its own",
             one(state, "pid") == one(state, "session") == one(state, "group") != "?", state.get("session"))
        t.equal("it has no controlling terminal", one(state, "tty"), "no")
        t.equal("its OOM score is the container's: that is the runtime's word, not an accident", one(state, "oom"),
                "300")
        t.equal("its timer slack is the default", one(state, "slack"), "50000")
        t.equal("its core dump filter is the default", one(state, "coredump"), "00000033")
        t.equal("it has no parent-death signal", one(state, "deathsig"), "0")
        t.equal("its limits are those PID 1 was given", [(name, limits_of(state).get(name)) for name in own_limits],
                [(name, own[name]) for name in own_limits])
        t.equal("its environment is made from nothing, but for what is passed on", sorted(state["env"]),
                ["INVOCATION_ID", "MINIINIT_UNIT", "PATH", "WANTED"])
        t.equal("MINIINIT_UNIT is its name", state["env"].get("MINIINIT_UNIT"), "show")
        t.ok("INVOCATION_ID is its own, 32 digits", bool(re.fullmatch("[0-9a-f]{32}",
                                                                      state["env"].get("INVOCATION_ID", ""))) and
             state["env"].get("INVOCATION_ID") != state_of(init, "second")["env"].get("INVOCATION_ID"), state["env"])
        t.equal("PATH is the default one", state["env"].get("PATH"),
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        t.equal("no-new-privileges is off unless asked for", status.get("NoNewPrivs"), "0")
        groups = re.search(r"Groups:(.*)", open("/proc/self/status").read()).group(1)
        t.equal("it has the ids of PID 1 and no groups but its own",
                (status.get("Uid"), status.get("Gid"), status.get("Groups", "").strip()),
                ("0\t0\t0\t0", "0\t0\t0\t0", groups.strip()))
        t.equal("its capabilities are those PID 1 has", status.get("CapEff"),
                re.search(r"CapEff:\s*(\w+)", open(f"/proc/{init.pid()}/status").read()).group(1))


def context_keys(t):
    with open("/etc/passwd") as file:
        user = next(line.split(":") for line in file if line.split(":")[2] not in ("0", str(NOBODY))
                    and line.split(":")[0] == "daemon")
    units, directory = {}, t.scene.work + "/keys"
    os.mkdir(directory)
    os.chown(directory, int(user[2]), int(user[3]))
    with open(directory + "/env", "w") as file:
        file.write("# a comment\n\nPLAIN=plain\nQUOTED=\"two words\"\nSINGLE='a $b \"c\"'\nSHARED=file\n")
    with open(directory + "/in", "w") as file:
        file.write("from the file\n")
    units["user"] = {"service": {"type": "oneshot", "command": [t.scene.program("sys_state"), "reopen"]},
                     "process": {"user": user[0], "umask": "0137", "nice": 7, "oom-score-adjust": 250,
                                 "no-new-privileges": True,
                                 "working-directory": directory, "limits": {"nofile": [256, 512], "core": 0,
                                         "stack": "4M", "cpu": "unlimited"},
                                 "environment": {"TZ": "Europe/Vienna", "SHARED": "table", "EMPTY": ""},
                                 "environment-files": [directory + "/env", "-" + directory + "/missing"]}}
    units["groups"] = show(t, process={"user": str(NOBODY), "group": "disk", "supplementary-groups": ["tty", "30"]})
    units["group-only"] = show(t, process={"group": "daemon"})
    units["files"] = {"service": sh("cat; echo out; echo err >&2", type="oneshot"),
                      "process": {"stdin": f"file:{directory}/in", "stdout": f"file:{directory}/out",
                                  "stderr": f"file:{directory}/err"}}
    units["silent"] = {"service": sh("echo out; echo err >&2; x=$(readlink /proc/$$/fd/1); echo $x >" + directory
                                     + "/null", type="oneshot"),
                       "process": {"stdout": "null", "stderr": "log"}}
    units["pid-file"] = {"service": sh("exec sleep 1000"), "process": {"pid-file": directory + "/pid"}}
    with t.scene.init(units, sections={"manager": {"language": "C.UTF-8", "path": "/usr/bin:/bin"}}) as init:
        for name in units:
            init.wait(name, "up")
        state = state_of(init, "user")
        status = state["status"]
        ids = "\t".join([user[2]] * 4), "\t".join([user[3]] * 4)
        t.equal("user: real, effective, saved and file system id", (status.get("Uid"), status.get("Gid")), ids)
        t.equal("user: the groups that /etc/group gives it", status.get("Groups", "").split(), [user[3]])
        t.equal("user: no capability is left", (status.get("CapPrm"), status.get("CapEff"), status.get("CapAmb")),
                ("0" * 16,) * 3)
        t.equal("user: HOME, USER, LOGNAME, SHELL", [state["env"].get(name)
                                                     for name in ("HOME", "USER", "LOGNAME", "SHELL")],
                [user[5], user[0], user[0], user[6].strip()])
        t.equal("umask", one(state, "umask"), "0137")
        t.equal("nice", one(state, "nice"), "7")
        t.equal("oom-score-adjust, though the user could not", one(state, "oom"), "250")
        t.equal("no-new-privileges", status.get("NoNewPrivs"), "1")
        t.equal("working-directory", one(state, "cwd"), directory)
        limits = limits_of(state)
        t.equal("limits: a pair, a number, a size", [limits.get(name)
                for name in ("Max open files", "Max core file size", "Max stack size")],
                [("256", "512"), ("0", "0"), ("4194304", "4194304")])
        t.equal("limits: \"unlimited\"", limits.get("Max cpu time"), ("unlimited", "unlimited"))
        env = state["env"]
        t.equal("environment-files: plain, quoted, and with no expansion",
                [env.get(name) for name in ("PLAIN", "QUOTED", "SINGLE")],
                ["plain", "two words", "a $b \"c\""])
        t.equal("environment: under its files, empty values too", [env.get(name) for name in ("TZ", "SHARED", "EMPTY")],
                ["Europe/Vienna", "file", ""])
        t.equal("[manager] language and path are in every environment", [env.get(name) for name in ("LANG", "PATH")],
                ["C.UTF-8", "/usr/bin:/bin"])
        t.has("a service that is not root can open /dev/stdout and /dev/stderr again", init.text("user"),
              "reopen /dev/stdout ok", "reopen /dev/stderr ok", "written through /dev/stdout",
              "written through /dev/stderr")
        t.ok("what it writes to /dev/stderr is logged as its error stream",
             "written through /dev/stderr" in init.text("user", ("err",)))

        status = state_of(init, "groups")["status"]
        groups = {line.split(":")[0]: line.split(":")[2] for line in open("/etc/group")}
        t.equal("group: instead of the user's own", status.get("Gid"), "\t".join([groups["disk"]] * 4))
        t.equal("supplementary-groups by name and number", sorted(status.get("Groups", "").split(), key=int),
                sorted({groups["disk"], groups["tty"], "30"}, key=int))
        status = state_of(init, "group-only")["status"]
        t.equal("a group without a user: root's id stays", (status.get("Uid"), status.get("Gid")),
                ("0\t0\t0\t0", "\t".join([groups["daemon"]] * 4)))

        t.equal("stdin and stdout as files", open(directory + "/out").read(), "from the file\nout\n")
        t.equal("stderr as a file", open(directory + "/err").read(), "err\n")
        t.equal("files made for output are not for others to read",
                stat.S_IMODE(os.stat(directory + "/out").st_mode) & 0o007, 0)
        t.equal("what goes to files is not in the log", init.text("files"), "")
        t.equal("stdout = \"null\"", (open(directory + "/null").read(), init.text("silent")), ("/dev/null\n", "err"))
        t.equal("pid-file is written for a service", open(directory + "/pid").read(),
                f"{init.status('pid-file')['main_pid']}\n")
        init.stop("pid-file")
        t.ok("and is gone when it has stopped", not os.path.exists(directory + "/pid"))


def context_faults(t):
    """A step that fails names itself, in the status, in the log and on the terminal."""
    true = ["/bin/true"]
    work = t.scene.work
    with open(work + "/not-executable", "w") as file:
        file.write("#!/bin/sh\n")
    with open(work + "/no-interpreter", "w") as file:
        file.write("#!/no/such/interpreter\n")
    os.chmod(work + "/no-interpreter", 0o755)
    with open(work + "/broken-env", "w") as file:
        file.write("GOOD=1\nnot a variable\n")
    cases = {
        "no-program": ({"service": {"command": ["/no/such/program"]}},
                       ("cannot start", "/no/such/program", "No such file or directory")),
        "no-word": ({"service": {"command": ["no-such-word"]}},
                    ("cannot start", "no-such-word", "No such file or directory")),
        "not-executable": ({"service": {"command": [work + "/not-executable"]}},
                           ("cannot start", "exec", "Permission denied")),
        "no-interpreter": ({"service": {"command": [work + "/no-interpreter"]}},
                           ("cannot start", "exec", "No such file or directory")),
        "no-user": ({"service": {"command": true}, "process": {"user": "nosuchuser"}},
                    ("cannot start", 'user "nosuchuser"', "no such user")),
        "no-group": ({"service": {"command": true}, "process": {"group": "nosuchgroup"}},
                     ("cannot start", 'group "nosuchgroup"', "no such group")),
        "no-directory": ({"service": {"command": true}, "process": {"working-directory": "/no/such/directory"}},
                         ("cannot start", "/no/such/directory", "No such file or directory")),
        "no-input": ({"service": {"command": true}, "process": {"stdin": "file:/no/such/input"}},
                     ("cannot start", "/no/such/input", "No such file or directory")),
        "no-output": ({"service": {"command": true}, "process": {"stdout": "file:/no/such/output"}},
                      ("cannot start", "/no/such/output", "No such file or directory")),
        "no-env-file": ({"service": {"command": true}, "process": {"environment-files": ["/no/such/env"]}},
                        ("cannot start", "/no/such/env", "No such file or directory")),
        "broken-env-file": ({"service": {"command": true}, "process": {"environment-files": [work + "/broken-env"]}},
                            ("cannot start", work + "/broken-env:2")),
        "no-tty": ({"service": {"command": true}, "process": {"tty": "/dev/no-such-tty"}},
                   ("cannot start", "/dev/no-such-tty")),
    }
    for unit, _ in cases.values():
        unit["service"]["restart"] = "no"
    units = {name: unit for name, (unit, _) in cases.items()}
    units["keeper"] = {"service": sh("exec sleep 1000")}
    with t.scene.init(units) as init:
        for name, (_, parts) in cases.items():
            status = init.wait(name, "failed")
            t.has(f"why a unit cannot start is in its status: {name}", status["reason"], *parts)
        result = init.ctl("start", "no-user")
        t.equal("`minictl start` of it exits 1", result.returncode, 1)
        t.has("and says why", result.stdout + result.stderr, 'cannot start', 'user "nosuchuser": no such user')
        t.ok("and the unit's own log has it", until(lambda: 'user "nosuchuser": no such user' in init.text("no-user",
                ("init",)), 3))
        t.has("`minictl status --json` has it", init.ctl("status", "--json", "no-directory").stdout,
              "/no/such/directory")

    # A privilege that cannot be dropped fails the start.
    strict = {"confinement": "require"}
    units = {"drop": {"service": {"command": true, "restart": "no"}, "process": {"user": "daemon"}},
             "low": {"service": {"command": true, "restart": "no"}, "process": {"nice": -5, **strict}},
             "more": {"service": {"command": true, "restart": "no"}, "process": {"limits": {"nofile": 5000}, **strict}},
             "most": {"service": {"command": [t.scene.program("sys_state")], "type": "oneshot"},
                      "process": {"limits": {"nofile": "unlimited"}}},
             "score": {"service": {"command": true, "restart": "no"}, "process": {"oom-score-adjust": -500, **strict}},
             "keeper": {"service": sh("exec sleep 1000")}}
    drop = "-setgid,-setuid,-sys_nice,-sys_resource"
    with t.scene.init(units, before=["prlimit", "--nofile=256:4000", "setpriv", "--bounding-set=" + drop,
                                     "--inh-caps=" + drop]) as init:
        t.has("without the power to set groups, a start as another user fails, by name",
              init.wait("drop", "failed")["reason"],
              'cannot start: setgroups: Operation not permitted (user "daemon")')
        t.has("a nice value that is refused fails the start", init.wait("low", "failed")["reason"], "cannot start",
              "setpriority: Permission denied")
        t.has("a limit that is refused fails the start, and is named as it is written",
              init.wait("more", "failed")["reason"], "cannot start: setrlimit: Operation not permitted (nofile = 5000)")
        init.wait("most", "done")
        t.equal("without privileges, nofile = \"unlimited\" is our own hard limit",
                limits_of(state_of(init, "most")).get("Max open files"), ("4000", "4000"))
        t.has("an OOM score that is refused fails the start", init.wait("score", "failed")["reason"], "cannot start",
              "oom", "denied")


def context_confined(t):
    """What keeps a service away from things, where PID 1 may not mount: what can be done is done, the rest is named."""
    work = t.scene.work
    jail = work + "/jail"
    os.makedirs(jail + "/bin", exist_ok=True)
    shutil.copy(t.scene.program("sys_state"), jail + "/bin/")
    name = f"miniinit-check-{os.getpid()}"
    once = {"type": "oneshot", "restart": "no"}
    cases = {
        "tmp": ({"private-tmp": True}, "unshare: Operation not permitted (private-tmp)"),
        "devices": ({"private-devices": True}, "unshare: Operation not permitted (private-devices)"),
        "system": ({"protect-system": "full"}, "unshare: Operation not permitted (protect-system)"),
        "closed": ({"inaccessible-paths": ["/srv"]}, 'unshare: Operation not permitted (inaccessible-paths "/srv")'),
        "network": ({"private-network": True}, "unshare: Operation not permitted (private-network)"),
        "nowhere": ({"cpu-affinity": [8000]}, "sched_setaffinity: Invalid argument"),
    }
    units = {unit: {"service": {**once, "command": ["/bin/true"]}, "process": {"confinement": "require", **process}}
             for unit, (process, _) in cases.items()}
    units["jailed"] = {"service": {**once, "command": ["sys_state"]}, "process": {"root-directory": jail}}
    units["bare"] = show(t, process={"user": "nobody", "capabilities": []})
    units["kept"] = show(t, process={"user": "nobody", "capabilities": ["CAP_KILL"]})
    units["denied"] = {"service": {"restart": "no", **sh("umask 077; exec sleep 1000")},
                       "process": {"user": "nobody", "system-call-filter": ["!umask"]}}
    units["cautious"] = {"service": {**once, **sh("umask 077; umask; grep -E 'Seccomp:|NoNewPrivs' /proc/self/status")},
                         "process": {"user": "nobody", "system-call-filter": ["@system-service"]}}
    units["owner"] = {"service": sh("echo $RUNTIME_DIRECTORY; exec sleep 1000"),
                      "process": {"user": "nobody", "runtime-directory": name}}
    units["left"] = {"service": sh("exec sleep 1000"),
                     "process": {"runtime-directory": name + "-left", "keep-runtime-directory": True}}
    with t.scene.init(units) as init:
        for unit, (_, words) in cases.items():
            t.has(f"what cannot be done here is named by step and key: {unit}", init.wait(unit, "failed")["reason"],
                  "cannot start: " + words)
        t.ok("a private /tmp that could not be mounted is removed again",
             until(lambda: not glob.glob("/tmp/miniinit-tmp-*"), 5))
        init.wait("jailed", "done")
        t.equal("a root directory needs no mounts: its program is found in it", one(state_of(init, "jailed"), "cwd"), "/")
        t.ok("and it sees nothing else", "status" not in init.text("jailed", ("err",)) and
             not state_of(init, "jailed")["status"], init.text("jailed"))
        init.wait("bare", "done")
        status = state_of(init, "bare")["status"]
        t.equal("no capabilities: none in any set", {status.get("Cap" + which) for which in
                                                     ("Inh", "Prm", "Eff", "Bnd", "Amb")}, {"0" * 16})
        init.wait("kept", "done")
        status = state_of(init, "kept")["status"]
        t.equal("a capability is kept over the change of user, alone", {status.get("Cap" + which) for which in
                                                                        ("Inh", "Prm", "Eff", "Bnd", "Amb")},
                {"0000000000000020"})
        reason = init.wait("denied", "failed")["reason"]
        t.has("a service that makes a denied call dies of SIGSYS, and why is in its status", reason, "SIGSYS",
              "system-call-filter denies")
        t.has("`minictl status` tells it", init.ctl("status", "denied").stdout, "SIGSYS", "system-call-filter denies")
        init.wait("cautious", "done")
        t.equal("a filter lets through what it allows, and forbids new privileges",
                init.text("cautious", ("out",)).split(), ["0077", "NoNewPrivs:", "1", "Seccomp:", "2"])
        init.wait("owner", "up")
        t.equal("its own directory stands in its environment",
                until(lambda: init.text("owner", ("out",)), 5), "/run/" + name)
        about = os.stat("/run/" + name)
        t.equal("it belongs to its user", (about.st_uid, stat.S_IMODE(about.st_mode)), (NOBODY, 0o755))
        open(f"/run/{name}/mark", "w").close()
        init.ask("Restart", "owner")
        t.ok("it stays over a restart", os.path.exists(f"/run/{name}/mark"))
        os.kill(init.outside(init.status("owner")["main_pid"]), 9)
        until(lambda: init.status("owner")["restarts"] == 1 and init.state("owner") == "up", 5, "restarted")
        t.ok("and over a restart by itself", os.path.exists(f"/run/{name}/mark"))
        init.wait("left")
        init.stop("left")  # first: its directory would be gone by the time that of the other one is
        init.stop("owner")
        t.ok("and is gone with the stop", until(lambda: not os.path.exists("/run/" + name), 10))
        t.ok("and stays after the stop where that is said", os.path.isdir(f"/run/{name}-left"))
        os.rmdir(f"/run/{name}-left")


def context_dynamic_user(t):
    name = f"miniinit-check-{os.getpid()}-made-up"
    units = {"made-up": {"service": {**sh("id -u; id -g; echo $USER $HOME; exec sleep 1000"), "restart": "no"},
                         "process": {"dynamic-user": True, "runtime-directory": name}},
             "known": {"service": sh("id -u; exec sleep 1000"), "process": {"dynamic-user": True, "user": "nobody"}}}
    with t.scene.init(units) as init:
        init.wait("made-up")
        until(lambda: "made-up /" in init.text("made-up", ("out",)), 5, "it has printed who it is")
        uid, gid, *account = init.text("made-up", ("out",)).split()
        t.ok("a user is made up for it, and what it keeps is its own",
             61184 <= int(uid) <= 65519 and uid == gid and account == ["made-up", "/"] and
             os.stat("/run/" + name).st_uid == int(uid), (uid, gid, account))
        init.stop("made-up")
        init.start("made-up")
        until(lambda: init.text("made-up", ("out",)).count("made-up /") == 2, 5, "it has printed it again")
        t.equal("it is the same one at each start", init.text("made-up", ("out",)).split().count(uid), 4)
        init.wait("known")
        t.equal("where there is a user of that name, it is that one",
                until(lambda: init.text("known", ("out",)), 5), str(NOBODY))


def context_goes_without(t):
    """What a container's kernel refuses is done without, and told; confinement = "require" is in context_confined."""
    drop = "-sys_nice,-sys_resource"
    cases = {"tmp": ({"private-tmp": True}, ["private-tmp"]),
             "much": ({"protect-system": "strict", "private-devices": True, "inaccessible-paths": ["/srv"],
                       "read-write-paths": ["/var"], "runtime-directory": f"miniinit-check-{os.getpid()}-without"},
                      ["private-devices", "protect-system", "inaccessible-paths"]),
             "network": ({"private-network": True}, ["private-network"]),
             "low": ({"nice": -5}, ["nice"]),
             "score": ({"oom-score-adjust": -500}, ["oom-score-adjust"]),
             "more": ({"limits": {"nofile": 5000, "core": 0}}, ["limits.nofile"]),
             "plain": ({"nice": 5}, [])}
    units = {unit: {"service": sh("echo here; exec sleep 1000"), "process": process} for unit, (process, _) in cases.items()}
    units["each"] = {"service": {"command": ["/bin/cat"]}, "process": {"private-tmp": True, "stdin": "socket", "stdout": "socket"},
                     "listen": [{"stream": t.scene.work + "/goes-without", "accept": True}]}
    units["shown"] = {"service": {"command": [t.scene.program("sys_state")], "type": "oneshot"},
                      "process": {"limits": {"nofile": 5000}, "nice": -5, "oom-score-adjust": -500}}
    before = ["prlimit", "--nofile=256:4000", "setpriv", "--bounding-set=" + drop, "--inh-caps=" + drop]
    with t.scene.init(units, before=before) as init:
        for unit, (_, lost) in cases.items():
            status = init.wait(unit)
            t.equal(f"a protection that is refused is done without, and its status says so: {unit}",
                    (sorted(status["not_in_force"]), status["restarts"]), (sorted(lost), 0))
        t.has("so does its log, once", init.text("much", ("init",), once="not in force"), "private-devices",
              'confinement = "require"')
        t.has("and `minictl status`", init.ctl("status", "score").stdout, "not in force", "oom-score-adjust")
        t.equal("what has nothing to do without says nothing", init.text("plain", ("init",)), "")
        t.ok("no private /tmp is left", not glob.glob("/tmp/miniinit-tmp-*"))
        init.wait("shown", "done")
        t.equal("a limit is as high as it may be", limits_of(state_of(init, "shown")).get("Max open files"), ("4000", "4000"))
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(10)
            one.connect(t.scene.work + "/goes-without")
            one.sendall(b"word")
            t.equal("the process of a connection does without as well", one.recv(10), b"word")
        t.equal("the next program knows it", init.ctl("reexec").returncode, 0)
        t.equal("and tells it", init.status("tmp")["not_in_force"], ["private-tmp"])
        init.ask("Restart", "low")
        t.equal("a restart does without as well", init.wait("low")["not_in_force"], ["nice"])


def context_tty(t):
    ours, theirs = pty.openpty()
    name = os.ttyname(theirs)
    units = {"getty": {"service": sh(
        f"{t.scene.program('sys_state')} >&3; echo hello on $(tty); read -r line; echo got $line; exec sleep 1000 3>&-"
                                     .replace(">&3", f">{t.scene.work}/tty-state").replace(" 3>&-", "")),
                       "process": {"tty": name, "stdin": "tty", "stdout": "inherit", "stderr": "inherit"}},
             "plain": show(t)}
    try:
        with t.scene.init(units) as init:
            init.wait("getty", "up")
            seen = b""

            def read(word, timeout=5):
                nonlocal seen
                while word not in seen:
                    if not select.select([ours], [], [], timeout)[0]:
                        return False
                    seen += os.read(ours, 4096)
                return True
            t.ok("a service with a tty writes to it", read(b"hello on " + name.encode()), seen)
            os.write(ours, b"typed\n")
            t.ok("and reads from it", read(b"got typed"), seen)
            text = open(t.scene.work + "/tty-state").read()
            session = re.search(r"^session (\d+)", text, re.M)
            t.has("it is its controlling terminal", text, "tty yes foreground")
            t.ok("it leads the session of that terminal, in the foreground", bool(session)
                 and f"foreground {session.group(1)}" in text, text[-400:])
            t.equal("and has no descriptor but three of it", re.findall(r"^fd (\d+) " + re.escape(name), text, re.M),
                    ["0", "2"])
            init.wait("plain", "done")
            t.equal("another service has no terminal by that", one(state_of(init, "plain"), "tty"), "no")
            foreground = init.status("getty")["main_pid"]
            t.equal("the terminal's foreground group is the service",
                    until(lambda: open(f"/proc/{init.outside(foreground)}/stat").read().rsplit(")", 1)[1].split()[5],
                          2), str(
                        init.outside(foreground)))
            init.stop("getty")
            t.equal("it can be stopped", init.state("getty"), "down")
    finally:
        os.close(ours)
        os.close(theirs)


def context_most_files(t):
    """Of open files the kernel knows no "unlimited", which is what other inits' files ask for."""
    show_all = show(t, process={"limits": {"nofile": "unlimited"}})
    with open("/proc/sys/fs/nr_open") as file:
        most = file.read().strip()
    # Where we may not raise our own hard limit, that is the most.
    if subprocess.run(["prlimit", f"--nofile={most}:{most}", "true"], stderr=subprocess.DEVNULL).returncode:
        most = str(resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    theirs = f"{t.scene.work}/database.service"
    with open(theirs, "w") as file:
        file.write(f"[Service]\nType=oneshot\nExecStart={t.scene.program('sys_state')}\nLimitNOFILE=infinity\n")
    with t.scene.init({"show": show_all}, files={}) as init:
        converted = init.ctl("convert", theirs).stdout
        with open(f"{init.units_dir}/database.toml", "w") as file:
            file.write(converted)
        init.ctl("reload-units")
        init.ctl("start", "database")
        for name in ("show", "database"):
            init.wait(name, "done")
            t.equal(f"nofile = \"unlimited\" is as many as the kernel allows ({name})",
                    limits_of(state_of(init, name)).get("Max open files"), (most, most))


def context_nothing_passed(t):
    """In a container everything is passed on where nothing is said; what is said counts, also where it is nothing."""
    own_names = ["INVOCATION_ID", "MINIINIT_UNIT", "PATH"]
    with t.scene.init({"show": show(t)}, env={"SECRET": "1"},
                      sections={"defaults": {"pass-environment": []}}) as init:
        init.wait("show", "done")
        t.equal("[defaults] pass-environment = [] passes nothing on", sorted(state_of(init)["env"]), own_names)
    with t.scene.init({"show": show(t, process={"pass-environment": []})}, env={"SECRET": "1"}) as init:
        init.wait("show", "done")
        t.equal("so does that of a unit", sorted(state_of(init)["env"]), own_names)


def context_as_under_systemd(t):
    """What a converted unit needs to begin as it does under systemd."""
    files = t.scene.work + "/default"
    with open(files, "w") as file:
        file.write("export LOST=1\nOPTIONS=-a \"two words\" # all\nSECRET=1\nno assignment\n")
    process = {"environment-files": [files], "environment-syntax": "systemd", "ignore-sigpipe": True,
               "environment": {"TOKEN": "1"}, "unset-environment": ["SECRET", "TOKEN", "MINIINIT_UNIT"]}
    bounded = {"user": "nobody", "bounding-capabilities": ["CAP_KILL", "CAP_CHOWN"]}
    units = {"show": show(t, process=process), "bounded": show(t, process=bounded),
             "root": show(t, process={"capabilities": ["!CAP_KILL"]}),
             "none": {"service": {**sh("trap 'echo asked' HUP; while :; do sleep 1000 & wait; done"),
                                  "reload-signal": "none"}}}
    with t.scene.init(units) as init:
        for name in ("show", "bounded", "root"):
            init.wait(name, "done")
        env = state_of(init)["env"]
        t.equal("its environment files are read as systemd reads them", env.get("OPTIONS"), '-a "two words" # all')
        t.equal("what unset-environment names is nowhere in its environment",
                [name for name in ("SECRET", "TOKEN", "MINIINIT_UNIT", "LOST") if name in env], [])
        status = state_of(init)["status"]
        t.equal("SIGPIPE is ignored, and no other signal", int(status["SigIgn"], 16), 1 << (signal.SIGPIPE - 1))
        status = state_of(init, "bounded")["status"]
        t.equal("bounding-capabilities is what its programs may get",
                [int(status[key], 16) for key in ("CapBnd", "CapPrm", "CapEff")], [1 << 5 | 1, 0, 0])
        status = state_of(init, "root")["status"]
        t.equal("all capabilities but one", int(status["CapEff"], 16) & (1 << 5 | 1), 1)
        init.wait("none")
        done = init.ctl("reload", "none")
        t.ok("a unit that has no reload is not sent a signal, and it is said", done.returncode != 0 and
             "has no reload" in done.stderr, done.stderr)


def context_restrictions(t):
    probe = t.scene.work + "/restricted.py"
    with open(probe, "w") as file:
        file.write("""import ctypes, errno, mmap, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def told(name, result):
    print(name, "ok" if result >= 0 else errno.errorcode[ctypes.get_errno()])
def tried(name, call):
    try:
        call()
        print(name, "ok")
    except OSError as error:
        print(name, errno.errorcode[error.errno])
tried("inet", lambda: socket.socket(socket.AF_INET).close())
tried("unix", lambda: socket.socket(socket.AF_UNIX).close())
told("unshare-user", libc.unshare(0x10000000))
tried("realtime", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))
tried("batch", lambda: os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0)))
tried("chmod-suid", lambda: os.chmod(sys.argv[1], 0o4700))
tried("chmod", lambda: os.chmod(sys.argv[1], 0o700))
told("personality", libc.personality(8))
told("personality-asked", libc.personality(0xffffffff))
tried("write-execute", lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC).close())
tried("write", lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE).close())
told("hostname", libc.sethostname(b"x", 1))
""")
    mine = t.scene.work + "/restricted-file"
    open(mine, "w").close()
    os.chown(mine, 65534, 65534)
    all_of_them = {"restrict-address-families": ["AF_UNIX"], "restrict-namespaces": ["all"], "restrict-realtime": True,
                   "restrict-suid-sgid": True, "lock-personality": True, "memory-deny-write-execute": True,
                   "protect-hostname": True}
    service = {"type": "oneshot", "restart": "no", "command": ["/usr/bin/python3", "-E", "-S", probe, mine]}
    units = {"free": {"service": service, "process": {"user": "nobody"}},
             "bound": {"service": service, "process": {"user": "nobody", **all_of_them}}}
    with t.scene.init(units) as init:
        said = {}
        for unit in units:
            init.wait(unit, "done")
            said[unit] = dict(line.split() for line in init.text(unit, ("out",), once="hostname").splitlines())
        denied = {"inet": "EAFNOSUPPORT", **dict.fromkeys(("unshare-user", "realtime", "chmod-suid", "personality",
                                                           "write-execute", "hostname"), "EPERM")}
        t.equal("what a service passes to system calls is restricted as it says: one of all kinds", said["bound"],
                {**dict.fromkeys(said["bound"], "ok"), **denied})
        t.equal("and another one's is not", {key: said["free"][key] for key in ("inet", "chmod-suid", "personality",
                                                                                "write-execute")},
                dict.fromkeys(("inet", "chmod-suid", "personality", "write-execute"), "ok"))


def context_privileged(t):
    marks = t.scene.work + "/privileged"
    os.mkdir(marks)
    tell = lambda name: f"id -un >{marks}/{name}; grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status >>{marks}/{name}"
    hook = lambda name, plus: [plus + "/bin/sh", "-c", tell(name)]
    units = {"mixed": {
        "service": {"command": ["/bin/sleep", "1000"], "restart": "no", "pre-start": [hook("as-root", "+"), ["+id"]],
                    "post-start": [["/bin/sh", "-c", "id -un; grep Seccomp: /proc/self/status"]],
                    "reload-command": hook("reload", "+"), "post-stop": [hook("at-the-end", "+")]},
        "process": {"user": "nobody", "no-new-privileges": True, "capabilities": [], "system-call-filter": ["!umask"],
                    "lock-personality": True}}}
    free = ["root", "NoNewPrivs:", "0", "Seccomp:", "0"]
    with t.scene.init(units) as init:
        init.wait("mixed")
        read = lambda name: open(f"{marks}/{name}").read().split()
        t.equal("a command with a + runs as root, and nothing confines it", read("as-root"), free)
        t.equal("its program is looked up in PATH", init.text("mixed", ("out",), once="uid=").split()[0], "uid=0(root)")
        t.equal("the other commands have the context of the service",
                init.text("mixed", ("out",), once="Seccomp:").split()[-3:], ["nobody", "Seccomp:", "2"])
        t.equal("a reload command, too", (init.ctl("reload", "mixed").returncode, read("reload")), (0, free))
        init.stop("mixed")
        t.equal("and one after the end", until(lambda: os.path.exists(f"{marks}/at-the-end") and read("at-the-end")), free)


GROUPS = [context_restrictions, context_privileged, context_clean, context_nothing_passed, context_as_under_systemd,
          context_most_files, context_keys, context_faults, context_confined, context_goes_without, context_dynamic_user, context_tty]
