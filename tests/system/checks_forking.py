"""Daemons that put themselves into the background: whose process a PID file names, how it comes to be there, and what becomes
of both."""
import os
import signal

from harness import sh, until


def forking(work, name, parent, **service):
    return {"service": sh(parent.replace("FILE", f"{work}/{name}"), type="forking", **{"restart": "no", **service}),
            "process": {"pid-file": f"{work}/{name}"}}


def forking_doubts(t):
    work = t.scene.work + "/doubts"
    os.mkdir(work)
    os.chmod(work, 0o777)
    quiet = "</dev/null >/dev/null 2>&1"
    parent = f"setsid sleep 1000 {quiet} & exit 0"
    units = {
        "other": {"service": sh(f"echo $$ >{work}/living; exec sleep 1000")},
        "dead": forking(work, "dead", parent, start_timeout="700ms"),
        "living": {"requires": ["other"], **forking(work, "living", parent, start_timeout="700ms")},
        "link": forking(work, "link", parent, start_timeout="700ms"),
        "open": forking(work, "open", parent, start_timeout="700ms"),
        "pipe": forking(work, "pipe", parent, start_timeout="700ms"),
        **{name: forking(work, name, parent, start_timeout="700ms") for name in ("words", "one", "empty", "missing")},
        # Wrong at first, right in the end: waits for a word on a FIFO in between.
        "late": forking(work, "deep/er/late", f"setsid sh -c 'read x <{work}/go; mkdir -p {work}/deep; mkdir {work}/deep/er; "
                        f": >FILE; echo $$ >>FILE; exec sleep 1000' {quiet} & exit 0", start_timeout="20s"),
        "mended": forking(work, "mended", f"setsid sh -c 'read x <{work}/mend; echo $$ >FILE; exec sleep 1000' {quiet} & exit 0",
                          start_timeout="20s"),
    }
    for name, text in (("dead", "999999\n"), ("open", "1\n"), ("words", "hello\n"), ("one", "1\n"), ("empty", ""),
                       ("mended", "999998\n")):
        with open(f"{work}/{name}", "w") as file:
            file.write(text)
    os.chmod(work + "/open", 0o666)
    os.symlink(work + "/dead", work + "/link")
    for name in ("pipe", "go", "mend"):
        os.mkfifo(f"{work}/{name}")
    with t.scene.init(units) as init:
        for name, words in (("dead", "names process 999999, which does not exist"),
                            ("living", "(sleep), which is none of this service's"), ("link", "symbolic link"),
                            ("open", "anyone can write"), ("pipe", "no regular file"),
                            ("words", 'no process id in FILE: it says "hello", and that is no number of a process'),
                            ("one", 'no process id in FILE: it says "1", and that is the init'),
                            ("missing", "FILE is not there"), ("empty", "FILE is empty")):
            words = words.replace("FILE", f"{work}/{name}")
            status = init.wait(name, "failed", 10)
            t.has(f"the reason of the failure says what is wrong with the PID file: {name}", status["reason"],
                  "start-timeout", words)
            if name not in ("missing", "empty"):
                t.equal(f"the log has it once: {name}", init.text(name, ("init",), once="is not believed").count("is not believed"), 1)
        t.equal("what is another's stays as it is", (init.state("other"), os.path.exists(work + "/living")), ("up", True))
        t.ok("a PID file that names a dead process is removed at the end", not os.path.exists(work + "/dead"))
        t.ok("what is no PID file is left alone", all(os.path.lexists(f"{work}/{name}") for name in
                                                     ("link", "open", "pipe", "words")), os.listdir(work))
        until(lambda: "999998" in init.status("mended")["reason"], 5)
        t.equal("while it is awaited the status says what is held against it",
                (init.state("mended"), init.status("mended")["reason"]),
                ("starting", f"{work}/mended names process 999998, which does not exist"))
        t.equal("one that is not there yet is not held against anybody", init.text("late", ("init",)), "")
        for name, fifo in (("mended", "mend"), ("late", "go")):
            with open(f"{work}/{fifo}", "w") as file:
                file.write("go\n")
            t.attempt(f"a PID file that comes right late is believed: {name}", lambda: init.wait(name, timeout=10))
        t.equal("and nothing is held against it any more", init.status("mended")["reason"], "")
        t.equal("its process is the main one, in a directory made late, too", str(init.status("late")["main_pid"]),
                open(f"{work}/deep/er/late").read().strip())


def forking_heirs(t):
    work = t.scene.work + "/heirs"
    os.mkdir(work)
    os.chmod(work, 0o777)
    quiet = "</dev/null >/dev/null 2>&1"
    # A daemon that at SIGUSR1 forks another, which writes the file before the first one ends.
    again = ("trap 'setsid sleep 1000 & echo $! >FILE; exit 0' USR1; echo $$ >FILE; while :; do sleep 0.05; done")
    plain = f"setsid sh -c 'echo $$ >FILE; exec sleep 1000' {quiet} & exit 0"
    units = {
        "again": forking(work, "again", f"setsid sh -c \"{again.replace('$', chr(92) + '$')}\" {quiet} & exit 0", restart="always",
                         restart_delay="50ms"),
        "clean": forking(work, "clean", f"setsid sh -c 'trap \"rm -f FILE; exit 0\" TERM; echo $$ >FILE; "
                         f"while :; do sleep 0.05; done' {quiet} & exit 0"),
        "messy": forking(work, "messy", plain),
        "held": forking(work, "held", f"sh -c 'setsid sh -c \"echo \\$\\$ >FILE; exec sleep 1000\" {quiet} & wait' & "
                        f"while [ ! -s FILE ]; do sleep 0.02; done; exit 0", restart="on-failure", restart_delay="50ms"),
    }
    with t.scene.init(units) as init:
        first = init.wait("again")["main_pid"]
        init.kill_inside(init.outside(first), signal.SIGUSR1)
        second = until(lambda: (pid := init.status("again").get("main_pid")) not in (None, first) and pid, 10)
        t.equal("a daemon that hands on to another process, and writes that down, is still the same service",
                (init.state("again"), init.status("again")["restarts"], str(second)),
                ("up", 0, open(work + "/again").read().strip()))
        t.has("which is said", init.text("again", ("init",), once="its main process is now"), f"its main process is now {second}")
        events = init.events("again")
        init.kill_inside(init.outside(second), signal.SIGKILL)
        events.until("again", "backoff")
        t.attempt("the end of that one is the end of the run", lambda: events.until("again", "up"))
        main = init.wait("held")["main_pid"]
        events = init.events("held")
        init.kill_inside(init.outside(main), signal.SIGKILL)
        t.attempt("the end of a daemon that is another process's child is noticed too",
                  lambda: events.until("held", "backoff"))
        for name in ("clean", "messy"):
            init.wait(name)
            t.ok(f"its PID file is there: {name}", os.path.exists(f"{work}/{name}"))
            init.stop(name)
            t.ok(f"and gone after a stop, whoever removes it: {name}", not os.path.exists(f"{work}/{name}"))


def forking_without_file(t):
    quiet = "</dev/null >/dev/null 2>&1"
    service = lambda text, **more: {"service": sh(text, type="forking", **{"restart": "no", **more})}
    units = {
        "pair": service(f"setsid sleep 1001 {quiet} & setsid sleep 1002 {quiet} & exit 0", restart="always",
                        restart_delay="50ms"),
        "brief": service("exit 0"),
        "fails": service(f"setsid sleep 1003 {quiet} & exit 3"),
    }
    for unit in ("brief", "fails"):
        units[unit]["enabled"] = False
    with t.scene.init(units) as init:
        first = init.wait("pair")["main_pid"]
        alive = lambda: sorted(what[4] for what in init.own_processes().values() if what[4].startswith("sleep 100"))
        both = ["sleep 1001", "sleep 1002"]
        t.equal("a daemon without a PID file is up when its parent has ended", until(lambda: alive() == both) or alive(), True)
        init.kill_inside(init.outside(first), signal.SIGKILL)
        second = until(lambda: (pid := init.status("pair").get("main_pid")) not in (None, first) and pid)
        t.equal("what is left of it is the service still", (init.state("pair"), init.status("pair")["restarts"], len(alive())),
                ("up", 0, 1))
        events = init.events("pair")
        init.kill_inside(init.outside(second), signal.SIGKILL)
        t.attempt("it has ended when nothing is left, and is restarted", lambda: events.until("pair", "backoff"))
        events.until("pair", "up")
        t.equal("whole", until(lambda: alive() == both) or alive(), True)
        init.stop("pair")
        t.equal("a stop ends all of it", until(lambda: alive() == []) or alive(), True)
        t.ok("one that leaves nothing has come up and ended well", init.start("brief")["brief"]["ok"]
             and until(lambda: init.state("brief") == "down"), init.brief("brief"))
        result = init.start("fails")["fails"]
        t.ok("one whose parent fails has failed, and nothing of it is left", not result["ok"] and until(
            lambda: init.state("fails") == "failed" and alive() == []), (result, alive()))


def forking_strays(t):
    """Without cgroups: a daemon with a session of its own and nothing of its environment left, as nginx is."""
    work = t.scene.work + "/strays"
    os.mkdir(work)
    os.chmod(work, 0o755)
    stray = ("setsid env -i /bin/sleep 1000 </dev/null >/dev/null 2>&1 & p=$!; while grep -q INVOCATION_ID /proc/$p/environ; "
             "do sleep 0.02; done; echo $p >FILE; exit 0")
    units = {"daemon": forking(work, "daemon", stray),
             "before": {"service": sh(stray.replace("FILE", work + "/old").replace("exit 0", "sleep 0.2"), type="oneshot", kill_mode="process")},
             "old": {"requires": ["before"], **forking(work, "old", "exit 0", start_timeout="700ms")},
             "users": {"service": sh(stray.replace("FILE", work + "/public/users"), type="forking", restart="no", start_timeout="700ms"),
                       "process": {"pid-file": work + "/public/users", "user": "nobody"}}}
    os.mkdir(work + "/public")
    os.chmod(work + "/public", 0o777)
    with t.scene.init(units, cgroups=False) as init:
        status = init.wait("daemon")
        t.equal("a PID file that is root's is believed of a process of this run that is nobody else's", str(status["main_pid"]),
                open(work + "/daemon").read().strip())
        t.has("but not of one that was there before", init.wait("old", "failed")["reason"], "which is none of this service's")
        t.has("nor is the file of a user", init.wait("users", "failed")["reason"], "which is none of this service's")
        outside = init.outside(status["main_pid"])
        init.stop("daemon")
        t.ok("it is stopped as every other", not os.path.exists(f"/proc/{outside}"))


GROUPS = [forking_doubts, forking_heirs, forking_without_file, forking_strays]
