"""minictl, as its users see it: exit codes, words, JSON."""
import json
import os
import re
import signal
import subprocess
import threading
import time

from harness import sh, until

SLEEP = "exec sleep 1000"


def explained(t, init):
    """A chain of failures, as a program is told of it: in words that do not change."""
    answer = json.loads(init.ctl("explain", "top", "--json").stdout)
    t.equal("`explain --json` has the chain for programs: unit, state and kind of reason",
            [(one["unit"], one["state"], one["reason_kind"]) for one in answer["chain"]],
            [("top", "failed", "dependency_failed"), ("needs-fails", "failed", "dependency_failed"),
             ("fails", "failed", "exited")])
    status = init.status("top")
    t.equal("so does `status --json`, with the cause", (status["reason_kind"], status["cause"]),
            ("dependency_failed", "needs-fails"))
    answer = json.loads(init.ctl("start", "fails", "--json").stdout)["results"][0]
    t.equal("and a result its outcome", (answer["ok"], answer["outcome"], answer["reason_kind"]),
            (False, "failed", "exited"))
    answer = init.call("Wait", unit="fails", state="up")
    t.equal("and an error", (answer["error"], answer["parameters"]["reason_kind"]),
            ("org.miniinit.Manager.JobFailed", "exited"))


def ctl_codes(t):
    units = {"up": {"description": "A good one", "service": sh(SLEEP)},
             "down": {"enabled": False, "service": sh(SLEEP)},
             "once": {"service": sh("echo did it", type="oneshot")},
             "fails": {"enabled": False, "service": sh("echo getting ready; echo cannot open the database >&2; exit 3",
                                                       restart="no", type="oneshot")},
             "needs-fails": {"enabled": False, "requires": ["fails"], "service": sh(SLEEP)},
             "top": {"enabled": False, "requires": ["needs-fails"], "service": sh(SLEEP)}}
    with t.scene.init(units) as init:
        init.wait("up")
        init.wait("once", "done")

        def code(sentence, expected, *words, says="", user=None):
            result = init.ctl(*words, user=user)
            text = result.stdout + result.stderr
            t.ok(f"{sentence}: `minictl {' '.join(words)}` exits {expected}", result.returncode == expected
                 and says in text,
                 f"{result.returncode}: {text[:300]}")
            return result
        code("running", 0, "status", "up", says="up")
        code("done", 0, "status", "once", says="done")
        code("not running", 3, "status", "down", says="down")
        code("no such unit", 4, "status", "upp", says="did you mean up?")
        code("no such unit", 4, "start", "nothing-like-it", says="no unit nothing-like-it")
        code("no such unit", 4, "stop", "nothing-like-it")
        code("no such unit", 4, "explain", "nothing-like-it")
        code("no such verb", 2, "fly")
        code("no such option", 2, "list", "--wings")
        code("a word is missing", 2, "start")
        code("no such signal", 2, "signal", "SIGNOT", "up")
        code("no such state", 2, "wait", "up", "--for", "flying")
        code("nothing to signal", 3, "signal", "USR1", "down")
        code("stopping what is down", 0, "stop", "down")
        code("starting what is up", 0, "start", "up")
        code("asked for too long", 1, "wait", "down", "--timeout", "200ms", says="not up yet")
        code("waiting for what is so", 0, "wait", "up", "--for", "up")
        code("healthy", 0, "healthcheck")
        code("not healthy", 1, "healthcheck", "down")
        result = code("a start that fails", 1, "start", "fails")
        t.has("it says why", result.stderr, "exit code 3")
        t.has("with the last words of the service", result.stderr, "getting ready", "cannot open the database")
        t.equal("and nothing on stdout", result.stdout, "")
        code("failed", 1, "status", "fails", says="cannot open the database")
        code("not healthy", 1, "healthcheck")
        result = code("a start that fails for a dependency", 1, "start", "top")
        t.has("it says the whole chain", result.stderr, "top", "needs-fails", "fails", "exit code 3")
        sentences = json.loads(init.ctl("explain", "top", "--json").stdout)["sentences"]
        t.equal("`explain` gives one sentence for each, down to the root cause",
                [sentence.split()[0] for sentence in sentences], ["top", "needs-fails", "fails"])
        explained(t, init)
        gone = subprocess.run([t.scene.minictl, "list"], env={"MINIINIT_CONTROL": "/no/such/socket"},
                              capture_output=True, text=True)
        t.ok("with no init there: exits 1 or 4 with a hint", gone.returncode in (1, 4)
             and "no init is listening" in gone.stderr, f"{gone.returncode} {gone.stderr}")
        t.equal("status then: 4, unknown", subprocess.run([t.scene.minictl, "status", "x"],
                                                          env={"MINIINIT_CONTROL": "/no/such/socket"},
                                                          capture_output=True).returncode, 4)
        no_wait = time.monotonic()
        init.ctl("start", "--no-wait", "down")
        t.ok("--no-wait comes back at once", time.monotonic() - no_wait < 1)
        init.wait("down")
        t.ok("and it is started", init.state("down") == "up")
        runs = init.text("fails", ("out",)).count("getting ready")
        init.ctl("reset", "fails", "needs-fails", "top")
        t.ok("`reset` has what is still wanted tried again",
             until(lambda: init.text("fails", ("out",)).count("getting ready") > runs, 3), init.brief("fails"))
        init.ctl("stop", "top", "needs-fails", "fails")
        t.equal("a `stop` forgets failures", [init.state(name) for name in ("fails", "needs-fails", "top")],
                ["down"] * 3)
        init.ctl("signal", "SIGUSR1", "up")
        until(lambda: init.status("up")["restarts"] == 1, 5)
        t.equal("`signal` reaches the main process", init.status("up")["last_exit"]["text"], "signal SIGUSR1")
        first = init.wait("up")["main_pid"]
        init.ctl("restart", "up")
        t.ok("`restart` makes a new process", init.state("up") == "up" and init.status("up")["main_pid"] != first)
        init.ctl("stop", "down")
        init.ctl("try-restart", "down", "up")
        t.equal("`try-restart` starts nothing that is down", init.state("down"), "down")


def has_socket(pid):
    own = [f"/proc/{pid}/fd/{fd}" for fd in os.listdir(f"/proc/{pid}/fd") if int(fd) > 2]
    try:
        return any(os.readlink(path).startswith("socket:") for path in own)
    except OSError:  # it has just closed one
        return False


def ctl_json(t):
    units = {"web": {"description": "Shop", "documentation": ["man:web(8)"], "requires": ["db"], "wants": ["cache"],
                     "service": sh("echo hello; " + SLEEP)},
             "db": {"service": sh(SLEEP)}, "cache": {"service": sh("exit 1", restart="no")},
             "default": {"target": {}, "requires": ["web", "keeper"]}, "keeper": {"service": sh(SLEEP)}}
    with t.scene.init(units) as init:
        init.wait("default")
        until(lambda: init.state("cache") == "failed", 5)
        parsed = {}
        for words in (["list"], ["list", "--all"], ["list", "--failed"], ["status"], ["status", "web", "db"], ["tree"],
                      ["tree", "web"], ["tree", "--reverse", "db"],
                      ["explain", "web"], ["probe"], ["version"], ["healthcheck"],
                      ["show", "--config", init.config, "web"], ["cat", "--config", init.config, "web"],
                      ["verify", "--config", init.config], ["start", "web"], ["stop", "web"], ["start", "cache"],
                      ["wait", "keeper"], ["reset", "cache"], ["times"], ["blame"], ["critical-chain"], ["plot"],
                      ["graph"], ["graph", "--from", "web"], ["top"], ["completion", "bash"], ["reload-units"],
                      ["status", "nope"], ["start", "nope"], ["signal", "USR2", "nope"]):
            result = init.ctl(*words, "--json")
            try:
                parsed[" ".join(words)] = json.loads(result.stdout or result.stderr)
                good = result.stdout.count("\n") <= 1
            except ValueError:
                good = False
            t.ok(f"`minictl {' '.join(words).replace(init.config, 'FILE')} --json` prints one JSON object", good,
                 result.stdout[:200] + result.stderr[:200])
        web = parsed["status web db"]["units"][0]
        t.equal("status: name, state, description, dependencies",
                (web["name"], web["state"], web["description"], web["dependencies"]["requires"],
                 web["dependencies"]["wants"]),
                ("web", "up", "Shop", ["db"], ["cache"]))
        t.equal("list has what is not down", sorted(unit["name"] for unit in parsed["list"]["units"]),
                ["cache", "db", "default", "keeper", "web"])
        t.equal("list --failed", [unit["name"] for unit in parsed["list --failed"]["units"]], ["cache"])
        listed = lambda *words: json.loads(init.ctl("list", *words, "--json").stdout)["units"]
        named = lambda *words: sorted(unit["name"] for unit in listed(*words))
        those = lambda *states: sorted(unit["name"] for unit in listed("--all") if unit["state"] in states)
        t.equal("list --state takes several states", named("--state=failed,down"), those("failed", "down"))
        t.equal("and systemd's words for them", (named("--state", "running"), named("--state=inactive")),
                (those("up", "reloading"), those("down", "skipped")))
        t.equal("list --type", (named("--type=target"), named("-t", "service", "--failed")), (["default"], ["cache"]))
        wrong = init.ctl("list", "--state=upp")
        t.ok("a state that there is none of is refused", wrong.returncode == 2 and "--state" in wrong.stderr, wrong.stderr)
        edges = {node["unit"]: [(edge["relation"], edge["unit"]) for edge in node["edges"]]
                 for node in parsed["tree web"]["nodes"]}
        t.equal("tree", (parsed["tree web"]["roots"], sorted(edges["web"])),
                (["web"], [("requires", "db"), ("wants", "cache")]))
        t.equal("tree --reverse", [node["edges"] for node in parsed["tree --reverse db"]["nodes"]
                                   if node["unit"] == "db"][0][0]["unit"], "web")
        t.equal("show has every setting and its place", [(one["value"], one["place"] == "default")
                for one in parsed[f"show --config {init.config} web"]["settings"]
                                                         if one["key"] in ("description", "service.restart")],
                                                         [('"Shop"', False), ('"on-failure"', True)])
        t.equal("start of one that fails", [(one["unit"], one["ok"], one["state"])
                                            for one in parsed["start cache"]["results"]], [("cache", True, "up")]
                if parsed["start cache"]["results"][0]["ok"] else [("cache", False, "failed")])
        t.ok("an error has its name", "NoSuchUnit" in json.dumps(parsed["status nope"]), parsed["status nope"])
        for words in (["list"], ["list", "--all"], ["status", "web"], ["tree"], ["probe"], ["version"],
                      ["explain", "db"]):
            result = init.ctl(*words)
            t.ok(f"`minictl {' '.join(words)}` prints text, with no colour in a pipe", result.stdout
                 and "\033" not in result.stdout and result.stderr == "", result.stdout[:200])

        init.start("web")
        events = subprocess.Popen([t.scene.minictl, "events", "--json", "db", "web"],
                                  env={"MINIINIT_CONTROL": init.control}, stdout=subprocess.PIPE, text=True)
        too_late = threading.Timer(30, events.kill)  # an event that was missed would be waited for for ever
        too_late.start()
        try:
            # It subscribes with the first thing it says on its connection; then something happens.
            until(lambda: has_socket(events.pid), 20, "a connection for the events")
            time.sleep(0.2)
            init.stop("db")
            init.start("web")
            seen = []
            for line in events.stdout:
                event = json.loads(line)
                seen.append((event["unit"], event["state"]))
                if seen[-1] == ("web", "up"):
                    break
            t.equal("`minictl events --json` prints one object a line, in the order of things", seen[-3:],
                    [("db", "up"), ("web", "starting"), ("web", "up")])
            t.ok("the stop too", [pair for pair in seen if pair[1] in ("stopping", "down")][:2] == [("db", "stopping"),
                    ("db", "down")] or ("db", "down") in seen, seen)
        finally:
            too_late.cancel()
            events.kill()
            events.wait()
            events.stdout.close()


def ctl_logs(t):
    units = {"talks": {"service": sh(
        "for i in 1 2 3 4 5; do echo line $i; done; echo '<3>bad thing'; echo oops >&2; echo '<7>detail'; " + SLEEP)},
             "other": {"service": sh("echo from the other; " + SLEEP)},
             "ticks": {"service": sh("i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.05; done")}}
    with t.scene.init(units) as init:
        until(lambda: "detail" in init.text("talks") and "oops" in init.text("talks") and init.text("other"), 5)
        logs = lambda *words: init.ctl("logs", *words).stdout.split("\n")[:-1]
        t.equal("`logs UNIT -o cat` gives its lines", [line for line in logs("talks", "-o", "cat")
                                                       if line.startswith("line")], [f"line {i}" for i in range(1, 6)])
        t.equal("-n N the last N", [len(logs("talks", "-n", "3")), len(logs("talks", "-n", "1"))], [3, 1])
        t.equal("-p err only what is that important", logs("talks", "-p", "err", "-o", "cat"), ["bad thing"])
        t.equal("-g REGEX only what matches", logs("talks", "-g", "line [24]", "-o", "cat"), ["line 2", "line 4"])
        t.equal("-r the latest first", logs("talks", "-g", "line", "-r", "-o", "cat"),
                [f"line {i}" for i in range(5, 0, -1)])
        ours = [json.loads(line) for line in logs("talks", "-o", "json")]
        t.ok("-o json one object a line", len(ours) == 8 and all(one["unit"] == "talks" for one in ours), ours[:2])
        t.equal("several units are merged", {json.loads(one)["unit"] for one in logs("talks", "other", "-o", "json")},
                {"talks", "other"})
        t.equal("a unit without a log: 4", init.ctl("logs", "nothing").returncode, 4)
        until(lambda: "tick 5" in init.text("ticks"), 5)
        stamp = next(line[0] for line in init.log("ticks") if line[3] == "tick 3")
        since = logs("ticks", "--since", stamp[:26].replace("T", " "), "-o", "cat")
        if not since:
            since = logs("ticks", "--since", "-1min", "-o", "cat")
        t.ok("--since", since and since[0] in ("tick 1", "tick 2", "tick 3"), since[:3])
        t.equal("--until", logs("ticks", "--until", "-1min"), [])
        follow = subprocess.Popen([t.scene.minictl, "logs", "-f", "-n", "2", "ticks", "-o", "cat"],
                                  env={"MINIINIT_CONTROL": init.control}, stdout=subprocess.PIPE, text=True)
        try:
            lines = [follow.stdout.readline().strip() for _ in range(8)]
            numbers = [int(line.split()[1]) for line in lines]
            t.equal("-f goes on as lines are written, with none missing", numbers,
                    list(range(numbers[0], numbers[0] + 8)))
        finally:
            follow.kill()
            follow.wait()
            follow.stdout.close()
        status = init.ctl("status", "talks").stdout
        t.has("`status` shows the last lines", status, "oops", "bad thing")
        stamps = [line[0] for line in init.log("talks", ())]
        t.ok("a line of the log is `TIME PRIORITY STREAM: TEXT`",
             all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", stamp) for stamp in stamps), stamps)


def ctl_habits(t):
    """What fingers know from systemd."""
    units = {"web1": {"service": sh("echo one; " + SLEEP)}, "web2": {"service": sh(SLEEP)},
             "web3": {"enabled": False, "service": sh(SLEEP)}, "db": {"service": sh(SLEEP)},
             "goal": {"target": {}}}
    with t.scene.init(units) as init:
        init.wait("web1")
        init.wait("web2")
        init.wait("db")
        pids = lambda: [init.status(name).get("main_pid") for name in ("web1", "web2", "web3", "db")]
        before = pids()
        done = init.ctl("restart", "web*")
        after = pids()
        t.equal("`restart 'web*'` restarts what runs and matches, and nothing else",
                (done.returncode, after[0] != before[0], after[1] != before[1], after[2:]),
                (0, True, True, [None, before[3]]))
        t.equal("`start 'web*'` starts what is down", (init.ctl("start", "web*").returncode, init.state("web3")), (0, "up"))
        init.ctl("stop", "web[23].service")
        t.equal("`stop 'web[23].service'`", [init.state(name) for name in ("web1", "web2", "web3")], ["up", "down", "down"])
        t.equal("`is-active` and its codes", [init.ctl("is-active", name).returncode for name in
                                              ("web1.service", "web2", "goal.target", "nothing")], [0, 3, 0, 4])
        t.equal("`is-failed`", init.ctl("is-failed", "web1").returncode, 1)
        t.has("`list-units`, `ps`", init.ctl("list-units").stdout + init.ctl("ps").stdout, "web1")
        t.equal("`daemon-reload`", init.ctl("daemon-reload").returncode, 0)
        t.has("`list-dependencies goal.target`", init.ctl("list-dependencies", "goal.target").stdout, "goal")
        until(lambda: "one" in init.text("web1", ("out",)), 5)
        t.has("`journal -u web1.service --tail 1 --since 10m`",
              init.ctl("journal", "-u", "web1.service", "-g", "one", "--since", "10m", "--tail", "1", "-o", "cat").stdout,
              "one")
        for word in ("exec", "exit", "tail", "shutdown", "isolate"):
            done = init.ctl(word, "web1")
            t.ok(f"`{word}` does nothing, and is not taken for a verb that is a letter away",
                 done.returncode == 2 and "did you mean" not in done.stderr, done.stderr)
        t.equal("and everything is as it was", init.state("web1"), "up")


GROUPS = [ctl_codes, ctl_json, ctl_logs, ctl_habits]
