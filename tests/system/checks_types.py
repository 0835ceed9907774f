"""The types of service and how each comes up: simple, oneshot, forking, notify, notify-fd; the commands around the
main one; timeouts."""
import os
import re
import signal
import time

from harness import sh, until

SLEEP = "exec sleep 1000"


def types_simple(t):
    units = {"simple": {"service": sh(SLEEP)},
             "script": {"service": {"script": "set -- a b\necho script $#\nexec sleep 1000\n"}},
             "strict": {"service": {"script": "echo before\nfalse\necho after\n", "type": "oneshot"}},
             "words": {"service": {"command": "/bin/echo 'two words' \"a\\\"b\" c\\ d $HOME", "type": "oneshot"}},
             "once": {"service": sh("echo done", type="oneshot")},
             "bad": {"service": sh("echo last words; exit 3", type="oneshot")},
             "needs-bad": {"requires": ["bad"], "service": sh(SLEEP)},
             "wants-bad": {"wants": ["bad"], "service": sh(SLEEP)},
             "dies": {"service": sh("kill -SEGV $$", restart="no")},
             "hooks": {"service": {**sh("echo main; exec sleep 1000"),
                                   "pre-start": [["/bin/sh", "-c", "echo pre1 $MINIINIT_UNIT"], "/bin/echo pre2"],
                                   "post-start": ["/bin/echo post1"], "stop-command": ["/bin/echo stop1",
                                           ["/bin/sh", "-c", "echo stop2 $MAINPID"]],
                                   "post-stop": [["/bin/sh", "-c", "echo post-stop1 ${MAINPID-none}"]]}},
             "pre-fails": {"service": {**sh("echo never"), "restart": "no",
                                       "pre-start": [["/bin/sh", "-c", "echo oh; exit 4"]],
                                       "post-stop": ["/bin/echo cleaned up"]}},
             "post-fails": {"service": {**sh(SLEEP), "restart": "no", "post-start": [["/bin/sh", "-c", "exit 5"]]}}}
    with t.scene.init(units) as init:
        for name in ("simple", "script", "hooks", "wants-bad"):
            t.equal(f"a simple service is up: {name}", init.wait(name)["state"], "up")
        t.equal("a oneshot that exits 0 is done", init.wait("once", "done")["state"], "done")
        t.equal("`wait --for up` takes done for it", init.wait("once", "up")["state"], "done")
        t.equal("it says what it said", init.text("once"), "done")
        status = init.wait("bad", "failed")
        t.equal("a oneshot that exits 3 has failed, and is not tried again",
                (status["state"], status["restarts"], status["last_exit"]["text"]),
                ("failed", 0, "exit code 3"))
        t.equal("what requires it fails", init.wait("needs-bad", "failed")["state"], "failed")
        t.has("`explain` goes down to the root cause", " ".join(init.explain("needs-bad")), "dependency failed: bad",
              "exit code 3")
        status = init.wait("dies", "failed")
        t.equal("death by a signal is told", (status["last_exit"]["kind"], status["last_exit"]["number"]),
                ("signal", 11))
        t.equal("a script runs in the shell", until(lambda: init.text("script"), 3), "script 2")
        init.wait("strict", "failed")
        t.equal("a script ends at the first command that fails", init.text("strict"), "before")
        init.wait("words", "done")
        t.equal("a command string is split by shell quoting, with no shell", init.text("words"),
                "two words a\"b c d $HOME")
        until(lambda: "main" in init.text("hooks"), 3)
        t.has("pre-start, main and post-start ran", init.text("hooks"), "pre1 hooks", "pre2", "post1", "main")
        text = init.text("hooks").split("\n")
        t.ok("pre-start in order and before the main command", text[:2] == ["pre1 hooks", "pre2"], text)
        pid = init.status("hooks")["main_pid"]
        init.stop("hooks")
        t.equal("stop-command in order and with MAINPID, then post-stop without", init.text("hooks").split("\n")[-3:],
                ["stop1", f"stop2 {pid}", "post-stop1 none"])
        t.equal("after a stop it is down", init.state("hooks"), "down")
        status = init.wait("pre-fails", "failed")
        t.has("a pre-start that fails fails the start", status["reason"], "pre-start failed", "code 4")
        t.has("and post-stop runs all the same", init.text("pre-fails"), "oh", "cleaned up")
        t.ok("but the main command does not", "never" not in init.text("pre-fails"), init.text("pre-fails"))
        status = init.wait("post-fails", "failed")
        t.has("a post-start that fails fails the start", status["reason"], "post-start failed", "code 5")
        t.equal("and the main process does not stay", [what[4] for what in init.own_processes().values()
                                                       if "post-fails" in what[4]], [])


def types_forking(t):
    work = t.scene.work + "/forking"
    os.mkdir(work)
    os.chmod(work, 0o777)
    os.mkdir(work + "/held-open")
    for name in ("stale", "foreign"):
        with open(f"{work}/{name}", "w") as file:
            file.write("999999\n" if name == "stale" else "1\n")

    def forking(name, parent, **service):
        return {"service": sh(parent.replace("FILE", f"{work}/{name}"), type="forking", **service),
                "process": {"pid-file": f"{work}/{name}"}}

    daemon = "setsid sh -c 'echo $$ >FILE.new; mv FILE.new FILE; exec sleep 1000' >/dev/null 2>&1 &"
    units = {
        "plain": forking("plain", daemon + " while [ ! -e FILE ]; do :; done; exit 0"),
        "late": forking("late", "setsid sh -c 'sleep 0.4; echo $$ >FILE; exec sleep 1000' >/dev/null 2>&1 & exit 0"),
        "slow-write": forking("slow-write",
                              "setsid sh -c ': >FILE; sleep 0.2; printf $$ >FILE; exec sleep 1000' >/dev/null 2>&1 & exit 0"),
        "stale": forking("stale", "setsid sh -c 'sleep 0.3; echo $$ >FILE; exec sleep 1000' >/dev/null 2>&1 & exit 0"),
        "foreign": forking("foreign", "setsid sleep 1000 & exit 0", start_timeout="600ms", restart="no"),
        "other": {"service": sh(f"echo $$ >{work}/of-other; exec sleep 1000")},
        "robber": {"requires": ["other"], **forking("of-other", "setsid sleep 1000 & exit 0", start_timeout="600ms",
                                                    restart="no")},
        "link": forking("link",
                        "setsid sh -c 'echo $$ >FILE.real; ln -s FILE.real FILE; exec sleep 1000' >/dev/null 2>&1 & exit 0",
                        start_timeout="600ms", restart="no"),
        "of-user": forking("of-user", "umask 022; " + daemon + " exit 0", start_timeout="3s", restart="no"),
        "held-open": forking("held-open/file",
                             "setsid sh -c 'exec 9>FILE; sleep 0.2; echo $$ >&9; exec sleep 1000' >/dev/null 2>&1 & exit 0", start_timeout="3s", restart="no"),
        "none": forking("none", "setsid sleep 1000 & exit 0", start_timeout="500ms", restart="no"),
        "garbage": forking("garbage", "echo hello >FILE; setsid sleep 1000 & exit 0", start_timeout="500ms",
                           restart="no"),
        "parent-fails": forking("parent-fails", "echo no >&2; exit 7", restart="no"),
        "again": forking("again", "rm -f FILE; " + daemon + " while [ ! -e FILE ]; do :; done; exit 0",
                         restart_delay="50ms"),
    }
    units["of-user"]["process"]["user"] = "daemon"
    # Alone, so that no other event makes the init look.
    held_open = {"held-open": units.pop("held-open")}
    with t.scene.init(held_open) as init:
        t.attempt("a PID file may be written late and kept open, as pidfile_write(3) does",
                  lambda: init.wait("held-open"))
    with t.scene.init(units) as init:
        for name, what in (("plain", "a forking service is up when its PID file names its daemon"),
                           ("late", "a PID file that comes late is waited for"),
                           ("slow-write", "a PID file that is empty at first is waited for"),
                           ("stale", "a stale PID file is not believed; the true one is"),
                           ("of-user", "a PID file may belong to the service's user")):
            status = t.attempt(what, lambda: init.wait(name, timeout=4))
            if status:
                t.equal(f"its main process is the daemon: {name}", str(status["main_pid"]),
                        open(units[name]["process"]["pid-file"]).read().strip())
        for name, what in (("foreign", "a PID file that names a process of no service is refused"),
                           ("robber", "a PID file that names another service's process is refused"),
                           ("link", "a PID file that is a link is refused"),
                           ("none", "without a PID file it never comes up"),
                           ("garbage", "a PID file that has no number in it is refused")):
            status = t.attempt(what, lambda: init.wait(name, "failed", 5))
            if status:
                t.has(f"the reason is the start-timeout: {name}", status["reason"], "start-timeout")
                t.has(f"and speaks of the PID file: {name}", status["reason"],
                      "its PID file did not name a live process of it")
        status = init.wait("parent-fails", "failed")
        t.has("a parent that fails fails the start", status["reason"], "exit code 7")
        t.equal("the other service lives on", init.state("other"), "up")
        up = [unit["main_pid"] for unit in init.call("List")["parameters"]["units"] if unit["state"] == "up"]
        t.ok("nothing of the refused ones is left", until(lambda: sorted(what[0]
                for what in init.own_processes().values()) == sorted(up), 3),
             init.own_processes())
        first = init.status("again")["main_pid"]
        events = init.events("again")
        init.kill_inside(init.outside(first), signal.SIGKILL)
        events.until("again", "up")
        t.ok("a daemon that is killed is started again, with a new PID",
             init.status("again")["main_pid"] not in (None, first))
        init.stop("plain", "late")
        t.ok("they can be stopped", all(init.state(name) == "down" for name in ("plain", "late")))


def types_notify(t):
    notify = t.scene.program("sys_notify")

    def talk(*steps, **service):
        return {"service": {"type": "notify", "command": [notify, *steps], "restart": "no",
                            **{key.replace("_", "-"): value for key, value in service.items()}}}

    units = {
        "ready": talk("sleep:100", "send:READY=1;STATUS=serving 3 requests"),
        "two": talk("send:STATUS=coming", "sleep:200", "send:STATUS=there;READY=1"),
        "never": talk("send:STATUS=stuck at 40 %", start_timeout="400ms"),
        "quits": talk("say:bye", "end:0"),
        "fails": talk("send:STATUS=bad config;ERRNO=22", "end:1"),
        "extends": talk("send:EXTEND_TIMEOUT_USEC=1500000", "sleep:800", "send:READY=1", start_timeout="400ms"),
        "child-main": talk("child:READY=1", start_timeout="500ms"),
        "child-all": talk("child:READY=1", notify_access="all"),
        "moves": talk("become:MAINPID=PID;READY=1", notify_access="all"),
        "reloads": talk("send:READY=1", "wait:1", "send:RELOADING=1", "sleep:300", "send:READY=1;STATUS=reloaded"),
        "stops": talk("send:READY=1", "wait:15", "send:STOPPING=1;STATUS=going", "sleep:300", "end:0"),
        "robs-init": talk("send:MAINPID=1;READY=1"),
        "robs-other": talk("send:MAINPID=2;READY=1", "send:MAINPID=3", "send:MAINPID=4"),
        "odd": talk("send:READY=1;STATUS=" + "x" * 3000 + "\033[31m",
                    "send:READY=;=;STATUS;MAINPID=-1;MAINPID=99999999999999999999;EXTEND_TIMEOUT_USEC=-5;"
                    + "A=B;" * 200),
        "fd": {"service": {"type": "notify-fd", "command": [notify, "sleep:100", "fd:3"]}},
        "fd-7": {"service": {"type": "notify-fd", "ready-fd": 7, "command": [notify, "fd:7"]}},
        "fd-never": {"service": {"type": "notify-fd", "command": [notify, "sleep:1"], "start-timeout": "400ms",
                                 "restart": "no"}},
        "fd-closed": {"service": {"type": "notify-fd", "command": ["/bin/sh", "-c", "exec 3>&-; exec sleep 1000"],
                                  "start-timeout": "700ms", "restart": "no"}},
    }
    with t.scene.init(units) as init:
        status = init.wait("ready")
        t.equal("notify: up on READY=1, with its status text", (status["state"], status.get("status_text")),
                ("up", "serving 3 requests"))
        t.equal("notify: a status may come before", (init.wait("two").get("status_text")), "there")
        status = init.wait("never", "failed")
        t.has("notify: without READY=1 the start fails after start-timeout", status["reason"], "start-timeout")
        status = init.wait("quits", "failed")
        t.ok("notify: an exit 0 before READY=1 is a failed start, and the reason says so",
             "ready" in status["reason"].lower(), status["reason"])
        status = init.wait("fails", "failed")
        t.equal("notify: a failure before READY=1 shows the exit", status["last_exit"]["text"], "exit code 1")
        t.attempt("notify: EXTEND_TIMEOUT_USEC gives more time", lambda: init.wait("extends"))
        t.attempt("notify: READY=1 from a child does not count with notify-access main",
                  lambda: init.wait("child-main", "failed"))
        t.attempt("notify: READY=1 from a child counts with notify-access all", lambda: init.wait("child-all"))
        status = t.attempt("notify: MAINPID is believed for a process of the service", lambda: init.wait("moves"))
        if status:
            pid = init.outside(status["main_pid"])
            t.ok("notify: and the main process is that child", pid is not None
                 and init.processes()[pid][3] != init.pid(), status["main_pid"])
        for name in ("robs-init", "robs-other"):
            status = init.wait(name)
            pid = init.outside(status["main_pid"] or 0)
            t.ok(f"notify: MAINPID that names a process of somebody else is not believed: {name}", pid
                 and "sys_notify send MAINPID=" in init.processes()[pid][4], (status, init.processes().get(pid)))
        t.ok("notify: that is said in its log", until(lambda: "MAINPID" in init.text("robs-init", ("init",)), 3),
             init.text("robs-init", ()))
        status = init.wait("odd")
        time.sleep(0.1)
        t.ok("notify: odd messages do no harm, and a status is short and printable", init.state("odd") == "up"
             and len(status["status_text"]) <= 300 and
             "\033" not in status["status_text"], status)
        init.wait("reloads")
        events = init.events("reloads")
        t.ok("a notify service can be reloaded", init.ask("Reload", "reloads")["reloads"]["ok"])
        t.attempt("RELOADING=1 makes it reloading", lambda: events.until("reloads", "reloading")
                  if not events.states("reloads") else True)
        t.attempt("READY=1 makes it up again", lambda: events.until("reloads", "up"))
        events = init.events("stops")
        init.stop("stops")
        t.equal("STOPPING=1: it stops by itself and is down", events.drain() and events.states("stops"),
                ["stopping", "down"])
        t.attempt("notify-fd: up on a newline on descriptor 3", lambda: init.wait("fd"))
        t.attempt("notify-fd: up on a newline on another ready-fd", lambda: init.wait("fd-7"))
        t.has("notify-fd: without one it fails after start-timeout", init.wait("fd-never", "failed")["reason"],
              "start-timeout")
        t.attempt("notify-fd: a descriptor that is closed unused fails the start",
                  lambda: init.wait("fd-closed", "failed"))


def types_timeouts(t):
    deaf = "trap '' TERM; echo deaf; while :; do sleep 0.1; done"
    units = {"slow-start": {"service": {**sh("sleep 1000", type="oneshot"), "start-timeout": "300ms"}},
             "slow-pre": {"service": {**sh(SLEEP), "pre-start": ["/bin/sleep 1000"], "start-timeout": "300ms",
                                      "restart": "no"}},
             "deaf": {"service": {**sh(deaf), "stop-timeout": "400ms"}},
             "frozen": {"service": {**sh("kill -STOP $$; exec sleep 1000"), "stop-timeout": "5s"}},
             "other-signal": {"service": {**sh(
                 "trap 'echo usr1; exit 0' USR1; trap '' TERM; echo set; while :; do sleep 0.05; done"),
                 "stop-signal": "SIGUSR1"}},
             "slow-stop-command": {"service": {**sh(SLEEP), "stop-command": ["/bin/sleep 1000"],
                                               "stop-timeout": "400ms"}},
             "slow-post-stop": {"service": {**sh(SLEEP), "post-stop": ["/bin/sleep 1000"], "stop-timeout": "400ms"}}}
    with t.scene.init(units) as init:
        t.has("a oneshot that takes longer than start-timeout has failed", init.wait("slow-start", "failed")["reason"],
              "start-timeout")
        t.has("so has one whose pre-start does", init.wait("slow-pre", "failed")["reason"], "start-timeout")
        for name in ("deaf", "other-signal"):
            until(lambda: init.text(name), 3)
        until(lambda: any(what[2] == "T" for what in init.processes().values()), 5)
        for name, low, high, sentence in (("deaf", 0.35, 3,
                                           "a service that ignores SIGTERM is killed after stop-timeout"),
                                          ("frozen", 0, 2,
                                           "a service that is stopped (SIGSTOP) can be stopped at once"),
                                          ("other-signal", 0, 2, "stop-signal is what it gets"),
                                          ("slow-stop-command", 0.35, 3,
                                           "a stop-command that hangs is given up after stop-timeout"),
                                          ("slow-post-stop", 0.35, 3,
                                           "a post-stop that hangs is given up after stop-timeout")):
            began = time.monotonic()
            init.stop(name)
            took = time.monotonic() - began
            t.ok(sentence, low <= took < high and init.state(name) in ("down", "failed"),
                 f"{took:.2f} s, {init.brief(name)}")
        t.equal("they leave no process", {pid: what for pid, what in init.own_processes().items()}, {})
        t.equal("SIGUSR1 was got", init.text("other-signal", ("out",)).split("\n")[-1], "usr1")


GROUPS = [types_simple, types_forking, types_notify, types_timeouts]
