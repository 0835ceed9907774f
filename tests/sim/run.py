#!/usr/bin/env python3
"""Lives through simulated machines (life.hpp), as many at a time as there are processors: run.py SIMULATION [LIVES [SEED]]

Most of them have 200 units; a tenth has few, where the rarest meetings of events happen soonest. A life that finds something wrong
is printed with its seed, and is lived again by `SIMULATION --seed SEED --lives 1 --units N --tell 1`.
"""
import concurrent.futures
import os
import subprocess
import sys


def live(simulation, seed, lives, units):
    """One process with so many lives: what it prints, and whether all was well."""
    done = subprocess.run([simulation, "--seed", str(seed), "--lives", str(lives), "--units", str(units)],
                          capture_output=True, text=True, check=False, timeout=1500)
    return done.returncode == 0, done.stdout.strip() or f"not ok - it ended with {done.returncode}: {done.stderr}"


def main():
    if len(sys.argv) < 2:
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    lives = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    processors = os.cpu_count() or 1
    orders = []
    for units, share in ((200, lives), (9, lives // 10)):
        part = -(-share // processors)
        orders += [(first + n * part, min(part, share - n * part), units) for n in range(processors) if n * part < share]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(processors) as pool:
        for well, said in pool.map(lambda order: live(sys.argv[1], *order), orders):
            passed, failed = passed + well, failed + (not well)
            print(said, flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
