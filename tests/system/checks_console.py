"""What services say is the output of the container: which of it, where, how, and what a reader costs that is slow."""
import base64
import json
import os
import re
import signal
import threading
import time

from harness import sh, until

LONG = os.environ.get("MINIINIT_LONG") == "1"


def lines_of(path):
    with open(path, "rb") as file:
        return file.read().split(b"\n")[:-1]


class Apart:
    """An init whose stdout is a file of its own."""

    def __init__(self, t, units, **rest):
        self.path = f"{t.scene.work}/stdout-{id(self)}"
        with open(self.path, "wb") as stdout:
            self.init = t.scene.init(units, stdout=stdout, **rest)

    def __enter__(self):
        return self.init, lambda: lines_of(self.path)

    def __exit__(self, *_):
        self.init.close()
        os.unlink(self.path)


class Reader(threading.Thread):
    """Reads a pipe to its end."""

    def __init__(self, descriptor):
        super().__init__(daemon=True)
        self.descriptor, self.pieces = descriptor, []

    def run(self):
        with open(self.descriptor, "rb", buffering=0) as file:
            while piece := file.read(1 << 16):
                self.pieces.append(piece)

    @property
    def text(self):
        return b"".join(self.pieces)


def console_apart(t):
    units = {"web": {"service": sh("echo said; echo complained >&2; printf '<7>too fine\\n'; exec sleep 1000"),
                     "health": {"command": ["/bin/sh", "-c", "echo probed"], "interval": "100ms"}},
             "free": {"service": sh("echo free; exec sleep 1000"), "process": {"stdout": "inherit"}},
             "bad": {"service": {"command": ["/none/such"], "restart": "no"}}}
    with Apart(t, units) as (init, stdout):
        init.wait("web")
        init.wait_failed("bad")
        until(lambda: b"web: said" in stdout() and b"free" in stdout(), 10, "what was said")
        until(lambda: "web: complained" in init.console() and "/none/such" in init.console(), 10, "what was said to stderr")
        init.stop("web", "free")
        t.equal("what came by stdout goes to stdout, and what a unit inherits is there once", sorted(stdout()),
                [b"free", b"web: said"])
        t.ok("what came by stderr goes to stderr, with what the init says",
             "web: said" not in init.console() and init.console().count("web: complained") == 1, init.console())
        t.equal("the log of a unit has it as well", sorted(line[3] for line in init.log("web", ("out", "err"))),
                ["complained", "said", "too fine"])
        t.ok("and what its probe says is there only", [line[3] for line in init.log("web", ("health",))][:1] == ["probed"]
             and "probed" not in init.console())
    with Apart(t, {"web": {"service": sh("echo said; exec sleep 1000")}}, sections={"log": {"console-level": "off"}}) as (init, stdout):
        init.wait("web")
        init.text("web", once="said")
        init.stop("web")
        t.equal("`console-level` off: nothing of it", stdout(), [])


ODD = rb"a\377b \033[2J \000 \011 \042\134 \302\200 \342\200\256 \360\237\230\200 end"
SEEN = b"a\xffb \x1b[2J \0 \t \"\\ \xc2\x80 \xe2\x80\xae \xf0\x9f\x98\x80 end"


def console_json(t):
    script = f"printf '{ODD.decode()}\\n'; printf '<3>bad\\n' >&2; head -c 200000 /dev/zero | tr '\\0' '\\001'; echo; printf 'no end'"
    units = {"odd": {"service": sh(script, type="oneshot")},
             "bad": {"service": {"command": ["/none/such"], "restart": "no"}}}
    with Apart(t, units, sections={"log": {"console-format": "json"}}) as (init, stdout):
        init.wait("odd", "done")
        init.wait_failed("bad")
        until(lambda: any(b'"no end"' in line for line in stdout()), 15, "the last of it")
        said = [json.loads(line) for line in stdout()]
        t.equal("json: one object a line, with time, unit, stream, priority and text",
                [(line["unit"], line["stream"], line["priority"]) for line in said], [("odd", "out", "info")] * len(said))
        t.ok("the time is that of the log", all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["time"]) for line in said))
        t.equal("what is not UTF-8 is in base64, too", base64.b64decode(said[0]["base64"]), SEEN)
        t.equal("what is, is what it was", said[0]["text"], SEEN.decode(errors="replace"))
        t.equal("a line beyond 48 KiB comes in pieces that say so", ("".join(line["text"] for line in said[1:-1]),
                [line.get("unended", False) for line in said[1:]]), ("\1" * 200000, [True] * (len(said) - 3) + [False, True]))
        until(lambda: "/none/such" in init.console(), 10, "what the init says")
        said = [json.loads(line) for line in init.console().splitlines()]
        t.ok("to stderr the same, also what the init says itself",
             {("odd", "err", "bad"), ("miniinit", "init", "bad failed: canno")} <=
             {(line["unit"], line["stream"], line["text"][:17]) for line in said}, said)
        t.equal("with its priority", [line["priority"] for line in said if line["text"] == "bad"], ["err"])


def console_iso(t):
    with Apart(t, {"web": {"service": sh("printf '<4>said\\n'; exec sleep 1000")}}, sections={"log": {"console-format": "iso"}}) as (init, stdout):
        init.wait("web")
        until(stdout, 10, "a line")
        t.ok("iso: with time, priority and stream", re.fullmatch(rb"\d{4}-\d\d-\d\dT\S+Z web warning out: said", stdout()[0]), stdout())
    master, slave = os.openpty()
    units = {"web": {"service": sh("echo said; exec sleep 1000")}}
    for env, name, expected in (({}, "on a terminal units are in colour", rb"\x1b\[\d+mweb\x1b\[0m: said\r\n"),
                                ({"NO_COLOR": "1"}, "but not with NO_COLOR", rb"web: said\r\n")):
        with t.scene.init(units, stdout=slave, env=env) as init:
            init.wait("web")
            shown = b""
            while not shown.endswith(b"said\r\n"):
                shown += os.read(master, 100)
            t.ok(name, re.fullmatch(expected, shown), shown)
            init.stop("web")
    os.close(master)
    os.close(slave)


def counting(count, unit="c", **more):
    return {"service": sh(f"exec seq -f 'a line of {unit} that is as long as many are: %.0f' {count}", type="oneshot", **more)}


def console_flood(t):
    count = 200_000 if LONG else 20_000
    units = {f"c{number}": counting(count, f"c{number}") for number in range(10)}
    units["last"] = {"requires": list(units), "service": sh("echo bye; exit 7", type="oneshot", exit_action="shutdown")}
    reading, writing = os.pipe()
    with t.scene.init(units, stdout=writing, sections={"log": {"console-format": "json", "total-size": "1G"}}, wait=False) as init:
        t.ok("the output stays as it was for others that have it", os.get_blocking(writing))
        os.close(writing)
        reader = Reader(reading)
        time.sleep(0.5)  # it is late
        reader.start()
        t.equal("ten services that say very much end", init.ended(600), 7)
        reader.join(60)
        found, wrong = {}, 0
        for line in reader.text.split(b"\n")[:-1]:
            said = json.loads(line)
            number = found.setdefault(said["unit"], 0) + 1
            wrong += said["text"] != (f"a line of {said['unit']} that is as long as many are: {number}" if said["unit"] != "last" else "bye")
            found[said["unit"]] = number
        t.equal("and who reads the output has all of it, in order", (found, wrong),
                ({**{f"c{number}": count for number in range(10)}, "last": 1}, 0))


def console_after_kills(t):
    """Lines that go with a collector are in the logs, and counted."""
    reading, writing = os.pipe()
    gate = t.scene.work + "/kills-over"
    script = f"i=0; while [ ! -e {gate} ]; do seq -f 'line %.0f' $i $((i+999)); i=$((i+1000)); done; echo $i"
    with t.scene.init({"c": {"service": sh(script, type="oneshot")}}, stdout=writing) as init:
        os.close(writing)
        reader = Reader(reading)
        reader.start()
        for _ in range(10):
            seen = len(reader.text)
            until(lambda: len(reader.text) > seen + 10_000, 30)
            os.kill(init.collector(), signal.SIGKILL)
        open(gate, "w").close()
        init.wait("c", "done", 60)
        until(lambda: init.log("c", ("out",))[-1][3].isdigit(), 30)
        count = int(init.log("c", ("out",))[-1][3]) + 1
        t.equal("ten collectors are killed, and the log has each line", len(init.log("c", ("out",))), count)
        init.signal(15)
        init.ended()
        reader.join(30)
        lines = reader.text.decode().splitlines()
        shown = {line for line in lines if line.startswith("c: ")}
        missing = sum(int(line.split()[1]) for line in lines if line.endswith("in the logs"))
        t.ok("the output has each line, or says that it is missing", len(shown) + missing >= count and len(shown) > 0,
             (len(shown), missing, count))
        t.ok("and no line is torn", all(re.fullmatch(r"c: (line )?\d+", line) for line in shown), len(shown))


def console_nobody_reads(t):
    count = 100_000
    units = {f"c{number}": counting(count, f"c{number}") for number in range(3)}
    reading, writing = os.pipe()
    with t.scene.init(units, stdout=writing) as init:
        os.close(writing)
        for unit in units:
            init.wait(unit, "done", 60)
        t.ok("services whose output is not read end all the same", True)
        t.equal("the logs have all they said", [sum(line[2] == "out" for line in init.log(unit)) for unit in units], [count] * 3)
        t.ok("the init says that it is not read", until(lambda: "the output is not read" in init.console(), 10), init.console())
        reader = Reader(reading)
        reader.start()
        until(lambda: b"in the logs" in reader.text, 20, "what is missing")
        lines = reader.text.decode().splitlines()
        missing = sum(int(line.split()[1]) for line in lines if line.endswith("in the logs"))
        t.equal("who reads again is told how many lines are missing", sum(line[0] == "c" for line in lines) + missing, 3 * count)
        t.ok("and so is the log of the init", until(lambda: f"{missing} lines were left out there" in init.console(), 10),
             init.console())
        init.signal(15)
        t.equal("the container ends", init.ended(), 0)
    reading, writing = os.pipe()
    units = {"c": counting(count), "last": {"requires": ["c"], "service": sh("exit 3", type="oneshot", exit_action="shutdown")}}
    with t.scene.init(units, stdout=writing, wait=False) as init:
        os.close(writing)
        began = time.monotonic()
        t.equal("also while nobody reads", init.ended(60), 3)
        t.ok("and in time", time.monotonic() - began < 30, time.monotonic() - began)
    os.close(reading)


GROUPS = [console_apart, console_json, console_iso, console_flood, console_after_kills, console_nobody_reads]
