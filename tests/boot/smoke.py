#!/usr/bin/env python3
"""Boots the demo image in QEMU, again and again, and checks that what SPEC.md promises of a machine is so: from the kernel
to `default`, through the verbs, down in order, and up again from the same disk."""

import argparse
import importlib.util
import os
import random
import re
import shutil
import subprocess

import fifty
import hardships
import lanes
import powercut
import roots
import shutdowns
import slots
import swap
import virtual
from machine import Machine, PROMPT, TOP
from report import Report, run_tests

EXTRA = os.path.join(TOP, "tests/boot/extra")
BOOTED = 180.0  # seconds from the kernel to a shell, on a slow host

# What each unit of the demo (and of tests/boot/extra) comes to, on an initramfs.
EXPECTED = {
    "up": "boot-complete sysinit basic network multi-user demo web ticker stubborn yearly getty@ttyS0 getty@tty1 dhcp@eth0",
    "done": "render check publish static-nodes modules mdev root-remount mounts swap tmpfiles sysctl hostname clock random-seed loopback "
            "machine-id getty-consoles logins boot-records runlevel@3 "
            "network-interfaces static@lo rc-local sysv@oldstyle network-mounts foundation house",
    "skipped": "udev eudev udev-trigger fsck-root fsck network-leases",
    "down": "network-online network-wait network-address graphical rescue emergency shutdown rescue-shell emergency-shell",
    "failed": "flaky blocked",
    "invalid": "broken",
}


def listed(machine):
    """Every unit by name, as `minictl list` tells it."""
    answer = machine.json("minictl list --all --json")
    units = answer["units"] if isinstance(answer, dict) else answer
    return {unit["name"]: unit for unit in units}


def status(machine, name):
    answer = machine.json(f"minictl status --json {name}")
    units = answer["units"] if isinstance(answer, dict) and "units" in answer else answer
    return units[0] if isinstance(units, list) else units


def settled(machine):
    """Waits until the demo has come to rest: `default` up, the crashing service out of tries."""
    machine.good("minictl wait multi-user --for up")
    machine.good("minictl wait flaky --for failed")
    machine.good("minictl wait sysv@oldstyle --for done; minictl wait rc-local --for done; minictl wait web --for up")


def normal_boot(report, machine):
    check = report.check
    with check("the kernel starts the init, and it gets to a shell on the serial console"):
        machine.shell(patience=BOOTED)
    with check("`default` is reached, and `minictl wait` says when"):
        settled(machine)

    units = listed(machine)
    for state, names in EXPECTED.items():
        for name in names.split():
            with check(f"{name} is {state}"):
                unit = units[name]
                why = f'it is {unit["state"]}: {unit.get("reason", "")}; logs: ' if unit["state"] != state else ""
                if why:
                    why += machine.run(f"minictl logs {name} -n 5")[1]
                assert unit["state"] == state, why
    with check("there is no unit that nobody expects to be failed or invalid"):
        odd = {name: unit["state"] for name, unit in units.items() if unit["state"] in ("failed", "invalid")}
        assert set(odd) == {"flaky", "blocked", "broken"}, odd

    with check("the file systems of the kernel are mounted"):
        mounts = {line.split()[1]: line.split()[2] for line in machine.good("cat /proc/mounts").splitlines()
                  if len(line.split()) == 6}
        wanted = {"/proc": "proc", "/sys": "sysfs", "/dev": "devtmpfs", "/dev/pts": "devpts", "/dev/shm": "tmpfs",
                  "/run": "tmpfs", "/sys/fs/cgroup": "cgroup2"}
        for place, kind in wanted.items():
            assert mounts.get(place) == kind, f"{place}: {mounts.get(place)}"
    with check("the file systems of /etc/fstab are mounted"):
        assert " /srv/scratch tmpfs" in machine.good("cat /proc/mounts")
    with check("`lo` is up, with its address"):
        text = machine.good("ip address show dev lo")
        assert "127.0.0.1/8" in text and ",UP" in text, text
    with check("static@ gives an address"):
        assert "127.0.0.2" in machine.good("ip address show dev lo")
    with check("dhcp@ gets an address"):
        machine.until("grep -q 10.0.2 /run/dhcp.eth0 2>/dev/null", "no lease")
    with check("ifup ran for /etc/network/interfaces"):
        machine.good("grep -q up /run/ifup.eth0")
    with check("the host name is that of /etc/hostname"):
        assert machine.good("hostname").splitlines()[-1] == "demo"
    with check("kernel settings of /etc/sysctl.conf are in force"):
        assert machine.good("cat /proc/sys/vm/swappiness").splitlines()[-1] == "10"
    with check("the kernel modules asked for are loaded"):
        machine.good("grep -q ^loop /proc/modules && grep -q ^virtio_net /proc/modules")
    with check("volatile directories are there"):
        assert "drwxrwxrwt" in machine.good("ls -ld /tmp /run/lock")
    with check("nodes of modules that are loaded when they are opened are there"):
        machine.good("[ -c /dev/cuse ]")
    with check("users may log in from multi-user on, and not when the machine goes down"):
        machine.good("touch /run/nologin && minictl restart logins && ! [ -e /run/nologin ] && minictl stop logins && "
                     "grep -q 'going down' /run/nologin && minictl start logins && ! [ -e /run/nologin ]")
    with check("boot and runlevel are recorded for who(1) and last(1)"):
        machine.good("grep -q reboot /run/utmp && grep -q runlevel /run/utmp")
    with check("what waits for an address has one"):
        machine.good("minictl start network-online && minictl status network-address | grep -q done")
    with check("a service may open as many files as a database wants, if it asks for them"):
        limits = machine.good(f"grep 'open files' /proc/{units['ticker']['main_pid']}/limits")
        assert re.search(r"\b1024 +524288\b", limits), limits
    with check("/etc/rc.local was run"):
        machine.good("cat /run/rc-local.done")
    with check("the System V script was started, and its daemon lives"):
        machine.good("kill -0 $(cat /run/oldstyle.pid)")
    with check("the random seed is saved, for root only"):
        assert machine.good("ls -l /var/lib/miniinit/random-seed").splitlines()[-1].startswith("-rw-------")
    with check("PID 1 has no controlling terminal, works in /, and blocks what it reads by signalfd"):
        assert machine.good("cat /proc/1/stat").splitlines()[-1].rsplit(")", 1)[1].split()[4] == "0"
        assert machine.good("readlink /proc/1/cwd").splitlines()[-1] == "/"
    with check("Ctrl-Alt-Del is not the kernel's any more"):
        assert machine.good("cat /proc/sys/kernel/ctrl-alt-del").splitlines()[-1] == "0"
    with check("a service has a clean context: session, descriptors, signals, umask"):
        pid = units["ticker"]["main_pid"]
        fields = machine.good(f"cat /proc/{pid}/stat").splitlines()[-1].rsplit(")", 1)[1].split()
        assert fields[3] == str(pid) and fields[4] == "0", f"session {fields[3]}, tty {fields[4]}"
        text = machine.good(f"grep -E 'SigIgn|Umask' /proc/{pid}/status")
        assert re.search(r"SigIgn:\s*0+$", text, re.M) and "0022" in text, text
        names = machine.good(f"ls /proc/{pid}/fd").split()
        assert set(names) <= {"0", "1", "2", "3"}, names  # 3 is its own signalfd
    with check("a service has a cgroup of its own"):
        assert "ticker" in machine.good(f"cat /proc/{units['ticker']['main_pid']}/cgroup")

    with check("the web server answers"):
        assert "<h1>miniinit on" in machine.good("wget -qO- http://127.0.0.1/")
    with check("a chain of oneshots ran in order"):
        assert machine.good("cat /run/www/order").split()[-3:] == ["render", "check", "publish"]
    with check("a notify service tells its status"):
        machine.until("minictl status ticker | grep -q ticks", "no tick in its status")

    with check("`minictl list` is for reading, too"):
        text = machine.good("minictl list")
        assert "web" in text and "flaky" in text and "failed" in text, text
    with check("`minictl list --failed` shows what failed and nothing else"):
        text = machine.run("minictl list --failed")[1]
        assert "flaky" in text and "broken" in text and "ticker" not in text, text
    with check("`minictl status` shows the last lines of a service that failed"):
        code, text = machine.run("minictl status flaky")
        assert "giving up" in text, text
        assert code in (1, 3), f"exit code {code} for what does not run"
    with check("`minictl tree` draws what a unit needs"):
        text = machine.good("minictl tree web")
        assert "publish" in text and "render" in text, text
    with check("`minictl explain` tells why a crashing service is not up"):
        text = machine.run("minictl explain flaky")[1]
        assert "3" in text and "flaky" in text and ("exit" in text or "code" in text), text
    with check("`minictl explain` goes down to the root cause"):
        text = machine.run("minictl explain blocked")[1]
        assert "broken" in text and ("comand" in text or "invalid" in text), text
    with check("`minictl explain` tells the reason of a unit that was skipped"):
        assert "systemd-udevd" in machine.run("minictl explain udev")[1]
    with check("a broken unit was named with file and line, on the console or in the init's log"):
        assert re.search(r"broken\.toml:\d+:\d+: error", machine.run("minictl verify; minictl logs")[1])
    with check("`minictl logs` shows both streams of a service, with the priority of a line"):
        text = machine.good("minictl logs flaky -n 4")
        assert "giving up" in text and "that is not there" in text, text
    with check("`minictl show` and `cat` show a unit and its drop-in"):
        assert "demo-login" in machine.good("minictl cat getty@ttyS0")
        assert "demo-login" in machine.good("minictl show getty@ttyS0")
    with check("a unit that does not exist is exit code 4, and a near name is offered"):
        code, text = machine.run("minictl status webb")
        assert code == 4 and "web" in text, f"{code}: {text}"
    with check("`minictl probe` and `version` answer"):
        machine.good("minictl probe")
        machine.good("minictl version")
    with check("a healthy machine verifies its own units, but for the broken one"):
        code, text = machine.run("minictl verify")
        assert code == 1 and "broken.toml" in text, f"{code}: {text}"
        others = [line for line in text.splitlines() if ".toml:" in line and "error" in line and "broken.toml" not in line]
        assert not others, others

    with check("`minictl stop` stops a service, and `start` starts it again"):
        machine.good("minictl stop web")
        assert status(machine, "web")["state"] == "down"
        assert machine.run("wget -qO- http://127.0.0.1/")[0] != 0
        machine.good("minictl start web")
        machine.until("wget -qO- http://127.0.0.1/ >/dev/null 2>&1", "no answer")
    with check("`minictl restart` gives it another process"):
        before = status(machine, "web")["main_pid"]
        machine.good("minictl restart web")
        assert status(machine, "web")["main_pid"] not in (before, None)
    with check("`minictl reload` is heard, and RELOADING/READY are waited for"):
        machine.good("minictl reload ticker")
        assert "reloaded" in machine.good("minictl logs ticker -n 5")
    with check("a dependency cannot be taken away from below: what requires it stops first, and comes back with it"):
        machine.good("minictl stop render")
        after = listed(machine)
        assert after["render"]["state"] == "down", after["render"]
        for name in ("check", "publish", "web"):  # `multi-user` still wants web, so they wait
            assert after[name]["state"] in ("down", "waiting"), after[name]
        machine.good("minictl start web")
        assert status(machine, "web")["state"] == "up"
    with check("a service that is killed is started again"):
        machine.good(f"kill -9 {status(machine, 'web')['main_pid']}")
        machine.until("wget -qO- http://127.0.0.1/ >/dev/null 2>&1", "it does not come back")
        assert status(machine, "web")["restarts"] >= 1, status(machine, "web")
    with check("stopping a System V service runs its script, and leaves nothing"):
        machine.good("pid=$(cat /run/oldstyle.pid); minictl stop sysv@oldstyle && ! kill -0 $pid 2>/dev/null")
    with check("stopping a stubborn service leaves none of its processes, whatever session they are in"):
        machine.good("minictl stop stubborn")
        assert not machine.running("stubborn")
    with check("a killed log collector is started again, and no line is lost"):
        [collector] = machine.running("miniinit-logd", "comm")
        machine.good(f"kill -9 {collector}")
        lines = machine.run("minictl logs ticker | grep -c tick")[1].split()[-1]
        machine.until(f"[ $(minictl logs ticker | grep -c tick) -gt {lines} ]", "no new line")
    with check("a thousand orphans are reaped"):
        machine.good("i=0; while [ $i -lt 1000 ]; do (/bin/true &) ; i=$((i+1)); done")
        machine.until("! grep -q '^State:.Z' /proc/[0-9]*/status 2>/dev/null", "zombies stay")
    with check("SIGHUP reads the units again"):
        machine.good("printf '[service]\\ncommand=\"/bin/sleep 5555\"\\n' >/etc/miniinit/fresh.toml; kill -HUP 1")
        machine.until("minictl status fresh 2>&1 | grep -q fresh.toml", "not there")
        machine.good("minictl start fresh")
    with check("`minictl disable` is remembered by a link"):
        machine.good("minictl disable ticker && [ -L /etc/miniinit/disabled/ticker ] && minictl enable ticker")

    with check("`minictl target rescue` leaves one shell on the console"):
        machine.type("minictl --no-wait target rescue\n")
        machine.expect("Rescue mode")
        machine.shell()
        machine.until("minictl status web | grep -q down", "web is still there")
        units = listed(machine)
        running = {name for name, unit in units.items() if unit["state"] == "up" and unit["kind"] == "service"}
        # The device manager is of sysinit, which rescue requires, too.
        assert running - {"mdev-hotplug"} == {"rescue-shell"}, running
        assert units["rescue"]["state"] == "up", units["rescue"]
    with check("ending that shell goes on to normal operation"):
        machine.type("exit\n")
        machine.expect("Going on")
        machine.shell()
        settled(machine)
        assert status(machine, "web")["state"] == "up"
    with check("Ctrl-Alt-Del on the keyboard reboots"):
        machine.keys("ctrl", "alt", "delete")
        machine.expect("reboot: Restarting system")
        assert machine.ended() == 0
    with check("the kernel saw no panic, oops, or stuck task"):
        assert not machine.heard(r"Kernel panic|Oops|BUG:|blocked for more than"), "see the log"


def single_boot(report, machine):
    check = report.check
    with check("`single` on the kernel command line gives the rescue shell"):
        machine.expect("Rescue mode", BOOTED)
        machine.shell()
        units = listed(machine)
        assert units["rescue"]["state"] == "up" and units["sysinit"]["state"] == "up", units["rescue"]
        assert units["web"]["state"] == "down" and units["getty@ttyS0"]["state"] == "down"
    with check("a shell on the console has job control"):
        code, text = machine.run("cat /proc/$$/stat")
        assert text.splitlines()[-1].rsplit(")", 1)[1].split()[4] != "0", text
    with check("`exit` there goes on to `default`"):
        machine.type("exit\n")
        machine.expect(PROMPT)
    with check("`minictl logs -f` follows, and Ctrl-C on the console ends it and nothing else"):
        machine.type("minictl logs -f ticker\n")
        for _ in range(2):
            machine.expect(r"tick \d+")
        machine.type("\x03")
        machine.shell()
        settled(machine)
    with check("`poweroff` switches the machine off"):
        machine.type("poweroff\n")
        machine.expect("reboot: Power down")
        assert machine.ended() == 0


def emergency_boot(report, machine):
    check = report.check
    with check("`emergency` on the kernel command line gives a shell, and starts nothing else"):
        machine.expect("Emergency mode", BOOTED)
        machine.shell()
        busy = {name for name, unit in listed(machine).items() if unit["state"] not in ("down", "invalid")}
        assert busy == {"emergency", "emergency-shell"}, busy
    with check("SIGTERM to PID 1 reboots"):
        machine.type("kill -TERM 1\n")
        machine.expect("reboot: Restarting system")
        assert machine.ended() == 0


def bare_boot(report, machine):
    check = report.check
    with check("with no unit files at all the init says so and offers a shell"):
        machine.expect("no unit", BOOTED)
        machine.shell()
        machine.good("minictl version")
    with check("SIGUSR2 to PID 1 switches off"):
        machine.type("kill -USR2 1\n")
        machine.expect("reboot: Power down")
        assert machine.ended() == 0


def forced_boot(report, machine):
    check = report.check
    with check("`reboot -f` does not ask the init, and ends the machine at once"):
        machine.expect("no unit", BOOTED)
        machine.shell()
        machine.type("reboot -f\n")
        machine.expect("reboot: Restarting system")
        assert machine.ended() == 0
        assert not machine.heard("reboot begins"), "the init was asked"


def caretaker_boot(report, machine):
    check = report.check
    with check("the init is asked to fail three times; it comes back, and the shell is the same"):
        machine.expect("no unit", BOOTED)
        machine.shell()
        swap.to_faults(machine)
        for number in range(1, 4):
            assert "SIGSEGV" in machine.good("minictl debug-crash segv")
            assert machine.json("minictl status --json")["crashes"] == number
    with check("after the fourth crash in a minute a caretaker answers, and says so on the console"):
        machine.good("minictl debug-crash segv")
        assert machine.json("minictl status --json")["state"] == "caretaker"
        assert machine.heard("only takes care of what runs")
    with check("who has the console keeps it; then the caretaker has a shell there"):
        machine.type("exit 0\n")
        machine.shell()
        assert machine.good("cat /proc/$PPID/comm").splitlines()[-1] != "sh"
    with check("`reboot` is obeyed by the caretaker"):
        machine.type("reboot\n")
        machine.expect("reboot: Restarting system", 150)
        assert machine.ended() == 0


def first_disk_boot(report, machine):
    check = report.check
    with check("it boots from an ext4 disk, with nothing in /dev and no descriptor open at the start"):
        machine.shell(patience=BOOTED)
        settled(machine)
    with check("the root file system was checked, then made writable, by their units"):
        units = listed(machine)
        assert units["fsck-root"]["state"] == "done" and units["root-remount"]["state"] == "done", units["fsck-root"]
        assert re.search(r" / ext4 rw", machine.good("cat /proc/mounts"))
    with check("swap is on"):
        assert "nvme1n1" in machine.good("cat /proc/swaps")
    with check("early lines of the log moved to /var/log once that was writable"):
        machine.good("ls /var/log/miniinit/ticker/current /var/log/miniinit/fsck-root/current")
        assert machine.run("ls /run/log/miniinit/*/current 2>/dev/null")[0] != 0
    with check("a persistent timer is on record as soon as it is met, and runs for nothing that was before"):
        machine.until("grep -q met /var/lib/miniinit/timers/yearly", "no record of it")
        assert machine.run("cat /root/yearly-runs")[0] != 0
        # As if it had run last in another year, and the next time had passed while the machine was off.
        machine.good("echo '2001-02-03T04:05:06.000000Z ran' >/var/lib/miniinit/timers/yearly")
    with check("a file is written, a file system is mounted inside another, a loop device is in use"):
        machine.good("echo kept >/root/kept; truncate -s 4M /root/loop.img; losetup /dev/loop0 /root/loop.img; "
                     "mkdir -p /srv/scratch/inner; mount -t tmpfs inner /srv/scratch/inner; (cd /srv/scratch/inner; "
                     "setsid sleep 100000 >/dev/null 2>&1 &)")
    with check("`poweroff` ends it all, with everything stopped in order, and QEMU exits by itself"):
        machine.type("poweroff\n")
        machine.expect("reboot: Power down", 150)
        assert machine.ended() == 0
    with check("no file system was left behind: nothing is said to be still in the way"):
        assert not machine.heard(r"(?i)still (busy|mounted|in the way)|cannot unmount"), "see the log"


def second_disk_boot(report, machine):
    check = report.check
    with check("the same disk boots again"):
        machine.shell(patience=BOOTED)
        settled(machine)
    with check("its file system was clean: nothing to recover, nothing to repair"):
        text = machine.good("dmesg | grep -i ext4")
        assert not re.search("recover|orphan|unclean|error", text), text
        text = machine.good("minictl logs fsck-root")
        assert "clean" in text, text
    with check("the file is there"):
        assert "kept" in machine.good("cat /root/kept")
    with check("a time that the timer missed while the machine was off is made up for, once"):
        machine.until("grep -q ran /root/yearly-runs 2>/dev/null", "it has not run")
        machine.until("! grep -q 2001 /var/lib/miniinit/timers/yearly", "it is not on record")
        assert status(machine, "yearly")["state"] == "up"
        assert machine.good("cat /root/yearly-runs").split() == ["ran"]
    with check("at the end of the first boot, what required something was stopped before it"):
        assert machine.good("cat /root/stop-order").split()[-2:] == ["house", "foundation"]
    with check("the logs of both boots are there, to the last line"):
        text = machine.good("cat /var/log/miniinit/ticker/*")
        assert len(re.findall(r": ready$", text, re.M)) == 2 and len(re.findall(r": stopping$", text, re.M)) == 1, text
        assert re.search(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \w+ \w+: ready$", text, re.M), text[:300]
    with check("`reboot` ends this one"):
        machine.type("reboot\n")
        machine.expect("reboot: Restarting system", 150)
        assert machine.ended() == 0


def features_boot(report, machine):
    """What each module of tests/boot/features has to show, one after the other in one boot."""
    check = report.check
    with check("it boots to its shell, with the units of the features"):
        machine.shell(patience=BOOTED)
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "features")
    for name in sorted(os.listdir(here)):
        if name.endswith(".py"):
            spec = importlib.util.spec_from_file_location(name[:-3], os.path.join(here, name))
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            module.checks(report, machine)
    with check("after all that, it powers off in order"):
        machine.type("poweroff\n")
        machine.expect("reboot: Power down", 150)
        assert machine.ended() == 0


def tree_of(here, place, *shared):
    """The tree that an image gets: root of `here`, and as /usr/bin/*, static, its programs/*.c and those `shared` with other tests."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(os.path.join(here, "root"), place, symlinks=True)
    programs = os.path.join(here, "programs")
    os.makedirs(os.path.join(place, "usr/bin"), exist_ok=True)
    sources = [os.path.join(programs, name) for name in sorted(os.listdir(programs))]
    sources += [os.path.join(TOP, "tests/programs", name + ".c") for name in ("sys_beat", *shared)]
    for source in sources:
        subprocess.run([os.environ.get("CC", "cc"), "-std=c17", "-D_GNU_SOURCE", "-Os", "-Wall", "-Werror", "-static", "-s",
                        "-o", os.path.join(place, "usr/bin", os.path.basename(source).removesuffix(".c")), source],
                       check=True)
    return place


def features_tree(place):
    tree_of(os.path.join(os.path.dirname(os.path.abspath(__file__)), "features"), place)
    # The examples that people are shown run here, too; what they work on is made.
    for name in ("worker", "nightly", "nightly-failed", "daytime", "files"):
        shutil.copy(os.path.join(TOP, "etc/examples", name + ".toml"), os.path.join(place, "etc/miniinit"))
    for name in ("srv/queue", "srv/done", "var/backups"):
        os.makedirs(os.path.join(place, name), exist_ok=True)
    return place


def clean_disk(report, image, title):
    disk = os.path.join(image, "disk.img")
    tools = dict(os.environ, PATH=os.environ["PATH"] + ":/sbin:/usr/sbin")
    with report.check(f"{title}: e2fsck has nothing to say"):
        result = subprocess.run(["e2fsck", "-n", "-f", disk], env=tools, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout
    with report.check(f"{title}: the file system is marked clean, its journal empty"):
        text = subprocess.run(["dumpe2fs", "-h", disk], env=tools, capture_output=True, text=True, check=True).stdout
        assert re.search(r"Filesystem state:\s+clean$", text, re.M) and "needs_recovery" not in text, text


def small_boot(report, machine):
    with report.check("the init that was built without tools boots, looks, acts and ends"):
        machine.shell()
        machine.good("minictl wait default --for up")
        machine.good("minictl restart web && minictl explain web && minictl logs -n 5 && minictl verify")
    with report.check("a verb that it has not says so"):
        for verb in ("top", "plot", "graph", "convert x", "oci-unit x", "completion bash"):
            code, text = machine.run(f"minictl {verb}")
            assert code == 2 and f"built without `{verb.split()[0]}`" in text, (verb, code, text)
    with report.check("it powers off"):
        machine.type("poweroff\n")
        assert machine.ended() == 0


class Boots:
    """Which boots there are, in groups that share an image; `only` a word that names some of them."""

    def __init__(self, options):
        self.options = options
        self.place = os.path.join(TOP, "build/qemu/smoke")
        self.logs = os.path.join(TOP, "build/test-logs")
        os.makedirs(self.logs, exist_ok=True)
        only = options.only
        # The longest first, so that the lanes end at about the same time.
        self.groups = [group for names, group in (("features", self.features), ("shutdowns", self.shutdowns),
                                                  (" ".join(["hardships", *(story[0] for story in hardships.STORIES)]), self.hardships),
                                                  ("slots", self.slots), ("powercut", self.powercut),
                                                  (" ".join(story[0] for story in virtual.STORIES) + " virtual-run virtual-oci", self.virtual),
                                                  (" ".join(roots.NAMES), self.roots),
                                                  ("normal single emergency", self.memory), ("small", self.small),
                                                  ("disk-first disk-second", self.disk),
                                                  ("bare forced caretaker", self.bare))
                       if not only or only in names or (only in shutdowns.NAMES and group == self.shutdowns)]
        if options.long and (not only or only in "fifty"):
            self.groups.insert(0, self.fifty)

    def image(self, name, *more):
        where = os.path.join(self.place, name)
        subprocess.run([os.path.join(TOP, "qemu/image"), "--init", self.options.init, *more, where], check=True)
        return where

    def boot(self, report, name, where, story, words="", kernel=None, devices=(), kind=None, more=()):
        log = os.path.join(self.logs, f"boot-{name}.log")
        machine = Machine(where, log, words, kernel or self.options.kernel, self.options.memory, devices=devices,
                          kind=kind, more=more)
        with report.boot(name, machine):
            story(report, machine)
        if os.path.exists(os.path.join(where, "disk.img")):
            clean_disk(report, where, f"after {name}")

    def stories(self, report, where, *stories):
        for name, words, story in stories:
            if not self.options.only or self.options.only in name:
                self.boot(report, name, where, story, words)

    def memory(self, report):
        self.stories(report, self.image("memory", "--add", EXTRA), ("normal", "", normal_boot),
                     ("single", "single", single_boot), ("emergency", "emergency", emergency_boot))

    def small(self, report):
        where = self.image("small", "--init", self.options.init + "-small")
        self.stories(report, where, ("small", "", small_boot))

    def bare(self, report):
        tree = swap.add_faults(os.path.join(self.place, "bare-tree"), self.options.init)
        self.stories(report, self.image("bare", "--no-units", "--add", tree), ("bare", "", bare_boot),
                     ("forced", "", forced_boot), ("caretaker", "", caretaker_boot))

    def features(self, report):
        tree = swap.add_faults(features_tree(os.path.join(self.place, "features-tree")), self.options.init)
        self.stories(report, self.image("features", "--add", tree), ("features", "", features_boot))

    def disk(self, report):
        self.stories(report, self.image("disk", "--disk", "--add", EXTRA), ("disk-first", "", first_disk_boot),
                     ("disk-second", "", second_disk_boot))

    def powercut(self, report):
        powercut.run(report, self.options.init, self.options.kernel, self.options.memory, 3,
                     random.SystemRandom().randrange(1 << 32))

    def hardships(self, report):
        only = self.options.only
        hardships.run(report, self.options.init, self.options.kernel, self.options.memory,
                      "" if not only or only in "hardships" else only)

    def slots(self, report):
        slots.run(report, self.options.init, self.options.kernel, self.options.memory, self.options.long)

    def shutdowns(self, report):
        only = self.options.only
        for name, where, kernel, devices, story in shutdowns.boots(tree_of, self.image, self.place):
            if only not in shutdowns.NAMES or only == name:
                self.boot(report, name, where, story, kernel=kernel, devices=devices)

    def roots(self, report):
        for name, where, words, more, story in roots.boots(self.image, self.options.init, self.place):
            if not self.options.only or self.options.only in name:
                self.boot(report, name, where, story, words, more=more)

    def virtual(self, report):
        for name, where, kind, words, devices, more, story in virtual.boots(tree_of, self.image, self.place):
            if not self.options.only or self.options.only in name:
                self.boot(report, name, where, story, words, devices=devices, kind=kind, more=more)
        if not self.options.only or self.options.only in "virtual-run":
            virtual.run_as_docker(report, self.options.init)
        if not self.options.only or self.options.only in "virtual-oci":
            virtual.boot_oci(report, self.options.init, self.place)

    def fifty(self, report):
        fifty.run(report, self.options.init, self.options.kernel)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--init", required=True, help="the binary to boot")
    parser.add_argument("--kernel")
    parser.add_argument("--memory", default="256M")
    parser.add_argument("--only", help="run only the boots whose name contains this word")
    parser.add_argument("--long", action="store_true", default=os.environ.get("MINIINIT_LONG") == "1",
                        help="also what takes minutes: power cuts in each stage of an update, fifty ends of a microvm")
    parser.add_argument("--lanes", type=int, default=min(4, lanes.processors()), help="machines at a time (one a processor)")
    options = parser.parse_args()
    report = Report()
    lanes.run(report, Boots(options).groups, max(1, options.lanes))
    return report.end()


if __name__ == "__main__":
    run_tests(main)
