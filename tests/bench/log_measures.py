"""What is measured of logs: how fast lines get into files, at what cost, and how fast they are found again."""

import datetime
import os
import shutil
import statistics
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from harness import ENVIRONMENT, Place, Trouble, wait_for
from table import seconds


class Pipe:
    """One writer and one program that reads its pipe: {"time", "cpu"} in seconds, the latter of the reader."""

    def __init__(self, name, words):
        self.name, self.words = name, words

    def measure(self, bench, count):
        place = Place(bench.work, "pipe")
        try:
            quiet = {"env": ENVIRONMENT, "stderr": subprocess.DEVNULL}
            writer = subprocess.Popen([bench.tools / "bench_lines", place.board_path, str(count)],
                                      stdout=subprocess.PIPE, **quiet)
            with open(place.path / "file", "wb") as file:
                reader = subprocess.Popen(self.words(place), stdin=writer.stdout, stdout=file, **quiet)
            writer.stdout.close()
            _, status, usage = os.wait4(reader.pid, 0)
            end = time.monotonic_ns()
            reader.returncode = os.waitstatus_to_exitcode(status)
            writer.wait()
            return {"time": (end - place.board.work_begun) / 1e9, "cpu": usage.ru_utime + usage.ru_stime}
        finally:
            place.close()


class Ours:
    """So many services at once that write `count` lines together, and the collector."""

    def __init__(self, services):
        self.name, self.services = f"miniinit, {services}", services

    def measure(self, bench, count):
        init, each = bench.miniinit, count // self.services
        names = [f"lines-{number}" for number in range(self.services)]

        def writers(place, _):
            command = [str(bench.tools / "bench_lines"), str(place.board_path), str(each), "wait"]
            return init.write(place, {name: init.unit(command) for name in names})
        with ExitStack() as stack:
            run = bench.run(stack, init, writers, count, 0)
            files = [run.place.path / "log" / name / "current" for name in names]
            # Their first lines make the files, which is not what is measured.
            for file in files:
                wait_for(f"the writer of {file.parent.name}", lambda file=file: file.exists() and file.stat().st_size, 20)
            collector = next(pid for pid, name in run.processes() if name == "miniinit-logd")
            schedstat = Path(f"/proc/{collector}/schedstat")
            cpu, begin = int(schedstat.read_text().split()[0]), time.monotonic_ns()
            run.board.go = 1
            last = f"{each:08d} the".encode()

            def written(file):
                try:
                    with open(file, "rb") as opened:
                        opened.seek(-200, os.SEEK_END)
                        return last in opened.read()
                except OSError:
                    return False
            for file in files:
                wait_for(f"the last line in {file.parent.name}", lambda file=file: written(file), 60)
            end = time.monotonic_ns()
            cpu = int(schedstat.read_text().split()[0]) - cpu
            for file in files:
                with open(file, "rb") as opened:
                    lines = sum(block.count(b"\n") for block in iter(lambda opened=opened: opened.read(1 << 20), b""))
                if lines != each + 1:
                    raise Trouble(f"{lines} lines in the log of {file.parent.name} instead of {each + 1}")
            return {"time": (end - begin) / 1e9, "cpu": cpu / 1e9}


def svlogd(place):
    (place.path / "log").mkdir()
    (place.path / "log/config").write_text("s0\n")
    return ["svlogd", "-ttt", place.path / "log"]


def logs(bench):
    """Lines of 100 bytes with a time stamp for each, into files; `cat > file` puts no stamps."""
    count = 200_000 if bench.quick else 2_000_000
    floor, one, fifty = Pipe("floor", lambda place: ["cat"]), Ours(1), Ours(50)
    others = []
    if shutil.which("s6-log"):
        others.append(Pipe("s6-svscan", lambda place: ["s6-log", "T", "s268435455", "n20", place.path / "log"]))
    if shutil.which("svlogd"):
        others.append(Pipe("runsvdir", svlogd))
    values = bench.rounds(3 if bench.quick else 7, [floor, one, fifty], lambda writer: writer.measure(bench, count))
    values |= bench.rounds(1 if bench.quick else 3, others, lambda writer: writer.measure(bench, count))

    def of(which, *writers):
        return {writer.name.split(",")[0]: statistics.median(value[which] for value in values[writer])
                for writer in writers if writer in values}
    what = f"{count:,} log lines of 100 bytes"
    bench.table.times(f"write {what} to a file (bare: `cat`)", of("time", floor, one, *others), bar=2.0)
    cpu = of("cpu", floor, one, *others)
    bench.table.times("- processor time of the program that writes them", cpu, bar=1.0, base="s6-svscan" if "s6-svscan" in cpu else "floor")
    for which, meant in (("time", "of 50 services at once"), ("cpu", "processor time for these")):
        crowd, alone = of(which, fifty).get("miniinit"), of(which, one).get("miniinit")
        if crowd and alone:
            bench.table.row(f"- {meant}", {"miniinit": f"{seconds(crowd)} ({crowd / alone:.2f}× one)"}, "≤ 1× one",
                            [crowd <= alone])


def since(bench):
    """`minictl logs --since` over 1 GB in 500 files, of which half are compressed, until its first line."""
    units, files = 5, 10 if bench.quick else 100
    lines = 21_000  # 2 MB
    day = datetime.date(2024, 1, 1)
    text = b"".join(b"2024-01-01T%02d:%02d:%02d.%06dZ info out: line %08d of a log, of the length that lines have in them\n"
                    % (i // 1000, i % 1000 // 17, i % 17, i, i) for i in range(lines))

    def fill(init, place):
        for unit in range(units):
            directory = place.path / f"log/unit-{unit}"
            directory.mkdir(parents=True)
            for number in range(files):
                date, after = (str(day + datetime.timedelta(number + shift)) for shift in (0, 1))
                (directory / f"{after.replace('-', '')}T000000.000000Z.log").write_bytes(
                    text.replace(b"2024-01-01", date.encode()))
        more = ["[log]\nrotate-keep = 1000\ncompress = " + ("false", "true")[unit % 2] + "\n" for unit in range(units)]
        return init.write(place, {f"unit-{unit}": init.unit(["/bin/sh", "-c", "echo up; exec sleep 1000"],
                                                            more=more[unit]) for unit in range(units)})

    with ExitStack() as stack:
        run = bench.run(stack, bench.miniinit, lambda place, _: fill(bench.miniinit, place), 0, 0)
        logs = run.place.path / "log"

        def packed():
            return all(not list((logs / f"unit-{unit}").glob("*Z.log")) for unit in range(1, units, 2))
        wait_for("compressed files", packed, 300)
        values = []
        for number in range(20):
            moment = f"{day + datetime.timedelta(files * number // 20)}T13:17:05Z"
            argv = [bench.tools / "minictl", "logs", "--since", moment, "-D", logs]
            began = time.monotonic_ns()
            with subprocess.Popen(argv, stdout=subprocess.PIPE) as reader:
                line = reader.stdout.readline()
                values.append((time.monotonic_ns() - began) / 1e9)
                reader.kill()
            if b"line" not in line:
                raise Trouble(f"the first line since {moment} is {line}")
        size = sum(file.stat().st_size for file in logs.glob("unit-[024]/*")) * units / 3
        bench.table.row(f"first line of `logs --since` over {size / 1e9:.1f} GB in {units * files} files (slowest of 20)",
                        {"miniinit": seconds(max(values))}, "≤ 100 ms", [max(values) <= 0.1])
