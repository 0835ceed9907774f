"""Versions of the program in place of one another: what they do not know of each other's state is dropped and said;
what runs goes on."""
import os
import shutil
import struct
import subprocess

from checks_crash import MANAGER, SLEEP, numbers, overview, reexec
from harness import sh, until

JOURNAL_AT = 4096  # in the memory of the state: src/os/crash/crash.hpp
JOURNAL = 0x74696e69696e696d  # src/state/journal.cpp


def later_program(scene):
    """miniinit_later beside the program under test, or that of the debug build: see scripts/cmake/tests.cmake."""
    for place in (scene.built, os.path.join(os.path.dirname(scene.built), "debug")):
        path = os.path.join(place, "miniinit_later")
        if os.access(path, os.X_OK):
            return path
    return None


class OnDisk:
    """The program that the init finds when it is executed anew."""

    def __init__(self, scene):
        self.path, self.aside = scene.binary, scene.binary + ".right"
        os.rename(self.path, self.aside)

    def put(self, program=None):
        shutil.copy(program or self.aside, self.path + ".new")
        os.rename(self.path + ".new", self.path)

    def restore(self):
        os.rename(self.aside, self.path)


def counting(beat):
    """A hundred services that count, some of them with readiness and a watchdog."""
    units = {f"s{number:02}": {"service": {"command": [beat, str(20 + number)], "restart": "no"}}
             for number in range(100)}
    for number in range(0, 100, 5):
        units[f"s{number:02}"]["service"].update(
            {"command": [beat, str(20 + number), "notify"], "type": "notify", "watchdog": "5s"})
    return units


def lost_lines(init, names):
    """By service, what its log lacks of what it has counted."""
    lost = {}
    for name in names:
        found, missing = numbers(init, name, "beat")
        last, _ = numbers(init, name, "last")
        if missing or last != [max(found)] or len(found) != len(set(found)):
            lost[name] = (missing[:5], last, max(found))
    return lost


def versions_both_ways(t):
    """One more effect, phase, tag and field, under load."""
    later = later_program(t.scene)
    if not later:
        return t.note("miniinit_later is not built")
    units = counting(t.scene.program("sys_beat"))
    names = list(units)
    units["done"] = {"service": sh("echo once >>$0.ran; true", type="oneshot")}
    units["all"] = {"kind": "target", "requires": names[:3]}
    with t.scene.init(units, sections=MANAGER) as init:
        for name in names:
            init.wait(name, timeout=30)
        init.wait("done", "done")
        watched = [*names, "done", "all"]
        state = lambda: {name: (status["state"], status.get("main_pid"), status["restarts"]) for name in watched
                         for status in [init.status(name)]}
        before = state()
        disk = OnDisk(t.scene)
        try:
            for _ in range(5):
                disk.put(later)
                reexec(init)
                disk.put()
                reexec(init)
        finally:
            disk.restore()
        t.equal("5 times to a later version and back", overview(init).get("reexecs", 0), 10)
        t.equal("states and processes are what they were, and nothing was restarted", state(), before)
        text = init.text("miniinit", (), once="of a later version")
        t.ok("a phase of a later version is said", "its phase is of a later version" in text, text[-500:])
        t.ok("so is an effect", "something that was to be done for it is of a later version" in text, text[-500:])
        t.ok("and an item", "of kind 77 are of a later version" in text, text[-500:])
        init.stop(*names)
        until(lambda: not lost_lines(init, names), 20)
        t.equal("every line of 100 services is in their logs, once", lost_lines(init, names), {})
        t.equal("no zombie is left", init.zombies(), 0)


def check_state(t, state):
    """What the program says of a state when it is asked whether it can go on with it."""
    memory = os.memfd_create("state", 0)
    try:
        os.write(memory, state)
        os.ftruncate(memory, 2 << 20)
        return subprocess.run([t.scene.binary, "--container", "--check-snapshot", str(memory)], pass_fds=[memory],
                              capture_output=True, text=True, timeout=20)
    finally:
        os.close(memory)


def versions_formats(t):
    """Formats that are not read: the init that runs is told so, and goes on."""
    journal = lambda version: bytes(JOURNAL_AT) + struct.pack("<Q", JOURNAL + version)
    for version, words in ((1, "older one"), (200, "later one")):
        answer = check_state(t, journal(version))
        t.ok(f"a state of format {version} is refused with a sentence",
             answer.returncode == 1 and words in answer.stderr, answer)
    answer = check_state(t, bytes(JOURNAL_AT) + b"nothing of the kind")
    t.ok("so is what is no state", answer.returncode == 1 and "not understood" in answer.stderr, answer)
    with t.scene.init({"keeper": {"service": sh(SLEEP)}}, sections=MANAGER) as init:
        pid = init.wait("keeper")["main_pid"]
        reexec(init)
        t.equal("one of its own it goes on with", init.status("keeper")["main_pid"], pid)


GROUPS = [versions_formats]
ALONE = [versions_both_ways]  # it takes away the program that others start
