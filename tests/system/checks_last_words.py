"""What the init says of an end comes after the last words of the run that ended: in the log, on the console, and in what a
failing `start` shows. The processors are busy meanwhile, so that a lucky order does not last."""
import contextlib
import os
import subprocess

from checks_user import UserInit
from harness import sh, until

SERVICES = 60


@contextlib.contextmanager
def busy_processors(count=4):
    loads = [subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "/bin/sh", "-c", "while :; do :; done"])
             for _ in range(count)]
    try:
        yield
    finally:
        for load in loads:
            load.kill()
            load.wait()


def lines_of(path):
    """(stamp, source, text) of a log that was never rotated."""
    with open(path) as file:
        for line in file:
            head, _, text = line.rstrip("\n").partition(": ")
            stamp, _, source = head.split(" ")
            yield stamp, source, text


def misplaced(lines):
    """(ends that were told, those of them that were told before the last words of their run)."""
    ends, early, words, last = 0, 0, 0, ""
    for stamp, source, text in lines:
        words += source == "out" and text.startswith("dying")
        if source == "init" and "exit code 9" in text:
            ends += 1
            early += ends > words or stamp < last
        last = stamp
    return ends, early


def dying(count=SERVICES, **more):
    """So many services that say something, end, and are started again without end."""
    service = {**sh("echo dying; echo dying to see you >&2; exit 9", restart="always", restart_limit=0,
                    restart_delay="20ms", restart_delay_max="20ms"), **more}
    return {f"d{number:02}": {"service": service} for number in range(count)}


def ends_of(logs):
    found = [misplaced(lines_of(f"{logs}/{name}/current")) for name in os.listdir(logs)
             if name.startswith("d") and os.path.exists(f"{logs}/{name}/current")]
    return sum(one[0] for one in found), sum(one[1] for one in found)


def last_words(t):
    with busy_processors(), t.scene.init(dying()) as init:
        until(lambda: ends_of(init.logs)[0] >= 1000, 120, "1,000 ends", 0.2)
        t.equal("of 1,000 ends none is told before the last words of its run", ends_of(init.logs)[1], 0)
        client = init.client()
        client.send("Events", more=True)
        before = ends_of(init.logs)[0]
        until(lambda: ends_of(init.logs)[0] >= before + 200, 60, "200 more ends", 0.2)
        t.equal("with a client that listens neither", ends_of(init.logs)[1], 0)
        client.close()
        os.kill(init.collector(), 9)
        before = ends_of(init.logs)[0]
        until(lambda: ends_of(init.logs)[0] >= before + 200, 60, "200 more ends", 0.2)
        t.equal("nor after the collector was killed", ends_of(init.logs)[1], 0)
        init.ctl("reexec")
        before = ends_of(init.logs)[0]
        until(lambda: ends_of(init.logs)[0] >= before + 200, 60, "200 more ends", 0.2)
        t.equal("nor after the init was executed anew", ends_of(init.logs)[1], 0)


def last_words_of_a_user(t):
    with busy_processors(), UserInit(t, dying()) as init:
        until(lambda: os.path.isdir(init.logs) and ends_of(init.logs)[0] >= 300, 120, "300 ends", 0.2)
        t.equal("in user mode neither", ends_of(init.logs)[1], 0)


def last_words_on_the_console(t):
    names = [f"d{number}" for number in range(8)]
    units = {name: {"service": sh("echo dying; exit 9", type="oneshot", restart="no")} for name in names}
    with busy_processors(), t.scene.init({**units, "stays": {"service": sh("exec sleep 1000")}}, sections={"log": {"console-level": "info"}},
                                         ) as init:
        init.wait("stays")
        until(lambda: all(init.state(name) == "failed" for name in names), 10, "the first runs")  # or the first start is theirs
        for _ in range(20):  # and once as the init came up
            init.start(*names)
        until(lambda: init.console().count("exit code 9") >= 168, 20, "168 ends on the console")
        ends, words, early = 0, {}, []
        for line in init.console().splitlines():
            if line.endswith(": dying"):
                words[line[:2]] = words.get(line[:2], 0) + 1
            elif "exit code 9" in line:
                name = line.split()[1]
                words[name] = words.get(name, 0) - 1
                ends += 1
                early += [line] if words[name] < 0 else []
        t.equal("on the console the end comes last, too", (ends, early), (168, []))


def words_of_this_run(t):
    # What it says differs from run to run.
    count = t.scene.work + "/count"
    with open(count, "w") as file:
        file.write("0")
    text = f"n=$(($(cat {count}) + 1)); echo $n >{count}; echo run number $n; exit 3"
    units = {"fails": {"enabled": False, "service": sh(text, type="oneshot", restart="no")},
             "needs": {"enabled": False, "requires": ["fails"], "after": ["fails"], "service": sh("exec sleep 1000")},
             "stays": {"service": sh("exec sleep 1000")}}
    with t.scene.init(units) as init:
        init.wait("stays")
        for number in (1, 2, 3):
            shown = init.ctl("start", "fails").stderr
            t.ok(f"start number {number} shows what this run said, and nothing of one before",
                 [line.split("run number ")[1] for line in shown.splitlines() if "run number" in line] == [str(number)],
                 shown)
        shown = init.ctl("start", "needs").stderr
        t.ok("and so does the start of what requires it",
             [line.split("run number ")[1] for line in shown.splitlines() if "run number" in line] == ["4"], shown)


GROUPS = [last_words, last_words_of_a_user, last_words_on_the_console, words_of_this_run]
