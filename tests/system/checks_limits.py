"""Every limit that an init may inherit, at nothing, little and the usual, in each of its roles: it says what is too little and
ends, or a unit starts with the limits that were there, is heard, is stopped, and the init ends in order."""
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time

from harness import FORBIDDEN, NOBODY, SANITIZERS, sh, toml, until

KIB, MIB = 1 << 10, 1 << 20
# By the name prlimit(1) has for it: the row of /proc/PID/limits, and what it is set to.
LIMITS = {"as": ("Max address space", (0, 4 * MIB, 40 * MIB, 512 * MIB, 4096 * MIB)),
          "core": ("Max core file size", (0, 4 * KIB, 100 * MIB)),
          "cpu": ("Max cpu time", (0, 5, 3600)),
          "data": ("Max data size", (0, 2 * MIB, 16 * MIB, 4096 * MIB)),
          "fsize": ("Max file size", (0, 64 * KIB, MIB, 16 * MIB, 64 * MIB, 1024 * MIB)),
          "memlock": ("Max locked memory", (0, 4 * KIB, 8 * MIB)),
          "msgqueue": ("Max msgqueue size", (0, 100, 819200)),
          "nofile": ("Max open files", (0, 8, 24, 64, 1024)),
          "nproc": ("Max processes", (0, 2, 3000)),
          "rtprio": ("Max realtime priority", (0, 1)),
          "sigpending": ("Max pending signals", (0, 1, 10000)),
          "stack": ("Max stack size", (0, 64 * KIB, 256 * KIB, 8 * MIB))}
PROMPT = 20  # seconds, for a machine that is busy


def table():
    for name, (row, values) in LIMITS.items():
        for value in values:
            if SANITIZERS and name in ("as", "data", "stack"):
                continue  # what a sanitizer takes is another matter
            yield name, row, value


def row_of(text, row):
    return next((line.split()[len(row.split()):][:2] for line in text.splitlines() if line.startswith(row)), None)


def under(name, value, *command):
    return ["prlimit", f"--{name}={value}:{value}", *command]


def loaded_size(path):
    """How much address space the program takes as the kernel loads it (elf(5), 64 bits, PT_LOAD)."""
    with open(path, "rb") as file:
        head = file.read(64)
        table, size, count = struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head, 54)
        file.seek(table)
        rows = [struct.unpack_from("<IIQQQQQ", file.read(size)) for _ in range(count)]
    loads = [(row[3], row[3] + row[6]) for row in rows if row[0] == 1]
    return max(end for _, end in loads) - min(begin for begin, _ in loads)


def anything_runs(name, value, binary):
    """Whether a program can run at all with that: what the kernel or the loader says then is not ours to say better."""
    if name == "as" and loaded_size(binary) + MIB // 4 > value:  # with a stack, and little else
        return False
    return subprocess.run(under(name, value, "/bin/sh", "-c", "/bin/true; exit 0"), stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def is_clear(words, name, value, binary):
    """Whether it was said why. At the hard limit of processor time the kernel may be quicker; a loader speaks for itself."""
    return "cannot" in words or "error while loading" in words or (name, value) == ("cpu", 0) or \
        not anything_runs(name, value, binary)


class Run:
    """One init, or a single command, whose words go through a pipe: a file would be subject to the limit."""

    def __init__(self, t, name, value, arguments, user=None, first=False):
        self.binary = t.scene.binary
        # `first`: as PID 1, whom the kernel keeps from much; else with a shell above it that passes SIGTERM on.
        # A wait that the signal ends says so; the next one tells how it ended.
        shell = 'trap "told=1; kill -TERM \\$p" TERM; "$@" & p=$!; wait $p; code=$?; ' \
                '[ -z "$told" ] || { wait $p; code=$?; }; exit $code'
        who = [f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        line = ["setpriv", "--pdeathsig", "KILL", "unshare", "-p", "-f", "--kill-child", "-m", "--propagation", "private",
                "--mount-proc", *([] if first else ["/bin/sh", "-c", shell, "sh"]), "setpriv", *who, "--bounding-set=" + FORBIDDEN + ",-sys_resource",
                "--inh-caps=" + FORBIDDEN + ",-sys_resource", *under(name, value, t.scene.binary, *arguments)]
        self.process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env={"PATH": os.environ["PATH"], **SANITIZERS})
        os.set_blocking(self.process.stdout.fileno(), False)
        self.words = b""

    def output(self):
        while True:
            try:
                more = os.read(self.process.stdout.fileno(), 1 << 16)
            except BlockingIOError:
                more = b""
            if not more:
                return self.words.decode(errors="replace")
            self.words += more

    def ended(self):
        self.output()
        return self.process.poll() is not None

    def terminate(self):
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        try:
            with open(path) as file:
                os.kill(int(file.read().split()[0]), signal.SIGTERM)
        except (OSError, IndexError):
            pass  # it ends already

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def of_an_init(t, role, name, row, value):
    """None: all is well; else what is not."""
    work = tempfile.mkdtemp(prefix="limit-", dir=t.scene.work)
    user = NOBODY if role == "user" else None
    try:
        os.chown(work, user or 0, user or 0)
        with open(work + "/config.toml", "w") as file:
            file.write(toml({"shows": {"service": sh("cat /proc/self/limits; echo shown; exec sleep 1000")}}))
        run = Run(t, name, value, ["--" + role, "--config", work + "/config.toml", "--run-dir", work + "/run", "--log-dir",
                                   work + "/log", "--control", work + "/control"], user, role == "container")
        try:
            return judge_init(run, work + "/log/shows/current", name, row, value)
        finally:
            run.close()
    finally:
        shutil.rmtree(work, ignore_errors=True)


def judge_init(run, path, name, row, value):
    def log():
        try:
            with open(path, errors="replace") as file:
                return file.read()
        except OSError:
            return ""
    until(lambda: run.ended() or ": shown" in log(), PROMPT)
    if run.ended():
        clear = is_clear(run.output(), name, value, run.binary)
        return None if run.process.returncode != 0 and clear else f"ended with {run.process.returncode}: {run.output()[-300:]!r}"
    if ": shown" not in log():
        return f"neither ends nor starts anything: {run.output()[-300:]!r} {log()[-200:]!r}"
    got = row_of("\n".join(line.partition(": ")[2] for line in log().splitlines()), row)
    wanted = row_of(subprocess.run(under(name, value, "cat", "/proc/self/limits"), text=True, capture_output=True).stdout, row)
    if got != wanted:
        return f"a service has the limit {got} instead of {wanted}"
    run.terminate()
    if not until(run.ended, PROMPT):
        return f"does not end: {run.output()[-300:]!r}"
    return None if run.process.returncode == 0 else f"ends with {run.process.returncode}: {run.output()[-300:]!r}"


def of_a_command(t, name, row, value):
    run = Run(t, name, value, ["--", "/bin/sh", "-c", "echo here; exit 7"])
    try:
        if not until(run.ended, PROMPT):
            return f"does not end: {run.output()[-300:]!r}"
        words, code = run.output(), run.process.returncode
        if code == 7 and "here" in words:
            return None
        clear = is_clear(words, name, value, t.scene.binary)
        return None if code != 0 and clear else f"ended with {code}: {words[-300:]!r}"
    finally:
        run.close()


def check_all(t, role, judge):
    for name, row, value in table():
        wrong = judge(name, row, value)
        t.ok(f"{role} with RLIMIT_{name.upper()} = {value}: works with it, or says so and ends", wrong is None, wrong or "")


def limits_container(t):
    check_all(t, "a container's init", lambda *limit: of_an_init(t, "container", *limit))


def limits_user(t):
    check_all(t, "a user's manager", lambda *limit: of_an_init(t, "user", *limit))


def limits_command(t):
    check_all(t, "the init of one command", lambda *limit: of_a_command(t, *limit))


def limits_minictl(t):
    with t.scene.init({"rests": {"service": sh("exec sleep 1000")}}) as init:
        init.wait("rests")

        def judge(name, _, value):
            done = subprocess.run(under(name, value, t.scene.minictl, "status", "rests"), text=True, capture_output=True,
                                  stdin=subprocess.DEVNULL, timeout=PROMPT,
                                  env={"PATH": os.environ["PATH"], "MINIINIT_CONTROL": init.control, **SANITIZERS})
            good = done.returncode == 0 and "rests" in done.stdout
            # With no processor time at all the kernel kills whatever it meets running.
            clear = done.returncode > 0 and done.stderr or (name, value) == ("cpu", 0) or \
                not anything_runs(name, value, t.scene.binary)
            return None if good or clear else f"{done.returncode}: {done.stdout[-200:]!r} {done.stderr[-200:]!r}"
        check_all(t, "minictl", judge)


def limits_kept(t):
    """What the init has raised for itself it gives its services as it was, and so does the next program."""
    shown = {"service": sh("ulimit -Sf; ulimit -Hf; ulimit -Sn; ulimit -Hn; echo shown; exec sleep 1000")}
    with t.scene.init({"shows": shown, "rests": {"service": sh("exec sleep 1000")}},
                      before=["prlimit", f"--fsize={16 * MIB}:{512 * MIB}", "--nofile=100:500"]) as init:
        def values():
            return [text for _, _, _, text in init.log("shows", ("out",))]
        until(lambda: "shown" in values(), 10, "the first run")
        inherited = [str(16 * MIB // 512), str(512 * MIB // 512), "100", "500", "shown"]
        t.equal("a service gets the limits that the init was started with", values(), inherited)
        with open(f"/proc/{init.pid()}/limits") as file:
            own = file.read()
        t.equal("the init's own soft ones are raised", (row_of(own, "Max file size"), row_of(own, "Max open files")),
                ([str(512 * MIB)] * 2, ["500"] * 2))
        rests = init.wait("rests")["main_pid"]
        t.equal("executed anew it goes on, in as little room", (init.ctl("reexec").returncode, init.status("rests")["main_pid"]),
                (0, rests))
        init.ask("Restart", "shows")
        until(lambda: values().count("shown") == 2, 10, "the second run")
        t.equal("and still gives services what the first had found", values(), 2 * inherited)


def limits_long_lines(t):
    """Unfinished lines are held in memory that is a file to the kernel: where it may not grow they are split, and all is kept."""
    script = "i=0; while [ $i -lt 400 ]; do printf '%02000d' $i; i=$((i+1)); sleep 0.002; done; echo; exec sleep 1000"
    units = {f"l{number:02}": {"service": sh(script)} for number in range(20)}
    with t.scene.init(units, before=["prlimit", f"--fsize={8 * MIB}:{8 * MIB}"]) as init:
        def whole(name):
            return "".join(line[3] for line in init.log(name, ("out",))) == "".join(f"{i:02000}" for i in range(400))
        for name in units:
            t.ok(f"{name}: 800,000 bytes without an end are all there", until(lambda: whole(name), 30))


def limits_rotation(t):
    """A log that may not grow to rotate-size is rotated before."""
    writer = t.scene.program("log_writer")
    units = {"much": {"service": {"type": "oneshot", "command": [writer, "m", "100000", "180"]},
                      "log": {"rotate-size": "100M", "rotate-keep": 100, "compress": False}}}
    with t.scene.init(units, before=["prlimit", f"--fsize={8 * MIB}:{8 * MIB}"]) as init:
        init.wait("much", "done", 60)
        got = [int(text.split()[1]) for _, _, _, text in init.log("much", ("out",))]
        t.ok("20 MB of log with files of 8 MiB at most: no line is lost", got == list(range(100000)), (len(got), got[-3:]))


def limits_signals(t):
    """What the kernel sends the init for what it does itself is no message to the command; what people send is."""
    script = "trap 'echo got XFSZ' XFSZ; trap 'echo got XCPU' XCPU; trap 'echo got PIPE' PIPE; echo ready; " \
             "until [ -e {gate} ]; do sleep 0.05; done; echo over"
    for role, units in (("the init of one command", False), ("a container's init", True)):
        work = tempfile.mkdtemp(prefix="limit-", dir=t.scene.work)
        gate = work + "/go"
        arguments = ["--", "/bin/sh", "-c", script.format(gate=gate)]
        if units:
            with open(work + "/config.toml", "w") as file:
                file.write(toml({"rests": {"service": sh("exec sleep 1000")}}))
            arguments = ["--config", work + "/config.toml", "--run-dir", work + "/run", "--log-dir", work + "/log",
                         "--control", work + "/control", *arguments]
        run = Run(t, "fsize", 16 * MIB if units else 0, arguments)
        try:
            until(lambda: "ready" in run.output(), PROMPT, "the command")
            time.sleep(0.3)
            t.ok(f"{role}: a limit that it has met itself is no signal to the command", "got" not in run.output(), run.output())
            shell = int(open(f"/proc/{run.process.pid}/task/{run.process.pid}/children").read().split()[0])
            init = int(open(f"/proc/{shell}/task/{shell}/children").read().split()[0])
            for word in ("XFSZ", "XCPU", "PIPE"):
                os.kill(init, getattr(signal, "SIG" + word))
                t.ok(f"{role}: SIG{word} that somebody sends is passed on", until(lambda: "got " + word in run.output(), 10),
                     run.output())
            open(gate, "w").close()
            t.ok(f"{role}: it ends as the command does", until(run.ended, PROMPT) and run.process.returncode == 0, run.output())
        finally:
            run.close()
            shutil.rmtree(work, ignore_errors=True)


GROUPS = [limits_container, limits_user, limits_command, limits_minictl, limits_kept, limits_long_lines, limits_rotation, limits_signals]
