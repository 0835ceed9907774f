"""Changes to unit files while the init runs; enable, disable, mask; templates."""
import json
import os
import random
import signal
import sys

from harness import sh, until

SLEEP = '"/bin/sleep", "1000"'


def service(more="", command=SLEEP):
    return f"{more}\n[service]\ncommand = [{command}]\n"


def reload_units(t):
    files = {"stays.toml": service(), "changes.toml": service('description = "first"'), "goes.toml": service(),
             "idle.toml": service("enabled = false"),
             "needs.toml": service('requires = ["stays"]'), "flips.toml": service('wanted-by = ["nothing"]')}
    with t.scene.init(files=files) as init:
        for name in ("stays", "changes", "goes", "needs"):
            init.wait(name)
        pids = {name: init.status(name)["main_pid"] for name in ("stays", "changes", "goes", "needs")}
        same = lambda *names: [init.status(name)["main_pid"] == pids[name] for name in names]
        reply = init.call("ReloadUnits")["parameters"]
        t.equal("reading unchanged files changes nothing", {key: reply[key]
                                                            for key in ("added", "changed", "removed", "problems")},
                {"added": [], "changed": [], "removed": [], "problems": []})
        init.write_file("changes.toml", service('description = "second"', '"/bin/sleep", "2000"'))
        init.write_file("fresh.toml", service('description = "new"'))
        os.unlink(init.units_dir + "/goes.toml")
        init.write_file("stays.toml.d/10.toml", '[process]\nenvironment = { A = "1" }\n')
        result = init.ctl("reload-units")
        t.equal("`minictl reload-units` says what was added, changed and removed",
                (result.returncode, sorted(result.stdout.split("\n")[:-1])),
                (0, ["added fresh", "changed changes", "changed stays", "removed goes"]))
        t.equal("what runs goes on", same("stays", "changes", "needs"), [True, True, True])
        t.equal("and a changed unit is shown as such", [init.status(name)["changed"]
                                                        for name in ("stays", "changes", "needs")], [True, True, False])
        t.equal("its description is the new one", init.status("changes")["description"], "second")
        t.ok("a removed unit that runs can still be seen and stopped",
             until(lambda: pids["goes"] in [what[0] for what in init.own_processes().values()], 1)
             or True)
        reply = init.call("Status", units=["goes"])
        running = pids["goes"] in [what[0] for what in init.own_processes().values()]
        t.ok("a removed unit that runs is either still known and up, or stopped: never a process without a unit",
             ("error" in reply and not running) or ("error" not in reply
                                                    and (reply["parameters"]["units"][0]["state"] == "up") == running),
             f"running: {running}, {reply}")
        init.ask("Restart", "changes")
        status = init.status("changes")
        t.equal("a restart puts the change in force", (status["changed"],
                [what[4] for what in init.own_processes().values() if what[0] == status["main_pid"]]),
                (False, ["/bin/sleep 2000"]))
        t.ok("a new unit can be started", init.start("fresh")["fresh"]["ok"])

        init.write_file("stays.toml", "[service]\ncommand = 7\nnonsense = 1\n")
        result = init.ctl("reload-units")
        t.ok("problems are told with file and line", result.returncode == 1 and "stays.toml:2:" in result.stderr
             and "nonsense" in result.stderr, result.stderr)
        t.ok("a unit that runs survives that its file is broken",
             pids["stays"] in [what[0] for what in init.own_processes().values()], init.brief("stays"))
        t.ok("and it says that it is", "stays.toml" in json.dumps(init.status("stays"))
             + " ".join(init.explain("stays")), init.status("stays"))
        init.write_file("stays.toml", service())
        init.call("ReloadUnits")
        t.equal("when the file is mended all is as before", (init.state("stays"), same("stays", "needs")),
                ("up", [True, True]))

        # A drop-in that makes a dependency: it is pulled in when the unit is started anew.
        init.write_file("needs.toml.d/idle.toml", 'wants = ["idle"]\n')
        init.call("ReloadUnits")
        init.ask("Restart", "needs")
        t.ok("a new dependency is in force at the next start", until(lambda: init.state("idle") == "up", 3),
             init.brief("idle"))
        init.signal(1)
        t.equal("SIGHUP reads the units too, and ends nothing", (init.call("Ping").get("error"), init.state("needs")),
                (None, "up"))


def reload_by_start(t):
    """A unit file that is new is read by the first start, with what it needs."""
    with t.scene.init({"old": {"service": {"command": "/bin/sleep 1000"}}}) as init:
        pid = init.wait("old")["main_pid"]
        files = {"fresh": {"requires": ["needed"], "wants": ["missing"], "service": {"command": "/bin/sleep 1000"}},
                 "needed": {"requires": ["fresh@one"], "service": {"command": "/bin/sleep 1000"}},
                 "fresh@": {"service": {"command": "/bin/sleep 1000"}},
                 "broken": {"service": {"command": 3}}}
        init.write_units({"old": {"service": {"command": "/bin/sleep 1000"}}, **files})
        t.ok("who only looks reads no file", "error" in init.call("Status", units=["fresh"]))
        t.ok("a new file is read when its unit is started", init.start("fresh")["fresh"]["ok"])
        t.equal("and what it requires, which is new, too", {name: init.state(name) for name in ("needed", "fresh@one")},
                {"needed": "up", "fresh@one": "up"})
        reply = init.call("Start", units=["broken"])
        t.ok("a broken one is refused with its mistake", "command" in str(reply.get("parameters")), reply)
        t.ok("of one that is not there it is said so", init.call("Start", units=["nowhere"]).get("error", "")
             .endswith("NoSuchUnit"))
        reply = init.call("ReloadUnits")
        t.ok("to `reload-units` it is nothing new", "fresh" not in str(reply["parameters"].get("added")), reply)
        t.equal("nobody else has noticed", init.status("old")["main_pid"], pid)


def reload_enable(t):
    files = {"multi.toml": '[target]\n', "default.toml": 'requires = ["multi"]\n[target]\n',
             "in.toml": service('wanted-by = ["multi"]'), "out.toml": service('wanted-by = ["multi"]\nenabled = false'),
             "masked.toml": service('wanted-by = ["multi"]'),
             "needs-masked.toml": service('requires = ["masked"]\nenabled = false'),
             "getty@.toml": '[service]\ntype = "simple"\nscript = "echo I am ${instance} of ${name}; exec sleep 1000"\nrestart = "no"\n',
             "pulls.toml": service('wanted-by = ["multi"]\nwants = ["getty@tty1"]')}
    with t.scene.init(files=files, wait=False) as init:
        os.unlink(init.units_dir + "/masked.toml")
        os.symlink("/dev/null", init.units_dir + "/masked.toml")
        init.wait_for_socket()
        init.wait("default")
        init.wait("in")
        t.equal("the default target pulls in what is wanted by it and enabled",
                [init.state(name) for name in ("in", "out", "pulls")], ["up", "down", "up"])
        t.equal("an instance of a template that a unit wants is made", init.wait("getty@tty1")["state"], "up")
        t.equal("with its instance and its name", until(lambda: init.text("getty@tty1"), 3), "I am tty1 of getty@tty1")
        result = init.ctl("start", "getty@tty7")
        t.equal("`minictl start NAME@X` makes one at once",
                (result.returncode, result.stderr, init.state("getty@tty7")), (0, "", "up"))
        t.equal("its status says where it comes from", os.path.basename(init.status("getty@tty7")["file"]),
                "getty@.toml")
        t.equal("a template by itself is no unit", init.ctl("start", "getty@").returncode, 4)
        result = init.ctl("start", "masked")
        t.ok("a masked unit cannot be started", result.returncode == 1 and "masked" in result.stderr,
             f"{result.returncode} {result.stderr}")
        t.equal("and is shown as masked", init.status("masked")["masked"], True)
        t.equal("but nothing has failed", (init.call("Overview")["parameters"]["failed"],
                                           init.call("List", failed=True)["parameters"]["units"],
                                           init.ctl("healthcheck").returncode), ([], [], 0))
        result = init.start("needs-masked")["needs-masked"]
        t.ok("what requires it fails, and says so", not result["ok"] and "masked" in result["message"], result)
        for verb, name, link in (("enable", "out", "enabled/out"), ("disable", "in", "disabled/in")):
            result = init.ctl(verb, "--units", init.units_dir, name)
            t.equal(f"`minictl {verb}` makes a link", (result.returncode, result.stderr,
                                                       os.path.lexists(f"{init.units_dir}/{link}")), (0, "", True))
        init.call("ReloadUnits")
        t.equal("which holds after reload-units", [init.status(name)["enabled"] for name in ("out", "in")],
                [True, False])
        init.ask("Start", "multi")
        t.ok("what is enabled now starts with its target", until(lambda: init.state("out") == "up", 3),
             init.brief("out"))
        t.equal("enabling twice is no error, and a unit that is not there is",
                [init.ctl("enable", "--units", init.units_dir, name).returncode for name in ("out", "nope")], [0, 4])
        before = sorted(os.listdir(init.units_dir + "/enabled"))
        t.equal("nothing else was changed", (before, os.listdir(init.units_dir + "/disabled")), (["out"], ["in"]))
        t.equal("the runtime's instance survives reload-units", init.state("getty@tty7"), "up")


def reload_bad(t):
    files = {"good.toml": service(), "bad.toml": "[service]\ncomand = [\"/bin/true\"]\n",
             "needs-bad.toml": service('requires = ["bad"]'),
             "worse.toml": "this is [ no toml", "open.toml": service()}
    with t.scene.init(files=files, wait=False) as init:
        os.chmod(init.units_dir + "/open.toml", 0o666)
        init.wait_for_socket()
        t.attempt("a bad unit does not stop the others", lambda: init.wait("good"))
        t.equal("it is invalid", [init.state(name) for name in ("bad", "worse", "open")], ["invalid"] * 3)
        t.has("with file, line and a suggestion", json.dumps(init.status("bad")) + "".join(init.explain("bad")),
              "bad.toml:2:1", "command")
        t.has("a file that anyone can write is refused, by name", init.status("open")["reason"], "open.toml")
        t.has("what requires a bad one fails with that reason", " ".join(init.explain("needs-bad")), "bad is invalid",
              "bad.toml:2:1")
        result = init.ctl("verify", "--units", init.units_dir)
        t.ok("`minictl verify` tells every one of them", result.returncode == 1
             and all(name in result.stdout + result.stderr for name in ("bad.toml:2:1", "worse.toml:1:", "open.toml")),
             result.stdout + result.stderr)
        empty = init.units_dir + "/empty"
        os.mkdir(empty)
        result = init.ctl("verify", "--units", empty)
        t.equal("where there is no unit at all, `minictl verify` does not say that all is well", result.returncode, 1)
        t.has("but where it has looked", result.stderr, "there is no unit to verify", empty)
        result = init.ctl("start", "bad")
        t.ok("starting it fails with the message", result.returncode in (1, 4) and "bad.toml:2:1" in result.stderr,
             f"{result.returncode} {result.stderr}")
        t.equal("`list --failed` has them", set(unit["name"]
                for unit in json.loads(init.ctl("list", "--failed", "--json").stdout)["units"]),
                {"bad", "worse", "open", "needs-bad"})


def reload_by_signal(t):
    """SIGHUP by default, to what handles it only."""
    ready = 'import os, signal, time\n{}\nos.write(3, b"\\n")\n{}'
    def python(before, after, **more):
        return {"service": {"type": "notify-fd", "restart": "no", **more,
                            "command": [sys.executable, "-c", ready.format(before, after)]}}
    block = "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})"
    sleeps = "time.sleep(1000)"
    heard = "while True:\n  signal.sigwait({signal.SIGHUP}); print('heard', flush=True)"
    units = {"plain": python("", sleeps), "ignores": python("signal.signal(1, signal.SIG_IGN)", sleeps),
             "handles": python("signal.signal(1, lambda *_: print('heard', flush=True))",
                               "while True:\n  signal.pause()"),
             "waits": python(block, heard), "explicit": python("", sleeps, **{"reload-signal": "SIGHUP"}),
             "group": {"target": {}},
             "listens": {"service": {"command": "/bin/cat", "activation": "on-demand"},
                         "listen": [{"stream": "@reload-by-signal"}]}}
    units["all"] = {"wants": list(units), "target": {}}
    with t.scene.init(units) as init:
        init.wait("all")
        for unit, why in (("plain", "would end it"), ("ignores", "ignores it")):
            pid = init.wait(unit)["main_pid"]
            result = init.ctl("reload", unit)
            t.ok(f"reload of a service whose program does not handle SIGHUP ({unit}) fails, and says why",
                 result.returncode == 1 and "does not handle SIGHUP" in result.stderr and why in result.stderr
                 and str(pid) in result.stderr, f"{result.returncode} {result.stderr}")
            t.has("and what to do instead", result.stderr, f"minictl restart {unit}", "minictl reload-units",
                  "reload-command", "reload-signal")
            t.equal("while it runs on", (init.state(unit), init.status(unit)["main_pid"]), ("up", pid))
        result = init.ctl("reload", "handles", "plain")
        t.equal("and so do others that were named with it", (result.returncode, init.state("plain")), (1, "up"))
        t.equal("which get no signal then", init.text("handles"), "")
        for unit in ("handles", "waits"):
            t.equal(f"one that handles it ({unit}) is sent it", (init.ctl("reload", unit).returncode,
                                                              init.text(unit, once="heard")), (0, "heard"))
        t.equal("a signal that the unit names is sent in any case", init.ctl("reload", "explicit").returncode, 0)
        t.equal("and does what it does", init.wait("explicit", "failed")["last_exit"]["number"], 1)
        for unit, why in (("group", "a target has nothing to reload"), ("listens", "nothing of it runs")):
            result = init.ctl("reload", unit)
            t.ok(f"a reload that would do nothing ({unit}) is none", result.returncode == 1 and why in result.stderr,
                 f"{result.returncode} {result.stderr}")


def reload_storm(t):
    """Files come, change and go while their units start, crash and stop."""
    seed = int(os.environ.get("SEED", "0")) or random.randrange(1, 1 << 32)
    t.note(f"seed {seed} (SEED={seed} repeats it)")
    chance = random.Random(seed)
    kinds = ('command = ["/bin/sleep", "1000"]',
             'command = ["/bin/sh", "-c", "exit 1"]\nrestart-delay = "5ms"\nrestart-limit = 0',
             'type = "oneshot"\ncommand = "/bin/sleep 0.01"',
             'type = "notify-fd"\ncommand = ["/bin/sh", "-c", "sleep 0.03; echo >&3; exec sleep 1000"]\nstop-timeout = "1s"')
    names = [f"r{number:02}" for number in range(24)]

    def text(name):
        before = names[:names.index(name)]
        requires = chance.sample(before, min(len(before), chance.randint(0, 2)))
        return f"requires = {json.dumps(requires)}\n[service]\n{chance.choice(kinds)}\n"
    with t.scene.init(files={**{name + ".toml": text(name) for name in names}, "keeper.toml": service()}) as init:
        init.wait("keeper")
        pid = init.status("keeper")["main_pid"]
        other = init.client()
        for _ in range(60):
            for name in chance.sample(names, 4):
                path = f"{init.units_dir}/{name}.toml"
                if chance.random() < 0.4 and os.path.exists(path):
                    os.unlink(path)
                else:
                    init.write_file(name + ".toml", text(name))
            other.send(chance.choice(["Start", "Stop", "Restart"]), units=chance.sample(names, 2), wait=False)
            init.call("ReloadUnits")
            other.receive(5)
        t.equal("60 changes later a service that did not change still runs", init.status("keeper")["main_pid"], pid)
        for name in names:
            if os.path.exists(f"{init.units_dir}/{name}.toml"):
                os.unlink(f"{init.units_dir}/{name}.toml")
        init.call("ReloadUnits")
        listed = {unit["name"] for unit in init.call("List")["parameters"]["units"]} - {"keeper"}
        for name in listed:
            init.call("Stop", units=[name])
        quiet = until(lambda: [what[0] for what in init.own_processes().values()] == [pid], 5)
        t.ok("with all files gone and what was left stopped, no process is left", quiet,
             [what for what in init.own_processes().values()] + sorted(listed))
        for name in names:
            init.write_file(name + ".toml", service())
        init.call("ReloadUnits")
        t.ok("and all can be started anew", all(result["ok"] for result in init.ask("Start", *names).values()),
             {name: init.brief(name) for name in names if init.state(name) != "up"})


def reload_at_start(t):
    """What is to be started is read again if its file is newer; what runs is stopped as what it was started as."""
    loop = '[service]\nscript = "exec sleep 1000"\n'
    files = {"bad.toml": '[service]\nscrip = "exit"\n', "web.toml": loop, "gone.toml": loop, "broken.toml": loop,
             "turns.toml": '[service]\nscript = "exec sleep 1000"\nstop-command = [["/bin/echo", "said good-bye"]]\n',
             "last.toml": '[service]\nscript = "exec sleep 1000"\n'}
    with t.scene.init(files=files) as init:
        for unit in ("web", "gone", "broken", "turns", "last"):
            init.wait(unit)
        result = init.ctl("start", "bad")
        t.ok("what cannot be used is not started", result.returncode != 0 and "scrip" in result.stderr, result.stderr)
        init.write_file("bad.toml", loop)
        t.equal("a file that was mended is read by `start`", (init.ctl("start", "bad").returncode, init.state("bad")),
                (0, "up"))
        init.stop("bad")
        init.write_file("bad.toml", '[service]\nscript = "echo new; exec sleep 1000"\n')
        init.ctl("restart", "bad")
        t.ok("and by `restart` of what does not run", until(lambda: init.text("bad") == "new", 5), init.text("bad"))

        init.write_file("web.toml", '[service]\nscript = "echo new; exec sleep 1000"\n')
        t.has("`restart` of what runs says that its file was not read", init.ctl("restart", "web").stderr,
              "reload-units")
        os.unlink(init.units_dir + "/gone.toml")
        os.unlink(init.units_dir + "/last.toml")
        init.write_file("broken.toml", '[service]\nscrip = "exit"\n')
        init.write_file("turns.toml", "[target]\n")
        init.call("ReloadUnits")
        status = init.status("gone")
        t.equal("of a file that is gone nothing is shown", (status.get("file"), status["enabled"], status["state"]),
                (None, False, "up"))
        result = init.ctl("restart", "gone")
        t.ok("what could not be started again is not restarted", result.returncode != 0 and "gone" in result.stderr
             and init.state("gone") == "up", result.stderr)
        init.stop("gone")
        listed = [unit["name"] for unit in init.call("List", all=True)["parameters"]["units"]]
        t.equal("nor started from its old text", (init.ctl("start", "gone").returncode, "gone" in listed), (4, False))
        os.kill(init.outside(init.status("last")["main_pid"]), signal.SIGKILL)
        t.ok("nor by itself", until(lambda: init.state("last") == "failed", 5), init.brief("last"))
        status, pid = init.status("broken"), init.status("broken")["main_pid"]
        t.ok("a file that became invalid is told, and no restart advised", "invalid" in status["reason"]
             and not status["changed"], status)
        t.has("which would be its end", init.ctl("restart", "broken").stderr, "scrip", "reload-units")
        t.equal("so it goes on", init.status("broken")["main_pid"], pid)
        pid = init.outside(init.status("turns")["main_pid"])
        init.stop("turns")
        t.ok("a service whose file became a target is stopped as a service", not os.path.exists(f"/proc/{pid}")
             and "said good-bye" in init.text("turns", (), once="good-bye"), (pid, init.text("turns", ())))
        init.ask("Start", "turns")
        t.equal("and is the target then", (init.status("turns")["kind"], init.state("turns")), ("target", "up"))


def reload_reexec(t):
    """Files that changed while their units ran, and then another program in PID 1's place."""
    text = '[service]\ncommand = "/bin/sleep 1000"\n'
    names = {"turns": "[target]\n", "broken": '[service]\nscrip = "exit"\n', "gone": None}
    units = [name + late for name in names for late in ("", "-read")]
    with t.scene.init({"keeper": {"service": sh("exec sleep 1000")}}, files={name + ".toml": text for name in units}) as init:
        def change(late):
            for name, text in names.items():
                if text is None:
                    os.unlink(f"{init.units_dir}/{name}{late}.toml")
                else:
                    init.write_file(f"{name}{late}.toml", text)
        for name in (*units, "keeper"):
            init.wait(name)
        pids = {name: init.outside(init.status(name)["main_pid"]) for name in units}
        change("-read")
        init.call("ReloadUnits")
        change("")
        t.equal("the init is executed anew", init.ctl("reexec").returncode, 0)
        for name in units:
            t.equal(f"{name} goes on", (init.state(name), os.path.exists(f"/proc/{pids[name]}")), ("up", True))
            init.ctl("stop", name)
            t.ok(f"and {name} ends when it is stopped", until(lambda: not os.path.exists(f"/proc/{pids[name]}"), 15),
                 init.brief(name))


GROUPS = [reload_reexec, reload_storm, reload_by_signal, reload_units, reload_by_start, reload_enable, reload_bad, reload_at_start]
