"""Groups of boots side by side: an emulated machine keeps one processor busy, and most hosts have several. Each group runs in a
process of its own, with its own Report; what it says is shown as a whole once it is over."""

import multiprocessing
import multiprocessing.connection
import os
import re
import sys
import tempfile
import traceback

from machine import Missing
from report import Report


def processors():
    return len(os.sched_getaffinity(0))


def _inside(group, output):
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    report = Report()
    try:
        group(report)
    except Exception as error:  # pylint: disable=broad-except
        report.say(False, f"{group.__name__}: goes on to the end", f"{type(error).__name__}: {error}")
        if not isinstance(error, (Missing, OSError)):
            traceback.print_exc()
    report.end()


class _Lane:
    """One group on its way, its output in a file that nobody else sees."""

    def __init__(self, context, group):
        self.group = group
        self.output = tempfile.TemporaryFile("w+", errors="replace")
        self.process = context.Process(target=_inside, args=(group, self.output))
        self.process.start()

    def finish(self, report):
        self.process.join()
        self.output.seek(0)
        text = self.output.read()
        last = re.search(r"^(\d+) passed, (\d+) failed\n\Z", text, re.M)
        print(text[:last.start()] if last else text, end="", flush=True)
        if last:
            report.passed += int(last[1])
            report.failed += int(last[2])
        else:
            report.say(False, f"{self.group.__name__}: goes on to the end", f"exit code {self.process.exitcode}")
        self.close()

    def close(self):
        if self.process.is_alive():
            self.process.terminate()  # and it ends its QEMU
            self.process.join()
        self.output.close()


def run(report, groups, lanes):
    """Runs the functions `groups`, at most `lanes` at a time, the first ones first, and adds up in `report`."""
    sys.stdout.flush()  # or each child would have it, too
    context = multiprocessing.get_context("fork")
    waiting, running = list(groups), {}
    try:
        while waiting or running:
            while waiting and len(running) < lanes:
                lane = _Lane(context, waiting.pop(0))
                running[lane.process.sentinel] = lane
            for sentinel in multiprocessing.connection.wait(list(running)):
                running.pop(sentinel).finish(report)
    finally:
        for lane in running.values():
            lane.close()
