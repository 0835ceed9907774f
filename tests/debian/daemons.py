#!/usr/bin/env python3
"""Boots a real Debian (qemu/debian) with nginx, redis, postgresql, ssh, cron, dbus and chrony, twice from the same disk.
Every daemon has to answer its own client, to come back when it is killed, and to find its data again."""

import argparse
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "boot"))

from machine import Machine, TOP  # noqa: E402
from report import Report, run_tests  # noqa: E402
from smoke import BOOTED, clean_disk, listed, status  # noqa: E402

SLOW = 300.0  # seconds for a daemon to come up: postgresql's is a matter of seconds, or minutes on a busy host

# Each daemon, and the command by which a client of it succeeds.
CLIENTS = {
    "nginx": "curl -fsS --max-time 20 http://127.0.0.1/ | grep -q 'Welcome to nginx'",
    "redis-server": "[ \"$(redis-cli ping)\" = PONG ]",
    "postgresql@15-main": "[ \"$(runuser -u postgres -- psql -XAtc 'select 6*7')\" = 42 ]",
    "ssh": "[ \"$(ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o ConnectTimeout=20 root@127.0.0.1 echo in)\" = in ]",
    "dbus": "dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.ListNames "
            "| grep -q org.freedesktop.DBus",
    "chrony": "chronyc -n tracking | grep -q '^Stratum'",
}
DAEMONS = [*CLIENTS, "cron"]


def until(machine, condition, why):
    """Waits inside the machine for a shell condition, as long as a daemon may take."""
    end = f"$(($(date +%s)+{SLOW - 60:.0f}))"
    code, text = machine.run(f"end={end}; late=0; until {condition}; do [ $(date +%s) -lt $end ] || {{ late=1; break; }}; "
                             "sleep 0.2; done; [ $late = 0 ]", SLOW)
    assert code == 0, f"{why}: {text[-300:]}"


def answers(machine, name):
    """Asks until the client succeeds: a daemon that was started anew may still be reading its own files."""
    try:
        until(machine, f"{{ {CLIENTS[name]}; }} >/tmp/answer 2>&1", f"{name} does not answer")
    except AssertionError as error:
        raise AssertionError(f"{error}: {machine.run(f'cat /tmp/answer; minictl logs -n 5 {name}')[1]}") from None


def main_pid(machine, name):
    unit = status(machine, name)
    assert unit["state"] == "up" and unit.get("main_pid"), unit
    return unit["main_pid"]


def killed(machine, name):
    """Kills the main process as the OOM killer would, and waits until another is up."""
    before = status(machine, name)
    machine.good(f"kill -9 {before['main_pid']}")
    until(machine, f"! [ -d /proc/{before['main_pid']} ] && minictl status {name} >/tmp/status", "it does not come back")
    after = status(machine, name)
    assert after["main_pid"] != before["main_pid"], after
    assert after["restarts"] > before["restarts"], after


def all_up(machine):
    for name in DAEMONS:
        code, text = machine.run(f"minictl wait {name} --for up", SLOW)
        assert code == 0, f"{name}: {text} {machine.run(f'minictl logs -n 20 {name}')[1]}"


def first_boot(report, machine):
    check = report.check
    with check("Debian boots to a root shell on the serial line"):
        machine.shell(patience=BOOTED)
    with check("every daemon comes up"):
        all_up(machine)
    with check("no unit is failed or invalid"):
        odd = {name: unit.get("reason", "") for name, unit in listed(machine).items()
               if unit["state"] in ("failed", "invalid")}
        assert not odd, odd

    with check("root has a key for ssh"):
        machine.good("cd / && mkdir -p -m 700 /root/.ssh && ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519 && "
                     "cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys")
    with check("dbus waits for its first client, with its socket open"):
        unit = status(machine, "dbus")
        assert unit["state"] == "up" and not unit["main_pid"], unit
        machine.good("[ -S /run/dbus/system_bus_socket ] && ! pgrep -x dbus-daemon")
    for name in CLIENTS:
        with check(f"{name} answers its client"):
            answers(machine, name)
    with check("data is written: a key in redis, a row in postgresql"):
        machine.good("[ \"$(redis-cli set fruit quince)\" = OK ] && [ \"$(redis-cli save)\" = OK ]")
        machine.good("runuser -u postgres -- psql -Xqc \"create table fruit (name text); insert into fruit values ('medlar')\"")
    with check("cron runs what /etc/cron.d asks for"):
        until(machine, "[ -s /var/lib/fires ]", "nothing yet")

    for name in DAEMONS:
        with check(f"{name} is started again after kill -9" + (", and answers again" if name in CLIENTS else "")):
            killed(machine, name)
            if name in CLIENTS:
                answers(machine, name)
    with check("what was written before is there after it"):
        machine.good("[ \"$(redis-cli get fruit)\" = quince ]")
        machine.good("[ \"$(runuser -u postgres -- psql -XAtc 'select name from fruit')\" = medlar ]")
        machine.good("[ \"$(redis-cli set fruit sorb)\" = OK ]")  # and this one only its own end can save
    ways_of_stopping(report, machine)
    sockets(report, machine)
    confinement(report, machine)
    system_v(report, machine)
    a_look_around(report, machine)


def ways_of_stopping(report, machine):
    check = report.check
    with check("`minictl reload nginx` gives it new workers under the same main process"):
        before = main_pid(machine, "nginx")
        workers = machine.good(f"pgrep -P {before}").split()
        machine.good("minictl reload nginx")
        assert main_pid(machine, "nginx") == before
        until(machine, f"! kill -0 {workers[-1]} 2>/dev/null", "the old workers stay")
        answers(machine, "nginx")
    with check("stopping a daemon leaves no process of it, and refuses clients"):
        pids = machine.good("pgrep nginx").split()
        machine.good("minictl stop nginx")
        assert machine.run(f"kill -0 {pids[-1]}")[0] != 0 and machine.run("pgrep nginx")[0] != 0
        assert machine.run("curl -s http://127.0.0.1/")[0] != 0
        machine.good("minictl start nginx")
        answers(machine, "nginx")
    with check("a session over ssh survives the restart of its server, as kill-mode = \"process\" says"):
        machine.run("(ssh -o BatchMode=yes root@127.0.0.1 'echo $$ >/run/session; exec sleep 1000' &)")
        until(machine, "[ -s /run/session ]", "no session")
        before = main_pid(machine, "ssh")
        machine.good("minictl restart ssh")
        assert main_pid(machine, "ssh") != before
        machine.good("kill -0 $(cat /run/session)")
        answers(machine, "ssh")
        machine.good("kill $(cat /run/session)")


def sockets(report, machine):
    check = report.check
    with check("the socket of sshd is one that PID 1 keeps open"):
        links = machine.good(f"readlink /proc/{main_pid(machine, 'ssh')}/fd/*; echo; readlink /proc/1/fd/*")
        own, kept = (set(re.findall(r"socket:\[\d+\]", part)) for part in links.split("\n\n"))
        assert own & kept, links
    with check("a client that comes while sshd is dead waits, and is not refused"):
        machine.good(f"kill -9 {main_pid(machine, 'ssh')}; {CLIENTS['ssh']}")


def confinement(report, machine):
    """That what the units of the packages forbid is forbidden to the daemons, who have shown that they work with it."""
    check = report.check
    for name, never in (("redis-server", 0), ("chrony", 0x200000)):  # no capability at all; no CAP_SYS_ADMIN
        pid = main_pid(machine, name)
        fields = dict(re.findall(r"^(\w+):\s*(\S+)", machine.good(f"cat /proc/{pid}/status"), re.M))
        with check(f"{name} has a filter of system calls and the capabilities of its unit"):
            bounding = int(fields["CapBnd"], 16)
            assert fields["Seccomp"] == "2", fields["Seccomp"]
            assert bounding & never == 0 and (never or bounding == 0), f"{bounding:x}"
        with check(f"{name} cannot write to /usr and /etc, and has a /tmp of its own"):
            for place in ("/usr", "/etc"):
                code, text = machine.run(f"touch /proc/{pid}/root{place}/forbidden")
                assert code != 0 and "Read-only" in text, text
            machine.good(f"touch /tmp/ours && ! [ -e /proc/{pid}/root/tmp/ours ]")
        with check(f"{name} does not see /root"):
            assert machine.run(f"ls /proc/{pid}/root/root/.ssh/authorized_keys")[0] != 0
    with check("redis can write where its unit lets it, and has gained no privileges"):
        pid = main_pid(machine, "redis-server")
        machine.good(f"touch /proc/{pid}/root/var/lib/redis/allowed && grep -q '^NoNewPrivs:.1' /proc/{pid}/status")
        machine.good("[ \"$(redis-cli config rewrite)\" = OK ]")


def system_v(report, machine):
    check = report.check
    with check("cron's init script from the package starts it, tells its status, and stops it"):
        machine.good("minictl stop cron && ! pgrep -x cron")
        machine.good("minictl start sysv@cron && pgrep -x cron")
        assert status(machine, "sysv@cron")["state"] == "done"
        machine.good("/etc/init.d/cron status")
        machine.good("minictl stop sysv@cron")
        assert machine.run("pgrep -x cron")[0] != 0
        machine.good("minictl start cron && pgrep -x cron")
    with check("cron goes on with its table after all that"):
        machine.good("rm /var/lib/fires")
        until(machine, "[ -s /var/lib/fires ]", "nothing")


def a_look_around(report, machine):
    check = report.check
    with check("`minictl status` shows what redis says of itself by sd_notify"):
        assert "Ready to accept connections" in machine.good("minictl status redis-server")
    with check("`minictl list` has every daemon as up, with its description"):
        text = machine.good("minictl list | cat")
        for name in DAEMONS:
            assert re.search(rf"{re.escape(name)} +up ", text), text
        assert "A high performance web server" in text, text
    with check("`minictl tree` shows that a daemon belongs to multi-user"):
        text = machine.good("minictl tree multi-user | cat")
        assert "redis-server" in text and "ssh" in text, text
    with check("`minictl explain` says that a daemon is up, and why one is not"):
        assert "up" in machine.good("minictl explain chrony")
        text = machine.run("minictl explain udev")[1]
        assert "systemd-udevd" in text, text


def second_boot(report, machine):
    check = report.check
    with check("the same disk boots again, and every daemon comes up"):
        machine.shell(patience=BOOTED)
        all_up(machine)
        machine.good("cd /")  # where postgres may be, too
    with check("redis has what it was told last, which it wrote when it was stopped"):
        machine.good("[ \"$(redis-cli get fruit)\" = sorb ]")
    with check("postgresql has its row, and had been shut down, not interrupted"):
        machine.good("[ \"$(runuser -u postgres -- psql -XAtc 'select name from fruit')\" = medlar ]")
        text = machine.good("cat /var/log/postgresql/postgresql-*-main.log")
        assert "database system was shut down at" in text.split("starting PostgreSQL")[-1], text[-2000:]
    with check("at the end of the first boot every daemon was stopped, in the reverse order of what they need"):
        stop_order(machine)


def stop_order(machine):
    """From the record that the first boot has left: which state each unit came to, one after the other."""
    lines = machine.good("cut -c1-160 /var/log/recorded.json | grep -n 'stopping\\|\"down\\|power-off' | tail -n 200")
    moments = {}
    for number, unit, phase in re.findall(r'^(\d+):.*"unit":"([^"]+)","from":"[a-z]+","state":"(stopping|down)"', lines, re.M):
        moments[unit, phase] = int(number)
    for name in DAEMONS:
        assert (name, "down") in moments, f"{name} was not stopped: {lines[-1500:]}"
        assert moments[name, "stopping"] < moments["basic", "down"], f"{name} after basic"
        assert moments[name, "down"] < moments["basic", "down"], f"{name} after basic"
    for name in ("nginx", "redis-server", "ssh", "chrony", "postgresql@15-main"):
        assert moments[name, "down"] < moments["network", "down"], f"{name} after network"


def power_off(report, machine):
    with report.check("`poweroff` ends it in order, and QEMU exits by itself"):
        machine.type("poweroff\n")
        machine.expect("reboot: Power down", 150)
        assert machine.ended() == 0
    with report.check("nothing was still in the way"):
        assert not machine.heard(r"(?i)still (busy|mounted|in the way)|cannot unmount|Kernel panic|Oops"), "see the log"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--init", required=True, help="the binary to boot")
    parser.add_argument("--kernel")
    options = parser.parse_args()

    image = os.path.join(TOP, "build/qemu/debian-test")
    logs = os.path.join(TOP, "build/test-logs")
    os.makedirs(logs, exist_ok=True)
    report = Report()
    subprocess.run([os.path.join(TOP, "qemu/debian"), "--init", options.init,
                    "--add", os.path.join(TOP, "tests/debian/root"), image], check=True)
    for name, story in (("first", first_boot), ("second", second_boot)):
        log = os.path.join(logs, f"debian-{name}.log")
        with report.boot(f"debian, {name} boot", Machine(image, log, "", options.kernel, "512M")) as machine:
            story(report, machine)
            power_off(report, machine)
        clean_disk(report, image, f"after the {name} boot")
    return report.end()


if __name__ == "__main__":
    run_tests(main)
