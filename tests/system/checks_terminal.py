"""minictl at a terminal: real keys, and what is on the screen."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

from harness import sh, until
from terminal import Terminal

SLEEP = "exec sleep 1000"


def environment(init, **more):
    return {"PATH": os.environ["PATH"], "TERM": "xterm", "HOME": init.dir, "MINIINIT_CONTROL": init.control, **more}


def rows_of(screen):
    """The names in the table of top, in their order."""
    lines = screen.split("\n")
    top = next((i for i, line in enumerate(lines) if line.startswith("UNIT")), len(lines))
    return [line.split()[0] for line in lines[top + 1:-1] if line.strip()]


def top_keys(t):
    units = {"alpha": {"service": sh("echo first words; " + SLEEP)},
             "busy": {"service": sh("while :; do :; done", restart="no")},
             "crash": {"service": sh("exit 3", restart="no")},
             "zwei": {"service": sh("printf 'wide 日本 line\\n'; " + SLEEP)}}
    with t.scene.init(units) as init:
        init.wait("alpha")
        until(lambda: init.state("crash") == "failed", 5)
        with Terminal([t.scene.minictl, "top", "-d", "200ms"], environment(init)) as top:
            screen = top.until(lambda text: "first words" in text and "zwei" in text, what="the table")
            t.has("top shows units, their states and what they said last", screen, "alpha", "busy", "failed", "wide 日本 line")
            if t.scene.cgroups:
                top.until(lambda text: re.search(r"busy +up +[1-9]", text), what="the load of busy")
                t.ok("what is busy uses the processor, and comes first", rows_of(top.text())[0] == "busy", top.text())
            top.type("n")
            top.until(lambda text: rows_of(text) == ["alpha", "busy", "crash", "zwei"], what="the order of names")
            top.type("n")
            top.until(lambda text: rows_of(text) == ["zwei", "crash", "busy", "alpha"], what="that turned round")
            t.ok("n sorts by name, and again the other way round", True)
            top.type("s")
            top.until(lambda text: rows_of(text)[:1] == ["crash"], what="what failed on top")
            top.type("n/al\r")
            top.until(lambda text: rows_of(text) == ["alpha"], what="the filter")
            t.ok("/ filters", True)
            top.type("X")
            top.until(lambda text: "stop alpha" in text and "y/n" in text, what="the question")
            t.equal("a stop asks first", init.state("alpha"), "up")
            top.type("n")
            top.until(lambda text: "y/n" not in text)
            t.equal("and does nothing on no", init.state("alpha"), "up")
            top.type("X")
            top.until(lambda text: "y/n" in text)
            top.type("y")
            top.until(lambda text: "alpha is down" in text, what="the result")
            t.equal("and stops on yes", init.state("alpha"), "down")
            top.type("\x1b")  # the filter is gone; what is down is shown with `a`
            top.type("a")
            top.until(lambda text: re.search("^alpha +down", text, re.M) and len(rows_of(text)) == 4, what="alpha, which is down")
            top.type("/alpha\r")
            top.until(lambda text: rows_of(text) == ["alpha"])
            top.type("S")
            top.until(lambda text: "alpha is up" in text, what="the result of the start")
            t.equal("S starts", init.state("alpha"), "up")
            pid = init.status("alpha")["main_pid"]
            top.type("R")
            until(lambda: init.state("alpha") == "up" and init.status("alpha")["main_pid"] != pid, 10, "another process")
            t.ok("R restarts", True)
            top.type("l")
            top.until(lambda text: "q comes back" in text and "alpha: first words" in text, what="the log")
            t.ok("l follows the log", True)
            top.type("q")
            top.until(lambda text: "UNIT" in text, what="the table again")
            t.ok("q comes back", True)
            top.type("h")
            top.until(lambda text: "sort by CPU" in text)
            top.type("x")
            top.until(lambda text: "UNIT" in text)
            for columns, rows in ((40, 8), (20, 4), (200, 50)):
                top.resize(columns, rows)
                top.until(lambda text: "alpha" in text and (columns < 60 or "first words" in text),
                          what=f"the table on {columns} columns")
                t.ok(f"it fits {columns} columns and {rows} rows", "!" not in top.text(), top.text())
            top.type("q")
            t.equal("q quits", (top.end(), top.restored()), (0, True))


def top_ends(t):
    with t.scene.init({"web": {"service": sh(SLEEP)}}) as init:
        init.wait("web")
        for what, end, code in (("Ctrl-C", lambda top: top.type("\x03"), 0),
                                ("SIGTERM", lambda top: os.kill(top.pid, signal.SIGTERM), -signal.SIGTERM),
                                ("SIGINT", lambda top: os.kill(top.pid, signal.SIGINT), 0),
                                ("SIGHUP", lambda top: os.kill(top.pid, signal.SIGHUP), -signal.SIGHUP)):
            with Terminal([t.scene.minictl, "top"], environment(init)) as top:
                top.until(lambda text: "web" in text)
                end(top)
                t.equal(f"top leaves the terminal as it was after {what}", (top.end(), top.restored()), (code, True))
        with Terminal([t.scene.minictl, "top", "-d", "100ms"], environment(init)) as top:
            top.until(lambda text: "web" in text)
            raw = len(top.raw)
            init.ctl("reexec")
            init.wait("web")
            top.until(lambda text: len(top.raw) > raw + 2000 and "web" in text and "trying again" not in text,
                      what="the table of the new init")
            t.ok("top goes on when the init is executed anew", True)
            os.kill(init.pid(), signal.SIGTERM)
            top.until(lambda text: "trying again" in text, what="that the init is gone")
            t.ok("and says so when it is gone", True)
            top.type("q")
            t.equal("and can be left then", (top.end(), top.restored()), (0, True))


def top_batch(t):
    units = {f"u{number:03}": {"service": sh(SLEEP)} for number in range(100)}
    with t.scene.init(units) as init:
        init.wait("u099")
        result = init.ctl("top", "--sort", "name", "-d", "100ms", "-n", "2")
        lines = result.stdout.splitlines()
        t.ok("into a pipe it prints tables, without a sequence for a terminal", "\x1b" not in result.stdout
             and [line.split()[0] for line in lines if line] == ["UNIT▾", *units] * 2, result.stdout[:500] + result.stderr)
        rows = json.loads(init.ctl("top", "--json", "-d", "100ms").stdout)["units"]
        t.ok("--json: the same as one object", {row["unit"] for row in rows} == set(units) and
             all(row["state"] == "up" for row in rows), rows[:2])
        if t.scene.cgroups:
            t.ok("with what each uses", all(row["tasks"] >= 1 for row in rows), rows[:2])
        t.equal("a wrong --sort is a mistake of use", init.ctl("top", "--sort", "colour").returncode, 2)
        t.equal("plain list reads no usage", [unit["tasks"] for unit in json.loads(init.ctl("list", "--json").stdout)["units"]],
                [None] * 100)


def acting_progress(t):
    with t.scene.init({"early": {"service": sh(SLEEP)}}) as init:
        go = init.dir + "/go"
        units = {"early": {"service": sh(SLEEP)},
                 "db": {"enabled": False, "service": sh(f"until [ -e {go} ]; do sleep 0.02; done", type="oneshot",
                                                        **{"start-timeout": "30s"})},
                 "web": {"enabled": False, "requires": ["db"], "service": sh(SLEEP)},
                 "bad": {"enabled": False, "service": sh("echo no such table >&2; exit 3", type="oneshot", restart="no")},
                 "stubborn": {"service": sh("trap '' TERM; while :; do sleep 0.1; done", **{"stop-timeout": "2s"})}}
        init.write_units(units)
        init.ctl("reload-units")
        init.ctl("start", "stubborn")
        with Terminal([t.scene.minictl, "list", "--failed"], environment(init)) as listing:
            t.equal("a list of nothing says so", (listing.end(), listing.text().strip()), (0, "nothing has failed"))
        with Terminal([t.scene.minictl, "start", "web"], environment(init)) as start:
            start.until(lambda text: "db starting" in text and "web waiting (it requires db, which is starting)" in text,
                        what="what is waited for")
            text = start.until(lambda text: re.search(r"db starting \(for \d+\.\d s of 30\.0 s\)", text))
            t.ok("a start that takes its time says what is waited for, how long, and until when", True)
            open(go, "w").close()
            t.equal("it succeeds", start.end(), 0)
            t.equal("and leaves one clear line", start.text().strip(), "✓ web is up")
        with Terminal([t.scene.minictl, "stop", "stubborn"], environment(init)) as stop:
            stop.until(lambda text: re.search(r"stubborn stopping \(for \d+\.\d s of 2\.0 s\)", text), what="the stop")
            stop.end()
            t.has("stop: the same", stop.text(), "stubborn is down")
        with Terminal([t.scene.minictl, "start", "bad"], environment(init)) as start:
            t.equal("a start that fails fails", start.end(), 1)
            t.has("on a terminal it shows the reason, the last lines and what to do next", start.text(), "✗ bad",
                  "exit code 3", "| ", "no such table", "minictl logs bad", "minictl explain bad")
        with Terminal([t.scene.minictl, "start", "bad"], environment(init, NO_COLOR="1")) as start:
            start.end()
            t.ok("without colours where NO_COLOR is set", b"\x1b[3" not in start.raw, start.raw)


def logs_pager(t):
    with t.scene.init({"talks": {"service": sh("for i in $(seq 1 200); do echo line $i; done; " + SLEEP)}}) as init:
        until(lambda: "line 200" in init.text("talks"), 10)
        pager = init.dir + "/pager"
        with open(pager, "w") as file:
            file.write("#!/bin/sh\necho 'THE PAGER'\ncat >/dev/null\nread answer </dev/tty\n")
        os.chmod(pager, 0o755)
        with Terminal([t.scene.minictl, "logs", "talks"], environment(init, MINIINIT_PAGER=pager, PAGER="cat")) as logs:
            logs.until(lambda text: "THE PAGER" in text)
            t.ok("on a terminal logs go through $MINIINIT_PAGER", True)
            logs.type("\n")
            t.equal("and wait for its end", logs.end(), 0)
        for what, words, env in (("--no-pager", ["--no-pager"], {"PAGER": pager}), ("an empty $PAGER", [], {"PAGER": ""}),
                                 ("a pager that is not there", [], {"PAGER": "/no/such/pager"})):
            with Terminal([t.scene.minictl, "logs", "-n", "3", "talks", *words], environment(init, **env)) as logs:
                logs.end()
                t.has(f"they are printed as they are with {what}", logs.text(), "talks: line 198", "talks: line 200")
        with Terminal(["/bin/sh", "-c", t.scene.minictl + " logs -n 3 talks </dev/null"], environment(init, PAGER=pager)) as logs:
            logs.end()
            t.has("who gives no keyboard is not asked for keys", logs.text(), "talks: line 198", "talks: line 200")
        with Terminal([t.scene.minictl, "logs", "-f", "talks"], environment(init, PAGER=pager)) as logs:
            logs.until(lambda text: "line 200" in text)
            t.ok("-f goes through none", "PAGER" not in logs.text())
            logs.type("\x03")
            logs.end()
        boots = init.ctl("logs", "--list-boots").stdout.split()
        t.equal("--list-boots knows this start", boots[:1], ["0"])
        t.equal("-b: all lines since", init.ctl("logs", "-b", "-o", "cat", "talks").stdout.count("\n"), 200)
        t.equal("-b -1: there was none before", init.ctl("logs", "-b", "-1", "talks").returncode, 1)


def follow_sleeps(t):
    if not shutil.which("strace"):
        return t.note("no strace here")
    with t.scene.init({"talks": {"service": sh(f"read go </dev/null; while [ ! -e $0.go ]; do sleep 0.02; done; {SLEEP}")},
                       "quiet": {"service": sh("echo hello; " + SLEEP)}}) as init:
        until(lambda: "hello" in init.text("quiet"), 5)
        trace = init.dir + "/trace"
        process = subprocess.Popen(["strace", "-f", "-o", trace, t.scene.minictl, "logs", "-f", "quiet"], stdout=subprocess.PIPE,
                                   env=environment(init), text=True, start_new_session=True)
        try:
            t.has("logs -f shows what there is", process.stdout.readline(), "hello")
            calls = lambda: open(trace).read().count("\n")
            until(lambda: re.search(r"(read|poll|ppoll)\([^\n]*$", open(trace).read().rstrip()), 5, "that it waits")
            before = calls()
            # Others write meanwhile; whoever looked again and again would be seen.
            init.ctl("restart", "talks")
            init.ctl("stop", "talks")
            t.ok("and then makes no system call until there is a line", calls() == before, open(trace).read()[-600:])
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # the traced one, too
            process.wait()
            process.stdout.close()


def completion(t):
    units = {"web": {"service": sh(SLEEP)}, "worker": {"service": sh(SLEEP)}, "cache": {"enabled": False, "service": sh(SLEEP)}}
    with t.scene.init(units) as init:
        init.wait("worker")
        env = environment(init, PATH=os.path.dirname(t.scene.minictl) + ":" + os.environ["PATH"], PS1="$ ")
        scripts = {}
        for shell in ("bash", "zsh", "fish"):
            scripts[shell] = f"{init.dir}/completion.{shell}"
            with open(scripts[shell], "w") as file:
                file.write(init.ctl("completion", shell).stdout)
        shells = {"bash": (["bash", "--norc", "--noprofile"], f"source {scripts['bash']}"),
                  "zsh": (["zsh", "-f"], f"unsetopt PROMPT_SP; autoload -U compinit; compinit -D -u; PS1='$ '; source {scripts['zsh']}"),
                  "fish": (["fish", "--no-config"], f"function fish_prompt; echo '$ '; end; source {scripts['fish']}")}
        for shell, (words, setup) in shells.items():
            if not shutil.which(words[0]):
                t.note(f"no {shell} here: its completion was not tried")
                continue
            with Terminal(words, env, rows=60) as terminal:
                def fresh():
                    # A shell that is still busy with the completion takes the first Ctrl-C for that.
                    prompt = lambda text: text.rstrip().split("\n")[-1].strip() == "$"
                    for _ in range(20):
                        terminal.type("\x03")  # the line is given up
                        if terminal.shows(prompt, 0.5):
                            return
                    terminal.until(prompt, what="a new prompt")

                def typed(keys, expected, sentence):
                    terminal.type(keys)
                    terminal.until(lambda text: re.search(expected, text), what=f"{shell}: {sentence}")
                    t.ok(f"{shell}: {sentence}", True)
                    fresh()
                terminal.until(lambda text: text.strip(), what=f"the prompt of {shell}")
                terminal.type(setup + "; echo re''ady\r")
                terminal.until(lambda text: "\nready" in text, what=f"{shell} with the completion")
                typed("minictl critical\t", "minictl critical-chain", "verbs are completed")
                typed("minictl list --fai\t", "minictl list --failed", "options are")
                typed("minictl stop we\t", "minictl stop web", "units are, by asking the init")
                typed("minictl start \t", r"minictl start cache", "those that the verb would do something to")
                typed("minictl wait web --for ski\t", "--for skipped", "states are")
                typed(f"minictl verify {init.dir}/config.t\t", "config.toml", "files are")
                terminal.type("minictl --control /nowhere/control stop we\tX")
                terminal.until(lambda text: "stop weX" in text, what="what was typed, and no more")
                fresh()
                typed("minictl bla\t", "minictl blame", "without an init the rest is completed as before")
                t.ok(f"{shell}: and nothing is said", "minictl:" not in terminal.text(), terminal.text())


def top_narrow(t):
    with t.scene.init({"only": {"service": sh("echo said; " + SLEEP)}}) as init:
        init.wait("only")
        t.ok("one unit is not counted as many", "1 unit" in init.text("miniinit", ("init",), once="1 unit").replace("1 units", ""))
        with Terminal([t.scene.minictl, "top"], environment(init), columns=60, rows=18) as top:
            screen = top.until(lambda text: "only" in text and "q quit" in text, what="the table")
            t.ok("at 60 columns what there is no room for is left out, and nothing cut", "…" not in screen, screen)
            t.has("what is needed most is there", screen, "1 unit ", "STATE", "CPU%", "MEMORY", "S start", "X stop")
            top.type("h")
            screen = top.until(lambda text: "any key comes back" in text, what="the help")
            t.ok("and so it is with the help", "…" not in screen and "quit" in screen, screen)


GROUPS = [completion, top_keys, top_ends, top_batch, acting_progress, logs_pager, follow_sleeps, top_narrow]
