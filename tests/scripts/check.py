"""The scripts for developers, each in a copy of the tree that has just what it needs, with small programs in the place of
what takes long: what they say while they work, and what they leave behind when they are interrupted."""

import contextlib
import io
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/bench"))

from progress import Progress  # noqa: E402

passed = failed = 0


def check(sentence, good, found=""):
    global passed, failed
    if good:
        passed += 1
        print(f"ok - {sentence}", flush=True)
    else:
        failed += 1
        print(f"not ok - {sentence}: {found!r}", flush=True)


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@contextlib.contextmanager
def tree(*scripts):
    """A directory with these scripts of the tree, which take it for the tree."""
    with tempfile.TemporaryDirectory(prefix="miniinit-scripts-") as directory:
        place = Path(directory)
        (place / "scripts").mkdir()
        for name in scripts:
            shutil.copy(ROOT / "scripts" / name, place / "scripts" / name)
        yield place


def program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def run(place, *words, **more):
    return subprocess.run([str(word) for word in words], cwd=place, capture_output=True, text=True, timeout=60,
                          check=False, **more)


def processes_in(place):
    """The processes whose command line names the directory."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if int(entry.name) != os.getpid() and str(place).encode() in (entry / "cmdline").read_bytes():
                found.append(entry.name)
    return found


def in_session(leader):
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if os.getsid(int(entry.name)) == leader:
                found.append(int(entry.name))
    return found


# --- scripts/progress -------------------------------------------------------------------------------------------------


def check_lines():
    """Elsewhere than on a terminal."""
    with tree("progress") as place:
        # It goes on when the line about the second step is there, so that no speed matters.
        step = program(place / "step", """for i in 1 2; do echo "[$i/7] Building something"; done
while ! grep -q '2/7' said; do sleep 0.1; done""")
        with open(place / "said", "w", encoding="utf-8") as said:
            code = subprocess.run(["scripts/progress", "--announce", "--every", "1", "--usually", "90", "build it", "log", step],
                                  cwd=place, stderr=said, timeout=60, check=False).returncode
        lines = (place / "said").read_text().splitlines()
        check("scripts/progress says beforehand how long it takes, and where the log is",
              lines[0] == "build it: about 1 min 30 s on two processors; log: log", lines)
        check("without a terminal it says now and then how far ninja is, with the name of the log",
              code == 0 and any(re.fullmatch(r"build it: \[2/7\], \d+ s \(about .*\) \(log: log\)", line) for line in lines), lines)
        check("it says how long it took", re.fullmatch(r"build it: done in \d+ s", lines[-1]), lines)
        again = run(place, "scripts/progress", "--announce", "build it", "log", "true").stderr
        check("the next time it says how long it usually takes", again.startswith("build it: usually "), again)
        code = run(place, "scripts/progress", "--every", "1", "it", "log", "sleep", "2.2").stderr.splitlines()
        check("of what tells nothing it says how long it has taken so far", code and
              all(re.fullmatch(r"it: \d s \(log: log\)", line) for line in code), code)
        check("what is quickly done says nothing unless it is asked to",
              run(place, "scripts/progress", "it", "log", "true").stderr == "")
        bad = run(place, "scripts/progress", "--announce", "other", "log", "sh", "-c", "echo 'not ok - x'; exit 7")
        check("its exit status is that of the command", bad.returncode == 7 and "failed after" in bad.stderr, bad)
        check("the output of the command is in the log", (place / "log").read_text() == "not ok - x\n")
        check("the time of what failed is not kept",
              run(place, "scripts/progress", "--expect", "other", "30").stdout == "about 30 s on two processors\n")


def on_terminal(place, words, until, key=None):
    """What a command writes to a terminal; `key` is pressed when `until` has been written."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(place)
        os.execv(words[0], [str(word) for word in words])
    said = b""
    with contextlib.suppress(OSError):  # EIO: nobody has it open any more
        while some := os.read(terminal, 4096):
            said += some
            if key and until in said:
                os.write(terminal, key)
                key = None
    os.close(terminal)
    return said.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def check_terminal():
    with tree("progress") as place:
        step = program(place / "step", "echo '[3/9] Linking'; sleep 1.5")
        said, code = on_terminal(place, ["scripts/progress", "build it", "log", step], b"3/9")
        check("on a terminal one line changes, and shows ninja's counter", "\r\x1b[Kbuild it: [3/9], 1 s" in said, said)
        check("nothing of it is left in the end", code == 0 and said.endswith("\r\x1b[K") and "\n" not in said, said)
        step = program(place / "step", "echo 'ok - one'; echo 'not ok - two'; exec sleep 100")
        said, code = on_terminal(place, ["scripts/progress", "suite", "log", step], b"2 checks", b"\x03")
        check("of a suite of tests it shows how many checks are done", "suite: 2 checks" in said, said)
        check("Ctrl-C ends it with the command", code == 130 and wait_for(lambda: not processes_in(place)), code)


def check_killed():
    with tree("progress") as place:
        one = subprocess.Popen(["scripts/progress", "it", place / "log", "sh", "-c", f"echo here; exec tail -f {place}/log"],
                               cwd=place, stderr=subprocess.DEVNULL, start_new_session=True)
        started = wait_for(lambda: (place / "log").exists() and "here" in (place / "log").read_text())
        one.kill()
        one.wait()
        for pid in in_session(one.pid):
            with contextlib.suppress(OSError):  # it has ended by itself
                if b"tail" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
        check("if it is killed, nothing goes on speaking of progress",
              started and wait_for(lambda: not in_session(one.pid)), in_session(one.pid))


def check_bench():
    now, said = [0], io.StringIO()
    with tree("progress"), contextlib.redirect_stdout(said):
        progress = Progress(said, clock=lambda: now[0])
        progress.begin("start", 1, 3, False, 60)
        for now[0] in (1, 19, 20, 30, 41):
            progress.at("round 2 of 9, miniinit")
    lines = said.getvalue().splitlines()
    check("scripts/bench says which part of how many it measures", lines[0].startswith("start (1 of 3, "), lines)
    check("without a terminal it says every 20 s how far it is",
          lines[1:] == ["start: round 2 of 9, miniinit, 20 s", "start: round 2 of 9, miniinit, 41 s"], lines)


# --- scripts/build, scripts/test, scripts/boot ------------------------------------------------------------------------


def with_tools(place):
    return {**os.environ, "PATH": f"{place}/tools:{os.environ['PATH']}"}


def check_build():
    with tree("progress", "build") as place:
        program(place / "tools/cmake", 'echo "cmake $*"')
        done = run(place, "scripts/build", "arm64", "miniinit", env=with_tools(place))
        check("scripts/build builds the targets of a preset, with its log in build/",
              done.returncode == 0 and (place / "build/arm64.log").read_text() ==
              "cmake --preset arm64\ncmake --build --preset arm64 --target miniinit\n", done)
        check("it says how long that usually takes, and how long it took",
              re.search(r"^build arm64: about .*; log: build/arm64.log\n.*done in", done.stderr, re.S), done)
        program(place / "tools/cmake", 'echo "src/x.cpp:3:1: error: no such thing"; exit 3')
        done = run(place, "scripts/build", env=with_tools(place))
        check("of a build that fails it shows the errors", done.returncode == 3 and "no such thing" in done.stderr, done)


def check_test():
    with tree("progress", "build", "test") as place:
        program(place / "scripts/bootstrap", "")
        program(place / "scripts/lint", "")
        done = run(place, "scripts/test", "lint")
        lines = done.stdout.splitlines()
        check("scripts/test says beforehand how long it takes, and where the logs are",
              re.fullmatch(r"Testing lint: about .* on two processors\. Whole logs are in build/test-logs/\.", lines[0]), lines)
        check("it says how long it took, before its last line", lines[-2].startswith("This took ") and
              lines[-1] == "1 passed, 0 failed" and done.returncode == 0, lines)
        check("the next time it says how long it usually takes",
              run(place, "scripts/test", "lint").stdout.startswith("Testing lint: usually "))


def check_boot():
    with tree("progress", "build", "boot") as place:
        program(place / "scripts/bootstrap", "")
        program(place / "tools/cmake", "echo '[1/2] Building'")
        (place / "tests/boot").mkdir(parents=True)
        (place / "tests/boot/smoke.py").write_text("print('1 passed, 0 failed')")
        for name in ("qemu/image", "qemu/run"):
            program(place / name, f"echo {name}")
        done = run(place, "scripts/boot", env=with_tools(place))
        smoke = run(place, "scripts/boot", "--smoke", env=with_tools(place))
        check("scripts/boot --smoke says how long it takes, and in the end how long it took",
              re.search(r"^boot --smoke: about .*^boot --smoke: took \d+ s$", smoke.stderr, re.S | re.M) and
              smoke.stdout == "1 passed, 0 failed\n", smoke)
        check("scripts/boot says how long the build takes, how far it is, and that it boots", done.returncode == 0 and
              re.search(r"build release: about .*\n.*build release: done in .*\n.*Booting\.", done.stderr, re.S), done)


# --- a build that is interrupted ---------------------------------------------------------------------------------------

PROJECT = f"""cmake_minimum_required(VERSION 3.25)
project(try C)
include({ROOT}/scripts/cmake/publish.cmake)
add_executable(try try.c)
publish(try)
install(PROGRAMS ${{CMAKE_BINARY_DIR}}/try DESTINATION sbin)
"""
# Writes half of what it is to write, says so, and is slow with the rest.
SLOW_STRIP = """while [ $# -gt 2 ]; do shift; done
head -c 5000 "$2" >"${out:=try.new}"; chmod 755 "$out"; : >half; sleep 100"""


def interrupted(place, how):
    """A build in its own session that is ended in the middle of writing the program."""
    (place / "b/half").unlink(missing_ok=True)
    program(place / "strip", SLOW_STRIP)
    build = subprocess.Popen(["cmake", "--build", "b"], cwd=place, stdout=subprocess.DEVNULL, start_new_session=True)
    reached = wait_for((place / "b/half").exists)
    if how == signal.SIGINT:
        os.killpg(build.pid, how)  # cmake and ninja, as the terminal does; ninja ends its children
    else:
        for pid in in_session(build.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
    build.wait()
    return reached and wait_for(lambda: not in_session(build.pid))


def check_interrupted():
    with tempfile.TemporaryDirectory(prefix="miniinit-scripts-") as directory:
        place = Path(directory)
        (place / "CMakeLists.txt").write_text(PROJECT)
        (place / "try.c").write_text("int main(void) { return 1; }\n")
        made = run(place, "cmake", "-G", "Ninja", "-B", "b", "-DMINIINIT_STATIC=ON", f"-DCMAKE_STRIP={place}/strip")
        check("the project that is interrupted is configured", made.returncode == 0, made)
        for how in (signal.SIGKILL, signal.SIGINT):
            reached = interrupted(place, how)
            done = run(place, "cmake", "--install", "b", "--prefix", place / "to")
            check(f"a build that is ended by {how.name} leaves nothing that could be installed",
                  reached and done.returncode != 0 and not (place / "to/sbin/try").exists(), done)
        program(place / "strip", 'exec strip "$@"')
        run(place, "cmake", "--build", "b")
        check("the next build makes it whole", run(place, "b/try").returncode == 1)
        (place / "try.c").write_text("int main(void) { return 2; }\n")
        reached = interrupted(place, signal.SIGKILL)
        run(place, "cmake", "--install", "b", "--prefix", place / "to")
        check("a later one that is killed leaves the old program, whole",
              reached and run(place, place / "to/sbin/try").returncode == 1)
        program(place / "strip", 'exec strip "$@"')
        run(place, "cmake", "--build", "b")
        check("and the one after it makes the new one", run(place, "b/try").returncode == 2)


def main():
    check_lines()
    check_terminal()
    check_killed()
    check_bench()
    check_build()
    check_test()
    check_boot()
    check_interrupted()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
