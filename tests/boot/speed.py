#!/usr/bin/env python3
"""Measures how long it is from the kernel's exec of the init to the readiness of one service, on a microvm and on a q35, beside
busybox init and a bare shell script: the same kernel and the same service, boots in turn, medians. Two figures each: the time that
passed here, and the processor time of QEMU in it, which other work on this host disturbs less."""

import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

import hardships
from machine import TOP
from report import run_tests

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "speed")
PATIENCE = 180.0
KINDS = ("microvm,acpi=off", "q35")
BEGUN, READY = re.compile(rb"Run /\S+ as init process"), re.compile(rb"@ready@")
MOUNTS = ("-t proc proc /proc", "-t sysfs sysfs /sys", "-t devtmpfs dev /dev", "-t tmpfs run /run")
SERVICE = '{head}\n[service]\ntype = "notify"\ncommand = ["/bin/ready"]\n'


def shell_image(image):
    image.put("start", "#!/bin/sh\n" + "".join(f"mount {words}\n" for words in MOUNTS) + "/bin/ready &\nwait\n", 0o755)


def busybox_image(image):
    os.symlink("/bin/busybox", os.path.join(image.root, "start"))
    image.put("etc/inittab", "".join(f"::sysinit:/bin/mount {words}\n" for words in MOUNTS) + "::respawn:/bin/ready\n")
    os.rename(os.path.join(image.root, "start"), os.path.join(image.root, "sbin/init"))


def alone_image(image):
    image.units(default='wants = ["ready"]\n[target]\n', ready=SERVICE.format(head=""))


def shipped_image(image):
    image.units(ready=SERVICE.format(head='requires = ["basic"]\nwanted-by = ["multi-user"]'))
    shutil.copytree(os.path.join(TOP, "units"), os.path.join(image.root, "usr/lib/miniinit"))


def subjects(options):
    """(name, the init's binary, its path, what goes into the image), in the order in which they take turns."""
    yield "shell script", options.init, "/start", shell_image
    yield "busybox init", options.init, "/sbin/init", busybox_image
    for which, binary in (("", options.init), (" before", options.before)):
        if binary:
            yield f"miniinit{which}, the service alone", binary, "/sbin/miniinit", alone_image
            yield f"miniinit{which}, with the shipped units", binary, "/sbin/miniinit", shipped_image


def make(place, program, binary, fill, name):
    image = hardships.Image(place, re.sub(r"\W+", "-", name), binary)
    for directory in ("dev", "proc", "sys", "run", "tmp", "etc"):
        os.makedirs(os.path.join(image.root, directory), exist_ok=True)
    shutil.copy(program, os.path.join(image.root, "bin/ready"))
    fill(image)
    return image.make()


def processor_time(pid):
    """Nanoseconds that all threads of a process have run."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total


def boot(where, init, kind, kernel):
    """(milliseconds, milliseconds of the processor) from exec to readiness."""
    command = [os.path.join(TOP, "qemu/run"), "--image", where, "--machine", kind, "--monitor", "none",
               "--append", f"rdinit={init} loglevel=7", *(["--kernel", kernel] if kernel else [])]
    said, began = b"", None
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as qemu:
        try:
            os.set_blocking(qemu.stdout.fileno(), True)
            signal.alarm(int(PATIENCE))
            while True:
                data = os.read(qemu.stdout.fileno(), 65536)
                now = time.monotonic(), processor_time(qemu.pid)
                said += data
                if began is None and BEGUN.search(said):
                    began = now
                if READY.search(said):
                    return (now[0] - began[0]) * 1e3, (now[1] - began[1]) / 1e6
                if not data:
                    raise OSError(f"the machine ended before the service was there: {said[-500:]!r}")
        finally:
            signal.alarm(0)
            qemu.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--init", required=True, help="the binary to measure")
    parser.add_argument("--before", help="a binary from before a change, measured beside it")
    parser.add_argument("--kernel")
    parser.add_argument("--boots", type=int, default=10)
    parser.add_argument("--kinds", nargs="*", default=KINDS, help="kinds of machines")
    options = parser.parse_args()
    place = os.path.join(TOP, "build/qemu/speed")
    program = os.path.join(place, "ready")
    os.makedirs(place, exist_ok=True)
    subprocess.run([os.environ.get("CC", "cc"), "-std=c17", "-D_GNU_SOURCE", "-Os", "-Wall", "-Werror", "-static", "-s", "-o", program,
                    os.path.join(HERE, "ready.c")], check=True)
    rows = [(name, make(place, program, binary, fill, name), init) for name, binary, init, fill in subjects(options)]
    for kind in options.kinds:
        times = {name: [] for name, *_ in rows}
        for _ in range(options.boots):
            for name, where, init in rows:
                times[name].append(boot(where, init, kind, options.kernel))
        print(f"{kind}, medians of {options.boots} boots in turn:")
        for name, measured in times.items():
            passed, worked = (statistics.median(column) for column in zip(*measured))
            print(f"  {name:40}{passed:7.0f} ms   {worked:7.0f} ms of processor   (fastest {min(measured)[0]:.0f} ms)", flush=True)
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, lambda *_: sys.exit("speed: no readiness in time"))
    run_tests(main)
