"""Paths of units on a file system that does not answer (FUSE, whose server greets the kernel and then says nothing): process 1
touches none of them, everybody else goes on, and the unit fails in words that name the path and the file system."""
import os
import shutil
import subprocess

from harness import sh, until

def usable(t):
    """Whether a FUSE file system can be mounted here."""
    trial = t.scene.work + "/hanging-trial"
    os.makedirs(trial, exist_ok=True)
    tried = subprocess.run(["unshare", "-m", "-p", "-f", "--kill-child", "--propagation", "private",
                            t.scene.program("sys_fuse_deaf"), trial, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        t.note("skipped: FUSE cannot be used here: " + tried.stderr.strip())
    return tried.returncode == 0


# In the init's mount namespace, and below directories of root's alone, where his links are followed.
WORK = "/mnt/hanging"


def place(t):
    """What is done before the init runs: a directory with a mount point in it, and the file system there."""
    return ["mount -t tmpfs -o mode=755 none /mnt", f"mkdir -p {WORK}/deaf {WORK}/local", f"ln -s {WORK}/deaf/env {WORK}/local/env",
            f"{t.scene.program('sys_fuse_deaf')} {WORK}/deaf"]


def hanging_units(**service):
    deaf = WORK + "/deaf"
    here = lambda **keys: {"service": sh("exec sleep 1000", restart="no", **service), **keys}
    named = {"command": ["sleep", "1000"], "restart": "no", **{key.replace("_", "-"): value for key, value in service.items()}}
    return {
        "exists": here(condition={"path-exists": deaf + "/x"}),
        "missing": here(condition={"path-missing": deaf + "/x"}),
        "not-empty": here(condition={"directory-not-empty": deaf}),
        "env": here(process={"environment-files": ["-" + deaf + "/env"]}),
        "env-link": here(process={"environment-files": ["-" + WORK + "/local/env"]}),
        "program": {"service": named, "process": {"environment": {"PATH": deaf + ":/usr/bin:/bin"}}},
        "pid": {"service": sh("setsid sleep 1000 </dev/null >/dev/null 2>&1 & exit 0", type="forking", restart="no", **service),
                "process": {"pid-file": deaf + "/pid"}},
        "listen": {"listen": [{"stream": deaf + "/socket"}], **here()},
        "dependent": {"requires": ["exists"], "service": sh("exec sleep 1000")},
        "bystander": {"service": sh("exec sleep 1000")},
    }


def some(*names):
    """Those of them that are named, with time to wait. Whatever is there is started at once."""
    return {name: unit for name, unit in hanging_units(start_timeout="60s").items() if name in names}


def lookers(init):
    return [pid for pid, what in init.processes().items() if what[1] == "path-inquiry" and what[2] != "Z"]


def answer_again(init):
    """The server of the file system says from now on that there is no such file."""
    for pid, what in init.processes().items():
        if what[1] == "sys_fuse_deaf":
            os.kill(pid, 10)


def hanging_paths(t):
    if not usable(t):
        return
    with t.scene.init(hanging_units(start_timeout="8s"), mounts=place(t)) as init:
        until(lambda: len(lookers(init)) >= 6, 10, "children that look at the paths")
        t.equal("while six starts hang in a file system `minictl list` answers", init.ctl("list").returncode, 0)
        t.equal("and others start", init.start("bystander")["bystander"]["state"], "up")
        t.has("a listen path there is refused at once", init.wait_failed("listen")["reason"], WORK + "/deaf/socket",
              f"FUSE file system {WORK}/deaf (fuse.deaf)")
        for name, path in (("exists", "/deaf/x"), ("missing", "/deaf/x"), ("not-empty", "/deaf"), ("env", "/deaf/env"),
                           ("env-link", "/local/env"), ("program", "/deaf/sleep"), ("pid", "/deaf/pid")):
            t.has(f"its unit fails, and the reason names path and file system: {name}", init.wait_failed(name, 30)["reason"],
                  WORK + path, f"FUSE file system {WORK}/deaf (fuse.deaf)")
        t.equal("what requires a unit whose conditions are not known has failed, too", init.wait_failed("dependent")["state"],
                "failed")
        t.equal("process 1 was never held up", (init.state("bystander"), init.ctl("list").returncode), ("up", 0))
        # Children that even SIGKILL does not end are not made again and again.
        again = init.start("exists")["exists"]
        t.has("while too many looks hang no other is begun", init.status("exists")["reason"], "earlier looks hang")
        t.ok("that is said at once, as a failure", again["state"] == "failed", again)
        left = len(lookers(init))
        answer_again(init)
        until(lambda: not lookers(init), 10, "the end of the children that hung")
        t.ok("they end when the file system answers again", 0 < left <= 8, left)
        until(lambda: init.start("missing")["missing"]["state"] == "up", 10, "a start on it afterwards")


def hanging_answers_late(t):
    if not usable(t):
        return
    with t.scene.init(some("missing", "env", "env-link", "program", "exists"), mounts=place(t)) as init:
        until(lambda: len(lookers(init)) == 5, 10, "children that look at the paths")
        t.equal("a start can be stopped while its file is waited for", init.stop("env-link")["env-link"]["state"], "down")
        t.equal("it is down", init.state("env-link"), "down")
        answer_again(init)
        for name in ("missing", "env", "program"):
            t.attempt(f"a file system that answers late holds its unit up, and no more: {name}", lambda: init.wait(name))
        t.equal("a condition that then proves unmet leaves the unit out", init.wait("exists", "skipped")["state"], "skipped")
        t.equal("what was stopped meanwhile stays down", init.state("env-link"), "down")


def hanging_reexec(t):
    if not usable(t):
        return
    with t.scene.init(some("missing", "env"), mounts=place(t)) as init:
        until(lambda: len(lookers(init)) == 2, 10, "children that look at the paths")
        before = set(lookers(init))
        init.call("Reexec", 20)
        init.main_client.close()
        init.wait_for_socket()
        until(lambda: set(lookers(init)) - before, 10, "the questions of the next program")
        t.ok("what was asked for when the init was executed anew is asked again", len(set(lookers(init)) - before) >= 1,
             lookers(init))
        answer_again(init)
        for name in ("missing", "env"):
            t.attempt(f"and its answer is taken: {name}", lambda: init.wait(name))


def environment_file_of_another(t):
    """Not hanging, but read in the same way: as root reads what others than root can bend."""
    work = WORK
    mounts = ["mount -t tmpfs -o mode=755 none /mnt", f"mkdir -p {work}/theirs", f"cd {work}", "echo SECRET=1 >secret",
              "chmod 600 secret", "ln -s ../secret theirs/link", "ln secret theirs/hard", "echo OWN=1 >theirs/own",
              "mkfifo theirs/fifo", f"ln -s {work}/theirs admin", "chown 65534:65534 theirs theirs/own theirs/fifo", "cd /"]
    one = lambda path: {"service": sh("echo $OWN$SECRET; exec sleep 1000", restart="no"),
                        "process": {"user": "nobody", "environment-files": [path]}}
    with t.scene.init({"link": one(work + "/theirs/link"), "hard": one(work + "/theirs/hard"), "own": one(work + "/theirs/own"),
                       "fifo": one(work + "/theirs/fifo"), "admin": one(work + "/admin/own")}, mounts=mounts) as init:
        for name, words in (("link", "is not followed"), ("hard", "has another name"), ("fifo", "is no regular file")):
            init.start(name)
            t.has(f"a file that the service's user has put in its place is not read: {name}", init.wait_failed(name)["reason"],
                  "/theirs/" + name, words)
        init.start("own", "admin")
        t.equal("his own file is, also by a link of root's", (init.text("own", once="1"), init.text("admin", once="1")),
                ("1", "1"))


def hanging_runtime_directory(t):
    """The user of a service has mounted something over its directory, in which another's is."""
    if not usable(t):
        return
    name = f"miniinit-check-{os.getpid()}-deaf"
    process = lambda path: {"user": "nobody", "runtime-directory": path}
    units = {"outer": {"service": sh("exec sleep 1000"), "process": process(name)},
             "inner": {"service": sh("exec sleep 1000"), "process": process(name + "/sub")}, "other": {"service": sh("exec sleep 1000")}}
    try:
        with t.scene.init(units) as init:
            for unit in units:
                init.wait(unit)
            subprocess.run(["nsenter", "-t", str(init.pid()), "-m", "-p", t.scene.program("sys_fuse_deaf"), "/run/" + name], check=True)
            init.stop("outer")
            t.equal("a directory below a file system that does not answer holds up no stop", init.stop("inner")["inner"]["state"],
                    "down")
            t.equal("process 1 goes on", (init.state("other"), init.ctl("list").returncode), ("up", 0))
            told = until(lambda: (text := init.text("inner", ("init",), "/sub: ")).count("left where") == 2 and text, 10)
            t.has("what was left is told, without a touch", told or "",
                  f"/run/{name}/sub: it lies on FUSE file system /run/{name} (fuse.deaf)", f"/run/{name}: something is mounted there")
    finally:
        shutil.rmtree("/run/" + name, ignore_errors=True)


def hanging_network(t):
    """The kernel takes its time to make a network namespace: others hold the locks for that."""
    units = {"alone": {"service": sh("exec sleep 1000", restart="no", start_timeout="60s"), "process": {"private-network": True, "confinement": "require"}},
             "other": {"service": sh("exec sleep 1000")}}
    refused = "unshare: Operation not permitted (private-network)"  # an init under test may not
    with t.scene.init(units, faults=["unshare"]) as init:
        t.has("a network that may not be made is told", init.wait_failed("alone")["reason"], refused)
        init.hold("unshare")
        client = init.client()
        client.send("Start", units=["alone"])
        until(lambda: init.hold("unshare") == 1, 10, "the child that makes a network")
        t.equal("while it is being made others start", (init.stop("other")["other"]["state"], init.start("other")["other"]["state"]),
                ("down", "up"))
        t.equal("its unit waits for it", init.state("alone"), "starting")
        t.equal("and can be stopped", init.stop("alone")["alone"]["state"], "down")
        client.send("Start", units=["alone"])
        until(lambda: init.state("alone") == "starting", 10, "another start")
        init.start("other")
        t.equal("the next start waits for the same one", init.hold("unshare"), 1)
        init.fault("unshare", 0)
        t.has("what comes of it is taken then", init.wait_failed("alone")["reason"], refused)


GROUPS = [hanging_paths, hanging_answers_late, hanging_reexec, environment_file_of_another, hanging_runtime_directory,
          hanging_network]
