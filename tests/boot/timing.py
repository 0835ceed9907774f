#!/usr/bin/env python3
"""Boots an image once and prints where the time went: firmware and kernel, the init until the first unit, the units until
`default`. Emulated time on a shared host: for comparing two builds on one machine, not two machines."""

import argparse
import os
import signal
import sys

from machine import Machine, Missing, TOP

NEVER = float("inf")


def milliseconds(micros):
    return f"{micros / 1000:9.1f} ms"


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
        times = machine.json("demo_call BootTimes")["parameters"]
        machine.type("poweroff\n")
        machine.ended()

    begun, first, reached = times["init"], times["units_loaded"], times["target_reached"]
    units = {unit["unit"]: (unit["starting"], unit.get("up") or NEVER) for unit in times["units"] if unit["starting"]}
    print(f"kernel             {milliseconds(begun)}   until it executes the init")
    print(f"init               {milliseconds(first - begun)}   until the first unit starts: mounts, console, unit files")
    print(f"units              {milliseconds(reached - first)}   until `default` is reached")
    print(f"all                {milliseconds(reached)}\n")
    print("unit                        begins          up          took")
    for name, (start, up) in sorted(units.items(), key=lambda item: item[1]):
        begin = milliseconds(start - begun)
        end = milliseconds(up - begun) if up != NEVER else "           -"
        took = milliseconds(up - start) if up != NEVER else ""
        print(f"{name:22}{begin}{end}  {took}")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that QEMU is ended, too
    try:
        sys.exit(main())
    except (Missing, OSError, KeyError, TypeError) as error:
        print(f"timing: {error}", file=sys.stderr)
        sys.exit(1)
