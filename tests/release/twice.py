#!/usr/bin/env python3
"""twice.py [ARCH…]: whether two builds of the same commit, in two places, without a cache, give the same files. Takes as long as that
does. Prints `ok - …` and `not ok - …` lines and, last, `N passed, N failed`."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def build(top, architectures):
    """A release from a clone at `top`: its sums, by file."""
    subprocess.run(["git", "clone", "--quiet", "--local", ROOT, top], check=True)
    subprocess.run(["scripts/release", *architectures], cwd=top, check=True, env={**os.environ, "CCACHE_DISABLE": "1"})
    lines = (top / "build/dist/SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


def main():
    # As BINARY comes first where scripts/test runs this, only words that are architectures count.
    native = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "armhf"}.get(os.uname().machine, os.uname().machine)
    architectures = [word for word in sys.argv[1:] if "/" not in word] or [native]
    good = bad = 0
    with tempfile.TemporaryDirectory(prefix="miniinit-twice-") as directory:
        one = build(Path(directory) / "one", architectures)
        two = build(Path(directory) / "two/deeper", architectures)
    for name in sorted(one.keys() | two.keys()):
        same = one.get(name) == two.get(name)
        good, bad = good + same, bad + (not same)
        print(f"{'ok' if same else 'not ok'} - two builds of {name} have the same bytes", flush=True)
    print(f"{good} passed, {bad} failed")
    return 1 if bad or not good else 0


if __name__ == "__main__":
    sys.exit(main())
