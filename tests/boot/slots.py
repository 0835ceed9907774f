"""Two slots and an update that goes back by itself, as in etc/examples/slots: the boot loader is this test, which reads the variable
from the disk that both slots share. Then what the next boot says of one that failed, and of one whose power failed."""

import os
import shutil
import subprocess

import hardships
from machine import Machine, TOP

BOOTED = 240.0
EXAMPLE = os.path.join(TOP, "etc/examples/slots")
TOOLS = dict(os.environ, PATH=os.environ["PATH"] + ":/sbin:/usr/sbin")
DEVICES = {"a": "/dev/nvme0n1", "b": "/dev/nvme1n1"}

DATA = """description = "What both slots share"
[service]
type = "oneshot"
script = '''
mount -t ext4 /dev/nvme2n1 /data
mount --bind /data/miniinit /var/lib/miniinit
'''
"""
APP = """description = "The application"
wanted-by = ["default"]
required-by = ["boot-complete"]
after = ["data"]
[service]
script = '''
# Once this boot is counted and on record, so that a loss of power finds both.
until grep -qs "$(cat /proc/sys/kernel/random/boot_id)" /data/miniinit/boot-record &&
    ! head -n 1 /data/miniinit/boot-attempts | grep -qx 0; do sleep 0.1; done
sync
echo the app begins >/dev/console
sleep 1
[ ! -e /etc/app-works ] || : >/run/app-works
exec sleep 1234
'''
start-timeout = "{timeout}"
restart = "no"
[health]
command = ["/bin/test", "-e", "/run/app-works"]
"""
# The script of the example, made slow where the power is to fail while it runs.
SLOW = """#!/bin/sh
echo "slot $1 begins, boot $BOOT_ATTEMPT of $BOOT_ATTEMPTS" >/dev/console
[ ! -e /data/slow ] || sleep 5
/sbin/slot "$@"
echo "slot $1 ends" >/dev/console
"""


def disk(path, size, root=None):
    subprocess.run(["truncate", "-s", size, path], check=True)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-F", "-E", "lazy_itable_init=0,nodiscard",
                    *(["-d", root] if root else []), path], env=TOOLS, check=True)


class Slots:
    """Three disks: a, b, and what they share."""

    def __init__(self, place, init, kernel, memory, logs):
        self.kernel, self.memory, self.logs = kernel, memory, logs
        image = hardships.Image(place, "slots", init)
        self.where = image.where
        for directory in ("dev", "proc", "sys", "run", "tmp", "data", "mnt", "var/lib/miniinit"):
            os.makedirs(os.path.join(image.root, directory), exist_ok=True)
        for applet in ("test", "mv", "sed", "dd"):
            os.symlink("busybox", os.path.join(image.root, "bin", applet))
        shutil.copy(os.path.join(EXAMPLE, "slot"), os.path.join(image.root, "sbin/slot"))
        image.put("sbin/slow-slot", SLOW, 0o755)
        with open(os.path.join(EXAMPLE, "miniinit.toml"), encoding="utf-8") as file:
            image.put("etc/miniinit.toml", file.read().replace("/usr/sbin/slot", "/sbin/slow-slot"))
        # On a busy host a machine is slow, and what works must not fail for that.
        image.units(app=APP.format(timeout="10s"), default='wants = ["shell"]\nrequires = ["sysinit"]\n[target]\n',
                    sysinit='requires = ["data"]\n[target]\n', data=DATA,
                    shell=hardships.shell("slot $(sed 's/.*miniinit.slot=//; s/ .*//' /proc/cmdline)"))
        size = f"{os.path.getsize(init) // (1 << 20) + 24}M"
        disk(os.path.join(self.where, "swap.img"), size, image.root)  # b: the app of this update does not work
        image.put("etc/app-works", "")
        image.units(app=APP.format(timeout="5min"))
        disk(os.path.join(self.where, "disk.img"), size, image.root)
        shared = os.path.join(self.where, "shared")
        os.makedirs(os.path.join(shared, "slot"))
        os.makedirs(os.path.join(shared, "miniinit"))
        with open(os.path.join(shared, "slot/current"), "w", encoding="utf-8") as file:
            file.write("a\n")
        self.data = os.path.join(self.where, "data.img")
        disk(self.data, "8M", shared)

    def variable(self, name):
        # As a boot loader reads it: what only the journal has is not there yet.
        done = subprocess.run(["debugfs", "-R", f"cat /slot/{name}", self.data], env=TOOLS, capture_output=True, text=True)
        return done.stdout.strip()

    def next_slot(self):
        return self.variable("try") or self.variable("current")

    def boot(self, name):
        slot = self.next_slot()
        return Machine(self.where, os.path.join(self.logs, f"slots-{name}.log"),
                       f"root={DEVICES[slot]} miniinit.slot={slot}", self.kernel, self.memory,
                       more=("-drive", f"if=none,id=data,format=raw,file={self.data}", "-device", "nvme,serial=data,drive=data"))


def at_shell(machine, slot):
    machine.expect(f"slot {slot} is here", BOOTED)
    hardships.at_shell(machine)


def ended(machine):
    machine.expect("reboot: Restarting system")
    machine.ended()


def first_boot(report, machine):
    with report.check("the boot of a slot is good once its app is healthy, and boot-good runs once"):
        at_shell(machine, "a")
        machine.hears("this boot is a good one", BOOTED)
        machine.hears("slot good ends", BOOTED)
        machine.until("minictl status boot-good | grep -q done", "it is not done")
        assert len(machine.good("minictl logs miniinit | grep 'good one'").splitlines()) == 1
        hardships.count(machine, 0)
        assert "last boot" not in machine.good("minictl status")
    with report.check("an update is tried with the next boot"):
        machine.type("slot try b; reboot\n")
        ended(machine)


def bad_boot(report, machine, number):
    with report.check(f"boot {number} of an update whose app never becomes healthy says why it failed, and reboots by itself"):
        machine.expect("cannot reach boot-complete .dependency failed: app; app is failed: it was not ready within its "
                       "start-timeout.*; running boot-bad", BOOTED)
        machine.expect(f"slot bad begins, boot {number} of 3")
        machine.expect("rebooting, as boot-failure says")
        ended(machine)
    if number > 1:
        with report.check(f"boot {number} says why the one before failed"):
            assert machine.heard("the last boot .* of b. failed: cannot reach boot-complete"), "it does not"


def back_boot(report, machine):
    check = report.check
    with check("after three of them the old slot is back, and says why: on the console, in the log and in `minictl status`"):
        at_shell(machine, "a")
        machine.hears(r"the last boot \(\S+ of b\) failed: cannot reach boot-complete \(dependency failed: app")
        assert "of b) failed: cannot reach boot-complete" in machine.good("minictl status"), machine.tail()
        assert "of b) failed: cannot reach boot-complete" in machine.good("minictl logs miniinit")
        machine.hears("this boot is a good one", BOOTED)
        hardships.count(machine, 0)
    with check("`minictl status` says so after the init was executed anew, too"):
        machine.good("minictl reexec")
        assert "of b) failed: cannot reach boot-complete" in machine.good("minictl status"), machine.tail()
        assert len(machine.good("minictl logs miniinit | grep 'good one'").splitlines()) == 1, "boot-good ran again"
    with check("the update is mended and tried again"):
        machine.good("mount -t ext4 /dev/nvme1n1 /mnt && touch /mnt/etc/app-works && "
                     "cp /etc/miniinit/app.toml /mnt/etc/miniinit/ && umount /mnt")
        machine.type("touch /data/slow; slot try b; reboot\n")
        ended(machine)


def first_cut(report, machine):
    with report.check("the power fails before boot-good runs"):
        machine.expect("the app begins", BOOTED)
        machine.qemu.kill()


def second_cut(report, machine):
    with report.check("the next boot says that; the power fails while boot-good runs"):
        machine.expect(r"the last boot \(\S+ of b\) did not get as far as to be good, and did not end in order", BOOTED)
        machine.expect("slot good begins, boot 2 of 3")
        machine.qemu.kill()


def good_cut(report, machine, after):
    """One that is known to be good is not counted, so the next one is the first in a row again, however often that happens."""
    with report.check("the next boot knows that it was good, and runs boot-good again; the power fails " +
                      ("after it" if after else "while that runs")):
        machine.expect(r"the last boot \(\S+ of b\) did not end in order", BOOTED)
        machine.expect("slot good begins, boot 1 of 3")
        if after:
            machine.expect("slot good ends")
        machine.qemu.kill()


def kept_boot(report, machine):
    check = report.check
    with check("the update stays: it is the current slot"):
        at_shell(machine, "b")
        machine.hears(r"the last boot \(\S+ of b\) did not .*end in order: the power failed")
        assert "did not end in order" in machine.good("minictl status")
        machine.good("grep -qx b /data/slot/current && ! [ -e /data/slot/try ]")
    with check("a kernel crash is known as one that did not end in order; so are as many as may be, and boot-bad is told"):
        machine.good("minictl wait boot-good --for done")
        hardships.count(machine, 0)
        machine.good("printf '3\\nb\\n' >/data/miniinit/boot-attempts; sync")
        machine.type("echo c >/proc/sysrq-trigger\n")
        machine.expect("Kernel panic")
        machine.ended()


def too_many_boot(report, machine, cut):
    with report.check("after three boots that nobody saw the end of boot-bad runs at once; " +
                      ("the power fails while it does" if cut else "that is done again, and the count begins anew")):
        machine.expect(r"the last boot \(\S+ of b\) " + ("did not .*end in order" if cut else "failed: the last 3 boots"), BOOTED)
        machine.expect("the last 3 boots did not reach default; running boot-bad")
        machine.expect("slot bad begins, boot 3 of 3")
        if cut:
            return machine.qemu.kill()
        machine.expect("the last 3 boots did not reach default; rebooting")
        ended(machine)


def last_boot(report, machine):
    check = report.check
    with check("it is tried again after that, and may be good"):
        at_shell(machine, "b")
        machine.hears("slot good ends", BOOTED)
        hardships.count(machine, 0)
    with check("a boot that is ended in order leaves nothing to be said"):
        machine.type("poweroff\n")
        machine.expect("reboot: Power down")
        machine.ended()


def quiet_boot(report, machine):
    with report.check("and nothing is said"):
        at_shell(machine, "b")
        machine.hears("this boot is a good one", BOOTED)
        assert "last boot" not in machine.good("minictl status"), machine.tail()
        machine.type("poweroff\n")
        machine.ended()


SHORT = [
    # name, the slot that the boot loader is to choose, what should happen
    ("first", "a", first_boot),
    ("bad-1", "b", lambda report, machine: bad_boot(report, machine, 1)),
    ("bad-2", "b", lambda report, machine: bad_boot(report, machine, 2)),
    ("bad-3", "b", lambda report, machine: bad_boot(report, machine, 3)),
    ("back", "a", back_boot),
]
LONG = [
    ("cut-before", "b", first_cut),
    ("cut-while", "b", second_cut),
    # More of them than there may be boots in a row that fail.
    *((f"cut-good-{number}", "b", lambda report, machine: good_cut(report, machine, after=False)) for number in (1, 2)),
    # After it has run the current slot is b.
    *((f"cut-after-{number}", "b", lambda report, machine: good_cut(report, machine, after=True)) for number in (1, 2, 3)),
    ("kept", "b", kept_boot),
    ("too-many-cut", "b", lambda report, machine: too_many_boot(report, machine, cut=True)),
    ("too-many", "b", lambda report, machine: too_many_boot(report, machine, cut=False)),
    ("last", "b", last_boot),
    ("quiet", "b", quiet_boot),
]


def grub_slots(report, place):
    """The example with GRUB's environment, on a file of grub-editenv(1): the script is told the results that a machine would tell."""
    file = os.path.join(place, "grubenv")
    os.makedirs(place, exist_ok=True)
    tools = dict(TOOLS, ENVIRONMENT=file, BOOT_ATTEMPTS="3", BOOT_REASON="app is unhealthy")

    def slot(*words, attempt=1):
        done = subprocess.run([os.path.join(EXAMPLE, "slot-grub"), *words], env=dict(tools, BOOT_ATTEMPT=str(attempt)),
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert os.path.getsize(file) == 1024, "grub.cfg could not load it"
        text = subprocess.run(["grub-editenv", file, "list"], env=tools, capture_output=True, text=True, check=True).stdout
        return dict(line.split("=", 1) for line in text.splitlines()), done.stdout

    with report.check("with GRUB's environment: an update is tried, is given up after as many boots, and says why"):
        for words in (["create"], ["set", "current=a", "other=kept"]):
            subprocess.run(["grub-editenv", file, *words], env=tools, check=True)
        assert slot("try", "b") == ({"current": "a", "try": "b", "other": "kept"}, "")
        for attempt in (1, 2):
            assert slot("bad", attempt=attempt) == ({"current": "a", "try": "b", "other": "kept"}, "")
        assert slot("bad", attempt=3) == ({"current": "a", "try": "", "other": "kept"},
                                          "slot b is given up after 3 boots: app is unhealthy\n")
    with report.check("with GRUB's environment: what was tried stays once its boot is good; nothing tried is nothing done"):
        slot("try", "b")
        for _ in (1, 2):
            assert slot("good") == ({"current": "b", "try": "", "other": "kept"}, "")
        assert slot("bad", attempt=3) == ({"current": "b", "try": "", "other": "kept"}, "")


def run(report, init, kernel=None, memory="256M", long=False):
    place = os.path.join(TOP, "build/qemu/hardships")
    logs = os.path.join(TOP, "build/test-logs")
    os.makedirs(logs, exist_ok=True)
    grub_slots(report, os.path.join(place, "grub"))
    slots = Slots(place, init, kernel, memory, logs)
    for name, slot, story in SHORT + (LONG if long else []):
        failed = report.failed
        with report.check(f"{name}: the boot loader finds slot {slot}"):
            assert slots.next_slot() == slot, (slots.variable("try"), slots.variable("current"))
        if report.failed == failed:
            with report.boot(f"slots-{name}", slots.boot(name)) as machine:
                story(report, machine)
        if report.failed > failed:
            break
