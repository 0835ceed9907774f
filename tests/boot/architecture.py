#!/usr/bin/env python3
"""Boots the build for another architecture on an emulated machine of that kind: what differs there is in the kernel's interface
(system calls and their numbers, the frame of a signal, the start of a child) and is walked through here; all the rest is
smoke.py's. The kernel for 32-bit ARM is of 64 bits."""

import argparse
import os
import shlex
import subprocess

import swap
from machine import Machine, TOP
from report import Report, run_tests
from smoke import BOOTED, EXPECTED, listed, settled, status

SYSTEM_CALLS = """[service]
type = "oneshot"
script = "echo allowed; chroot / /bin/true || echo refused"

[process]
system-call-filter = ["~chroot"]
"""
# With a list of what is allowed a program still gets everything that its C library calls these by.
ALLOWED_CALLS = """[service]
type = "oneshot"
script = "ls -l / >/dev/null && date && echo alive"

[process]
system-call-filter = ["@system-service"]
user = "60001234"
"""
FAR_USER = """[service]
type = "oneshot"
script = "id -u"

[process]
user = "60001234"
"""
# By e_machine of elf(5): our name, that of its kernel, the serial line of the emulated machine.
MACHINES = {40: ("armhf", "aarch64", "ttyAMA0"), 183: ("arm64", "aarch64", "ttyAMA0"), 243: ("riscv64", "riscv64", "ttyS0")}


def machine_of(binary):
    with open(binary, "rb") as file:
        return MACHINES[int.from_bytes(file.read(20)[18:], "little")]


def run_unit(machine, name, text):
    """Starts a unit of that text; what it said."""
    lines = " ".join(shlex.quote(line) for line in text.splitlines())
    machine.good(f"printf '%s\\n' {lines} >/etc/miniinit/{name}.toml; minictl start {name}")
    return machine.good(f"minictl logs -o cat {name}")


def story(report, machine, kernel, serial):
    check = report.check
    with check(f"it is a machine of kind {kernel}, and boots to the shell of its serial line"):
        machine.shell(patience=2 * BOOTED)
        assert kernel in machine.good("uname -m")
        settled(machine)
    units = listed(machine)
    for state, names in EXPECTED.items():
        names = [name.replace("ttyS0", serial) for name in names.split()]
        wrong = {name: units[name]["state"] for name in names if units[name]["state"] != state}
        with check(f"units that are to be {state} are"):
            assert not wrong, wrong
    with check("the web server answers"):
        assert "<h1>miniinit on" in machine.good("wget -qO- http://127.0.0.1/")
    with check("a service has a clean context"):
        pid = units["ticker"]["main_pid"]
        assert "0022" in machine.good(f"grep Umask /proc/{pid}/status")
        assert set(machine.good(f"ls /proc/{pid}/fd").split()) <= {"0", "1", "2", "3"}
    with check("system calls are filtered by their numbers here"):
        said = run_unit(machine, "filtered", SYSTEM_CALLS)
        assert "allowed" in said and "refused" in said, said
        assert "alive" in run_unit(machine, "allowed", ALLOWED_CALLS)
    with check("a user may have a number of more than 16 bits"):
        assert "60001234" in run_unit(machine, "far", FAR_USER)
    with check("it is executed anew as one that fails when it is asked to"):
        swap.to_faults(machine)
        assert status(machine, "ticker")["main_pid"] == pid
    with check("PID 1 crashes in five ways, and comes back each time: the same processes, the log tells where it was"):
        for number, kind in enumerate("segv abort bad-alloc stack-overflow bus".split(), 1):
            machine.good(f"minictl debug-crash {kind}")
            assert machine.json("minictl status --json")["crashes"] == number
        assert status(machine, "ticker")["main_pid"] == pid
        said = machine.good("minictl logs miniinit | grep -c addr2line")
        assert int(said.split()[-1]) >= 5, said
    with check("it is executed anew as the one that is shipped"):
        swap.to_shipped(machine)
        assert status(machine, "ticker")["main_pid"] == pid
    with check("a service that fails is started again, and given up"):
        assert "giving up" in machine.run("minictl status flaky")[1]
    with check("a thousand orphans are reaped"):
        machine.good("i=0; while [ $i -lt 1000 ]; do (/bin/true &) ; i=$((i+1)); done", 400)
        machine.until("! grep -q '^State:.Z' /proc/[0-9]*/status 2>/dev/null", "zombies stay")
    with check("the power key of its keyboard ends it all"): # the kernel has no driver for QEMU's own power button there
        machine.keys("power")
        machine.expect("the power button was pressed")
        machine.expect("reboot: Power down", 150)
        assert machine.ended() == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("init", help="the binary to boot")
    options = parser.parse_args()
    arch, kernel, serial = machine_of(options.init)
    image = os.path.join(TOP, "build/qemu/smoke", arch)
    settings = image + "-settings"
    logs = os.path.join(TOP, "build/test-logs")
    os.makedirs(logs, exist_ok=True)
    os.makedirs(settings + "/etc", exist_ok=True)
    with open(settings + "/etc/miniinit.toml", "w") as file:
        file.write("[manager]\ncrash-limit = 1000 # it is made to crash, again and again\n")
    swap.add_faults(settings, options.init)
    os.makedirs(settings + "/etc/modules-load.d", exist_ok=True)
    with open(settings + "/etc/modules-load.d/button.conf", "w", encoding="utf-8") as file:
        file.write("evdev\nvirtio_input\n")
    subprocess.run([os.path.join(TOP, "qemu/image"), "--arch", arch, "--init", options.init, "--add",
                    os.path.join(TOP, "tests/boot/extra"), "--add", settings, "--module", "drivers/input/evdev",
                    "--module", "drivers/virtio/virtio_input", image], check=True)
    report = Report()
    log = os.path.join(logs, f"boot-{arch}.log")
    with report.boot(arch, Machine(image, log, arch=arch, devices=("virtio-keyboard-pci",))) as machine:
        story(report, machine, kernel, serial)
    return report.end()


if __name__ == "__main__":
    run_tests(main)
