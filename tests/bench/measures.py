"""What is measured, one function for each part of the benchmark: they fill a Table. Programs take turns, round by
round, so that whatever else the machine is doing meets all of them alike; what counts is the median, and its ratio to
the floor's."""

import os
import shutil
import signal
import statistics
import subprocess
import time
from contextlib import ExitStack

from harness import ENVIRONMENT, Place, Run, Trouble, wait_for
from inits import Crowded, Init, OtherUser, Runit, S6, Stateless
from log_measures import logs, since
from table import seconds


class Bench:
    """What all parts need: the programs, where to work, how thorough to be."""

    def __init__(self, tools, floor, inits, peers, table, quick, progress):
        self.tools, self.work, self.launch = tools, tools / "work", tools / "bench_launch"
        self.floor, self.inits, self.peers, self.table, self.quick = floor, inits, peers, table, quick
        self.miniinit, self.progress = inits[0], progress
        self.ends = time.monotonic() + 240  # after that the other inits are left out

    def run(self, stack, init, what, count, target):
        place = Place(self.work, init.name.replace(" ", "-").replace(",", ""))
        stack.callback(place.close)
        argv, keywords = what(place, count)
        return stack.enter_context(Run(self.launch, place, argv, target, **keywords))

    def rounds(self, some, inits, measure):
        """{init: [values]}: `some` rounds of measure(init) in turn. One that fails takes no further part; one that
        takes seconds has only one round; and the other inits none when the time is up."""
        values, over = {init: [] for init in inits}, set()
        for number in range(some):
            for init in inits:
                if init in over:
                    continue
                self.progress.at(f"round {number + 1} of {some}, {init.name}")
                began = time.monotonic()
                if init in self.peers and began > self.ends:
                    over.add(init)
                    self.table.note(f"{init.name} was not measured in all respects: the time was up")
                    continue
                try:
                    values[init].append(measure(init))
                except Trouble as trouble:
                    over.add(init)
                    self.table.note(f"{init.name}: {trouble}")
                if init in self.peers and time.monotonic() > began + 4:
                    over.add(init)
        return {init: some for init, some in values.items() if some}


def median(values, which=None):
    return statistics.median(values if which is None else [value[which] for value in values])


def bring_up(bench, init, count):
    with ExitStack() as stack:
        run = bench.run(stack, init, init.services, count, count)
        up = run.all_up(30)
        time.sleep(0.05)
        stopped = None
        if init.stop_signal is not None:
            try:
                stopped = run.stop(init.stop_signal, 20, init.ends)
            except Trouble as trouble:
                bench.table.note(f"{init.name}: stopping {count}: {trouble}")
        return up, stopped


def start(bench):
    """N independent services, from the exec of the init to the last one saying that it is up; and their end."""
    sizes = {1: 3, 100: 3, 1000: 3} if bench.quick else {1: 9, 100: 9, 1000: 7, 3000: 3, 5000: 3}
    medians = {}
    for count, rounds in sizes.items():
        own = bench.rounds(rounds, [bench.floor, *bench.inits], lambda init: bring_up(bench, init, count))
        few = {}
        if not bench.quick:
            peers = [peer for peer in bench.peers if count <= peer.most]
            few = bench.rounds(2 if count <= 100 else 1, peers, lambda init: bring_up(bench, init, count))
        all_of_them = {**own, **few}
        for init, values in all_of_them.items():
            medians[init, count] = median(values, 0)
        bench.table.times(f"start {count:,} service{'s' * (count > 1)}",
                          {init.name: median(values, 0) for init, values in all_of_them.items()},
                          bar=2.0 if count == 1000 else None)
        if count == 1000:
            others = bench.rounds(rounds, [OtherUser(bench.tools, init.binary, init.cgroup, init.name)
                                           for init in bench.inits], lambda init: bring_up(bench, init, count))
            floor = {bench.floor.name: medians[bench.floor, count]}
            bench.table.times("start 1,000 services of another user",
                              {**floor, **{init.name: median(values, 0) for init, values in others.items()}}, bar=2.2)
            bench.table.times("stop 1,000 services",
                              {init.name: median(stops) for init, values in all_of_them.items()
                               if (stops := [value[1] for value in values if value[1] is not None])}, bar=1.3)
    if (bench.miniinit, 5000) in medians:
        growth = {init.name: medians[init, 5000] / medians[init, 1000]
                  for init in [bench.floor, *bench.inits, *bench.peers] if (init, 5000) in medians}
        bench.table.row("time for 5,000 services / time for 1,000", {name: f"{value:.1f}" for name, value in growth.items()},
                        bar="≤ 5.5", held=[growth[init.name] <= 5.5 for init in bench.inits if init.name in growth])


def chain(bench):
    """300 oneshots, each after the one before it."""
    count = 300

    def measure(init):
        with ExitStack() as stack:
            return bench.run(stack, init, init.chain, count, count).all_up(20)

    inits = [bench.floor, *bench.inits, *[peer for peer in bench.peers if type(peer).chain is not Init.chain]]
    values = bench.rounds(3 if bench.quick else 9, inits, measure)
    bench.table.times("start 300 oneshots, each when the one before is done", {init.name: median(some) for init, some in values.items()}, bar=2.0)


def memory(bench):
    """With 1,000 services up: memory of PID 1 and its helpers, their wake-ups when idle, PID 1's descriptors."""
    count = 1000
    pss, woken, descriptors = {}, {}, {}

    def measure(init):
        with ExitStack() as stack:
            few = bench.run(stack, init, init.services, 1, 1)
            few.all_up()
            time.sleep(0.3)
            base = few.descriptors()
        with ExitStack() as stack:
            run = bench.run(stack, init, init.services, count, count)
            run.all_up()
            time.sleep(1)
            pss[init.name] = run.pss()
            descriptors[init.name] = (run.descriptors() - base) / (count - 1)
            own = init in (bench.floor, *bench.inits)
            window = 3 if bench.quick or not own else 10
            pids = run.supervisors()
            before = run.wakeups(pids)
            time.sleep(window)
            woken[init.name] = (run.wakeups(pids) - before) / window
            if len(run.services()) < count:
                for values in (pss, woken, descriptors):
                    values.pop(init.name)
                raise Trouble(f"of its {count} services {len(run.services())} stayed up while it was looked at")
        return True

    bench.rounds(1, [bench.floor, *bench.inits, *([] if bench.quick else bench.peers)], measure)
    ours = [init.name for init in bench.inits]
    bench.table.row("memory of the init with 1,000 services", {name: f"{value / 1024:.1f} MiB" for name, value in pss.items()},
                    bar="< 6 MiB", held=[pss[name] < 6 * 1024 for name in ours if name in pss])
    bench.table.row("times a second that it wakes up, while nothing happens", {name: f"{value:.1f}" for name, value in woken.items()},
                    bar="0", held=[woken[name] == 0 for name in ours if name in woken])
    bench.table.row("open descriptors of process 1 for each service", {name: f"{value:.1f}" for name, value in descriptors.items()},
                    bar="≤ 2", held=[descriptors[name] <= 2 for name in ours if name in descriptors])


def restart(bench):
    """kill -9 of a service until its successor is up."""
    def measure(init):
        values = []
        with ExitStack() as stack:
            run = bench.run(stack, init, init.services, 1, 1)
            run.all_up()
            slot = run.board.slots[0]
            for _ in range(3 if init.restarts_apart else 20):
                time.sleep(max(0.03, init.restarts_apart))
                (pid,) = run.services()
                starts, before = slot.starts, time.monotonic_ns()
                os.kill(pid, signal.SIGKILL)
                wait_for("the restart of a killed service", lambda: slot.starts > starts, 10)
                values.append((slot.started - before) / 1e9)
        return median(values)

    values = bench.rounds(1 if bench.quick else 5, [bench.floor, *bench.inits], measure)
    if not bench.quick:
        values |= bench.rounds(1, bench.peers, measure)
    bench.table.times("from `kill -9` of a service until it is up again", {init.name: median(some) for init, some in values.items()}, bar=2.0)


def state(bench):
    """What it costs that our state outlives a crash: with it against without, and with 5,000 units nothing happens to."""
    ours, bare = bench.miniinit, Stateless(bench.tools)
    if why := bare.missing():
        bench.table.note(why)
        return
    # Pairs, and the median of their ratios: what else the machine does meets both of a pair.
    ratios, rounds = [], 5 if bench.quick else 25
    for number in range(rounds):
        bench.progress.at(f"pair {number + 1} of {rounds}")
        with_it, without = bring_up(bench, ours, 1000)[0], bring_up(bench, bare, 1000)[0]
        without = (without + bring_up(bench, bare, 1000)[0]) / 2
        ratios.append((with_it / without + bring_up(bench, ours, 1000)[0] / without) / 2)
    cost = median(ratios)
    bench.table.row("start of 1,000 services with crash recovery / without", {ours.name: f"{cost:.3f}"}, bar="≤ 1.03", held=[cost <= 1.03])

    def again(init):
        with ExitStack() as stack:
            run = bench.run(stack, init, init.services, 100, 100)
            run.all_up(30)
            time.sleep(0.5)
            before = run.cpu()
            starts = lambda: sum(slot.starts for slot in run.board.slots)
            for pid in run.services():
                so_far = starts()
                os.kill(pid, signal.SIGKILL)
                wait_for("the restart of a killed service", lambda: starts() > so_far, 10)
            return run.cpu() - before

    crowded = Crowded(bench.tools, ours.binary)
    values = bench.rounds(3 if bench.quick else 9, [ours, crowded], again)
    growth = median(values[crowded]) / median(values[ours])
    bench.table.row("processor time of 100 restarts, beside 5,000 other units / beside none", {ours.name: f"{growth:.2f}"},
                    bar="≤ 1.2", held=[growth <= 1.2])


class Command:
    """A container's init around one command."""

    def __init__(self, name, argv, bench):
        self.name, self.argv, self.bench = name, argv, bench

    def command(self, place, words):
        return [*self.argv, *words(place)], {}


def commands(bench):
    found = [Command("floor", [bench.tools / "bench_floor", "main"], bench),
             Command("miniinit", [bench.miniinit.binary, "--container", "--"], bench)]
    for name, more in (("tini", ["--"]), ("dumb-init", [])):
        if shutil.which(name):
            found.append(Command(name, [shutil.which(name), *more], bench))
        else:
            bench.table.note(f"{name} is not installed")
    return found


def orphans(bench):
    """20,000 orphans that end at the same moment, until PID 1 has collected the last."""
    limit = int(open("/proc/sys/kernel/pid_max").read()) - 2000
    count = min(2000 if bench.quick else 20000, limit)

    def measure(init):
        with ExitStack() as stack:
            run = bench.run(stack, init, lambda place, number: init.command(
                place, lambda at: [bench.tools / "bench_storm", at.board_path, number]), count, 1)
            if code := run.finished(60):
                raise Trouble(f"{count} orphans: exit code {code}: {run.said()}")
            return (run.board.work_ended - run.board.work_begun) / 1e9

    def among_services(init):
        def with_storm(place, number):
            units = {f"service-{i}": init.unit(init.service(place, i)) for i in range(100)}
            storm = [str(bench.tools / "bench_storm"), str(place.board_path), str(number), "service"]
            units["storm"] = init.unit(storm)
            return init.write(place, units)
        with ExitStack() as stack:
            run = bench.run(stack, init, with_storm, count, 0)
            wait_for("the orphans", lambda: run.board.work_ended != 0, 60)
            wait_for("the services", lambda: len(run.services()) == 100, 5)
            left = len(run.processes())
            if left > 110:
                raise Trouble(f"{left} processes where 100 services run")
            return (run.board.work_ended - run.board.work_begun) / 1e9

    rounds = 1 if bench.quick else 3
    values = bench.rounds(rounds, commands(bench), measure)
    bench.table.times(f"reap {count:,} orphans of one command",
                      {init.name: median(some) for init, some in values.items()})
    values = {init: some for init, some in values.items() if init.name == "floor"}
    values |= bench.rounds(rounds, bench.inits, among_services)
    bench.table.times(f"reap {count:,} orphans, beside 100 services",
                      {init.name: median(some) for init, some in values.items()})


def each(bench, mode, times, rounds, programs, environment=None):
    """{name: median seconds} of running each of {name: argv}, in turns."""
    values = {name: [] for name in programs}
    for number in range(rounds):
        for name, argv in programs.items():
            bench.progress.at(f"round {number + 1} of {rounds}, {name}")
            done = subprocess.run([bench.tools / "bench_floor", mode, str(times), *argv], capture_output=True,
                                  text=True, env={**ENVIRONMENT, **(environment or {})}, check=False)
            if done.returncode != 0:
                words = " ".join(str(word) for word in argv)
                bench.table.note(f"{name}: {words} failed: {done.stderr.strip()[-200:]}")
                continue
            values[name] += [int(line) / 1e9 for line in done.stdout.split()]
    return {name: median(some) for name, some in values.items() if some}


def command(bench):
    """`miniinit -- true` as a container's PID 1, from its exec to its end."""
    true = shutil.which("true")
    programs = {one.name: [*one.argv, true] for one in commands(bench)}
    programs["miniinit"] = [bench.miniinit.binary, "--", true]
    values = each(bench, "namespaces", 10 if bench.quick else 40, 3 if bench.quick else 7, programs)
    bench.table.times("run `true` as the command of a container", values, bar=1.0, base="tini")


def status(bench):
    """`minictl status X` against `s6-svstat DIR`."""
    with ExitStack() as stack:
        ours = bench.run(stack, bench.miniinit, bench.miniinit.services, 1, 1)
        ours.all_up()
        programs = {"miniinit": [bench.tools / "minictl", "status", "service-0"]}
        s6 = next((peer for peer in bench.peers if isinstance(peer, S6)), None)
        if s6 is not None:
            other = bench.run(stack, s6, s6.services, 1, 1)
            other.all_up()
            programs[s6.name] = [shutil.which("s6-svstat"), other.place.path / "scan/service-0"]
        runit = next((peer for peer in bench.peers if isinstance(peer, Runit)), None)
        if runit is not None:
            other = bench.run(stack, runit, runit.services, 1, 1)
            other.all_up()
            programs[runit.name] = [shutil.which("sv"), "status", other.place.path / "scan/service-0"]
        values = each(bench, "repeat", 20 if bench.quick else 50, 3 if bench.quick else 7, programs,
                      {"MINIINIT_CONTROL": str(ours.place.path / "control")})
        bench.table.times("ask for the status of a service", values, bar=1.5, base=S6.name)


# Seconds that the parts take on two processors.
USUAL = {"start": 70, "chain": 10, "memory": 45, "restart": 25, "orphans": 60, "logs": 60, "since": 20, "command": 5, "status": 5,
         "state": 60}
PARTS = {"start": start, "chain": chain, "memory": memory, "restart": restart, "orphans": orphans, "logs": logs, "since": since,
         "command": command, "status": status, "state": state}
