#!/usr/bin/env python3
"""Boots an image once and prints where the time went: firmware and kernel, the init until the first unit, the units until
`default`. Emulated time on a shared host: for comparing two builds on one machine, not two machines."""

import argparse
import os
import re
import signal
import sys

from machine import Machine, Missing, TOP

NEVER = float("inf")


def milliseconds(micros):
    return f"{micros / 1000:9.1f} ms"


def unit_times(machine, listed):
    """(begin, up) of every unit that was started, in microseconds since boot, from the boot record of the init where minictl
    shows it, else from when each reached its state."""
    for verb in ("times", "blame"):
        code, _ = machine.run(f"minictl {verb} --json >/run/times.json 2>/dev/null")
        if code == 0:
            times = machine.json("cat /run/times.json")
            return times, {unit["unit"]: (unit["starting"], unit.get("up") or NEVER) for unit in times["units"]}
    return {}, {unit["name"]: (NEVER, unit["since_monotonic"]) for unit in listed if unit["state"] in ("up", "done", "failed")}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", required=True, help="what qemu/image made")
    parser.add_argument("--kernel")
    parser.add_argument("--memory", default="256M")
    parser.add_argument("--append", default="")
    options = parser.parse_args()

    log = os.path.join(TOP, "build/test-logs/timing.log")
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with Machine(options.image, log, options.append, options.kernel, options.memory) as machine:
        machine.shell(patience=180)
        machine.run("minictl wait default --for up")
        answer = machine.json("minictl list --all --json")
        listed = answer["units"] if isinstance(answer, dict) else answer
        times, units = unit_times(machine, listed)
        _, text = machine.run("dmesg | grep 'as init process'")
        said = re.search(r"\[ *(\d+\.\d+)\] Run", text)
        begun = times.get("init") or (float(said.group(1)) * 1e6 if said else 0)
        reached = times.get("target_reached") or next(
            unit["since_monotonic"] for unit in listed if unit["name"] == "multi-user")
        first = times.get("units_loaded") or min(min(pair) for pair in units.values())
        machine.type("poweroff\n")
        machine.ended()

    print(f"kernel             {milliseconds(begun)}   until it executes the init")
    print(f"init               {milliseconds(first - begun)}   until the first unit starts: mounts, console, unit files")
    print(f"units              {milliseconds(reached - first)}   until `default` is reached")
    print(f"all                {milliseconds(reached)}\n")
    print("unit                        begins          up          took")
    for name, (start, up) in sorted(units.items(), key=lambda item: min(item[1])):
        begin = milliseconds(start - begun) if start != NEVER else " " * 12
        end = milliseconds(up - begun) if up != NEVER else "       never"
        took = milliseconds(up - start) if NEVER not in (start, up) else ""
        print(f"{name:22}{begin}{end}  {took}")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that QEMU is ended, too
    try:
        sys.exit(main())
    except (Missing, OSError, StopIteration, ValueError) as error:
        print(f"timing: {error}", file=sys.stderr)
        sys.exit(1)
