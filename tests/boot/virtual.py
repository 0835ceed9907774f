"""Machines that are virtual and say so: how they end and what the host hears of it, and the command of the kernel command line.
Most boots are of QEMU's microvm, which has next to nothing, no ACPI above all. What runs in them is in virtual/."""

import json
import os
import re
import shutil
import subprocess

import hotplug
from machine import TOP

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "virtual")
BOOTED = 240.0
BARE = "microvm,acpi=off"
DEBUG_EXIT = ("isa-debug-exit,iobase=0xf4,iosize=0x04",)
CODE = " miniinit.end=isa-debug-exit:0xf4"


def power_off_boot(report, machine):
    with report.check("a machine without ACPI ends by itself at `poweroff`, and says why that is a restart"):
        machine.shell(patience=BOOTED)
        machine.good("minictl wait default --for up")
        machine.type("poweroff\n")
        machine.expect("cannot power itself off: restarting it")
        assert machine.ended() == 0


def button_boot(report, machine):
    # `system_powerdown` is ACPI's there, and with that no kernel comes up under TCG, for want of a timer.
    with report.check("the power key of a keyboard is a power button, on a microvm without ACPI, too"):
        machine.shell(patience=BOOTED)
        machine.good("minictl wait default --for up")
        machine.keys("power")
        machine.expect("the power button was pressed")
        machine.expect("power-off begins")
        machine.expect("cannot power itself off: restarting it")
        assert machine.ended() == 0


def words_boot(report, machine):
    check = report.check
    with check("words that mean nothing are said, and the nearest one that does"):
        machine.expect(r'"miniinit.nosuch=1" means nothing to miniinit', BOOTED)
        machine.expect(r'"miniinit.log-level=banana": that is not a level')
        machine.expect(r'"systemd.mask=x" is a word of systemd')
    with check("systemd.unit=rescue.target is `rescue`"):
        machine.shell(patience=BOOTED)
        assert machine.json("minictl status --json")["target"] == "rescue"
    with check("miniinit.end=isa-debug-exit ends the machine with 0 at `poweroff`"):
        machine.type("poweroff\n")
        assert machine.ended() == 1, machine.qemu.returncode


def command_boot(report, machine):
    check = report.check
    with check("the command of the kernel command line runs as it stands there, quotes and all"):
        machine.expect(r"^arguments: \[a b\] \[c'd\] \[e=\"f g\"\] \[\] \[--\]$", BOOTED)
    with check("the machine is set up for it: file systems, `lo`, the name of the host"):
        machine.expect(r"^mounted: /dev /dev/pts /dev/shm /proc /run /sys /sys/fs/cgroup $")
        machine.expect(r"^lo: up$")
        machine.expect(r"^name: demo$")
    with check("the console is its terminal, of the size that was said"):
        machine.expect(r"^terminal: yes, 50 132$")
    with check("it has environment, directory and user as the words say"):
        machine.expect(r"^A=1 B=x=y HOME=/srv/worker PATH=/usr/local/sbin:")
        machine.expect(r"^in /srv$")
        machine.expect(r"^uid=1234\(worker\) gid=1234\(worker\) groups=1234\(worker\),1235\(more\)$")
    with check("what it leaves behind does not hold up the end"):
        machine.expect(r"^processes: 1 of its own$")
    with check("its exit code is the host's"):
        assert machine.ended() == 42 << 1 | 1, machine.qemu.returncode


def shell_boot(report, machine):
    check = report.check
    with check("a shell on the kernel command line has job control"):
        machine.expect(r"^\S* ?# ", BOOTED)
        assert not machine.heard("job control"), machine.tail()
    with check("Ctrl-C reaches what is in the foreground, and only that"):
        machine.type("sh -c 'echo be''gun; exec sleep 1000'\n")
        machine.expect(r"^begun")
        machine.type("\x03")
        machine.expect(r"^\S* ?# ")
        machine.type("echo still $((40 + $?))\n")
        machine.expect(r"^still 170")
    with check("a crash of the init is not the end of it"):  # where it waits, an instruction that there is not is laid down
        machine.type("pc=$(cut -d' ' -f9 /proc/1/syscall); printf '\\017\\013' | dd of=/proc/1/mem bs=1 seek=$((pc)) "
                     "conv=notrunc 2>/dev/null; kill -CONT 1\n")
        machine.expect("miniinit: .*SIGILL")
        machine.type("echo alive $((40 + 3))\n")
        machine.expect(r"^alive 43")
    with check("with its end the machine ends"):
        machine.type("exit 7\n")
        assert machine.ended() == 7 << 1 | 1, machine.qemu.returncode


def missing_boot(report, machine):
    with report.check("a command that is not there is exit code 127, and said"):
        machine.expect('cannot start "/bin/nosuch": No such file or directory', BOOTED)
        assert machine.ended() == 127 << 1 & 255 | 1, machine.qemu.returncode


def panic_boot(report, machine):
    with report.check("miniinit.end=pvpanic tells the host of a code that is not 0"):
        assert machine.ended(BOOTED) == 1, machine.qemu.returncode


def told(machine):
    """What the host was told so far, by its file behind the port."""
    with open(os.path.join(machine.image, "virtual-host.told"), encoding="utf-8") as file:
        return file.read().splitlines()


def host_boot(report, machine):
    check = report.check
    with check("the host is told over virtio-serial, whose driver a unit loads, that the machine is ready"):
        machine.shell(patience=BOOTED)
        machine.good("minictl wait default --for up")
        machine.until("minictl list --all >/dev/null", "it does not answer")
        for _ in range(100):
            if "READY=1" in told(machine):
                break
            machine.good("sleep 0.2")
        lines = told(machine)
        assert lines[0] == "STATUS=starting default" and lines[1] == "READY=1", lines
        assert lines[2].startswith("STATUS=") and "up" in lines[2], lines
        machine.good("test ! -e /dev/virtio-ports")  # there is no udev, and nobody made the links
    with check("the sleep button starts the unit that the settings name"):
        machine.keys("sleep")
        machine.until("[ -e /run/naps ]", "it was not started")
        assert machine.heard("the sleep button was pressed")
    with check("so does that of a keyboard that is plugged in"):
        machine.ask("device_add", driver="virtio-keyboard-pci", id="board", bus="hot")
        machine.until("grep -q 'QEMU Virtio Keyboard' /proc/bus/input/devices", "it is not there")
        machine.good("sleep 1")  # for QEMU to make it the one that is typed at
        machine.keys("sleep")
        machine.until("[ $(wc -l </run/naps) -ge 2 ]", "it was not started again")
    with check("while acpid runs the power button is left to it"):
        machine.good("printf '#!/bin/sh\\nsleep 1000 & wait\\n' >/tmp/acpid; chmod +x /tmp/acpid; (/tmp/acpid >/dev/null 2>&1 &)")
        machine.until("grep -qs '^acpid' /proc/[0-9]*/comm", "it does not run")
        machine.ask("system_powerdown")
        machine.hears("the power button was pressed, which is left to acpid")
        machine.good("kill $(grep -ls '^acpid' /proc/[0-9]*/comm | cut -d/ -f3)")
        machine.until("! grep -qs '^acpid' /proc/[0-9]*/comm", "it does not end")
    with check("`system_powerdown` of QEMU powers it off, and the host hears of the end"):
        machine.ask("system_powerdown")
        machine.expect("power-off begins")
        machine.expect("reboot: Power down")
        assert machine.ended() == 0
        lines = told(machine)
        assert lines[-3:] == ["STOPPING=1", "STATUS=stopping", "EXIT_STATUS=0"], lines


def vsock_boot(report, machine):
    with report.check("by a credential of the firmware the host is told over vsock, once somebody listens there"):
        machine.shell(patience=BOOTED)
        machine.good("minictl wait default --for up")
        machine.until("grep -q READY=1 /run/heard", "it was not told")
        text = machine.good("cat /run/heard")
        assert "STATUS=starting default" in text and re.search(r"^STATUS=\d+ services are up", text, re.M), text
    with report.check("the machine's own consoles have logins, and no line has one with nothing behind it"):
        machine.good("minictl wait getty-consoles --for done")
        units = machine.good("minictl list --all")
        assert "getty@ttyS0" in units and "getty@ttyS1" not in units and "getty@hvc0" not in units, units
    with report.check("it ends"):
        machine.type("poweroff\n")
        assert machine.ended() == 0


def readonly_boot(report, machine):
    check = report.check
    with check("with a root that cannot be written nothing fails, and what is passed over is said"):
        machine.shell(patience=BOOTED)
        machine.good("minictl wait default --for up")
        failed = machine.run("minictl list --failed")[1]
        assert "tmpfiles" not in failed and "random-seed" not in failed and "clock" not in failed, failed
        machine.good("minictl logs random-seed | grep -q 'skipped: .*cannot be written'")
        machine.good("minictl logs tmpfiles | grep -q 'skipped: /var/tmp cannot be made'")
    with check("a hardware clock of the year 2000 does not set the time back"):
        machine.good("minictl logs clock | grep -q 'the hardware clock shows 2000-01-0.*is not believed'")
        assert int(machine.good("date +%Y").splitlines()[-1]) >= 2026
    with check("it ends"):
        machine.type("poweroff\n")
        assert machine.ended() == 0


def run_as_docker(report, init):
    with report.check("`scripts/boot --run` has the output and the exit code of a command in a machine, as `docker run` has"):
        done = subprocess.run([os.path.join(TOP, "scripts/boot"), "--init", init, "--run", "sh", "-c",
                               "echo \"it's $((40 + 2))\" 'a  b'; exit 200"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=4 * BOOTED, check=False)
        assert (done.returncode, done.stdout) == (200, "it's 42 a  b\n"), (done.returncode, done.stdout, done.stderr[-300:])


def boot_oci(report, init, place):
    """A container image: busybox and a script, and what `docker inspect` would say of it."""
    root = os.path.join(place, "oci", "rootfs")
    shutil.rmtree(os.path.dirname(root), ignore_errors=True)
    os.makedirs(os.path.join(root, "usr/bin"))
    os.symlink("usr/bin", os.path.join(root, "bin"))
    shutil.copy(shutil.which("busybox"), os.path.join(root, "usr/bin/busybox"))
    for name in ("sh", "id", "pwd"):
        os.symlink("busybox", os.path.join(root, "usr/bin", name))
    os.mkdir(os.path.join(root, "srv"))
    told = [{"Os": "linux", "Config": {"Entrypoint": ["/bin/sh", "-c"], "User": "1000:1001", "WorkingDir": "/srv",
                                       "Env": ["PATH=/bin", "GREETING=it's \"me\""], "ExposedPorts": {"80/tcp": {}},
                                       "Cmd": ["echo \"$GREETING in $(pwd) as $(id -u):$(id -g)\"; exit 7"]}}]
    with open(os.path.join(os.path.dirname(root), "config.json"), "w", encoding="utf-8") as file:
        json.dump(told, file)
    with report.check("`scripts/boot --oci` boots a container image's root, with its command, user, directory and exit code"):
        done = subprocess.run([os.path.join(TOP, "scripts/boot"), "--init", init, "--oci", os.path.dirname(root)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=4 * BOOTED, check=False)
        assert done.returncode == 7 and "it's \"me\" in /srv as 1000:1001" in done.stdout, \
            (done.returncode, done.stdout[-500:], done.stderr[-500:])


MODULES = ("drivers/input/evdev", "drivers/acpi/button", "drivers/char/virtio_console", "drivers/virtio/virtio_input", "drivers/block/virtio_blk",
           "net/vmw_vsock/vsock", "net/vmw_vsock/vmw_vsock_virtio_transport_common", "net/vmw_vsock/vsock_loopback")
COMMAND = ("miniinit.size=132x50 miniinit.env=A=1 miniinit.env=B=x=y miniinit.cwd=/srv miniinit.user=worker quiet "
           "-- /usr/bin/tell_all \"a b\" \"c'd\" 'e=\"f g\"' '' --")

STORIES = [
    # name, kind of machine, kernel words, devices, more for QEMU, what should happen
    ("virtual-poweroff", BARE, "", (), (), power_off_boot),
    ("virtual-button", BARE, "", ("i8042",), (), button_boot),
    ("virtual-words", BARE, "miniinit.nosuch=1 miniinit.log-level=banana systemd.mask=x systemd.unit=rescue.target" + CODE,
     DEBUG_EXIT, (), words_boot),
    ("virtual-command", BARE, "miniinit.end=isa-debug-exit:0xf4 " + COMMAND, DEBUG_EXIT, (), command_boot),
    ("virtual-shell", BARE, "miniinit.end=isa-debug-exit:0xf4 -- /bin/sh", DEBUG_EXIT, (), shell_boot),
    ("virtual-missing", BARE, "miniinit.debug-exit=0xf4 -- /bin/nosuch", DEBUG_EXIT, (), missing_boot),
    ("virtual-panic", "q35", "miniinit.end=pvpanic -- /bin/false", ("pvpanic",), ("-action", "panic=exit-failure"),
     panic_boot),
    ("virtual-host", "q35", "miniinit.notify=serial:/dev/virtio-ports/org.miniinit.test",
     ("virtio-serial-pci", "virtserialport,chardev=told,name=org.miniinit.test", "pcie-root-port,id=hot,chassis=1,slot=1"),
     ("-chardev", "file,id=told,path=TOLD"), host_boot),
    ("virtual-vsock", "q35", "hear", (),
     ("-smbios", "type=11,value=io.systemd.credential:vmm.notify_socket=vsock-stream:1:1234"), vsock_boot),
    ("virtual-hotplug", "q35", "plug", hotplug.DEVICES, hotplug.BACKENDS, hotplug.hotplug_boot),
    ("virtual-readonly", "pc", "ro", (), ("-rtc", "base=2000-01-01T12:00:00"), readonly_boot),
]


def boots(make_tree, image, place):
    """(name, image, kind, words, devices, more, story), in order. `make_tree` compiles programs, `image` packs."""
    tree = make_tree(HERE, os.path.join(place, "virtual-tree"))
    modules = [word for name in MODULES for word in ("--module", name)]
    memory = image("virtual", "--add", tree, *modules)
    disk = image("virtual-disk", "--disk", "--add", tree, "--add", os.path.join(HERE, "readonly"), *modules)
    for name, kind, words, devices, more, story in STORIES:
        where = disk if story is readonly_boot else memory
        more = tuple(word.replace("TOLD", os.path.join(where, name + ".told")) for word in more)
        yield name, where, kind, words, devices, more, story
