"""What comes by /dev/log and /dev/kmsg, on a machine: attributed, and each message once."""

import re


def syslog(report, machine):
    check = report.check
    with check("what a script says by logger(1) is in the log of its service, though each logger is gone at once"):
        machine.good("minictl start syslog-talk && logger -t other done")
        machine.until("minictl logs -g 'other: done' | grep -q done", "what was sent last is not there")
        mine = re.findall(r"talk: number (\d+)", machine.good("minictl logs -o cat syslog-talk"))
        everything = re.findall(r"talk: number (\d+)", machine.good("minictl logs -o cat -g 'talk: number'"))
        assert sorted(map(int, everything)) == list(range(50)), everything
        report.say(len(mine) >= 45, f"of 50 senders that are gone at once, {len(mine)} are known")
        assert "warning syslog.daemon: talk: number 7" in machine.good("cat /var/log/miniinit/syslog-talk/current")
    with check("what is said at the console is in the log of the unit that has the console"):
        assert "other: done" in machine.good("minictl logs -o cat console-shell getty@ttyS0 shell syslog 2>/dev/null; true")
    with check("what a unit says that is as important as `console-level` is on the console, too"):
        machine.good("minictl run --name shouts --wait -- sh -c 'echo \"<1>the house is\" \"on fire\"; echo \"<2>it\" is warm'")
        machine.hears(r"shouts: the house is on fire\r?\n")
        assert not machine.heard(r"shouts: it is warm")
    with check("/dev/log is there again after something was mounted over /dev, and went away"):
        machine.good("mount -t tmpfs none /dev && i=0; while [ ! -S /dev/log ] && [ $i -lt 100 ]; do i=$((i+1)); "
                     "minictl list >/dev/null; done; [ -S /dev/log ] && logger -t inside there; umount -l /dev")
        machine.until("logger -t outside again && minictl logs -g 'outside: again' | grep -q again", "nobody hears")
        machine.good("minictl logs -g 'inside: there' | grep -q there")
    with check("many messages wait while nobody reads"):
        assert int(machine.good("cat /proc/sys/net/unix/max_dgram_qlen").split()[-1]) >= 512


def kernel(report, machine):
    check = report.check
    with check("the kernel's messages are kept, from the first one on, each once"):
        # Seven of ours: the kernel takes ten in five seconds.
        machine.good("echo '<3>written to kmsg' >/dev/kmsg; for i in 1 2 3; do echo \"<3>numbered $i\" >/dev/kmsg; done; "
                     "kill -9 $(pidof miniinit-logd); for i in 4 5 6; do echo \"<3>numbered $i\" >/dev/kmsg; done")
        machine.until("minictl logs -k -o cat | grep -q '^numbered 6$'", "the last is not there")
        assert re.findall(r"^numbered \d$", machine.good("minictl logs -k -o cat -g '^numbered'").replace("\r", ""), re.M) == \
            [f"numbered {number}" for number in range(1, 7)]
        text = machine.good("minictl logs -k -o cat | grep -c -e '^Linux version' -e '^written to kmsg$'")
        assert text.split()[-1] == "2", text
        kept = int(machine.good("minictl logs -k -o cat | grep -c ''").split()[-1])
        dmesg = int(machine.good("dmesg -r | grep -c '^<'").split()[-1])
        assert kept >= dmesg - 3, f"{kept} are kept, the kernel has {dmesg}"  # or more: dmesg shows what its buffer holds
    with check("with priority, and facility where it is another's"):
        line = machine.good("grep 'written to kmsg' /var/log/miniinit/kernel/current")
        assert " err kernel.user: written to kmsg" in line, line
        assert re.search(r"Z notice kernel: Linux version", machine.good("grep 'Linux version' /var/log/miniinit/kernel/current"))
    with check("stamped with when they came, which is before the init was there"):
        first = machine.good("head -n 1 /var/log/miniinit/kernel/current")[:19]
        own = machine.good("head -n 1 /var/log/miniinit/miniinit/current")[:19]
        assert first <= own, (first, own)


def checks(report, machine):
    syslog(report, machine)
    kernel(report, machine)
