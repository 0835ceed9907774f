"""The units of etc/examples, run as they are shown to people. (web.toml wants Python, which this machine does not have:
tests/system/checks_examples.py runs that one.)"""

import re

import smoke


def last(text):
    return text.strip().splitlines()[-1]


def main_pid(machine, name):
    return smoke.status(machine, name)["main_pid"]


def worker(check, machine):
    with check("the worker of the examples works through its queue, and its log says so"):
        machine.good("minictl wait worker --for up && echo 1 >/srv/queue/first")
        machine.until("[ -e /srv/done/first ]", "the job is not done")
        machine.until("minictl logs -o cat worker | grep -q '^done: first$'", "the log does not say it")
    with check("it has the limits that its file gives it"):
        pid = main_pid(machine, "worker")
        place = "/sys/fs/cgroup" + last(machine.good(f"sed -n s/^0:://p /proc/{pid}/cgroup"))
        assert last(machine.good(f"cat {place}/memory.max")) == str(64 << 20)
        assert last(machine.good(f"cat {place}/pids.max")) == "32"
        assert last(machine.good(f"cat {place}/cpu.max")) == "50000 100000"
        assert re.search(r"Max open files +256 +256", machine.good(f"cat /proc/{pid}/limits"))
    with check("killed, it comes back"):
        machine.good(f"kill -9 {pid}")
        machine.until(f"! kill -0 {pid} 2>/dev/null && minictl healthcheck worker", "it is not back")
        assert main_pid(machine, "worker") != pid


def nightly(check, machine):
    with check("the nightly job of the examples waits for its time, and `minictl list --timers` tells which"):
        assert smoke.status(machine, "nightly")["state"] == "up"
        assert "nightly" in machine.good("minictl list --timers")
        assert machine.run("[ -e /var/backups/srv.tar.gz ]")[0] != 0
    with check("started by hand it runs at once, and waits again"):
        machine.good("minictl start nightly")
        assert "srv/done/first" in machine.good("tar -tzf /var/backups/srv.tar.gz")
        assert smoke.status(machine, "nightly")["state"] == "up"
        assert last(machine.good("ls -l /var/backups/srv.tar.gz")).startswith("-rw-------")
    with check("when it fails, the unit that tells of it is started"):
        machine.good("mv /var/backups /var/backups.away")
        assert machine.run("minictl start nightly")[0] == 1
        machine.until("minictl wait nightly-failed --for done", "nobody was told")
        machine.good("mv /var/backups.away /var/backups && minictl start nightly")


def daytime(check, machine):
    with check("the inetd-style example answers each connection, with nothing running in between"):
        for _ in range(3):
            assert re.search(r"\d\d:\d\d:\d\d", machine.good("nc 127.0.0.1 8013 </dev/null"))
        status = smoke.status(machine, "daytime")
        assert status["state"] == "up" and status["main_pid"] is None, status


def files(check, machine):
    with check("the hardened example serves its files"):
        machine.good("minictl wait files --for up && echo served >/srv/page")
        machine.until("wget -qO- http://127.0.0.1:8081/page | grep -q served", "it does not answer")
    with check("it has no privilege left, and its system calls are filtered"):
        pid = main_pid(machine, "files")
        text = machine.good(f"cat /proc/{pid}/status")
        for word in ("CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2",
                     "Uid:\t65534"):
            assert word in text, f"no {word!r} in {text}"
    with check("what it may not see or write it does not see, and cannot write; its own directory is its own"):
        mounts = machine.good(f"cat /proc/{pid}/mountinfo")
        options = {line.split()[4]: line.split()[5].split(",") for line in mounts.splitlines() if len(line.split()) > 9}
        assert "ro" in options["/"], mounts
        assert "rw" in options["/var/lib/files"], mounts
        assert {"/tmp", "/dev", "/root", "/etc/shadow"} <= set(options), mounts
        assert " nobody " in last(machine.good("ls -ld /var/lib/files"))
        machine.good("echo >/tmp/here")
        assert machine.run(f"[ -e /proc/{pid}/root/tmp/here ]")[0] != 0


def checks(report, machine):
    for part in (worker, nightly, daytime, files):
        part(report.check, machine)
