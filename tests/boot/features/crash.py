"""PID 1 of a machine crashes in five ways, and is executed anew, again and again, with a hundred services at work."""

import re

import swap

NAMES = [f"beat@{number:02}" for number in range(100)]
KINDS = "segv abort bad-alloc stack-overflow bus"

# One after the other, each with the death of a service in the middle of it.
STORM = f"""k=0; bad=0; while [ $k -lt 50 ]; do
set -- {KINDS}; shift $((k % 5)); k=$((k+1));
minictl start victim >/dev/null && kill -9 $(minictl status victim --json | sed -n 's/.*"main_pid": *\\([0-9]*\\).*/\\1/p' | head -n 1);
minictl debug-crash $1 >/dev/null || bad=$((bad+1));
minictl wait victim --for failed >/dev/null 2>&1; minictl stop victim >/dev/null;
minictl reexec >/dev/null || bad=$((bad+1));
done; echo bad=$bad""".replace("\n", " ")


def checks(report, machine):
    check, good = report.check, machine.good

    def told():
        units = machine.json("minictl list --json")["units"]
        return {unit["name"]: (unit.get("main_pid"), unit["restarts"]) for unit in units if unit["name"].startswith("beat@")}

    def memory():
        return int(re.search(r"VmRSS:\s+(\d+)", good("grep VmRSS /proc/1/status")).group(1))

    before = {}
    with check("a hundred services are at work"):
        good("dmesg -n 1; minictl start " + " ".join(NAMES) + " >/dev/null", 180)
        before.update(told())
        assert len(before) == 100 and all(pid for pid, _ in before.values()), before
    with check("the init is executed anew as one that fails when it is asked to"):
        swap.to_faults(machine)
    sizes = []
    with check("PID 1 crashes once and comes back"):
        good("minictl debug-crash segv")
        sizes.append(memory())
    with check("it crashes 50 times in five ways, and is executed anew 50 times"):
        text = good(STORM, 400)
        assert "bad=0" in text, text[-300:]
        sizes.append(memory())
        overview = good("minictl status")
        assert re.search(r"51, the last", overview) and re.search(r"reexecs:\s+51\b", overview), overview
    with check("all services are the processes they were, and none was restarted"):
        assert told() == before, {name: (before[name], now) for name, now in told().items() if before.get(name) != now}
    with check("memory of PID 1 is level"):
        assert sizes[1] < sizes[0] + 400, sizes
    with check("the log has each fault, with where it was"):
        text = good("minictl logs miniinit | grep -c 'the init has crashed'; minictl logs miniinit | grep -c addr2line")
        assert [int(word) for word in text.split()[-2:]] >= [51, 51], text
    with check("every line of a hundred services is in their logs, once"):
        good("minictl stop " + " ".join(NAMES) + " >/dev/null", 180)
        text = good("for i in /var/log/miniinit/beat@*; do awk -v unit=$i '$4 == \"beat\" { n++; if ($5 != n) bad = $5 } "
                    "$4 == \"last\" { last = $5 } END { if (bad || last != n) print unit, \"bad\", bad, n, last }' $i/current; done", 180)
        assert "bad" not in text, text[:500]
    with check("a service that sends SEGV, ABRT and KILL to PID 1 ends nothing, and is named"):
        good("minictl start villain >/dev/null; minictl wait villain --for done >/dev/null; minictl status >/dev/null")
        text = good("minictl logs miniinit | grep 'sent by process' | tail -n 2")
        assert re.search(r"SIG(SEGV|ABRT), sent by process \d+ \(sh\)", text), text
    with check("the init that is shipped takes over again"):
        swap.to_shipped(machine)
