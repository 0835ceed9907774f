"""A log collector that does not run: stopped, or held as by a disk that does not answer, with much or with nothing to do.
It is continued or replaced; no service waits for long, no line is lost; and while there is nothing to do nobody wakes up."""
import os
import signal
import time

from harness import sh, until

# As LogLiveness has it, and as much again for a machine that is busy.
NOTICED = 2 * (5 + 10)


def state_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


def numbers(init, unit, word="line"):
    return [int(text.split()[1]) for _, _, _, text in init.log(unit, ("out",)) if text.startswith(word + " ")]


def said(init, words):
    return until(lambda: words in init.text("miniinit", ("init",)), 10)


def collector_stopped(t):
    """The kernel tells of a stop, and PID 1 undoes it."""
    units = {"talks": {"service": sh("i=0; while :; do i=$((i+1)); echo line $i; sleep 0.01; done")}}
    with t.scene.init(units) as init:
        init.wait("talks")
        collector, main = init.collector(), init.status("talks")["main_pid"]
        for number in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGSTOP):
            os.kill(collector, number)
            t.ok(f"a collector that {number.name} stops goes on", until(lambda: state_of(collector) not in "Tt", 10))
        t.ok("the log says who was stopped by what", said(init, "the log collector was stopped by SIG"))
        written = len(numbers(init, "talks"))
        t.ok("what its services write is kept", until(lambda: len(numbers(init, "talks")) > written + 20, 10))
        got = numbers(init, "talks")
        t.equal("all of it, in order", got, list(range(1, len(got) + 1)))
        t.equal("by the same collector, and the service is the same", (init.collector(), init.status("talks")["main_pid"]),
                (collector, main))


def collector_stopped_idle(t):
    """With nothing to do for anybody."""
    with t.scene.init({"rests": {"service": sh("exec sleep 1000")}}) as init:
        init.wait("rests")
        collector = init.collector()
        time.sleep(0.2)
        os.kill(collector, signal.SIGSTOP)
        t.ok("a stop of an idle collector is undone, too", until(lambda: state_of(collector) not in "Tt", 10))


def collector_frozen(t):
    """Nothing tells of it but that it does not answer."""
    gate = t.scene.work + "/frozen-go"
    # More than a pipe holds: it is blocked until somebody reads.
    much = f"until [ -e {gate} ]; do sleep 0.05; done; i=0; while [ $i -lt 6000 ]; do i=$((i+1)); " \
           "echo line $i of many, with some text behind it; done; echo wrote all; exec sleep 1000"
    with t.scene.init({"much": {"service": sh(much)}}) as init:
        init.wait("much")
        first, main = init.collector(), init.status("much")["main_pid"]
        init.fall_idle()
        if not init.freeze(first):
            return t.note("nothing can be frozen here")
        idle = init.wakeups(init.pid())
        time.sleep(3)
        t.equal("while there is nothing to read nobody minds, and PID 1 does not wake up",
                (init.wakeups(init.pid()) - idle, init.collector()), (0, first))
        open(gate, "w").close()
        began = time.monotonic()
        t.ok("as soon as a service writes, a collector that does not answer is replaced",
             until(lambda: init.collector() != first, NOTICED))
        t.note(f"after {time.monotonic() - began:.1f} s")
        t.ok("the service goes on", until(lambda: "wrote all" in init.text("much", ("out",)), 20))
        t.equal("no line is lost or doubled", numbers(init, "much"), list(range(1, 6001)))
        t.equal("it is the same process", (init.status("much")["main_pid"], init.status("much")["restarts"]), (main, 0))
        t.ok("and that is said", said(init, "the log collector does not answer"))


def collector_frozen_asked(t):
    """What PID 1 itself has for it is enough of a reason."""
    with t.scene.init({"one": {"service": sh("exec sleep 1000")},
                       "two": {"enabled": False, "service": sh("echo here; exec sleep 1000")}}) as init:
        init.wait("one")
        first = init.collector()
        if not init.freeze(first):
            return t.note("nothing can be frozen here")
        t.ok("a unit starts while the collector is held", init.start("two")["two"]["ok"])
        t.ok("and the collector, who was told of it and does not confirm it, is replaced",
             until(lambda: init.collector() != first, NOTICED))


def collector_never_greets(t):
    """One that is held before its first word."""
    with t.scene.init({"talks": {"service": sh("i=0; while :; do i=$((i+1)); echo line $i; sleep 0.05; done")}}) as init:
        init.wait("talks")
        first = init.collector()
        os.kill(first, signal.SIGKILL)
        second = until(lambda: (now := init.collector()) != first and now, 10, "a second collector", 0.0005)
        if not init.freeze(second):
            return t.note("nothing can be frozen here")
        t.ok("is replaced like any other", until(lambda: init.collector() not in (first, second), 60))
        got = until(lambda: len(found := numbers(init, "talks")) > 20 and found, 20)
        t.equal("and nothing is lost", got, list(range(1, len(got) + 1)))


def collector_costs(t):
    """A service that writes all the time makes PID 1 ask now and then, and not more."""
    units = {"talks": {"service": sh("while :; do echo line; sleep 0.02; done")}}
    with t.scene.init(units) as init:
        init.wait("talks")
        time.sleep(2)
        def ran():  # nanoseconds on a processor
            with open(f"/proc/{init.pid()}/schedstat") as file:
                return int(file.read().split()[0])
        before = ran()
        time.sleep(12)
        # In each 5 s: something to read, the time to ask, the answer. (Being woken is not counted: the kernel looks whether there
        # still is something to read before it lets PID 1 run.)
        share = (ran() - before) / 12e9
        t.ok("a service that writes 50 lines a second costs PID 1 less than a hundredth of a processor", share < 0.01, share)


GROUPS = [collector_stopped, collector_stopped_idle, collector_frozen_asked, collector_never_greets]
ALONE = [collector_frozen, collector_costs]
