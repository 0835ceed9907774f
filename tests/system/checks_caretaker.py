"""An init that crashes: it is there again, and says why; too often, and it only takes care of what runs."""
import os
import signal

from harness import SANITIZERS, Client, sh, until

SLEEP = "exec sleep 1000"
KEEPER = {"keeper": {"service": sh(SLEEP + " 1234567")}}
FAULTS = {"segv": "SIGSEGV at 0x10", "bus": "SIGBUS at 0x", "ill": "SIGILL at 0x", "fpe": "SIGFPE at 0x",
          "abort": "SIGABRT", "assert": "SIGABRT, assertion failed", "stack-overflow": "SIGSEGV at 0x", "exception": "SIGABRT, "}
if not SANITIZERS:  # whose allocator refuses nothing
    FAULTS["bad-alloc"] = "SIGABRT, out of memory"


def overview(init, **expected):
    """The overview of an init that is perhaps being executed anew, once it is as expected."""
    def ask():
        try:
            client = Client(init.control, 5)
        except OSError:
            return None
        try:
            told = client.call("Overview")["parameters"]
        except Exception:
            return None
        finally:
            client.close()
        return all(told.get(key) == value for key, value in expected.items()) and told
    return until(ask, 15, f"an overview with {expected}")


def pids(init, word):
    return sorted(pid for pid, what in init.own_processes().items() if word in what[4])


def caretaker_crashes(t):
    """Each kind of fault, one after the other."""
    kinds = list(FAULTS)
    for part in (kinds[:5], kinds[5:]):
        with t.scene.init(KEEPER, sections={"manager": {"crash-limit": 7}}, fault_injection=True) as init:
            before = init.pid()
            for number, kind in enumerate(part, 1):
                done = init.ctl("debug-crash", kind)
                t.ok(f"after {kind} the init is there again and knows what it was", done.stdout.startswith(FAULTS[kind]),
                     done.stdout + done.stderr)
                t.equal(f"{kind} is counted", overview(init)["crashes"], number)
            t.equal("it is the same process", init.pid(), before)
            t.ok("the log has a line for each", until(lambda: len(
                [line for line in init.log("miniinit") if line[3].startswith("the init has crashed: ")]) == len(part), 5),
                 init.log("miniinit"))
            t.ok("and where it was, for addr2line", any("addr2line" in line[3] for line in init.log("miniinit")))
            status = init.ctl("status").stdout
            t.ok("minictl status has their number and the last one",
                 f"{len(part)}, the last: {FAULTS[part[-1]]}" in status, status)
    with t.scene.init(KEEPER) as init:
        reply = init.call("Crash", kind="segv")
        t.ok("the program that is shipped knows no such call", reply.get("error", "").endswith(".MethodNotFound"), reply)
        done = init.ctl("debug-crash", "segv")
        t.ok("and no such verb", done.returncode == 2 and "no verb" in done.stderr, done.stderr)
        t.equal("and nothing has happened", overview(init)["crashes"], 0)


def caretaker_sent(t):
    """Signals that look like a fault, and are sent by somebody."""
    units = {"villain": {"enabled": False, "service": sh("kill -SEGV 1", type="oneshot")}}
    with t.scene.init(units) as init:
        init.call("Start", units=["villain"], wait=False)
        told = overview(init, crashes=1)
        t.ok("a service that kills the init with SIGSEGV is named",
             told["last_crash"].startswith("SIGSEGV, sent by process ") and "(sh) of user 0" in told["last_crash"],
             told["last_crash"])
        os.kill(init.pid(), signal.SIGABRT)
        told = overview(init, crashes=2)
        t.ok("a process outside has no number", told["last_crash"].startswith("SIGABRT, sent by a process outside"),
             told["last_crash"])


def caretaker_cares(t):
    units = {"keeper": {"service": sh(SLEEP + " 1234567")},
             "chatty": {"service": sh("while echo line; do sleep 0.05; done")},
             "orphans": {"service": sh("while :; do (sleep 0.01 & ); sleep 0.05; done")}}
    with t.scene.init(units, fault_injection=True) as init:
        init.wait("keeper")
        inside = init.status("keeper")["main_pid"]
        # Of the shell that writes; now and then there is another of the same words, about to become `sleep`.
        chatty = init.outside(init.wait("chatty")["main_pid"])
        keeper, collector = until(lambda: pids(init, "1234567"), 10), init.collector()
        waiting = Client(init.control, 10)
        waiting.send("Wait", unit="keeper", state="down")
        for number in range(1, 5):
            init.ctl("debug-crash", "segv")
        told = overview(init, state="caretaker")
        t.equal("with the fourth crash in a minute the init is a caretaker", told["crashes"], 4)
        t.ok("services still run, as the same processes",
             set(keeper) <= set(pids(init, "1234567")) and chatty in pids(init, "while echo"))
        lines = len(init.log("chatty", ("out",)))
        t.ok("what they write is still collected", until(lambda: len(init.log("chatty", ("out",))) > lines + 5, 5))
        t.ok("the collector is the same process", collector in init.processes())
        t.ok("orphans are reaped", until(lambda: init.zombies() == 0, 5))
        os.kill(keeper[0], signal.SIGKILL)
        t.ok("services that end, too", until(lambda: init.zombies() == 0 and keeper[0] not in init.processes(), 5))
        status = init.ctl("status")
        t.ok("minictl status says what is the matter", "caretaker: nothing is started" in status.stdout
             and "4, the last: SIGSEGV at 0x10" in status.stdout, status.stdout)
        for words in (("start", "keeper"), ("status", "keeper"), ("list",), ("reload-units",)):
            done = init.ctl(*words)
            t.ok(f"minictl {' '.join(words)} is told what can be done", done.returncode != 0 and "minictl reexec"
                 in done.stderr, done.stderr)
        t.equal("nothing is healthy", init.ctl("healthcheck").returncode, 1)
        t.ok("the log tells, too", until(lambda: any("only takes care" in line[3] for line in init.log("miniinit")), 5))
        os.kill(init.pid(), signal.SIGSEGV)
        t.ok("a sent signal does the caretaker nothing", until(lambda: "SIGSEGV of process 0 is ignored"
                                                               in init.console(), 5), init.console())
        t.equal("and is no crash", overview(init)["crashes"], 4)
        t.equal("minictl reexec succeeds", init.ctl("reexec").returncode, 0)
        told = overview(init, reexecs=1)
        client = Client(init.control)
        t.ok("what ended while nobody kept books is noticed", until(lambda: client.call(
            "Status", units=["keeper"])["parameters"]["units"][0].get("main_pid") != inside, 10))
        client.close()
        t.ok("then the init is a whole one again", told["state"] in ("running", "starting", "degraded"), told["state"])
        init.ctl("debug-crash", "abort")
        t.ok("and may crash again as often as before", overview(init, crashes=5)["state"] != "caretaker")


def caretaker_books(t):
    """How those ended that only a caretaker has seen."""
    hook = {**sh("exec sleep 1000"), "pre-start": [["/bin/sleep", "7654321"]], "restart": "no", "start-timeout": "10min"}
    coded = {**sh("trap 'exit 7' USR1; echo set; while :; do sleep 0.05; done # 2345678"), "restart": "no"}
    units = {"hooked": {"service": hook, "enabled": False}, "coded": {"service": coded}, **KEEPER}
    with t.scene.init(units, sections={"manager": {"crash-limit": 0}}, fault_injection=True) as init:
        until(lambda: init.log("coded", ("out",)), 10)  # its trap is set
        init.call("Start", units=["hooked"], wait=False)
        hooks = until(lambda: pids(init, "7654321"), 10)
        init.ctl("debug-crash", "segv")
        overview(init, state="caretaker")
        os.kill(hooks[0], signal.SIGKILL)
        os.kill(pids(init, "2345678")[0], signal.SIGUSR1)
        t.ok("a caretaker reaps", until(lambda: not pids(init, "7654321") and not pids(init, "2345678")
                                        and init.zombies() == 0, 10))
        t.equal("then the init is a whole one again", init.ctl("reexec").returncode, 0)
        overview(init, reexecs=1)
        client = Client(init.control)
        failed = lambda name: client.call("Status", units=[name])["parameters"]["units"][0]["state"] == "failed"
        t.ok("it knows that a pre-start command has ended, and how", until(lambda: failed("hooked"), 10)
             and "SIGKILL" in init.ctl("explain", "hooked").stdout, init.ctl("explain", "hooked").stdout)
        t.ok("and with what code a service did", until(lambda: failed("coded"), 10)
             and "code 7" in init.ctl("explain", "coded").stdout, init.ctl("explain", "coded").stdout)
        client.close()


def caretaker_ends(t):
    for how in ("SIGTERM", "minictl poweroff"):
        with t.scene.init({"keeper": {"service": sh("trap 'exit 0' TERM; while :; do sleep 0.05; done")}},
                          sections={"manager": {"crash-limit": 0}}, args=("--grace", "1s"), fault_injection=True) as init:
            init.wait("keeper")
            init.ctl("debug-crash", "segv")
            t.equal("with crash-limit = 0 the first crash is one too many", overview(init)["state"], "caretaker")
            if how == "SIGTERM":
                os.kill(init.pid(), signal.SIGTERM)
            else:
                t.equal("minictl poweroff is obeyed", init.ctl("poweroff").returncode, 0)
            t.equal(f"after {how} the caretaker ends everything, with exit code 1", init.process.wait(15), 1)


def caretaker_bare(t):
    """The caretaker crashes, too."""
    with t.scene.init({"keeper": {"service": sh(SLEEP + " 1234567")}}, sections={"manager": {"crash-limit": 0}},
                      args=("--grace", "1s"), fault_injection=True) as init:
        init.wait("keeper")
        keeper = until(lambda: pids(init, "1234567"), 10)
        for _ in range(2):
            try:
                Client(init.control, 5).call("Crash", kind="segv")
            except Exception:
                pass
            overview_or_none = until(lambda: "it only reaps" in init.console() or "only takes care" in init.console(), 10)
            t.ok("the init says what it is down to", overview_or_none, init.console())
        t.ok("a caretaker that crashes only reaps", until(lambda: "it only reaps" in init.console(), 10),
             init.console())
        t.ok("nobody answers any more", until(lambda: init.ctl("status").returncode == 4, 10))
        t.equal("services still run", pids(init, "1234567"), keeper)
        os.kill(keeper[0], signal.SIGKILL)
        t.ok("it does reap", until(lambda: init.zombies() == 0 and not pids(init, "1234567"), 5))
        os.kill(init.pid(), signal.SIGTERM)
        t.equal("and SIGTERM ends it with exit code 1", init.process.wait(15), 1)


GROUPS = [caretaker_crashes, caretaker_sent, caretaker_cares, caretaker_books, caretaker_ends, caretaker_bare]
