"""Fifty boots and ends of a microvm without ACPI, with -no-reboot, as somebody has them who runs his jobs in such machines: each ends
by itself, and the host has the right code. They end in five ways, ten times each."""

import itertools
import os
import time

import hardships
from machine import Machine, TOP

BOOTED = 240.0
BARE = "microvm,acpi=off"
DEBUG_EXIT = ("isa-debug-exit,iobase=0xf4,iosize=0x04",)
CODE = "miniinit.end=isa-debug-exit:0xf4 "
JOB = """[service]
type = "oneshot"
script = "echo the job runs >/dev/console; exit $(sed 's/.*code=//; s/ .*//' /proc/cmdline)"
exit-action = "poweroff"
"""


def qemu_code(code):
    """What QEMU exits with if the machine tells isa-debug-exit of `code`: the device has room for seven bits of it."""
    return (code & 127) << 1 | 1


def ends_alone(machine):
    return machine.ended(BOOTED)


def typed(word):
    def story(machine):
        machine.shell(patience=BOOTED)
        machine.type(word + "\n")
        return machine.ended(BOOTED)
    return story


# name, kernel words, devices, what is done, the code of QEMU, what the second serial line is to have at its end
TOLD = "isa-serial,index=1,chardev=told"  # a microvm has one serial line of its own
WAYS = [
    ("command", CODE + "-- /bin/sh -c 'exit {code}'", DEBUG_EXIT, ends_alone, qemu_code, None),
    ("job", CODE + "miniinit.target=job miniinit.notify=serial:/dev/ttyS1 code={code}", DEBUG_EXIT, ends_alone, qemu_code,
     "EXIT_STATUS={code}"),
    ("job-without-device", "miniinit.target=job miniinit.notify=serial:/dev/ttyS1 code={code}", (), ends_alone,
     lambda code: 0, "EXIT_STATUS={code}"),
    ("poweroff", "", (), typed("poweroff"), lambda code: 0, None),
    ("reboot", "", (), typed("reboot"), lambda code: 0, None),
]


def run(report, init, kernel=None, boots=50):
    place, logs = os.path.join(TOP, "build/qemu/fifty"), os.path.join(TOP, "build/test-logs")
    os.makedirs(logs, exist_ok=True)
    image = hardships.Image(place, "fifty", init)
    os.symlink("busybox", os.path.join(image.root, "bin/sed"))
    image.units(default='wants = ["talk"]\n[target]\n', talk=hardships.shell("fifty"), job=JOB)
    image.make()
    took = []
    for number, (name, words, devices, story, wanted, last) in zip(range(boots), itertools.cycle(WAYS)):
        code = 7 * number & 255
        said = os.path.join(image.where, "told")
        began = time.monotonic()
        title = f"boot {number + 1} of {boots}, {name} with {code}"
        with Machine(image.where, os.path.join(logs, f"boot-fifty-{number + 1}.log"), words.format(code=code), kernel,
                     kind=BARE, devices=(TOLD, *devices), more=("-chardev", f"file,id=told,path={said}")) as machine:
            with report.check(f"{title}: it ends by itself, with the right code at the host"):
                found = story(machine)
                assert found == wanted(code), (found, machine.tail(15))
                if last:
                    with open(said, encoding="utf-8", errors="replace") as file:
                        assert file.read().splitlines()[-1] == last.format(code=code), said
        took.append(time.monotonic() - began)
    took.sort()
    print(f"# {boots} boots and ends: {took[0]:.1f} s to {took[-1]:.1f} s each, median {took[len(took) // 2]:.1f} s")
