#!/usr/bin/env python3
"""The power fails, again and again: QEMU is killed at random moments while the machine boots and while it logs as fast as it
can onto ext4. Each time the next boot has to come up by itself, with every log readable to its last complete line and no file
of state torn. What the machine had written to its disk by then is there, as a host that goes on keeps it."""

import argparse
import os
import random
import re
import subprocess
import time

from machine import Machine, Missing, TOP
from report import Report, run_tests

BOOTED = 300.0  # seconds from the kernel to a shell, on a slow and busy host


def kernel_runs(machine):
    """False where the emulator was so slow that the kernel gave up on its timer, before anything of ours ran."""
    said = machine.expect(r"miniinit: |Kernel panic.*", BOOTED).group(0)
    machine.at = 0  # the shell's prompt may have come before it
    return "IO-APIC" not in said


def verify(report, machine, title):
    booted = False
    with report.check(f"{title}: it boots to its shell and reaches `default`"):
        machine.shell(patience=BOOTED)
        booted = True
        code, text = machine.run("minictl wait multi-user --for up", BOOTED)
        assert code == 0, text[-300:]
    if not booted:
        raise Missing("it does not come up")
    with report.check(f"{title}: its file system needed its journal, and no repair"):
        code, text = machine.run("minictl status fsck-root; minictl logs fsck-root -n 4")
        assert code == 0 and not re.search(r"UNEXPECTED|MANUALLY|corrected|MODIFIED", text), text[-500:]
    with report.check(f"{title}: every log is readable to its last complete line, and no file of state is torn"):
        machine.run("minictl stop load1 load2 load3", BOOTED)  # so that nothing is rotated meanwhile
        code, text = machine.run("powercheck", BOOTED)
        machine.run("minictl start load1 load2 load3", BOOTED)
        found = re.search(r"^checked (\d+) lines$", text, re.M)
        said = [line for line in text.splitlines() if re.search(r": |random-seed|is no link", line)
                and not line.startswith("checked") and "miniinit:" not in line]
        assert code == 0 and found and not said, text[-700:]
        return int(found.group(1))
    return 0


def run(report, init, kernel, memory, count, seed):
    """The power fails `count` times."""
    image = os.path.join(TOP, "build/qemu/powercut")
    logs = os.path.join(TOP, "build/test-logs")
    os.makedirs(logs, exist_ok=True)
    subprocess.run([os.path.join(TOP, "qemu/image"), "--init", init, "--disk", "--add",
                    os.path.join(TOP, "tests/boot/powercut"), image], check=True)
    failed_before = report.failed
    chance = random.Random(seed)
    print(f"# the power fails {count} times, seed {seed}", flush=True)
    booting, lines, boots = 30.0, 0, 0

    def machine(number):
        return Machine(image, os.path.join(logs, f"powercut-{number}.log"), "", kernel, memory)

    number = 0  # of cuts so far
    while number <= count:
        last = number == count
        in_boot = not last and number > 0 and chance.random() < 0.25
        with report.boot("the last boot" if last else f"cut {number + 1}", machine(number)) as one:
            began = time.monotonic()
            if in_boot:
                after = chance.uniform(0.1, 1.0) * booting
                time.sleep(after)
                print(f"# cut {number + 1}: {after:.1f} s after power-on", flush=True)
                number += 1
                continue
            if not kernel_runs(one):
                print("# the emulated timer failed: once more", flush=True)
                continue
            if number == 0:
                one.shell(patience=BOOTED)
            else:
                lines = max(lines, verify(report, one, f"after cut {number}") or 0)
            booting = time.monotonic() - began
            boots += 1
            if not last:
                after = chance.uniform(0, 12)
                time.sleep(after)
                print(f"# cut {number + 1}: {after:.1f} s after it was up", flush=True)
                number += 1
                continue
            with report.check("in the end it powers off in order"):
                one.type("poweroff\n")
                one.expect("reboot: Power down", 200)
                assert one.ended() == 0
        if report.failed > failed_before and not last:
            break
        number += last
    tools = dict(os.environ, PATH=os.environ["PATH"] + ":/sbin:/usr/sbin")
    with report.check("and e2fsck has nothing to say"):
        result = subprocess.run(["e2fsck", "-n", "-f", os.path.join(image, "disk.img")], env=tools, capture_output=True,
                                text=True)
        assert result.returncode == 0, result.stdout
    print(f"# up {boots} times after {number - 1} cuts; up to {lines} lines of log looked at", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--init", required=True, help="the binary to boot")
    parser.add_argument("--count", type=int, default=3, help="how often the power fails (default 3)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--kernel")
    parser.add_argument("--memory", default="256M")
    options = parser.parse_args()
    report = Report()
    run(report, options.init, options.kernel, options.memory, options.count, options.seed)
    return report.end()


if __name__ == "__main__":
    run_tests(main)
