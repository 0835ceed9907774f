"""Shutdowns that something stands in the way of. Each has to end within `shutdown-timeout`, by the machine's own clock, and
to say what it was; the next boot shows it. And the ways to end: halt, kexec, an exit code for the host, the hardware's
watchdog where nothing else helps. The units, programs and the script that makes trouble are in shutdowns/."""

import os
import re
import shutil
import subprocess

from machine import TOP, Missing

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shutdowns")
BOOTED = 240.0
BOUND = 40.0     # shutdown-timeout of shutdowns/root/etc/miniinit.toml
NAMES = ("obstinate", "obstinate-next", "halting", "watchdog", "last-stage")
ALLOWANCE = 3.0  # what miniinit(8) says of it
MODULES = ("drivers/md/dm-mod", "fs/fuse/fuse", "net/sunrpc/sunrpc", "fs/nfs_common/grace", "fs/nfs_common/nfs_acl",
           "fs/lockd/lockd", "fs/fscache/fscache", "fs/netfs/netfs", "fs/nfs/nfs", "fs/nfs/nfsv3")
WATCHDOG = os.path.join(TOP, "build/qemu/watchdog")  # a kernel that has a driver for QEMU's watchdog, by scripts/bootstrap


def overview(machine):
    return machine.json("minictl status --json")


def last_shutdown(machine):
    return " ".join(note for note in overview(machine)["notes"] if "last shutdown" in note)


def begin(machine, verb):
    """Starts a shutdown, and notes when, in the kernel's own time."""
    machine.type(f"echo '<0>the test says: {verb}' >/dev/kmsg; {verb}\n")
    machine.expect(r"the test says")


def took(machine, verb, last):
    """How long it was from there to the kernel's last words."""
    first = re.search(rf"\[ *(\d+\.\d+)\].* the test says: {verb}", machine.text)
    end = re.search(rf"\[ *(\d+\.\d+)\].*{last}", machine.text)
    assert first and end, "the kernel's times are missing"
    return float(end[1]) - float(first[1])


def obstinate_boot(report, machine):
    check = report.check
    with check("obstinate: it boots"):
        machine.shell(patience=BOOTED)
        machine.good("minictl wait default --for up")
    with check("without a report there is nothing about a last shutdown"):
        assert not last_shutdown(machine), last_shutdown(machine)
    with check("`minictl kexec` without a kernel stops nothing, and says what to do"):
        code, text = machine.run("minictl kexec")
        assert code == 1 and "kexec -l" in text, f"{code}: {text}"
    with check("everything that can stand in the way is there"):
        machine.good("obstinate namespace fuse dead-fuse busy elsewhere over nested swap frozen sync 2>&1")
        machine.good("minictl start ignorant stopped stuck")
        text = machine.good("cat /proc/mounts /proc/swaps; grep -h '^State:.[DT]' /proc/[0-9]*/status 2>/dev/null")
        for wanted in ("/mnt/deaf", "/mnt/dead", "/mnt/busy", "/mnt/under/deep", "/mnt/inner", "/mnt/frozen", "/mnt/sick",
                       "loop", "(disk sleep)", "(stopped)"):
            assert wanted in text, wanted
        machine.good("obstinate bomb")
    with check("`reboot` ends the machine all the same"):
        begin(machine, "minictl reboot")  # the shell's own syncs first, and so hangs itself
        machine.expect("reboot: Restarting system", 8 * BOUND)
        assert machine.ended() == 0
    with check("within its bound"):
        seconds = took(machine, "minictl reboot", "reboot: Restarting system")
        left = re.search(r"that is all, (-?\d+) ms before the time is over", machine.text)
        assert left, "it does not say how long it took"
        print(f"# the last step came {left[1]} ms before the end of {BOUND:.0f} s; the kernel's restart {seconds:.1f} s after "
              "`reboot`", flush=True)
        assert int(left[1]) >= -1000 * ALLOWANCE, left[0]
    with check("the console says what was in the way: unit, process with its state, mount, sync"):
        for wanted in (r"unit stuck \(stopping\): process \d+ \(hold\) in state D", r"process \d+ \(sys_fuse_deaf\) in state D",
                       r"process \d+ \(hold\) in state D, waiting in \w+", r"mount /mnt/sick \(ext4\)", r"sync"):
            assert machine.heard("still in the way: " + wanted), wanted
    with check("what can be ended, thawed, detached and switched off is in nobody's way"):
        for wanted in ("ignorant", "stopped", "stubborn", "/mnt/under", "/mnt/inner", "/mnt/frozen", "swap"):
            assert not machine.heard("still in the way: .*" + wanted), wanted


def next_boot(report, machine):
    check = report.check
    with check("the next boot shows on the console what was in the way of the shutdown"):
        machine.expect(r"the last shutdown \(.* reboot\) had in its way:", BOOTED)
        machine.expect(r"unit stuck \(stopping\): process \d+ \(hold\) in state D")
        machine.shell(patience=BOOTED)
        machine.good("minictl wait default --for up")
    with check("so do the log and `minictl status`, and the report is put aside"):
        assert "unit stuck" in machine.good("minictl logs miniinit -n 60")
        assert "in its way: /var/lib/miniinit/shutdown-report.old" in last_shutdown(machine), overview(machine)
        machine.good("test ! -e /var/lib/miniinit/shutdown-report && test -s /var/lib/miniinit/shutdown-report.old")
    with check("the report names process, wait channel, mount, and sync"):
        text = machine.good("cat /var/lib/miniinit/shutdown-report.old")
        for wanted in (r"^process \d+ \(hold\) in state D, waiting in \w+", r"^mount /mnt/sick", r"^sync: ", r"^device "):
            assert re.search(wanted, text, re.M), f"{wanted}: {text}"
    with check("`minictl kexec` goes on with the kernel that was loaded, without a firmware in between"):
        words = machine.good("cat /proc/cmdline").splitlines()[-1] + " miniinit.debug-exit=0xf4 second"
        machine.good(f"kexec_load /root/vmlinuz '{words}'")
        begin(machine, "minictl kexec")
        machine.expect("kexec begins")
        machine.shell(patience=BOOTED)
        assert "second" in machine.good("cat /proc/cmdline")
    with check("a clean shutdown leaves no report"):
        machine.good("minictl wait default --for up")
        assert not last_shutdown(machine), last_shutdown(machine)
    with check("with `exit-action` and miniinit.debug-exit the exit code is the host's"):
        machine.type("minictl --no-wait start verdict\n")
        assert machine.ended() == (42 << 1 | 1), machine.qemu.returncode


def halting_boot(report, machine):
    check = report.check
    with check("halting: it boots, with a process that cannot be ended and has a file of the root open"):
        machine.shell(patience=BOOTED)
        machine.good("minictl wait default --for up; obstinate file nfs frozen 2>&1; minictl start slow icy")
        icy = next(unit for unit in machine.json("minictl list --all --json")["units"] if unit["name"] == "icy")
        machine.until(f"grep -q 'disk sleep' /proc/{icy['main_pid']}/status", "icy does not wait for what is frozen")
        machine.good("i=0; until [ -e /root/held ]; do sleep 0.1; done")
    with check("another wish on the way down changes where it leads, and not the way"):
        # The shell goes with its unit; what makes the other wish is of none.
        machine.good("(echo 0 >/sys/fs/cgroup/cgroup.procs; setsid sh -c 'until minictl status | grep -q stopping; do "
                     "sleep 0.5; done; minictl halt' >/dev/null 2>&1 </dev/null &)")
        begin(machine, "minictl poweroff")
        machine.expect("waiting for .*slow")
        machine.expect("emergency remount")
        machine.expect("reboot: System halted")
        assert not machine.heard("unit slow"), "it was not waited for"
        left = re.search(r"that is all, (-?\d+) ms before the time is over", machine.text)
        assert left and int(left[1]) >= -1000 * ALLOWANCE, left
    with check("a file system that was frozen is thawed before the units are stopped, so that one that writes to it can be"):
        thawed, down = machine.heard(r"mount /mnt/frozen \(ext4\) was frozen, and is thawed"), machine.heard("all units are down")
        assert thawed and down and thawed.start() < down.start(), (thawed, down)
        assert not machine.heard("unit icy"), "it was in the way"
    with check("a network file system whose server is gone holds up who has written to it, and is let go of unwritten"):
        assert machine.heard(r"still in the way: process \d+ \(sh\) in state D")
        assert not machine.heard("still in the way: mount /mnt/nfs"), "it is still mounted"


def watchdog_boot(report, machine):
    check = report.check
    with check("watchdog: it is armed once its driver is there, and `minictl status` shows it"):
        machine.shell(patience=BOOTED)
        machine.good("minictl wait default --for up")
        assert overview(machine)["watchdog"] == "i6300ESB timer, 4 s", overview(machine)
    with check("an idle machine is kept alive for many times as long"):
        machine.good("sleep 20")
    with check("`reload-units` puts another time in force, and takes it off"):
        machine.good("sed -i 's/^watchdog.*/watchdog = \"6s\"/' /etc/miniinit.toml; minictl reload-units")
        assert overview(machine)["watchdog"] == "i6300ESB timer, 6 s"
        machine.good("sed -i '/^watchdog/d' /etc/miniinit.toml; minictl reload-units")
        assert not overview(machine).get("watchdog")
        machine.good("cat /sys/class/watchdog/watchdog0/state | grep -q inactive")
    with check("and on again"):
        machine.good("echo 'watchdog = \"4s\"' >>/etc/miniinit.toml; minictl reload-units")
        assert overview(machine)["watchdog"] == "i6300ESB timer, 4 s"
        machine.good("sleep 10")
    with check("a PID 1 that hangs is ended by it"):
        machine.type("echo '<0>the test says: hang' >/dev/kmsg; stop_init now\n")
        machine.expect("it is held")
        assert machine.ended() == 0
        assert not machine.heard("reboot: "), "the kernel restarted it"


def last_stage_boot(report, machine):
    check = report.check
    with check("last stage: it boots"):
        machine.shell(patience=BOOTED)
        machine.good("minictl wait default --for up; minictl start slow")
        machine.type("setsid stop_init last-stage &\n")
        machine.expect("it is held")
    with check("seven Ctrl-Alt-Del do not wait for what is slow to stop"):
        machine.type("poweroff\n")
        machine.expect("power-off begins")
        for _ in range(3):  # on a slow host seven may take longer than two seconds
            for _ in range(7):
                machine.keys("ctrl", "alt", "delete")
            if machine.heard("Ctrl-Alt-Del seven times"):
                break
        machine.expect("still in the way: unit slow")
    with check("a last stage that hangs is ended by the watchdog, which was given the time that it may take"):
        machine.expect(r"watchdog i6300ESB timer ends this in (\d+) s")
        assert machine.ended() == 0
        assert not machine.heard("reboot: "), "it did not hang"


def with_libraries(tree, *names):
    """Programs of this machine, in /usr/local/sbin, with the libraries they want."""
    os.makedirs(os.path.join(tree, "usr/local/sbin"), exist_ok=True)
    for name in names:
        program = shutil.which(name, path=os.environ["PATH"] + ":/sbin:/usr/sbin")
        if program is None:
            raise Missing(f"no {name} here: run scripts/bootstrap test")
        shutil.copy(program, os.path.join(tree, "usr/local/sbin"))
        for library in re.findall(r"/\S+", subprocess.run(["ldd", program], capture_output=True, text=True).stdout):
            os.makedirs(os.path.dirname(tree + library), exist_ok=True)
            shutil.copy(library, tree + library)


def boots(make_tree, image, place):
    """(name, image, kernel, devices, story), in order. `make_tree` compiles programs, `image` packs."""
    tree = make_tree(HERE, os.path.join(place, "shutdowns-tree"), "sys_fuse_deaf")
    with_libraries(tree, "dmsetup", "mke2fs")
    shutil.copy(os.path.join(TOP, "build/qemu/vmlinuz"), os.path.join(tree, "root/vmlinuz"))
    disk = image("shutdowns", "--disk", "--add", tree, *(word for name in MODULES for word in ("--module", name)))
    debug_exit = ("isa-debug-exit,iobase=0xf4,iosize=0x04",)
    yield "obstinate", disk, None, (), obstinate_boot
    yield "obstinate-next", disk, None, debug_exit, next_boot
    yield "halting", disk, None, (), halting_boot
    kernel = os.path.join(WATCHDOG, "vmlinuz")
    if not os.path.exists(kernel):
        print("# no kernel with a driver for QEMU's watchdog: scripts/bootstrap test fetches one", flush=True)
        return
    shutil.copytree(os.path.join(WATCHDOG, "lib"), os.path.join(tree, "lib"), dirs_exist_ok=True)
    os.remove(os.path.join(tree, "root/vmlinuz"))
    memory = image("watchdog", "--add", tree)
    yield "watchdog", memory, kernel, ("i6300esb",), watchdog_boot
    yield "last-stage", memory, kernel, ("i6300esb",), last_stage_boot
