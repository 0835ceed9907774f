"""Timers while somebody plays with the clock: set back and forward by ten years, by hours, over the days on which summer
time begins and ends. Nothing may run twice, be lost, or run again and again."""

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"


def zone_file(rule):
    """A shell command that makes /etc/localtime a zone file of nothing but this rule, in one move."""
    header = r"TZif2" + r"\000" * 15 + "".join(r"\000\000\000\%03o" % count for count in (0, 0, 0, 0, 1, 4))
    body = header + r"\000" * 6 + r"LMT\000"
    return f"printf '{body}{body}\\n{rule}\\n' >/etc/localtime.new && mv /etc/localtime.new /etc/localtime"


def checks(report, machine):
    check, good = report.check, machine.good

    def set_clock(moment):
        good(f'date -u -s "{moment}" >/dev/null')

    def ran(name):
        """When it ran so far."""
        return [line for line in machine.run(f"cat /run/timer-{name} 2>/dev/null")[1].splitlines() if line.endswith("Z")]

    def until_ran(name, times):
        machine.until(f"[ $(wc -l </run/timer-{name} 2>/dev/null || echo 0) -ge {times} ]",
                      f"timer-{name} has not run {times} times", 600)

    def let_pass():
        """A while in which whatever is due has run: the ticking timer has been heard thrice."""
        until_ran("tick", len(ran("tick")) + 3)

    def next_run(name):
        units = machine.json("minictl list --timers --json")["units"]
        return next(unit for unit in units if unit["name"] == f"timer-{name}").get("next_realtime", 0) // 1_000_000

    began = int(good("date +%s").splitlines()[-1]), float(good("cat /proc/uptime").split()[-2])

    with check("timers are armed at boot, and what is to come is shown"):
        text = good("minictl list --timers")
        assert all(f"timer-{name}" in text for name in ("nightly", "minutely", "tick")), text
        let_pass()
    with check("a nightly job runs at its time, once"):
        set_clock("2026-11-18 12:00:00")
        let_pass()
        good("rm -f /run/timer-nightly /run/timer-nightly-persistent /run/timer-minutely; touch /run/timer-minutely")
        set_clock("2026-11-19 03:59:56")
        until_ran("nightly", 1)
        until_ran("nightly-persistent", 1)
        let_pass()
        assert [line[:16] for line in ran("nightly")] == ["2026-11-19T04:00"], ran("nightly")
        # The persistent one was asked for the night before as well, or the clock had been set over its time.
        assert len(ran("nightly-persistent")) <= 2, ran("nightly-persistent")
    with check("the clock set back by five seconds after a run does not run it again"):
        set_clock("2026-11-19 03:59:58")
        let_pass()
        assert len(ran("nightly")) == 1, ran("nightly")
    with check("the clock set forward over a time by a little runs it at once, once"):
        set_clock("2026-11-20 03:30:00")
        let_pass()
        assert len(ran("nightly")) == 1, ran("nightly")
        set_clock("2026-11-20 04:10:00")
        until_ran("nightly", 2)
        let_pass()
        assert len(ran("nightly")) == 2, ran("nightly")
    with check("the clock set back ten years runs nothing, and the times of then come"):
        persistent = len(ran("nightly-persistent"))
        set_clock("2016-11-19 04:00:30")
        let_pass()
        assert len(ran("nightly")) == 2 and len(ran("nightly-persistent")) == persistent, ran("nightly-persistent")
        set_clock("2016-11-20 03:59:57")
        until_ran("nightly", 3)
        assert ran("nightly")[-1].startswith("2016-11-20T04:00"), ran("nightly")
        let_pass()
    with check("the clock set forward ten years runs what is persistent once, and nothing else"):
        plain, persistent = len(ran("nightly")), len(ran("nightly-persistent"))
        set_clock("2026-11-21 12:00:00")
        until_ran("nightly-persistent", persistent + 1)
        let_pass()
        assert len(ran("nightly")) == plain, ran("nightly")
        assert len(ran("nightly-persistent")) == persistent + 1, ran("nightly-persistent")
    with check("a job of every minute has gone through all that without a storm"):
        assert len(ran("minutely")) <= 16, ran("minutely")
    with check("and all goes on: the next minute comes, the ticking was not disturbed"):
        count = len(ran("minutely"))
        set_clock("2026-11-21 12:00:57")
        until_ran("minutely", count + 1)
        let_pass()
    with check("when the persistent one ran last is on record"):
        assert "ran" in good("cat /var/lib/miniinit/timers/timer-nightly-persistent")

    with check("another /etc/localtime moves the times of the day at once"):
        before = next_run("night")
        good(zone_file(BERLIN))
        code, _ = machine.run("i=0; until minictl list --timers --json | grep -q '\"next_realtime\":" + f"{before - 3600}" +
                              "'; do i=$((i+1)); [ $i -lt 100 ] || break; sleep 0.1; done; [ $i -lt 100 ]")
        assert code == 0, f"{before} became {next_run('night')}"
    with check("a time that the clocks skip when summer time begins comes at the change, once"):
        set_clock("2026-03-29 00:30:00")
        let_pass()
        good("rm -f /run/timer-night")
        set_clock("2026-03-29 00:59:57")
        until_ran("night", 1)
        let_pass()
        assert [line[:18] for line in ran("night")] == ["2026-03-29T01:00:0"], ran("night")
    with check("a time that the clocks show twice when it ends comes once, the first time"):
        set_clock("2026-10-25 00:10:00")
        let_pass()
        good("rm -f /run/timer-night")
        set_clock("2026-10-25 00:29:57")
        until_ran("night", 1)
        set_clock("2026-10-25 01:29:58")  # an hour later the clocks show it again
        let_pass()
        let_pass()
        assert [line[:16] for line in ran("night")] == ["2026-10-25T00:30"], ran("night")
    with check("no timer's service has failed, and the clock is set right again"):
        units = machine.json("minictl list --timers --json")["units"]
        bad = [unit["name"] for unit in units if unit["state"] == "failed" and unit["name"].startswith("timer-")]
        assert not bad, bad
        good("rm -f /etc/localtime; minictl stop timer-tick timer-minutely timer-night timer-nightly timer-nightly-persistent")
        up = float(good("cat /proc/uptime").split()[-2])
        good(f"date -s @{int(began[0] + up - began[1])} >/dev/null")
