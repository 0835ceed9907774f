#!/usr/bin/env python3
"""Everything at once, for as long as wanted: services are started, stopped, restarted and killed, PID 1 crashes, is executed
anew, reads its units again, its collector is killed, clients flood it and go, logs are written all the time. An oracle knows
what must be true after each of these: who runs, as which process, how often restarted. At the end every line that was
written has to be in the logs, and memory and descriptors are level.

Each run is a seed: the same seed does the same things in the same order."""
import argparse
import collections
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "system"))
from checks_crash import FAULTS, again, crash, numbers, overview, reexec  # noqa: E402
from harness import Failed, Scene, until  # noqa: E402

SLEEP = "exec sleep 100000"


class Finding(Exception):
    """Something that must be true is not."""


class Soak:
    def __init__(self, scene, seed):
        self.scene, self.random, self.done = scene, random.Random(seed), {}
        beat = scene.program("sys_beat")
        self.units = {}
        for number in range(12):  # nobody touches these: their process is the same to the end
            self.units[f"keep{number:02}"] = {"service": {"command": [beat, str(3 + number), "notify"], "type": "notify",
                                                          "watchdog": "60s", "restart": "no"}}
        for number in range(20):  # these are started, stopped, killed
            self.units[f"toy{number:02}"] = {"enabled": False, "service": {
                "command": [beat, "50"], "stop-timeout": "20s", "restart": "no",
                **({"restart": "always", "restart-delay": "10ms", "restart-delay-max": "20ms",
                    "restart-limit": 0} if number % 2 else {})}}
        for number in range(4):
            self.units[f"task{number}"] = {"enabled": False, "service": {
                "command": ["/bin/sh", "-c", f"exit {number % 2}"], "type": "oneshot", "restart": "no"}}
        self.units["door"] = {"listen": [{"stream": scene.work + "/door"}],
                              "service": {"command": ["/bin/sh", "-c", SLEEP], "activation": "on-demand"}}
        self.units["often"] = {"timer": {"every": "2s"}, "service": {"command": ["/bin/true"], "type": "oneshot"}}
        self.extra, self.crashes, self.reexecs, self.levels = 0, 0, 0, []
        self.toys = {name: None for name in self.units if name.startswith("toy")}  # its process, if it should have one

    def need(self, true, what):
        if not true:
            raise Finding(what)

    # ---- what happens ------------------------------------------------------------------------------------------------

    def toy(self, running):
        names = [name for name, pid in self.toys.items() if (pid is not None) == running]
        return self.random.choice(names) if names else None

    def start(self):
        if name := self.toy(False):
            self.need(self.init.start(name)[name]["ok"], f"{name} does not start")
            self.toys[name] = self.init.status(name)["main_pid"]

    def stop(self):
        if name := self.toy(True):
            self.need(self.init.stop(name)[name]["ok"], f"{name} does not stop")
            self.toys[name] = None

    def restart(self):
        if name := self.toy(True):
            self.init.ask("Restart", name)
            pid = self.init.status(name)["main_pid"]
            self.need(pid != self.toys[name], f"{name} has the process it had before its restart")
            self.toys[name] = pid

    def kill(self, at_a_crash=False):
        name = self.toy(True)
        if not name:
            return
        before = self.init.status(name)
        os.kill(self.init.outside(before["main_pid"]), signal.SIGKILL)
        if at_a_crash:
            self.crash()
        if self.units[name]["service"]["restart"] == "no":
            status = self.init.wait_failed(name)
            self.need(status["last_exit"]["number"] == 9, f"{name} was killed, and ended with {status['last_exit']}")
            self.toys[name] = None
            self.init.stop(name)
        else:
            status = until(lambda: (status := self.init.status(name))["restarts"] > before["restarts"] and
                           status["state"] == "up" and status, 15)
            self.need(status, f"{name} does not come back: {self.init.status(name)}")
            self.need(status["restarts"] == before["restarts"] + 1, f"{name} was restarted more than once")
            self.toys[name] = status["main_pid"]

    def kill_at_a_crash(self):
        self.kill(True)

    def task(self):
        number = self.random.randrange(4)
        result = self.init.start(f"task{number}")[f"task{number}"]
        self.need(result["ok"] == (number % 2 == 0), f"task{number}: {result}")
        if number % 2:
            self.init.stop(f"task{number}")

    def crash(self):
        self.crashes += 1
        crash(self.init, self.random.choice([signal.SIGSEGV, signal.SIGABRT, *FAULTS]), self.crashes)

    def reexec(self):
        self.reexecs += 1
        reexec(self.init)

    def collector(self):
        before = self.init.collector()
        os.kill(before, signal.SIGKILL)
        until(lambda: self.init.collector() != before, 10, "another collector")

    def reload(self):
        self.extra += 1
        self.units["extra"] = {"enabled": False, "description": str(self.extra),
                               "service": {"command": ["/bin/true"], "type": "oneshot"}}
        if self.extra % 3 == 0:
            del self.units["extra"]
        self.init.write_units(self.units, self.sections)
        reply = self.init.call("ReloadUnits")
        self.need(not reply["parameters"].get("problems"), f"reading units: {reply}")

    def clients(self):
        """Some that ask and never read, and go again."""
        crowd = []
        for _ in range(self.random.randrange(1, 60)):
            client = self.init.client()
            client.send("List", all=True)
            crowd.append(client)
        for client in crowd:
            client.close()

    def flood(self):
        """Many lines at once of something that then ends."""
        name = f"flood{self.random.randrange(10**9)}"
        unit = "[service]\ncommand = [\"/bin/sh\", \"-c\", \"i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo beat $i; done\"]\n"
        reply = self.init.call("Run", 60, name=name, unit=unit + 'type = "oneshot"\n', wait=True, to_the_end=True)
        self.need("error" not in reply, f"flood: {reply}")
        until(lambda: len(numbers(self.init, name, "beat")[0]) == 2000, 10, f"2000 lines of {name}")

    def look(self):
        self.check()

    # ---- what must be true -------------------------------------------------------------------------------------------

    def check(self):
        for name, pid in self.kept.items():
            status = self.init.status(name)
            self.need(status["main_pid"] == pid and status["state"] == "up" and not status["restarts"],
                      f"{name} was {pid} and is {status['main_pid']}, {status['state']}")
        for name, pid in self.toys.items():
            status = self.init.status(name)
            if pid is None:
                self.need(status["state"] in ("down", "failed"), f"{name} should not run: {status['state']}")
            else:
                self.need(status.get("main_pid") == pid, f"{name} should be {pid}: {status.get('main_pid')}, {status['state']}")
        self.need(self.init.state("door") == "up", "door does not listen")
        about = overview(self.init)
        self.need(about.get("crashes", 0) == self.crashes, f"{about.get('crashes')} crashes, there were {self.crashes}")
        self.need(about.get("reexecs", 0) == self.reexecs, f"{about.get('reexecs')} re-executions, there were {self.reexecs}")
        self.need(about["state"] in ("running", "degraded"), f"the manager is {about['state']}")

    def level(self):
        for name in [name for name, pid in self.toys.items() if pid is not None]:
            self.init.stop(name)
            self.toys[name] = None
        self.crash()  # a program that has just begun is the smallest: like is compared with like
        if self.levels:  # the collector tells of ends when it has read to them
            until(lambda: self.init.descriptors() <= self.levels[0][1] + 4, 10)
        self.levels.append((self.init.memory(), self.init.descriptors()))

    def run(self, seconds):
        self.sections = {"manager": {"crash-limit": 1000}, "log": {"rotate-keep": 1000, "total-size": 0}}
        acts = [self.start] * 6 + [self.stop] * 4 + [self.restart] * 3 + [self.kill] * 3 + [self.kill_at_a_crash] * 2 + \
               [self.task] * 2 + [self.crash] * 2 + [self.reexec] * 2 + [self.collector, self.reload, self.clients, self.flood] + \
               [self.look] * 3
        with self.scene.init(self.units, sections=self.sections, fault_injection=True) as self.init:
            self.kept = {name: self.init.wait(name, timeout=30)["main_pid"] for name in self.units if name.startswith("keep")}
            self.init.wait("door")
            ends = time.monotonic() + seconds
            self.level()
            while time.monotonic() < ends:
                act = self.random.choice(acts)
                self.done[act.__name__] = self.done.get(act.__name__, 0) + 1
                try:
                    act()
                except (Failed, OSError, KeyError, TypeError) as failure:
                    raise Finding(f"{act.__name__}: {type(failure).__name__} {failure}\n{self.init.console()[-3000:]}") from failure
            self.check()
            self.level()
            names = list(self.kept)
            self.init.stop(*names)
            for name in names:
                found, missing = numbers(self.init, name, "beat")
                last = numbers(self.init, name, "last")[0]
                self.need(not missing, f"{name}: lines {missing[:5]}… are lost, {len(missing)} in all of {max(found)}")
                twice = [number for number, times in collections.Counter(found).items() if times > 1]
                self.need(not twice, f"{name}: lines {twice[:5]}… are there more than once, {len(twice)} in all of {max(found)}")
                self.need(last == [max(found)], f"{name}: it ended at {last}, its log at {max(found)}")
            self.need(self.init.zombies() == 0, "zombies are left")
            (memory, descriptors), (later_memory, later_descriptors) = self.levels
            self.need(later_memory < memory * 1.25 + 1024, f"memory went from {memory} to {later_memory} KiB")
            self.need(later_descriptors <= descriptors + 4, f"descriptors went from {descriptors} to {later_descriptors}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}, {arguments.minutes:g} minutes", flush=True)
    scene = Scene(arguments.binary)
    soak = Soak(scene, seed)
    try:
        soak.run(60 * arguments.minutes)
        print("nothing found")
        return 0
    except Finding as finding:
        print(f"FOUND (seed {seed}): {finding}")
        return 1
    finally:
        print("done: " + ", ".join(f"{count} {name}" for name, count in sorted(soak.done.items())) +
              f"; memory and descriptors: {soak.levels}")
        scene.close()


if __name__ == "__main__":
    sys.exit(main())
