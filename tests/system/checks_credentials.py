"""Secrets: files in $CREDENTIALS_DIRECTORY and variables from files. Who sees them, how long they are there, and who never does."""
import os
import secrets
import stat

import checks_crash
import checks_hanging
from checks_places import SHM, TMP, Bare
from checks_user import UserInit
from harness import NOBODY, Failed, sh, until

SLEEP = "exec sleep 1000"


class Source:
    """A file of root's with a secret that stands nowhere else."""

    def __init__(self, t, name):
        self.dir = os.path.join(t.scene.work, "secrets-" + secrets.token_hex(4))
        os.mkdir(self.dir, 0o755)
        self.path = self.dir + "/" + name
        self.renew()

    def renew(self):
        self.text = "hush-" + secrets.token_hex(16)
        with open(self.path, "w") as file:
            file.write(self.text + "\n")
        os.chmod(self.path, 0o600)
        return self.text


def given(init, unit):
    """The directory of a unit: its mode, owner, and its files' mode, owner and text. None: it is not there."""
    top = f"{init.run}/credentials/{unit}"
    if not os.path.exists(top):
        return None
    about = os.stat(top)
    found = {"": (stat.S_IMODE(about.st_mode), about.st_uid)}
    for name in os.listdir(top):
        about = os.stat(f"{top}/{name}")
        with open(f"{top}/{name}") as file:
            found[name] = (stat.S_IMODE(about.st_mode), about.st_uid, file.read())
    return found


def gone(init, unit):
    return until(lambda: given(init, unit) is None and
                 not [name for name in os.listdir(init.run + "/credentials") if name.startswith(".")], 10)


def credentials_of_every_command(t):
    source = Source(t, "db")
    show = lambda word: ["/bin/sh", "-c", f"echo {word} $(cat $CREDENTIALS_DIRECTORY/db-password) $DB_PASSWORD"]
    main = "echo main $(cat $CREDENTIALS_DIRECTORY/db-password) $DB_PASSWORD; " + SLEEP
    process = {"user": str(NOBODY), "credentials": {"db-password": source.path},
               "environment": {"DB_PASSWORD": "from environment"}, "environment-from": {"DB_PASSWORD": source.path}}
    unit = {"service": {**sh(main), "pre-start": [show("pre-start")], "post-start": [show("post-start")],
                        "reload-command": show("reload"), "stop-command": [show("stop")],
                        "post-stop": [show("post-stop")]}, "process": process}
    with t.scene.init({"web": unit}) as init:
        init.wait("web")
        t.equal("credentials: 0400 in a directory 0500, of the service's user", given(init, "web"),
                {"": (0o500, NOBODY), "db-password": (0o400, NOBODY, source.text + "\n")})
        init.ask("Reload", "web")
        text = init.text("web", once="reload")
        for word in ("pre-start", "main", "post-start", "reload"):
            t.has(f"environment-from counts more than environment, and both are there for each command: {word}", text,
                  f"{word} {source.text} {source.text}")
        init.stop("web")
        text = init.text("web", once="post-stop")
        for word in ("stop", "post-stop"):
            t.has(f"also when it ends: {word}", text, f"{word} {source.text} {source.text}")
        t.ok("the directory goes with the run", gone(init, "web"), given(init, "web"))
        source.renew()
        init.start("web")
        t.equal("the next start reads the file anew", given(init, "web")["db-password"][2], source.text + "\n")
        source.renew()
        init.ask("Restart", "web")
        t.equal("and so does a restart", given(init, "web")["db-password"][2], source.text + "\n")
        source.renew()
        before = init.status("web")["restarts"] if "restarts" in init.status("web") else 0
        os.kill(next(pid for pid, what in init.own_processes().items() if "sleep 1000" in what[4]), 9)
        until(lambda: init.status("web").get("restarts", 0) > before, 15, "a restart")
        init.wait("web")
        t.equal("and one after a failure", given(init, "web")["db-password"][2], source.text + "\n")


def credentials_of_several(t):
    source = Source(t, "one")
    for name in ("a", "b"):
        with open(f"{source.dir}/{name}", "w") as file:
            file.write(name)
    files = {"plain.toml": f'[service]\ncommand = ["sleep", "1000"]\n[process.credentials]\nkey = "{source.path}"\n',
             "plain.toml.d/none.toml": "[process]\ncredentials = {}\n",
             "of@.toml": '[service]\ncommand = ["sleep", "1000"]\n[process]\n'
                         f'credentials = {{ key = "{source.dir}/${{instance}}" }}\n',
             "a..b.toml": f'[service]\ncommand = ["sleep", "1000"]\n[process.credentials]\n"x.y" = "{source.path}"\n'}
    with t.scene.init(files=files) as init:
        init.start("of@a", "of@b", "plain", "a..b")
        t.equal("each instance of a template has its own",
                [given(init, f"of@{name}")["key"][2] for name in "ab"], ["a", "b"])
        t.equal("a drop-in takes credentials away", given(init, "plain"), None)
        t.equal("a unit with dots in its name stays in its place", sorted(given(init, "a..b")), ["", "x.y"])
        init.stop("of@a")
        t.ok("one that stops takes nobody else's along", gone(init, "of@a") and given(init, "of@b"), "")
        run = init.ctl("run", "--name", "once", "--property", f"process.credentials.key={source.path}", "--property",
                       f"process.environment-from.KEY={source.path}", "--", "/bin/sh", "-c",
                       'test "$(cat $CREDENTIALS_DIRECTORY/key)" = "$KEY" && exec sleep 1000')
        t.equal("minictl run --property gives them", (run.returncode, init.state("once")), (0, "up"))


def credentials_refused(t):
    source = Source(t, "x")
    work = source.dir
    os.mkfifo(work + "/fifo")
    os.mkdir(work + "/directory")
    with open(work + "/big", "w") as file:
        file.write(source.text * 40000)
    cases = {"missing": "No such file", "fifo": "no regular file", "directory": "Is a directory", "big": "over 1 MiB"}
    units = {name: {"service": sh(SLEEP, restart="no"), "process": {"credentials": {"key": f"{work}/{name}"}}}
             for name in cases}
    units["of-the-machine"] = {"service": sh(SLEEP, restart="no"), "process": {"environment-from": {"A": "no-such"}}}
    units["keeper"] = {"service": sh(SLEEP)}  # a container in which all has failed ends
    with t.scene.init(units) as init:
        for name, words in cases.items():
            reason = init.wait_failed(name)["reason"]
            t.has(f"a secret that cannot be read fails the start: {name}", reason, "give credential", f"{work}/{name}",
                  words)
            t.ok("and what it holds is not said", source.text[:20] not in reason, reason)
            t.ok(f"nothing is left of it: {name}", gone(init, name), given(init, name))
        t.has("a name without a slash is one of the machine's", init.wait_failed("of-the-machine")["reason"],
              "read environment-from", "/run/credentials/@system/no-such")


def credentials_hanging(t):
    if not checks_hanging.usable(t):
        return
    deaf = checks_hanging.WORK + "/deaf/secret"
    units = {"hangs": {"service": sh(SLEEP, restart="no", **{"start-timeout": "8s"}),
                       "process": {"credentials": {"key": deaf}}},
             "other": {"service": sh(SLEEP), "enabled": False}}
    with t.scene.init(units, mounts=checks_hanging.place(t)) as init:
        until(lambda: init.state("hangs") == "starting", 10, "a start that hangs")
        t.equal("a file system that does not answer holds up the start, and not process 1",
                init.start("other")["other"]["state"], "up")
        until(lambda: init.state("hangs") == "stopping", 40, "the end of its start-timeout")
        checks_hanging.answer_again(init) # until then not even SIGKILL ends what waits for it
        t.has("past its start-timeout the unit has failed", init.wait_failed("hangs", 40)["reason"], "start-timeout")


def holders(init, text):
    """Which processes of the namespace have it in memory that they can write to, or in their environment."""
    found, mark = [], text.encode()
    for pid in [init.pid(), *init.processes()]:
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                holds = mark in file.read()
            with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
                for line in maps:
                    first, last = (int(end, 16) for end in line.split()[0].split("-"))
                    if holds or "w" not in line.split()[1] or last - first > 1 << 28:
                        continue
                    memory.seek(first)
                    try:
                        holds = mark in memory.read(last - first)
                    except OSError:
                        continue
        except OSError:
            continue
        if holds:
            found.append(pid)
    return found


def credentials_never_shown(t):
    source = Source(t, "db")
    unit = {"service": sh(SLEEP), "process": {"user": str(NOBODY), "environment-from": {"DB": source.path},
                                              "credentials": {"db": source.path}}}
    with t.scene.init({"web": unit}) as init:
        events = init.client()
        events.send("Events", more=True, units=[])
        init.wait("web")
        service = [init.outside(init.status("web")["main_pid"])]
        t.equal("the service alone has it", holders(init, source.text), service)
        checks_crash.reexec(init)
        init.main_client.close()
        init.wait_for_socket()
        t.equal("it has the directory still after process 1 was executed anew", given(init, "web")["db"][2],
                source.text + "\n")
        init.stop("web")
        t.ok("and loses it at its end all the same", gone(init, "web"), given(init, "web"))
        init.start("web")
        shown = [init.ctl(*words).stdout for words in (("show", "web"), ("status", "web"), ("status", "--json", "web"),
                 ("cat", "web"), ("logs",), ("list", "--json"), ("explain", "web"))]
        while (piece := received(events)):
            shown.append(piece)
        shown += [init.console(), "".join(str(line) for line in init.log("web"))]
        t.equal("show, status, cat, logs, list, explain, events and the console do not have it",
                [piece for piece in shown if source.text in piece], [])
        t.has("show says where it comes from", shown[0], source.path)
        state = b""
        for name in os.listdir(f"/proc/{init.pid()}/fd"):
            path = f"/proc/{init.pid()}/fd/{name}"
            if "memfd:" in os.readlink(path):
                with open(path, "rb") as file:
                    state += file.read()
        t.ok("the saved state and whatever else process 1 keeps in memory files does not have it",
             len(state) > 1000 and source.text.encode() not in state, len(state))


def received(client):
    try:
        reply = client.receive(1)
    except Failed:  # re-executed: the connection is another program's
        return ""
    return "" if reply is None else str(reply)


def credentials_survive_crashes(t):
    source = Source(t, "db")
    unit = {"service": sh(SLEEP), "process": {"user": str(NOBODY), "credentials": {"db": source.path}}}
    with t.scene.init({"web": unit, "other": unit}) as init:
        init.wait("web")
        init.wait("other")
        for count in (1, 2):
            checks_crash.crash(init, 11, count)
            t.equal("a crash of process 1 leaves it where it is", given(init, "web")["db"][2], source.text + "\n")
        init.stop("web")
        t.ok("its end takes it away", gone(init, "web"), given(init, "web"))
        t.ok("and no other's", given(init, "other") is not None, "")


def credentials_of_users(t):
    source = Source(t, "secret")
    os.chmod(source.path, 0o644)
    unit = {"service": {"script": f"cat $CREDENTIALS_DIRECTORY/key; {SLEEP}"},
            "process": {"credentials": {"key": source.path}}}
    with UserInit(t, {"web": unit}) as init:
        top = init.run_dir + "/credentials/web"
        until(lambda: os.path.exists(top + "/key"), 20, "the credentials of a user's unit")
        until(lambda: stat.S_IMODE(os.stat(top).st_mode) == 0o500, 20, "all of them")
        t.equal("a user's manager gives files of his own",
                (os.stat(top).st_uid, stat.S_IMODE(os.stat(top + "/key").st_mode), open(top + "/key").read()),
                (init.uid, 0o400, source.text + "\n"))
        source.renew()
        os.chmod(source.path, 0o644)
        t.equal("again at a restart", (init.ctl("--user", "restart", "web").returncode, open(top + "/key").read()),
                (0, source.text + "\n"))
        init.ctl("--user", "stop", "web")
        t.ok("and takes them away", until(lambda: not os.listdir(init.run_dir + "/credentials"), 10), top)


def credentials_without_places(t):
    source = Source(t, "db")
    unit = {"service": sh("echo $CREDENTIALS_DIRECTORY $(cat $CREDENTIALS_DIRECTORY/key); " + SLEEP),
            "process": {"credentials": {"key": source.path}}}
    with t.scene.init({"web": unit}, proc=False, cgroups=False) as init:
        init.wait("web")
        t.has("without /proc and cgroups", init.text("web", once=source.text), source.text)
    os.chmod(source.path, 0o644)
    unit["process"]["credentials"]["key"] = source.path.replace(t.scene.work, "/mnt", 1)
    with Bare(t, (TMP, SHM), {"web": unit}) as init:
        top = f"/tmp/miniinit-init-33/credentials/web/key"
        t.ok("in a container of a user's without a /run that it could write to",
             until(lambda: init.there(top), 20), init.console())


GROUPS = [credentials_of_every_command, credentials_of_several, credentials_refused, credentials_hanging,
          credentials_never_shown, credentials_survive_crashes, credentials_of_users, credentials_without_places]
