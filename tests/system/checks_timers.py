"""What a timer's service does: armed, run at its times, by hand, not doubled, tried again, shown, remembered. The clock
cannot be set here; that is for the boot tests."""
import json
import os
import subprocess
import time

from harness import sh, until


def runs(init, name):
    """How often it has run: each run writes a line."""
    return init.text(name).count("run") if os.path.isdir(os.path.join(init.logs, name)) else 0


def shown(init, name):
    return f"{runs(init, name)} runs, {init.brief(name)}"


def timer_runs(t):
    units = {
        "often": {"service": sh("echo run", type="oneshot"), "timer": {"every": "300ms"}},
        "once": {"service": sh("echo run", type="oneshot"), "timer": {"after-boot": "200ms"}},
        "now": {"service": sh("echo run", type="oneshot"), "timer": {"after-boot": "0"}},
        "second": {"service": sh("echo run", type="oneshot"), "timer": {"calendar": "*:*:*"}},
        "yearly": {"service": sh("echo run", type="oneshot"), "timer": {"calendar": ["yearly UTC", "*-07-01 UTC"]}},
        "user": {"requires": ["yearly"], "service": sh("echo up; exec sleep 1000")},
        "long": {"service": sh("echo run; exec sleep 1000", restart="no"), "timer": {"every": "100ms"}},
        "fails": {"service": sh("echo run; exit 3", type="oneshot"), "timer": {"every": "300ms"}},
        "nowhere": {"service": sh("echo run", type="oneshot"), "timer": {"calendar": "*:*:* Atlantis/Capital"}},
    }
    with t.scene.init(units, args=["--state-dir", t.scene.work + "/timer-state"]) as init:
        t.equal("a timer's service is up and idle before its first time",
                (init.wait("yearly", "up")["stage"], init.state("yearly")), ("idle", "up"))
        t.equal("what requires it starts without waiting for a run", init.wait("user", "up")["state"], "up")
        t.ok("`every` runs it again and again", until(lambda: runs(init, "often") >= 3, 20), shown(init, "often"))
        t.ok("`calendar` runs it at its times", until(lambda: runs(init, "second") >= 2, 20), shown(init, "second"))
        t.ok("`after-boot` runs it", until(lambda: runs(init, "once") and runs(init, "now"), 20))
        t.ok("a failed run is followed by the next", until(lambda: runs(init, "fails") >= 2, 20))
        t.has("the log of the init names a time zone that is not there",
              until(lambda: (s := init.console()).count("Atlantis") and s, 10) or "", "Atlantis/Capital")
        t.equal("a run that still goes is not doubled",
                (runs(init, "long"), init.state("long")), (1, "up"))
        pid = init.status("long").get("main_pid")
        init.call("Signal", unit="long", signal=9)
        t.ok("once it has ended its next time runs it anew",
             until(lambda: init.status("long").get("main_pid") not in (None, pid), 20), shown(init, "long"))
        t.equal("`after-boot` ran once", (runs(init, "once"), runs(init, "now")), (1, 1))
        t.equal("nothing ran before its time", (runs(init, "yearly"), runs(init, "nowhere")), (0, 0))

        init.start("yearly")
        t.ok("`start` runs it at once", until(lambda: runs(init, "yearly") == 1, 10), shown(init, "yearly"))
        t.ok("and then it waits again", until(lambda: init.status("yearly").get("stage") == "idle", 10))
        status = init.status("yearly")
        t.ok("its status has its next and its last run",
             status["next_realtime"] > time.time() * 1e6 and abs(status["last_run_realtime"] / 1e6 - time.time()) < 60,
             status)
        t.equal("and its timer in words", status["timer"], "*-01-01 00:00:00 UTC, *-07-01 00:00:00 UTC")
        table = init.ctl("list", "--timers").stdout
        t.has("`list --timers` shows them", table, "NEXT", "LEFT", "LAST", "RESULT", "UNIT", "yearly", "exit code 0",
              "failed: exit code 3")
        t.ok("and nothing else", " user" not in table, table)
        listed = json.loads(init.ctl("list", "--timers", "--json").stdout)["units"]
        t.equal("also as JSON", sorted(unit["name"] for unit in listed), sorted(set(units) - {"user"}))
        t.has("`status` tells of the timer", init.ctl("status", "yearly").stdout, "next run", "last run", "timer")

        init.stop("often")
        count = runs(init, "often")
        t.equal("a timer that was stopped is not armed", (init.state("often"), init.status("often").get("next_realtime")),
                ("down", None))
        init.start("often")
        t.ok("started again it runs at once and goes on", until(lambda: runs(init, "often") >= count + 2, 20))

        changed = dict(units, yearly={**units["yearly"], "timer": {"calendar": "*:*:*"}})
        del changed["second"]
        init.write_units(changed)
        init.call("ReloadUnits")
        before = runs(init, "yearly")
        t.ok("after a re-read the new times count", until(lambda: runs(init, "yearly") > before, 20), shown(init, "yearly"))


def timer_memory(t):
    state = t.scene.work + "/timer-memory"
    stamp = state + "/timers/nightly"
    units = {"nightly": {"service": sh("echo run", type="oneshot"), "timer": {"calendar": "yearly", "persistent": True}},
             "keeper": {"service": sh("exec sleep 1000")}}
    with t.scene.init(units, args=["--state-dir", state]) as init:
        init.wait("nightly", "up")
        t.ok("a persistent timer is on record as soon as it is met", until(lambda: os.path.exists(stamp), 10))
        t.has("as one that has not run", open(stamp).read(), "met")
        t.equal("and does not run for what was before", runs(init, "nightly"), 0)
    with open(stamp, "w") as file:
        file.write("2001-02-03T04:05:06.000007Z ran\n")
    with t.scene.init(units, args=["--state-dir", state]) as init:
        t.ok("a run that was missed is made up for", until(lambda: runs(init, "nightly") == 1, 20), shown(init, "nightly"))
        t.ok("and on record", until(lambda: "2001" not in open(stamp).read(), 10), open(stamp).read())
    with t.scene.init(units, args=["--state-dir", state]) as init:
        init.wait("nightly", "up")
        t.ok("the run before is told", init.status("nightly")["last_run_realtime"] > 1.7e15)
        t.equal("once", runs(init, "nightly"), 0)
    for title, text in (("damaged", "\0\xff nonsense"), ("of the future", "2150-01-01T00:00:00.000000Z ran\n")):
        with open(stamp, "w", encoding="latin-1") as file:
            file.write(text)
        with t.scene.init(units, args=["--state-dir", state]) as init:
            init.wait("nightly", "up")
            t.ok(f"with a record that is {title} it waits for its next time",
                 init.status("nightly")["next_realtime"] > time.time() * 1e6, shown(init, "nightly"))
            t.equal(f"and does not run ({title})", runs(init, "nightly"), 0)
    os.unlink(stamp)
    os.mkdir(stamp)
    often = {"nightly": {"service": sh("echo run", type="oneshot"), "timer": {"every": "200ms", "persistent": True}}}
    with t.scene.init(often, args=["--state-dir", state]) as init:
        t.ok("where it cannot be written down, the timer runs all the same", until(lambda: runs(init, "nightly") >= 3, 20))
        t.ok("and that is said once", until(lambda: init.console().count("cannot store") == 1, 10), init.console())


def timer_calendar(t):
    def ctl(*words):
        return subprocess.run([t.scene.minictl, *words], text=True, capture_output=True, timeout=20,
                              env={"PATH": os.environ["PATH"], "TZ": "UTC"})

    done = ctl("verify", "--calendar", "Mon..Fri 4:00 UTC")
    t.has("`verify --calendar` shows the full form and the next times", done.stdout, "Mon..Fri *-*-* 04:00:00 UTC", "(in ")
    t.equal("five of them", len(done.stdout.splitlines()), 6)
    t.has("`verify --calendar` says when it is never", ctl("verify", "--calendar", "*-02-30").stdout, "never")
    wrong = ctl("verify", "--calendar", "25:00")
    t.equal("a bad expression is a failure", wrong.returncode, 1)
    t.has("and what is wrong is said", wrong.stderr, "no hour (0 to 23)")
    t.equal("JSON as well", len(json.loads(ctl("verify", "--json", "--calendar", "daily").stdout)["next"]), 5)


def timer_armed(t):
    """Arming is not running."""
    files = {"nightly.toml": 'enabled = false\n[service]\ntype = "oneshot"\nscript = "echo run"\n[timer]\nevery = "1h"\n',
             "echo.toml": 'enabled = false\n[service]\nscript = "echo run; exec sleep 1000"\nactivation = "on-demand"\n'
                          f'[[listen]]\nstream = "{t.scene.work}/armed-door"\n',
             "plain.toml": 'enabled = false\n[service]\nscript = "echo run; exec sleep 1000"\n',
             "keeper.toml": '[service]\ncommand = ["sleep", "1000"]\n'}
    with t.scene.init(files=files) as init:
        init.wait("keeper")
        t.has("`enable` of a unit with a timer names what arms it", init.ctl("enable", "nightly").stdout,
              "enable --now nightly` arms its timer now")
        result = init.ctl("enable", "--now", "nightly", "echo.service", "plain")
        t.equal("`enable --now` enables, and brings up as a boot does", (result.returncode, result.stdout, [
            (init.state(name), init.status(name)["enabled"]) for name in ("nightly", "echo", "plain")]),
            (0, "nightly was already enabled\necho is now enabled\nplain is now enabled\n", [("up", True)] * 3))
        t.equal("but what a timer or a connection runs is only armed",
                [(init.status(name).get("stage"), runs(init, name)) for name in ("nightly", "echo")], [("idle", 0)] * 2)
        t.has("`list` says when its time is, and where it listens", init.ctl("list").stdout, ", next ", "(in 59 min",
              f"at stream {t.scene.work}/armed-door")
        t.has("so do `explain` and `status`", init.ctl("explain", "nightly").stdout + init.ctl("status", "nightly").stdout,
              "  next 20", "reason: it waits for its time, next 20")
        result = init.ctl("start", "nightly.timer")
        t.equal("`start nightly.timer` has it wait, as that of systemd", (result.returncode, result.stderr,
                runs(init, "nightly")), (0, "", 0))
        result = init.ctl("start", "nightly")
        t.ok("`start nightly` runs it, and says so", until(lambda: runs(init, "nightly") == 1, 5)
             and "it has run now, as `start` does; its timer is armed" in result.stderr, result.stderr)
        result = init.ctl("start", "echo")
        t.ok("so it is with what runs on demand", until(lambda: runs(init, "echo") == 1, 5)
             and "it runs now, without waiting for a connection" in result.stderr, result.stderr)
        t.equal("what is simply started is started in silence", init.ctl("start", "plain").stderr, "")
        result = init.ctl("disable", "--now", "nightly", "echo", "plain.service")
        t.equal("`disable --now` stops as well", (result.returncode, [(init.state(name), init.status(name)["enabled"])
                for name in ("nightly", "echo", "plain")]), (0, [("down", False)] * 3))
        t.equal("without an init --now does nothing by half",
                (init.ctl("enable", "--now", "--units", init.units_dir, "plain").returncode, init.status("plain")["enabled"]),
                (2, False))


GROUPS = [timer_runs, timer_memory, timer_calendar, timer_armed]
