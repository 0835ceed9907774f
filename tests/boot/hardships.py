"""Boots small images in which something is missing, broken or hostile, and checks that each gets somewhere: to a shell on
the console, with the reason said. Several faults share a boot where they do not hide each other. Also what is asked of a
machine that runs: an end at a set time, and being told of it. smoke.py runs them; `--only hardships` is these alone."""

import os
import re
import shutil
import struct
import subprocess

from machine import Machine, TOP

BOOTED = 180.0
SHELL = """description = "A shell on the console"
[service]
script = '''
echo "{name} is here."
exec /bin/sh
'''
restart = "always"
restart-limit = 0
stop-signal = "SIGHUP"
[process]
tty = "/dev/console"
stdin = "tty"
stdout = "console"
stderr = "console"
"""


def shell(name):
    return SHELL.format(name=name)


def oneshot(script, head=""):
    return f"{head}\n[service]\ntype = \"oneshot\"\nscript = '''\n{script}\n'''\n"


class Image:
    """A root of busybox and the init, and nothing else that is not asked for: no /dev, no /etc, no /proc."""

    def __init__(self, place, name, init, disk=False):
        self.where = os.path.join(place, name)
        self.root = os.path.join(self.where, "root")
        self.disk = disk
        shutil.rmtree(self.where, ignore_errors=True)
        os.makedirs(os.path.join(self.root, "bin"))
        os.makedirs(os.path.join(self.root, "sbin"))
        shutil.copy(shutil.which("busybox"), os.path.join(self.root, "bin/busybox"))
        for applet in ("sh", "echo", "cat", "ls", "mount", "umount", "stty", "sleep", "grep", "rm", "cp", "date", "mkdir", "kill",
                       "touch", "head", "tr", "readlink", "chmod", "sync", "printf", "true", "false"):
            os.symlink("busybox", os.path.join(self.root, "bin", applet))
        shutil.copy(init, os.path.join(self.root, "sbin/miniinit"))
        os.symlink("/sbin/miniinit", os.path.join(self.root, "bin/minictl"))
        for name in ("poweroff", "reboot", "halt", "shutdown", "telinit"):
            os.symlink("miniinit", os.path.join(self.root, "sbin", name))
        os.symlink("sbin/miniinit", os.path.join(self.root, "init"))

    def put(self, path, text, mode=0o644):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(text.encode() if isinstance(text, str) else text)
        os.chmod(full, mode)

    def units(self, **texts):
        for name, text in texts.items():
            self.put(f"etc/miniinit/{name.replace('_', '-')}.toml", text)

    def own(self, path, user):
        os.chown(os.path.join(self.root, path), user, user)

    def make(self):
        if self.disk:
            for directory in ("dev", "proc", "sys", "run", "tmp"):
                os.makedirs(os.path.join(self.root, directory), exist_ok=True)
            for name, size in (("disk.img", "24M"), ("swap.img", "1M")):
                subprocess.run(["truncate", "-s", size, os.path.join(self.where, name)], check=True)
            tools = dict(os.environ, PATH=os.environ["PATH"] + ":/sbin:/usr/sbin")
            subprocess.run(["mke2fs", "-q", "-t", "ext4", "-F", "-E", "lazy_itable_init=0,nodiscard", "-d", self.root,
                            os.path.join(self.where, "disk.img")], env=tools, check=True)
        else:
            archive = os.path.join(self.where, "initramfs.cpio")
            subprocess.run(f"cd {self.root} && find . -mindepth 1 | LC_ALL=C sort | cpio --quiet -o -H newc >{archive}",
                           shell=True, check=True)
        return self.where


def at_shell(machine):
    machine.shell()
    machine.run("export NO_COLOR=1")


def end(machine):
    """The machine ends at once, as in a crash: nothing is stopped, nothing written."""
    machine.type("sync; reboot -f -n\n")
    machine.expect("reboot: Restarting system")
    machine.ended()


# --- nothing there ------------------------------------------------------------------------------------------------------


def nothing(image):
    pass  # not even /etc, /dev, /proc


def nothing_boot(report, machine):
    check = report.check
    with check("without /etc, /dev, /proc and any unit, and with words that nobody knows, there is a shell that says so"):
        machine.expect("there is no unit file", BOOTED)
        at_shell(machine)
        assert "foo.bar=1" in machine.good("cat /proc/cmdline")
        assert "crw" in machine.good("ls -l /dev/console")
    with check("`minictl status` says why it is that shell"):
        text = machine.good("minictl status")
        assert re.search(r"note: cannot reach default \(there is no such unit\); going to builtin-shell", text), text
    end(machine)


def empty(image):
    shutil.rmtree(os.path.join(image.root, "bin"))


def empty_boot(report, machine):
    with report.check("where there is not even a shell it says that, and goes on trying"):
        machine.expect("no shell can be started: .*/bin/sh", BOOTED)
        machine.expect("no shell can be started")
    with report.check("and Ctrl-Alt-Del reboots"):
        machine.keys("ctrl", "alt", "delete")
        machine.expect("reboot: Restarting system")
        machine.ended()


# --- everything broken ----------------------------------------------------------------------------------------------------


def broken(image):
    image.put("etc/miniinit.toml/is-a-directory", "")
    image.units(default="[service\ncommand = ???\n",                                 # no TOML
                rescue='requires = ["missing"]\n[target]\n',                          # cannot be reached
                emergency='requires = ["falls"]\n[target]\n', falls=oneshot("exit 7"))


def broken_boot(report, machine):
    check = report.check
    with check("a default that is no TOML leads to rescue, one that lacks something to emergency, one that fails to the "
               "built-in shell"):
        machine.expect(r"cannot reach default \(.*\); going to rescue", BOOTED)
        machine.expect(r"cannot reach rescue \(.*missing.*\); going to emergency")
        machine.expect(r"cannot reach emergency \(.*falls.*\); going to builtin-shell")
        at_shell(machine)
    with check("each fault was said with its file: the settings that are a directory, the unit that is no TOML"):
        assert machine.heard(r"/etc/miniinit\.toml: is a directory, not a file"), "not said"
        assert machine.heard(r"/etc/miniinit/default\.toml:1:\d+: not valid TOML"), "not said"
    with check("what was mended is used after `reload-units`, and `target default` gets there"):
        machine.good("rm -r /etc/miniinit.toml; printf '[target]\\n' >/etc/miniinit/default.toml; minictl reload-units")
        machine.type("minictl --no-wait target default\n")
        machine.expect("target default reached")
    machine.keys("ctrl", "alt", "delete")
    machine.expect("reboot: Restarting system")
    machine.ended()


# --- hostile units, a cycle, a console too many ---------------------------------------------------------------------------


def hostile(image):
    image.put("etc/miniinit.toml", b"\x7fELF\x00\xff" + bytes(range(256)) * 4000)
    image.units(default='requires = ["round", "flagged"]\n[target]\n', round='requires = ["about"]\n[target]\n',
                about='requires = ["round"]\n[target]\n', flagged=oneshot("test -e /flag"),
                rescue='wants = ["rescue-shell"]\n[target]\n', rescue_shell=shell("rescue"),
                foreign=oneshot("touch /owned", 'wanted-by = ["rescue"]'),
                everybodys=oneshot("touch /owned", 'wanted-by = ["rescue"]'))
    image.own("etc/miniinit/foreign.toml", 1234)
    os.chmod(os.path.join(image.root, "etc/miniinit/everybodys.toml"), 0o666)
    os.symlink("/nowhere", os.path.join(image.root, "etc/miniinit/dangling.toml"))
    os.mkfifo(os.path.join(image.root, "etc/miniinit/pipe.toml"))
    os.mkdir(os.path.join(image.root, "etc/miniinit/directory.toml"))


def hostile_boot(report, machine):
    check = report.check
    with check("settings that are no text, and a default with a cycle in it: rescue, with the cycle spelled out"):
        machine.expect(r"cannot reach default \(.*\); going to rescue", BOOTED)
        machine.expect("rescue is here")
        at_shell(machine)
        lines = len(re.findall(r"/etc/miniinit\.toml:\d+:", machine.text))
        assert lines <= 10 and machine.heard("\\d+ more in /etc/miniinit.toml"), f"{lines} lines of one file"
        assert machine.heard("dependency cycle: about -> round -> about"), "the cycle is not named"
    with check("units that others own or may write are refused, and are not run"):
        assert machine.run("ls /owned")[0] != 0
        text = machine.run("minictl status foreign everybodys")[1]
        assert "is owned by user 1234" in text and "is writable by everyone" in text, text
    with check("a unit file that is a pipe, a directory or a link to nowhere holds nothing up"):
        text = machine.run("minictl list --all")[1]
        assert "pipe" in text and "rescue" in text, text
    with check("a default that fails leads to rescue each time it is tried, until it is mended"):
        machine.good("printf 'requires=[\"flagged\"]\\n[target]\\n' >/etc/miniinit/default.toml; "
                     "minictl reload-units || true")  # what was wrong before still is
        for _ in range(2):
            machine.type("minictl --no-wait target default\n")
            machine.expect(r"cannot reach default \(.*flagged.*\); going to rescue")
            machine.expect("rescue is here")
            at_shell(machine)
        machine.type("touch /flag; minictl --no-wait target default\n")
        machine.expect("target default reached")
    machine.keys("ctrl", "alt", "delete")
    machine.expect("reboot: Restarting system")
    machine.ended()


# --- no console -------------------------------------------------------------------------------------------------------------


def mute(image):
    image.put("etc/miniinit.toml", b"#" * (9 << 20))  # more than anybody has settings
    image.units(default='requires = ["voice"]\n[target]\n',
                voice=oneshot('exec >/dev/ttyS0 2>&1; minictl list; echo "mute but alive"; poweroff', ""))


def mute_boot(report, machine):
    with report.check("with a console that does not exist the machine comes up, and ends, all the same"):
        machine.expect("mute but alive", BOOTED)
        assert machine.ended() == 0


# --- boots that miss their target ---------------------------------------------------------------------------------------


def attempts(image):
    image.put("var/lib/miniinit/boot-attempts", "2\n")
    image.put("etc/fstab", "/dev/nvme0n1 / ext4 rw 0 1\n")
    image.units(default='requires = ["writable", "fragile"]\n[target]\n',
                writable=oneshot('mount -o remount,rw /', 'wanted-by = ["rescue"]'),
                fragile=oneshot('echo "fragile was tried"; test -e /flag', 'after = ["writable"]'),
                rescue='wants = ["rescue-shell"]\n[target]\n', rescue_shell=shell("rescue"))


def count(machine, number):
    """The count is written by a child, and read again here until it is that."""
    machine.good(f"i=0; until grep -qx {number} /var/lib/miniinit/boot-attempts; do i=$((i+1)); [ $i -lt 100 ] || break; "
                 f"sleep 0.1; done; grep -qx {number} /var/lib/miniinit/boot-attempts")


def third_boot(report, machine):
    check = report.check
    with check("a third boot in a row that misses its target tries it, goes to rescue, and is counted once it can write"):
        machine.expect(r"cannot reach default \(.*fragile.*\); going to rescue", BOOTED)
        machine.expect("rescue is here")
        at_shell(machine)
        count(machine, 3)
    end(machine)


def fourth_boot(report, machine):
    check = report.check
    with check("the fourth goes to rescue at once, on a root that cannot be written yet, and says why"):
        machine.expect(r"the last 3 boots did not reach default .*; going to rescue", BOOTED)
        machine.expect("rescue is here")
        at_shell(machine)
        assert "the last 3 boots did not reach default" in machine.good("minictl status")
        assert machine.run("minictl status fragile | grep -q down")[0] == 0, "it was tried"
        count(machine, 0)
    with check("the target is reached when what was wrong is mended, and the count stays at 0"):
        machine.type("touch /flag; minictl --no-wait target default\n")
        machine.expect("target default reached")
    machine.keys("ctrl", "alt", "delete")
    machine.expect("reboot: Restarting system")
    machine.ended()


def nonsense_boot(report, machine):
    check = report.check
    with check("a target on the kernel command line that does not exist leads to rescue, and is not counted"):
        machine.expect(r"cannot reach nonsense \(there is no such unit\); going to rescue", BOOTED)
        machine.expect("rescue is here")
        at_shell(machine)
        machine.good("minictl wait writable --for done")
        count(machine, 0)
    with check("from there `minictl target default` gets where it should have gone"):
        machine.type("minictl --no-wait target default\n")
        machine.expect("target default reached")
    machine.keys("ctrl", "alt", "delete")
    machine.expect("reboot: Restarting system")
    machine.ended()


# --- an end at a set time -------------------------------------------------------------------------------------------------


def utmp(*lines):
    """A file as login(1) leaves it: who is logged in, and where."""
    return b"".join(struct.pack("hi32s4s32s256shhiii4i20s", 7, 1, line.encode(), b"", b"root", b"", 0, 0, 0, 0, 0,
                                0, 0, 0, 0, b"") for line in lines)


def compiled(image, path, source):
    subprocess.run([os.environ.get("CC", "cc"), "-Os", "-static", "-s", "-x", "c", "-o", os.path.join(image.root, path), "-"],
                   input=source.encode(), check=True)


def timed(image):
    image.put("utmp", utmp("ttyS0", "tty2", "pts/77", "../bin/sh"))
    image.put("etc/hostname", "clockhouse\n")
    image.units(default='wants = ["talk"]\n[target]\n', talk=shell("talk"))
    compiled(image, "bin/stop-tty", """#include <fcntl.h>
#include <termios.h>
#include <unistd.h>
int main(void) { /* as Ctrl-S does; holds it open, so that it stays so */
    int fd = open("/dev/tty2", O_RDWR | O_NOCTTY);
    tcflow(fd, TCOOFF);
    for (;;) pause();
}
""")


def timed_boot(report, machine):
    check = report.check
    with check("it boots, and somebody is logged in on the console, another one has stopped his terminal"):
        machine.expect("talk is here", BOOTED)
        at_shell(machine)
        machine.good("cp /utmp /run/utmp; stop-tty </dev/null >/dev/null 2>&1 &")
    with check("`shutdown -r +10 TEXT` says when, tells people, and lets them log in until five minutes before"):
        machine.good("shutdown -r +10 new kernel")
        machine.hears(r"Broadcast message from root at clockhouse:\s+new kernel\s+"
                      r"The system is going down for reboot in 10 minutes!")
        assert machine.run("ls /run/nologin")[0] != 0
        assert re.search(r"scheduled: reboot at .* by root: new kernel", machine.good("minictl status"))
    with check("another one takes its place and says so; with five minutes left nobody logs in any more"):
        text = machine.good("/sbin/poweroff --when +5 --no-wall")
        assert re.search(r"poweroff at .*\n.*cancels it.*\nIt was reboot at", text), text
        assert "power-off in 5 minutes" in machine.good("cat /run/nologin")
    with check("`shutdown -c` takes it back, people can log in again, and there is nothing more to cancel"):
        machine.good("shutdown -c not today")
        machine.hears("not today\\s+the scheduled power-off is cancelled")
        assert machine.run("ls /run/nologin")[0] != 0
        code, text = machine.run("shutdown -c")
        assert code == 1 and "no shutdown is scheduled" in text, text
        assert "scheduled:" not in machine.good("minictl status")
    with check("`shutdown -k` only tells"):
        machine.good("shutdown -k now")
        machine.hears("only a warning: power-off now")
    with check("a time of the day is one of the clock: when somebody sets that past it, the time has come"):
        machine.good("minictl halt --when 12:00 --no-wall --message noon")
        machine.good("telinit u")  # and an init that is executed anew knows of it
        text = machine.good("minictl status")
        assert re.search(r"reexecs: 1\b", text) and re.search("scheduled: halt at .*: noon", text), text
        machine.type("date -s \"$(date -d @$(( $(date +%s) + 90000 )) '+%Y-%m-%d %H:%M:%S')\" >/dev/null\n")
        machine.expect("halt begins")
        machine.expect("reboot: System halted")


# --- from an initramfs to a disk ------------------------------------------------------------------------------------------


# Says READY=1, counts in its log, and tells whoever connects to its socket who it is; SIGUSR1: says a STATUS, by the path it
# was started with. As a client of itself it asks that.
CARRIER = r"""#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
static volatile sig_atomic_t asked;
static void ask(int number) { asked = number; }
static struct sockaddr_un at(const char *path) {
    struct sockaddr_un address = {AF_UNIX};
    strcpy(address.sun_path, path);
    return address;
}
static void tell(const char *text) {
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un to = at(getenv("NOTIFY_SOCKET"));
    if (sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, sizeof to) < 0) perror("notify");
    close(fd);
}
int main(int argc, char **argv) {
    char text[64];
    if (argc > 1) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        struct sockaddr_un to = at(argv[1]);
        if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) return perror("connect"), 1;
        ssize_t got = read(fd, text, sizeof text);
        return write(1, text, got > 0 ? got : 0) < 0;
    }
    signal(SIGUSR1, ask);
    setvbuf(stdout, NULL, _IOLBF, 0);
    tell("READY=1");
    struct pollfd waits = {3, POLLIN};
    for (int line = 1;; ++line) {
        printf("line %d\n", line);
        if (asked) { asked = 0; tell("STATUS=asked"); }
        if (poll(&waits, 1, 100) <= 0) continue;
        int fd = accept(3, NULL, NULL);
        sprintf(text, "process %d line %d\n", (int)getpid(), line);
        if (write(fd, text, strlen(text)) < 0) perror("answer");
        close(fd);
    }
}
"""
CARRIED = """[service]
command = "/bin/carrier"
type = "notify"
switch-root = "keep"
[[listen]]
stream = "/run/carrier"
"""
STRAY = "[service]\nscript = 'exec /bin/sleep 1234'\nswitch-root = 'keep'\n"


def on_disk(image):
    carrier = "description = 'The one on the disk'\n" + CARRIED.replace('command = "/bin/carrier"',
                                                                      "script = 'echo from the disk; exec /bin/carrier'")
    image.units(default='wants = ["talk"]\n[target]\n', talk=shell("the disk"), carrier=carrier)
    os.makedirs(os.path.join(image.root, "etc/kept"))
    compiled(image, "bin/carrier", CARRIER)
    image.put("sbin/script", "#!/bin/sh\necho the script is here; exec /sbin/miniinit\n", 0o755)


def initramfs(image):
    image.put("ballast", b"x" * (24 << 20))
    image.units(default='wants = ["talk", "helper", "carrier", "stray"]\n[target]\n', talk=shell("the initramfs"),
                helper='[service]\nscript = "trap \'echo stopped; exit\' TERM; echo helper; sleep 4321 & wait"\n',
                carrier='requires = ["base"]\n' + CARRIED, base="[target]\n", stray=STRAY,
                needy='requires = ["helper"]\n' + STRAY.replace("1234", "999"))
    compiled(image, "bin/carrier", CARRIER)


def switch_boot(report, machine):
    check = report.check
    with check("an initramfs comes up"):
        machine.expect("the initramfs is here", BOOTED)
        at_shell(machine)
    with check("`switch-root` refuses what is no mount point, and an init that is not there, before it stops anything"):
        machine.good("mkdir -p /sysroot/old /inner; mount -t tmpfs inner /inner; touch /inner/file")
        code, text = machine.run("minictl switch-root /sysroot")
        assert code == 1 and "mount the new root file system first" in text, text
        machine.good("mount -t ext4 /dev/nvme0n1 /sysroot")
        code, text = machine.run("minictl switch-root /sysroot /sbin/other")
        assert code == 1 and "execute there /sbin/other: No such file" in text, text
        code, text = machine.run("minictl switch-root /sysroot /etc/kept")
        assert code == 1 and "Permission denied" in text, text
        assert "up" in machine.good("minictl status helper")
    with check("it also refuses to keep what requires something that is not kept, and names both"):
        machine.good("minictl start needy")
        code, text = machine.run("minictl switch-root /sysroot")
        assert code == 1 and "needy requires helper" in text, text
        assert "up" in machine.good("minictl status helper")
        machine.good("minictl stop needy")
    before = re.search(r"process (\d+) line (\d+)", machine.good("carrier /run/carrier")).groups()
    [stray] = machine.running(1234)
    with check("then it stops what runs, and the init on the disk goes on as process 1"):
        machine.type("minictl switch-root /sysroot\n")
        machine.expect("switch of the root begins")
        machine.expect("the disk is here")
        at_shell(machine)
        mounts = machine.good("cat /proc/mounts")
        for wanted in ("/dev/root / ext4|/dev/nvme0n1 / ext4", "/proc proc", "/sys sysfs", "/dev devtmpfs", "/run tmpfs",
                       "/sys/fs/cgroup cgroup2"):
            assert re.search(wanted, mounts), f"{wanted}: {mounts}"
        assert machine.good("readlink /proc/1/exe").splitlines()[-1] == "/sbin/miniinit"
        machine.good("ls -d /etc/kept && ! ls /ballast 2>/dev/null")
        assert not machine.running(4321), "the helper lives"
    with check("a service that is kept is the same process, up, and was never restarted; one without a unit goes on, too"):
        after = re.search(r"process (\d+) line (\d+)", machine.good("carrier /run/carrier")).groups()
        assert after[0] == before[0] and int(after[1]) > int(before[1]), (before, after)
        text = machine.good("minictl status carrier")
        assert re.search(rf"\bup\b", text) and before[0] in text and "The one on the disk" in text, text
        assert '"restarts":0' in machine.good("minictl status --json carrier").replace(" ", ""), "restarts were counted"
        assert "changed" in text, text
        text = machine.good("minictl status stray")
        assert re.search(r"\bup\b", text) and stray in text and "its unit file is gone" in text, text
    with check("no line of it is lost, and what the others had to say in the initramfs is on the disk, too"):
        text = machine.good("minictl logs carrier -o cat | busybox awk '$1 == \"line\" { if ($2 != ++n) bad = n } "
                            "END { print n, \"lines\", bad + 0, \"bad\" }'")
        found = re.search(r"(\d+) lines 0 bad", text)
        assert found and int(found.group(1)) >= int(after[1]), text
        text = machine.good("cat /var/log/miniinit/helper/current")
        assert "helper" in text and "stopped" in text, text
        assert "carried over into this root: carrier, stray" in machine.good("minictl logs miniinit")
    with check("it speaks to the new init by the path that it was given by the old one"):
        machine.good(f"kill -USR1 {before[0]}; i=0; until minictl status carrier | grep asked; do i=$((i+1)); "
                     "[ $i -lt 100 ] || exit 1; sleep 0.1; done")
    with check("a restart is by the unit in the new root, and what has none ends with a stop"):
        machine.good("minictl restart carrier; minictl logs carrier | grep 'from the disk'")
        assert "changed" not in machine.good("minictl status carrier")
        assert re.search(r"process (\d+)", machine.good("carrier /run/carrier")).group(1) != before[0]
        machine.good("minictl stop stray")
        assert not machine.running(1234), "the stray lives"
    with check("what the old root kept in memory is given back"):
        machine.good("i=0; until [ $(grep ^Shmem: /proc/meminfo | tr -dc 0-9) -lt 16000 ]; do i=$((i+1)); "
                     "[ $i -lt 100 ] || break; sleep 0.1; done; grep ^Shmem: /proc/meminfo; "
                     "[ $(grep ^Shmem: /proc/meminfo | tr -dc 0-9) -lt 16000 ]")
    with check("the machine ends in order from there"):
        machine.keys("ctrl", "alt", "delete")
        machine.expect("reboot: Restarting system")
        machine.ended()


def script_boot(report, machine):
    check = report.check
    with check("an init that is no miniinit takes over no service: what was to be kept is stopped too, and that is said"):
        machine.expect("the initramfs is here", BOOTED)
        at_shell(machine)
        machine.good("mkdir -p /sysroot && mount -t ext4 /dev/nvme0n1 /sysroot")
        machine.type("minictl switch-root /sysroot /sbin/script\n")
        machine.expect(r"stopped too: carrier, stray \(/sbin/script there is no miniinit\)")
        machine.expect("the script is here")
        machine.expect("the disk is here")
        at_shell(machine)
        assert not machine.running(1234), "the stray lives"
    with check("the machine ends in order"):
        machine.type("poweroff\n")
        machine.ended()


# --- from user space to user space -----------------------------------------------------------------------------------------


def soft_boot(report, machine):
    check = report.check

    def again(words):
        machine.type(f"minictl soft-reboot{words}\n")
        machine.expect("soft reboot begins")

    def lives():
        return machine.good("cat /proc/sys/kernel/random/boot_id").splitlines()[-1]

    carrier = None
    with check("`soft-reboot` boots anew in the same root, without the kernel: what is mounted stays"):
        machine.expect("the initramfs is here", BOOTED)
        at_shell(machine)
        kernel, helpers = lives(), machine.running(4321)
        carrier = re.search(r"process (\d+) line", machine.good("carrier /run/carrier")).group(1)
        machine.good("mkdir -p /inner; mount -t tmpfs inner /inner; touch /inner/file; mkdir /extra; touch /run/here")
        again("")
        machine.expect("the file systems stay; executing /init|the file systems stay; executing /sbin/miniinit")
        machine.expect("the initramfs is here")
        at_shell(machine)
        assert lives() == kernel
        machine.good("ls /inner/file /run/here")
        assert machine.good("grep -c ' /inner ' /proc/mounts").splitlines()[-1] == "1", "it is mounted twice"
    with check("what is kept is the same process, never restarted; the rest runs anew"):
        assert re.search(r"process (\d+) line", machine.good("carrier /run/carrier")).group(1) == carrier
        assert '"restarts":0' in machine.good("minictl status --json carrier").replace(" ", "")
        others = machine.running(4321)
        assert others and not set(others) & set(helpers), (helpers, others)
        assert "carried over into this root: carrier, stray" in machine.good("minictl logs miniinit")
        assert "target default reached" in machine.good("minictl logs miniinit")
    with check("it does so again, and with nothing to keep"):
        machine.good("minictl stop carrier stray")
        again("")
        machine.expect("the initramfs is here")
        at_shell(machine)
        assert lives() == kernel
        machine.until("minictl status carrier | grep -q up", "it does not run")
        assert re.search(r"process (\d+) line", machine.good("carrier /run/carrier")).group(1) != carrier
        text = machine.good("minictl logs helper -o cat")
        assert len(re.findall("^helper$", text, re.M)) == 3 and len(re.findall("^stopped$", text, re.M)) == 2, text
        assert not re.search("did not end in order", machine.good("minictl status"))
    with check("it refuses a directory without an init, before it stops anything"):
        code, text = machine.run("minictl soft-reboot /extra")
        assert code == 1 and "name the init" in text, text
        assert "up" in machine.good("minictl status helper")
    with check("with /run/nextroot it goes on there, and takes along what is kept"):
        carrier = re.search(r"process (\d+) line", machine.good("carrier /run/carrier")).group(1)
        machine.good("mkdir /run/nextroot && mount -t ext4 /dev/nvme0n1 /run/nextroot")
        again("")
        machine.expect("/run/nextroot is the root directory now")
        machine.expect("the disk is here")
        at_shell(machine)
        assert lives() == kernel
        assert re.search(r"process (\d+) line", machine.good("carrier /run/carrier")).group(1) == carrier
    with check("a directory of a file system will do, too"):
        machine.good("mkdir -p /other && cp -a /bin /sbin /etc /other/")
        again(" /other")
        machine.expect("/other is the root directory now")
        machine.expect("the disk is here")
        at_shell(machine)
        assert not machine.good("ls /").count("lost+found")
    with check("the machine ends in order from there"):
        machine.type("poweroff\n")
        machine.expect("reboot: Power down")
        machine.ended()


STORIES = [
    # name, how to make the image (or the name of the one to go on with), disk, kernel words, what should happen
    ("nothing", nothing, False, "foo.bar=1 splash", nothing_boot),
    ("empty", empty, False, "", empty_boot),
    ("broken", broken, False, "", broken_boot),
    ("hostile", hostile, False, "console=ttyS9", hostile_boot),
    ("mute", mute, False, None, mute_boot),
    ("attempts", attempts, True, "", third_boot),
    ("attempts-again", "attempts", True, "", fourth_boot),
    ("attempts-nonsense", "attempts", True, "miniinit.target=nonsense", nonsense_boot),
    ("timed", timed, False, "", timed_boot),
    ("switch-root", initramfs, False, "", switch_boot),
    ("switch-root-script", "switch-root", False, "", script_boot),
    ("soft-reboot", "switch-root", False, "", soft_boot),
]


def run(report, init, kernel=None, memory="256M", only=""):
    place = os.path.join(TOP, "build/qemu/hardships")
    logs = os.path.join(TOP, "build/test-logs")
    os.makedirs(logs, exist_ok=True)
    made = {}
    needed = {word for name, source, *_ in STORIES if only in name for word in (name, source) if isinstance(word, str)}
    for name, source, disk, words, story in STORIES:
        if name not in needed:
            continue
        if not isinstance(source, str):
            image = Image(place, name, init, disk)
            source(image)
            made[name] = image.make()
            if source is initramfs:
                other = Image(place, "switch-disk", init, disk=True)
                on_disk(other)
                other.make()
                for file in ("disk.img", "swap.img"):
                    shutil.move(os.path.join(other.where, file), os.path.join(image.where, file))
        where = made[source if isinstance(source, str) else name]
        if only not in name:
            continue
        machine = Machine(where, os.path.join(logs, f"hardship-{name}.log"), words or "", kernel, memory,
                          console="ttyS9" if words is None else "ttyS0")
        with report.boot(name, machine):
            story(report, machine)
