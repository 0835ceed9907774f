"""A million lines from fifty services while the collector is killed five times: none lost, none doubled, in order,
and nobody disturbed."""
import os
import random
import re
import signal
import time

from harness import sh, until

SERVICES, LINES, LENGTH, KILLS = 50, 20000, 60, 5


def logs_million(t):
    writer = t.scene.program("log_writer")
    # A third writes line by line, a third in blocks, a third to both streams; then they stay, so that one sees
    # whether they were hurt.
    gate = t.scene.work + "/go"
    units = {f"w{number:02}": {"service": sh(
        f"until [ -e {gate} ]; do sleep 0.05; done; '{writer}' w{number:02} {LINES} {LENGTH} {('line', 'block', 'both')[number % 3]}; echo wrote $?; exec sleep 1000",
                                             restart="no")} for number in range(SERVICES)}
    units["speaks"] = {"service": sh("i=0; while :; do i=$((i+1)); echo line $i; sleep 0.01; done")}
    with t.scene.init({**units, "goal": {"target": {}}}, sections={"log": {"rotate-size": "400K",
            "rotate-keep": 100}}) as init:
        for name in units:
            init.wait(name)
        pids = {name: init.status(name)["main_pid"] for name in units}
        killed, progress = [], []
        def size():
            total = 0
            for path, _, names in os.walk(init.logs):
                for name in names:
                    try:
                        total += os.path.getsize(os.path.join(path, name))
                    except FileNotFoundError:
                        pass  # it is being rotated
            return total
        chance = random.Random()
        whole = SERVICES * LINES * (LENGTH + 37)
        open(gate, "w").close()
        began = time.monotonic()
        for number in range(KILLS):
            # Spread over the work, wherever it is then.
            goal = whole * (number + 0.2 + 0.5 * chance.random()) / (KILLS + 2)
            until(lambda: size() > goal, 60, "progress of the logs", 0.001)
            pid = init.collector()
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
            progress.append(size() * 100 // whole)
            until(lambda: init.collector() != pid, 5, "a new collector", 0.002)
        t.equal(f"the collector was killed {KILLS} times, and each time another took over", len(set(killed)), KILLS)
        t.ok("in the middle of the work", progress[-1] < 100 and progress[0] > 0, progress)
        finished = lambda name: any(line[3].startswith("wrote ") for line in tail(init, name))
        for name in units.keys() - {"speaks"}:
            until(lambda: finished(name), 60, f"the end of {name}")
        took = time.monotonic() - began
        init.call("Ping")
        t.note(f"{SERVICES * LINES} lines in {took:.1f} s, {size() >> 20} MiB; killed at {progress} %")

        lost = doubled = disordered = damaged = total = 0
        pattern = re.compile(r"^(w\d\d) (\d{9}) (x*)$")
        for name in units.keys() - {"speaks"}:
            seen = {"out": [], "err": []}
            stamps = ""
            for stamp, _, source, text in init.log(name, ("out", "err")):
                if text.startswith("wrote "):
                    damaged += text != "wrote 0"
                    continue
                match = pattern.match(text)
                if not match or match.group(1) != name or len(text) != LENGTH - 1:
                    damaged += 1
                    if damaged <= 3:
                        t.note(f"damaged line of {name}: {text[:100]!r} ({source})")
                    continue
                seen[source].append(int(match.group(2)))
                disordered += stamp < stamps
                stamps = stamp
            numbers = seen["out"] + seen["err"]
            total += len(numbers)
            lost += LINES - len(set(numbers))
            doubled += len(numbers) - len(set(numbers))
            disordered += sum(sum(a > b for a, b in zip(list, list[1:])) for list in seen.values())
        t.equal("none of a million lines is lost", (total, lost), (SERVICES * LINES, 0))
        t.equal("none is doubled", doubled, 0)
        t.equal("none is damaged, and no writer saw an error", damaged, 0)
        t.equal("their order is kept, in each stream and in time", disordered, 0)
        t.equal("no service was disturbed: the same processes, no restart",
                {name: (init.status(name)["main_pid"], init.status(name)["restarts"]) for name in units},
                {name: (pid, 0) for name, pid in pids.items()})
        lines = [int(text.split()[1]) for _, _, _, text in init.log("speaks", ("out",))]
        t.equal("one that writes now and then lost nothing either", lines, list(range(1, len(lines) + 1)))
        t.ok("the init says that its collector died", until(lambda: init.text("miniinit",
                ()).count("collector") >= KILLS, 3), init.text("miniinit", ())[-400:])
        began = time.monotonic()
        init.signal(signal.SIGTERM)
        t.equal("and it all ends in order", init.ended(20), 0)
        t.note(f"the end took {time.monotonic() - began:.1f} s")


def tail(init, name):
    """The last lines of a unit's log."""
    try:
        with open(f"{init.logs}/{name}/current", "rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - (256 << 10)))  # of two streams, one may be read later
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return []
    return [(line, "", "", line.partition(": ")[2]) for line in lines]


def logs_rotation(t):
    writer = t.scene.program("log_writer")
    units = {"much": {"service": {"type": "oneshot", "command": [writer, "m", "20000", "100"]},
                      "log": {"rotate-size": "64K", "rotate-keep": 3, "compress": False}},
             "packed": {"service": {"type": "oneshot", "command": [writer, "p", "20000", "100"]},
                        "log": {"rotate-size": "300K", "rotate-keep": 100}},
             "odd": {"service": sh(
                 r"""printf '<3>an error\n<7>a detail\n'; printf 'a NUL \000 and \377 and no end'; head -c 100000 /dev/zero | tr '\0' y""", type="oneshot")}}
    with t.scene.init({**units, "keeper": {"service": sh("exec sleep 1000")}}) as init:
        init.wait("much", "done")
        init.wait("odd", "done")
        init.wait("packed", "done")
        t.ok("rotated files are compressed: none is left as it was",
             until(lambda: {name[-4:] for name in init.log_names("packed")} == {".zst", "rent"}, 20),
             init.log_names("packed"))
        numbers = [int(text.split()[1]) for _, _, _, text in init.log("packed", ("out",))]
        t.ok("zstd reads them, and nothing is missing", numbers == list(range(20000)), len(numbers))
        shown = init.ctl("logs", "-o", "cat", "packed")
        t.equal("minictl logs shows them as if they were not", (shown.returncode, [int(line.split()[1]) for line in
                shown.stdout.splitlines() if line.startswith("p ")]), (0, list(range(20000))))
        names = sorted(os.listdir(init.logs + "/much"))
        t.equal("rotation keeps rotate-keep old files", (len([name for name in names if name.endswith(".log")]),
                                                         "current" in names), (3, True))
        t.ok("none is larger than rotate-size and what one read brings",
             all(os.path.getsize(f"{init.logs}/much/{name}") < 128 << 10 for name in names),
             [(name, os.path.getsize(f"{init.logs}/much/{name}")) for name in names])
        numbers = [int(text.split()[1]) for _, _, _, text in init.log("much", ("out",))]
        t.ok("what is left is the end, without a gap", numbers == list(range(numbers[0], 20000)), numbers[:3]
             + numbers[-3:])
        lines = init.log("odd", ())
        t.equal("<N> prefixes set the priority", [(line[1], line[3]) for line in lines[:2]],
                [("err", "an error"), ("debug", "a detail")])
        raw = open(init.logs + "/odd/current", "rb").read()
        t.ok("NUL and bytes that are no UTF-8 survive", b"a NUL \0 and \xff and no end" in raw, raw[:300])
        t.equal("a line of 100,000 bytes is split and whole", raw.count(b"y"), 100000)


def logs_limits(t):
    units = {"ages": {"service": sh("while :; do echo tick; sleep 0.1; done"), "log": {"rotate-age": "1s"}},
             "floods": {"service": sh("i=0; while [ $i -lt 5000 ]; do echo $i; i=$((i+1)); done", type="oneshot"),
                        "log": {"rate-limit": 100}},
             "quiet": {"service": sh(r"printf 'usual\n<4>a warning\n<7>a detail\n'", type="oneshot"),
                       "log": {"level": "warning"}}}
    with t.scene.init(units) as init:
        init.wait("floods", "done")
        init.wait("quiet", "done")
        def counts():
            lines = init.log("floods")
            told = sum(int(line[3].split()[0]) for line in lines if "more than its rate-limit" in line[3])
            return told, sum(line[2] == "out" for line in lines)
        told, kept = until(lambda: sum(counts()) == 5000 and counts(), 20) or counts()
        t.ok("of lines beyond the rate-limit the log tells how many", told + kept == 5000 and 100 <= kept < 5000, (told, kept))
        t.equal("lines below the level are not kept", [line[3] for line in init.log("quiet", ("out",))], ["a warning"])
        t.ok("a log is put aside at its age", until(lambda: len(init.log_names("ages")) > 2, 20), init.log_names("ages"))


def logs_console(t):
    """What is important is said where the init says things, too."""
    units = {"web": {"service": sh(r"printf 'usual\n<4>a warning\n'; echo the end >&2; exec sleep 1000")}}
    with t.scene.init(units, sections={"log": {"console-level": "warning"}}) as init:
        init.wait("web")
        t.ok("an important line is shown with its unit", until(lambda: "web: a warning" in init.console(), 10), init.console())
        init.stop("web")
        t.ok("a usual one is not", "usual" not in init.console() and "the end" not in init.console(), init.console())
    gate = t.scene.work + "/console-go"
    script = f"until [ -e {gate} ]; do sleep 0.02; done; i=0; while [ $i -lt 500 ]; do i=$((i+1)); echo $i; done; exit 3"
    with t.scene.init({"once": {"service": sh(script, type="oneshot", exit_action="shutdown")}},
                      sections={"log": {"console-level": "debug"}}) as init:
        open(gate, "w").close()
        t.equal("a container that ends at once has its exit code", init.ended(), 3)
        shown = [line.split()[1] for line in init.console().splitlines() if line.startswith("once: ")]
        t.equal("and shown all that was said before", shown, [str(number) for number in range(1, 501)])


GROUPS = [logs_rotation, logs_limits, logs_console, logs_million]
