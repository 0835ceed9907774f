"""Roots of machines that nobody has installed: a tmpfs, the initramfs for good, a disk that is only read with an overlay in memory.
First boots: /etc/machine-id is empty or missing, there is no /var, the clock stands in 1970. What they have more is in roots/."""

import os
import shutil
import subprocess

import hardships
from machine import TOP

HERE = os.path.join(TOP, "tests/boot/roots/root")
BOOTED = 240.0
NAMES = ("roots-initramfs", "roots-tmpfs", "roots-overlay", "roots-overlay-again", "roots-bare")


def up(report, machine, sentence, kind):
    with report.check(sentence):
        machine.shell(patience=BOOTED)
        machine.good("minictl wait default --for up")
        assert f" / {kind} rw" in machine.good("grep ' / ' /proc/mounts"), kind
        # The demo has these three on purpose.
        failed = [name for name, unit in units(machine).items() if unit["state"] == "failed"]
        assert set(failed) <= {"flaky", "blocked"}, failed


def units(machine):
    return {unit["name"]: unit for unit in machine.json("minictl list --all --json")["units"]}


def has_id(machine):
    """Its id, which has to be one."""
    text = machine.good("cat /etc/machine-id").splitlines()[-1]
    assert len(text) == 32 and int(text, 16), text
    return text


def ends(report, machine):
    with report.check("it ends in order"):
        machine.type("poweroff\n")
        machine.expect("reboot: Power down", 150)
        assert machine.ended() == 0
        assert not machine.heard("still (busy|mounted|in the way)"), machine.tail()


def initramfs_boot(report, machine):
    up(report, machine, "the initramfs is the root for good", "rootfs")
    with report.check("an empty /etc/machine-id gets an id at the first boot"):
        has_id(machine)
        assert units(machine)["machine-id"]["state"] == "done"
    with report.check("with a clock that can be believed from the start `time-set` is reached, and nothing is said of it"):
        machine.good("minictl wait needs-time --for up")
        assert not machine.heard("the clock is set")
    ends(report, machine)


def tmpfs_boot(report, machine):
    check = report.check
    up(report, machine, "a tmpfs without /var is the root, and what only wants an unknown time does not hold up the boot", "tmpfs")
    with check("a missing /etc/machine-id is made at the first boot, for the next ones of the same root"):
        first = has_id(machine)
        assert units(machine)["machine-id"]["state"] == "done"
        machine.type("minictl soft-reboot\n")
        machine.expect("soft reboot begins")
        machine.shell(patience=BOOTED)
        machine.good("minictl wait default --for up")
        assert has_id(machine) == first and units(machine)["machine-id"]["state"] == "skipped", units(machine)["machine-id"]
    with check("what there is to keep has its place, though there was none"):
        machine.good("[ -s /var/lib/miniinit/random-seed ] && [ -d /var/tmp ] && ls /var/log/miniinit/web/current")
    with check("a clock that stood in 1970 is not believed, and what needs the time waits for it, and says so"):
        assert int(machine.good("date +%Y").splitlines()[-1]) >= 2026
        states = units(machine)
        assert states["time-set"]["state"] == "waiting" and states["needs-time"]["state"] == "waiting", states["needs-time"]
        assert "/run/miniinit/time-set" in machine.good("minictl explain needs-time")
    with check("a step that leaves it as wrong as it was does not count"):
        machine.good("date -s @$(($(date +%s) - 1)); minictl list >/dev/null; minictl reexec; minictl list >/dev/null")
        assert units(machine)["time-set"]["state"] == "waiting"
    with check("once it is set `time-set` is reached, and what waited runs"):
        machine.good("date -s '2033-05-05 05:05:05'")
        machine.good("minictl wait needs-time --for up")
        assert "the clock is set: 2033-05-05T05:05" in machine.good("minictl logs miniinit -o cat"), machine.tail()
    with check("a re-exec knows it"):
        machine.good("minictl reexec")
        assert units(machine)["time-set"]["state"] == "up" and units(machine)["needs-time"]["restarts"] == 0
    ends(report, machine)


def overlay_boot(report, machine):
    up(report, machine, "a disk that is only read, under an overlay in memory, is the root", "overlay")
    with report.check("what is written lies in memory"):
        has_id(machine)
        machine.good("grep -q ' /media/disk ext4 ro' /proc/mounts && [ ! -s /media/disk/etc/machine-id ]")
        machine.good("[ ! -e /root/written ] && touch /root/written && [ ! -e /media/disk/root/written ]")
        machine.good("[ -s /var/lib/miniinit/random-seed ] && [ ! -e /media/disk/var/lib/miniinit/random-seed ]")
    ends(report, machine)


def bare_boot(report, machine):
    with report.check("a disk that is only read, without /dev, /proc, /sys and /run, still gets as far as a shell on the console"):
        machine.expect("the bare one is here", BOOTED)
        hardships.at_shell(machine)
        mounts = machine.good("cat /proc/mounts")
        for wanted in (" / tmpfs rw", " /bin ext4 ro", " /dev devtmpfs", " /run tmpfs", " /sys/fs/cgroup cgroup2"):
            assert wanted in mounts, (wanted, mounts)
        assert "cannot be written and lacks /proc" in machine.good("minictl logs miniinit"), machine.tail()
    ends(report, machine)


def bare_disk(place, init):
    """A disk with what there is to run, and no directory for anything else."""
    image = hardships.Image(place, "roots-bare", init, disk=True)
    image.units(default='wants = ["talk"]\n[target]\n', talk=hardships.shell("the bare one"))
    tools = dict(os.environ, PATH=os.environ["PATH"] + ":/sbin:/usr/sbin")
    for name in ("disk.img", "swap.img"):
        subprocess.run(["truncate", "-s", "64M" if name == "disk.img" else "1M", os.path.join(image.where, name)], check=True)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-F", "-E", "lazy_itable_init=0,nodiscard", "-d", image.root,
                    os.path.join(image.where, "disk.img")], env=tools, check=True)
    return image.where


def boots(image, init, place):
    """(name, image, kernel words, more for QEMU, story), in order. `image` packs."""
    yield "roots-bare", bare_disk(place, init), "", (), bare_boot
    memory = image("roots", "--add", HERE, "--module", "fs/overlayfs/overlay")
    disk = image("roots-disk", "--disk", "--add", HERE)
    with open(os.path.join(disk, "root/etc/fstab"), encoding="utf-8") as file:
        assert "nvme0n1" in file.read()
    shutil.copy(os.path.join(memory, "initramfs.cpio"), disk)
    yield "roots-initramfs", memory, "", (), initramfs_boot
    yield "roots-tmpfs", memory, "rdinit=/tmpfs-init", ("-rtc", "base=1970-01-01T00:10:00"), tmpfs_boot
    for name in ("roots-overlay", "roots-overlay-again"):
        yield name, disk, "rdinit=/overlay-init", (), overlay_boot
