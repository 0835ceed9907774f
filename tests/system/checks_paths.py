"""Paths that units name, bent by the user who owns a directory on the way; names and places of the init's own; and what is
removed with a service, and what is not.

The attacker is `nobody`, the user of a service, who owns its runtime directory; what he is after is a directory of root's.
"""
import ctypes
import glob
import os
import shutil
import stat
import subprocess

from harness import NOBODY, sh, until

SLEEP = "exec sleep 1000"


class Ground:
    """A directory in /run that is nobody's, and one of root's outside of it. Gone without a trace afterwards."""

    def __init__(self, t, name):
        self.name = f"miniinit-check-{os.getpid()}-{name}"
        self.theirs, self.roots = "/run/" + self.name, f"{t.scene.work}/roots-{name}"
        os.mkdir(self.roots, 0o755)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for path in [*glob.glob(self.theirs + "*"), self.roots]:
            shutil.rmtree(path, ignore_errors=True)

    def process(self, **more):
        return {"user": "nobody", "runtime-directory": self.name, **{k.replace("_", "-"): v for k, v in more.items()}}

    def give(self):
        """The directory, as the service left it at its user's."""
        os.mkdir(self.theirs, 0o755)
        os.chown(self.theirs, NOBODY, NOBODY)

    def keep(self, name, text="precious\n"):
        """A file of root's."""
        with open(f"{self.roots}/{name}", "w") as file:
            file.write(text)
        os.chmod(f"{self.roots}/{name}", 0o600)

    def kept(self, name):
        with open(f"{self.roots}/{name}") as file:
            return file.read()


def as_nobody(script):
    """What the attacker does; fails the check where he cannot even do that."""
    subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "/bin/sh", "-ec", script],
                   check=True)


def paths_pid_files(t):
    """PID 1 writes a PID file for a service, reads those of daemons, and removes both."""
    with Ground(t, "pid") as ground:
        units = {"app": {"service": sh(f"ln -s {ground.roots} {ground.theirs}/out; {SLEEP}"),
                         "process": ground.process(pid_file=f"{ground.theirs}/out/app.pid")},
                 "plain": {"service": sh(SLEEP), "process": ground.process(pid_file=f"{ground.theirs}/plain.pid")},
                 "daemon": {"service": {"type": "forking", "start-timeout": "1s", "restart": "no",
                                        **sh(f"ln -sf {ground.roots} {ground.theirs}/reading; sleep 1000 & exit 0")},
                            "process": ground.process(pid_file=f"{ground.theirs}/reading/daemon.pid")}}
        ground.keep("app.pid")
        ground.keep("daemon.pid", "1\n")
        with t.scene.init(units) as init:
            init.wait("app", "up")
            until(lambda: os.path.islink(ground.theirs + "/out"), 10, "the link")
            init.ask("Restart", "app")
            t.has("a PID file is not written through a link that the service's user has made, and its log says so",
                  until(lambda: "PID file" in (text := init.text("app", ("init",))) and
                        "link" in text and text, 10) or "", "its PID file: ", "a link where others than root can write")
            init.stop("app")
            t.equal("nor is anything removed through it", ground.kept("app.pid"), "precious\n")
            t.equal("and nothing has come to be there", sorted(os.listdir(ground.roots)), ["app.pid", "daemon.pid"])
            t.ok("one at a place that is nobody's to bend is there as ever",
                 until(lambda: os.path.exists(ground.theirs + "/plain.pid"), 10))
            about = os.stat(ground.theirs + "/plain.pid")
            t.equal("it is root's", (about.st_uid, stat.S_IMODE(about.st_mode)), (0, 0o644))
            init.wait("daemon", "failed")
            t.has("a PID file behind such a link is not read", init.text("daemon", ("init",)),
                  "refuse PID file that is a symbolic link")
            t.equal("and stays", ground.kept("daemon.pid"), "1\n")
            init.stop("plain")


def paths_sockets(t):
    """Sockets and FIFOs are made, given to their user and removed by root."""
    with Ground(t, "socket") as ground:
        ground.give()
        os.mkdir(ground.theirs + "/moved")
        os.chown(ground.theirs + "/moved", NOBODY, NOBODY)
        as_nobody(f"ln -s {ground.roots} {ground.theirs}/sub; mkdir {ground.theirs}/good; "
                  f"ln -s {ground.roots}/file {ground.theirs}/fifo")
        ground.keep("file")
        kinds = ("stream", "datagram", "sequential-packet", "fifo")
        units = {}
        for kind in kinds:
            units[kind] = {"service": sh(SLEEP, restart="no"), "enabled": False,
                           "listen": [{kind: f"{ground.theirs}/sub/{kind}", "user": "nobody"}]}
            units["deep-" + kind] = {"service": sh(SLEEP, restart="no"), "enabled": False,
                                     "listen": [{kind: f"{ground.theirs}/sub/new/{kind}", "user": "nobody"}]}
            units["good-" + kind] = {"service": sh(SLEEP),
                                     "listen": [{kind: f"{ground.theirs}/good/{kind}", "user": "nobody"}]}
        units["last"] = {"service": sh(SLEEP, restart="no"), "enabled": False,
                         "listen": [{"fifo": f"{ground.theirs}/fifo", "user": "nobody"}]}
        with t.scene.init(units) as init:
            for name in [*kinds, *("deep-" + kind for kind in kinds)]:
                init.ask("Start", name)
                t.has(f"no socket is made through a link of its user's: {name}", init.wait_failed(name)["reason"],
                      "cannot listen at", "link that others could have made")
            init.ask("Start", "last")
            t.has("nor is a FIFO opened through one", init.wait_failed("last")["reason"], "cannot listen at", "no FIFO")
            t.equal("nothing has come to be there, and nothing has become his",
                    (os.listdir(ground.roots), os.stat(ground.roots + "/file").st_uid), (["file"], 0))
            for kind in kinds:
                name = f"{ground.theirs}/good/{kind}"
                t.ok(f"where nothing is bent it is made and given to the user: {kind}",
                     init.wait("good-" + kind) and os.stat(name).st_uid == NOBODY)
            # While they run he moves the directory away and has a link in its place, to files of those names.
            for kind in kinds:
                ground.keep(kind)
            as_nobody(f"ln -s {ground.roots} {ground.theirs}/gone")
            # In one step, as the init makes again what it misses.
            exchange, gone, good = 2, os.fsencode(ground.theirs + "/gone"), os.fsencode(ground.theirs + "/good")
            assert ctypes.CDLL(None).renameat2(-100, gone, -100, good, exchange) == 0
            for kind in kinds:
                init.stop("good-" + kind)
            init.ask("Restart", "good-fifo")
            t.equal("what is removed at the end is not what a link leads to",
                    (sorted(os.listdir(ground.roots)), {ground.kept(kind) for kind in kinds}),
                    (sorted(["file", *kinds]), {"precious\n"}))


def paths_mounts(t):
    """What is mounted below a service's directory is somebody else's."""
    with Ground(t, "mount") as ground, Ground(t, "other") as other, Ground(t, "itself") as itself:
        volume = f"/run/miniinit-check-{os.getpid()}-volume"  # of the same file system
        for path in (volume, volume + "/deep", ground.theirs, ground.theirs + "/a", ground.theirs + "/a/vol", itself.theirs):
            os.mkdir(path)
        for path in (volume + "/data", volume + "/deep/data"):
            open(path, "w").close()
        # Mounts of others that are there before the service is.
        mounts = [f"mount --bind {volume} {ground.theirs}/a/vol", f"mount --bind {volume} {itself.theirs}"]
        own = f"echo x >{ground.theirs}/own; mkdir {ground.theirs}/dir; echo x >{ground.theirs}/dir/own; {SLEEP}"
        units = {"engine": {"service": sh(own), "process": ground.process()},
                 "plain": {"service": sh(f"echo x >{other.theirs}/own; {SLEEP}"), "process": other.process()},
                 "itself": {"service": sh(SLEEP), "process": {"runtime-directory": itself.name}}}
        try:
            with t.scene.init(units, mounts=mounts) as init:
                for unit in units:
                    init.wait(unit)
                whole = lambda: (sorted(os.listdir(volume)), os.listdir(volume + "/deep"))
                until(lambda: os.path.exists(f"{ground.theirs}/dir/own"), 10, "its own files")
                init.stop("engine")
                t.has("what is mounted below a runtime directory is left, and the log says so",
                      until(lambda: init.text("engine", ("init",)), 10) or "",
                      f"left where it is: {ground.theirs}/a/vol: something is mounted there")
                t.equal("its contents are whole", whole(), (["data", "deep"], ["data"]))
                t.equal("what was the service's is gone, and the mount is where it was",
                        (os.listdir(init.inside(ground.theirs)), os.listdir(init.inside(ground.theirs + "/a")),
                         sorted(os.listdir(init.inside(ground.theirs + "/a/vol")))), (["a"], ["vol"], ["data", "deep"]))
                init.start("engine")
                t.equal("the service can start again", init.wait("engine")["state"], "up")
                init.stop("itself")
                t.has("a directory that is itself mounted is not emptied",
                      until(lambda: init.text("itself", ("init",)), 10) or "",
                      f"left where it is: {itself.theirs}: something is mounted there")
                t.equal("its contents are whole, too", whole(), (["data", "deep"], ["data"]))
                init.stop("plain")
                t.ok("a directory without mounts is gone", until(lambda: not os.path.exists(other.theirs), 10))
                t.equal("and nothing is said of it", init.text("plain", ("init",)), "")
                init.stop("engine")
        finally:
            shutil.rmtree(volume, ignore_errors=True)


def paths_start_meets_removal(t):
    """A start right after a stop, while the directory is still being removed around a mount."""
    with Ground(t, "again") as ground:
        for path in (ground.theirs, ground.theirs + "/vol"):
            os.mkdir(path)
        units = {"app": {"service": sh(f"echo x >{ground.theirs}/own; {SLEEP}"), "process": ground.process()},
                 "inner": {"service": sh(SLEEP), "process": ground.process(runtime_directory=ground.name + "/inner")},
                 "other": {"service": sh(SLEEP)}}
        own = ground.theirs + "/own"
        with t.scene.init(units, mounts=[f"mount -t tmpfs none {ground.theirs}/vol"], faults=["unlinkat"]) as init:
            init.stop("inner")
            init.wait("app")
            until(lambda: os.path.exists(own), 10, "its own file")
            init.hold("unlinkat")
            init.stop("app")
            until(lambda: init.hold("unlinkat") > 0, 10, "the removal")
            starts = {name: init.client() for name in ("app", "inner")}
            for name, client in starts.items():
                client.send("Start", units=[name])
            t.equal("while its directory is still being removed around a mount others start", init.start("other")["other"]["state"],
                    "up")
            t.equal("the unit itself waits for that, and so does one inside it", (init.state("app"), init.state("inner")),
                    ("starting", "starting"))
            t.equal("and can be stopped", init.stop("inner")["inner"]["state"], "down")
            init.fault("unlinkat", 0)
            t.equal("then it starts", init.wait("app")["state"], "up")
            t.has("the removal was over before", init.text("app", ("init",), "left where"), "/vol: something is mounted there")
            t.ok("and has not taken what is the new run's", until(lambda: os.path.exists(own), 10))
            t.equal("the directory is its user's", os.stat(init.inside(ground.theirs)).st_uid, NOBODY)
            init.stop("app")


def paths_shared(t):
    """A directory that several units name, or one inside another's, stays as long as one of them needs it."""
    with Ground(t, "shared") as ground:
        inner = ground.name + "/inner"
        units = {unit: {"service": sh(SLEEP), "process": {"user": "nobody", "runtime-directory": name}}
                 for unit, name in (("one", ground.name), ("two", ground.name), ("within", inner))}
        units["other"] = {"service": sh(SLEEP), "process": {"user": "nobody", "runtime-directory": ground.name + "x"}}
        there = lambda path="": os.path.exists(ground.theirs + path)
        with t.scene.init(units) as init:
            for unit in units:
                init.wait(unit)
            open(ground.theirs + "/mark", "w").close()
            init.stop("one")
            t.ok("a directory stays as long as another unit that names it runs", there("/mark"))
            init.stop("within")
            t.ok("one inside another's stays with that", there("/inner"))
            init.start("within", "one")
            for unit in ("within", "one"):
                init.wait(unit)
            open(ground.theirs + "/inner/mark", "w").close()
            init.stop("two", "one")
            t.ok("a directory with another unit's inside stays, for that", there("/inner/mark") and there("/mark"))
            init.ask("Restart", "within")
            t.ok("over a restart as well", there("/inner/mark"))
            init.call("Reexec")
            until(lambda: init.ctl("status", "within").returncode == 0, 10, "re-executed")
            init.wait_for_socket()
            t.ok("and over a re-execution", there("/inner/mark"))
            init.stop("within")
            t.ok("with the last of them everything goes", until(lambda: not there(), 10))
            t.ok("a name that only begins like it is another one", os.path.exists(ground.theirs + "x"))
            init.stop("other")
            t.ok("and goes by itself", until(lambda: not os.path.exists(ground.theirs + "x"), 10))


def paths_reserved(t):
    """The init's own names and places."""
    text = f'[service]\nscript = "{SLEEP}"\n'
    files = {"syslog.toml": text, "ok.toml": text, "kernel@.toml": text,
             "taker.toml": text + '[process]\nuser = "nobody"\nruntime-directory = "miniinit"\n',
             "deep.toml": text + '[process]\nuser = "nobody"\nlogs-directory = ["x", "miniinit/ok"]\n',
             "talker.toml": text + '[[listen]]\nstream = "/run/miniinit/control"\nuser = "nobody"\n',
             "needy.toml": 'requires = ["miniinit"]\n' + text}
    with Ground(t, "place") as ground:
        units = {"within": {"service": sh(SLEEP, restart="no"), "process": ground.process(runtime_directory=ground.name + "/notify")},
                 "itself": {"service": sh(SLEEP, restart="no"), "process": ground.process()},
                 "beside": {"service": sh("echo $RUNTIME_DIRECTORY; " + SLEEP),
                            "process": ground.process(runtime_directory=ground.name + "x")}}
        os.mkdir(ground.theirs)
        with t.scene.init(units, args=["--run-dir", ground.theirs]) as init:
            for unit in ("within", "itself"):
                t.has(f"wherever the init's directory really is, no service can have it: {unit}",
                      init.wait_failed(unit)["reason"], f"our own directory is {ground.theirs}")
            t.equal("one of another name is fine", init.wait("beside")["state"], "up")
            about = os.stat(ground.theirs)
            t.equal("it is still root's", about.st_uid, 0)
            init.stop("beside")
    with t.scene.init(files=files) as init:
        init.wait("ok")
        directory = init.units_dir
        refused = "cannot name a unit: miniinit, kernel and syslog are the names of the init's own logs"
        until(lambda: "is no unit name" in init.console(), 10)
        t.has("names of the init's own logs are refused, by file and line", init.console(),
              f"{directory}/syslog.toml: {refused}",
              f"{directory}/taker.toml:5:21: `runtime-directory`: \"miniinit\" is the init's own",
              f"{directory}/deep.toml:5:18: `logs-directory`: \"miniinit/ok\" is the init's own",
              f"{directory}/talker.toml:4:10: `stream`: \"/run/miniinit/control\" is in a directory of the init's own",
              f"{directory}/needy.toml:1:13: `requires`: \"miniinit\" is no unit name")
        t.ok("nothing has become anybody's", not os.path.exists("/run/miniinit") or os.stat("/run/miniinit").st_uid == 0)
        t.has("nor can one be run", init.ctl("run", "--name", "kernel", "--", "true").stderr,
              "the names of the init's own logs")


def paths_rights(t):
    """What minictl writes can be read by nobody who could not read what it was made from."""
    secret = '[service]\nscript = "{}"\n[process.environment]\nTOKEN = "secret"\n'.format(SLEEP)
    files = {name + ".toml": secret for name in ("closed", "whole", "group", "open", "part")}
    with t.scene.init(files=files) as init:
        directory = init.units_dir

        def mode(name):
            path = f"{directory}/{name}"
            return stat.S_IMODE(os.stat(path).st_mode) if os.path.exists(path) else None
        for name, right in (("closed", 0o600), ("whole", 0o600), ("group", 0o640), ("open", 0o644), ("part", 0o644)):
            os.chmod(f"{directory}/{name}.toml", right)
        os.chown(f"{directory}/group.toml", 0, 4)
        os.mkdir(directory + "/part.toml.d")
        init.write_file("part.toml.d/secret.toml", "description = 'secret'\n")
        os.chmod(directory + "/part.toml.d/secret.toml", 0o600)
        editor = f"{init.dir}/editor"
        with open(editor, "w") as file:  # one that leaves a new file behind, for everybody to read
            file.write('#!/bin/sh\n{ echo "description = \\"$$\\""; grep -v "^description" "$1"; } >"$1.new"\n'
                       'chmod 644 "$1.new"; mv "$1.new" "$1"\n')
        os.chmod(editor, 0o755)

        def edit(*words):
            return subprocess.run([t.scene.minictl, "edit", *words], text=True, capture_output=True, timeout=20,
                                  stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], "EDITOR": editor,
                                                                 "MINIINIT_CONTROL": init.control})
        for words, name, right in ((["closed"], "closed.toml.d/override.toml", 0o600),
                                   (["--full", "whole"], "whole.toml", 0o600),
                                   (["group"], "group.toml.d/override.toml", 0o640),
                                   (["open"], "open.toml.d/override.toml", 0o644),
                                   (["part"], "part.toml.d/override.toml", 0o600)):
            result = edit(*words)
            t.equal(f"minictl edit {' '.join(words)} gives no more rights than there were",
                    (result.returncode, result.stderr, mode(name)), (0, "", right))
        t.equal("and a group's to that group", os.stat(directory + "/group.toml.d/override.toml").st_gid, 4)
        edit("closed")
        t.equal("the next time as well", mode("closed.toml.d/override.toml"), 0o600)
        theirs, ours = init.dir + "/theirs", init.dir + "/ours"
        for path in (theirs, ours, theirs + "/mixed.service.d"):
            os.mkdir(path)
        for name, right in (("closed.service", 0o600), ("open.service", 0o644), ("mixed.service", 0o644),
                            ("mixed.service.d/secret.conf", 0o600)):
            with open(f"{theirs}/{name}", "w") as file:
                file.write("[Service]\n" + ("ExecStart=/bin/true\n" if name.endswith(".service") else "")
                           + "Environment=TOKEN=secret\n")
            os.chmod(f"{theirs}/{name}", right)
        result = init.ctl("convert", "--output", ours, *(f"{theirs}/{name}.service" for name in ("closed", "open", "mixed")))
        t.equal("minictl convert neither", (result.returncode, {name: stat.S_IMODE(os.stat(f"{ours}/{name}").st_mode)
                                                                for name in os.listdir(ours)}),
                (0, {"closed.toml": 0o600, "open.toml": 0o644, "mixed.toml": 0o600}))
        result = init.ctl("run", "--name", "passing", "--", "sleep", "1000")
        t.equal("minictl run as well", stat.S_IMODE(os.stat(init.inside(init.run + "/transient/passing.toml")).st_mode), 0o600)
        init.stop("passing")


GROUPS = [paths_pid_files, paths_sockets, paths_mounts, paths_start_meets_removal, paths_shared, paths_reserved, paths_rights]
