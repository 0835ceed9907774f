"""Units of systemd's directories, taken live: what is enabled there runs, a change is picked up, and a generator that hangs
holds nothing up. The directories are the check's own, bound over those of the machine in the mount namespace of the init."""
import os

import checks_hanging
from harness import sh, until

ADMIN, VENDOR = "/etc/systemd/system", "/usr/lib/systemd/system"
PLACES = {ADMIN: "etc", VENDOR: "lib", "/usr/lib/systemd/system-generators": "generators", "/etc/init.d": "init.d"}
SLOW = 60  # seconds, for what a busy machine does with many children


class Root:
    """The directories; `mounts` puts them in place."""

    def __init__(self, t, name):
        self.top = os.path.join(t.scene.work, name)
        os.mkdir(self.top, 0o755)
        self.mounts = []
        for place, directory in PLACES.items():
            os.mkdir(self.path(directory), 0o755)
            self.mounts.append(f"mount --bind {self.path(directory)} {place}")

    def path(self, name):
        return os.path.join(self.top, name)

    def write(self, name, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), 0o755, exist_ok=True)
        with open(self.path(name), "w") as file:
            file.write(text)
        os.chmod(self.path(name), mode)

    def service(self, name, more="", command="/bin/sleep 1000"):
        self.write(f"lib/{name}.service", f"[Service]\nExecStart={command}\n{more}\n[Install]\nWantedBy=multi-user.target\n")

    def link(self, name, target):
        os.makedirs(os.path.dirname(self.path(name)), 0o755, exist_ok=True)
        os.symlink(target, self.path(name))

    def enable(self, name, template=None):
        self.link(f"etc/multi-user.target.wants/{name}.service", f"{VENDOR}/{template or name}.service")

    def generator(self, name, text):
        self.write("generators/" + name, "#!/bin/sh\n" + text, 0o755)


def start(t, root, units=None, setting=True, **named):
    """An init with these directories; it may take its time for a boot."""
    init = t.scene.init({"default": {"target": {}}, "multi-user": {"target": {}, "required-by": ["default"]}, **(units or {})},
                        sections={"manager": {"systemd-units": setting}}, mounts=root.mounts, wait=False, **named)
    init.wait_for_socket(SLOW)
    return init


def names(init):
    return [unit["name"] for unit in init.call("List", timeout=SLOW)["parameters"]["units"]]


def systemd_units(t):
    root = Root(t, "live")
    for name in ("on", "off", "gone", "native", "loose"):
        root.service(name)
    root.service("asks", "ProtectClock=yes\nNoSuchDirective=1")
    root.write("lib/on.service.d/x.conf", "[Unit]\nDescription=by a drop-in\n")
    for name in ("on", "gone", "native", "loose", "asks"):
        root.enable(name)
    root.link("etc/gone.service", "/dev/null")
    root.link("etc/also-on.service", VENDOR + "/on.service")
    os.chmod(root.path("lib/loose.service"), 0o666)
    with start(t, root, {"native": {"required-by": ["multi-user"], "service": sh("exec sleep 2000")}}) as init:
        for name in ("on", "native", "asks"):
            init.wait(name, timeout=SLOW)
        t.equal("a unit that is enabled in systemd's directories starts, with its drop-ins",
                init.status("on")["description"], "by a drop-in")
        t.equal("one that is not enabled does not", (init.state("off"), init.status("off")["enabled"]), ("down", False))
        t.ok("but it can be started", init.start("off")["off"]["ok"])
        t.equal("a masked one is masked", init.status("gone")["masked"], True)
        t.equal("a unit of ours with the same name wins",
                [len(init.own_processes_of("sleep 2000")), init.status("native")["file"].startswith(init.config)],
                [1, True])
        t.ok("a unit file that others may write is not used, which is said",
             "error" in init.call("Status", units=["loose"])
             and until(lambda: "loose.service: not used" in init.console(), SLOW), init.console())
        t.equal("a link of another name is an alias", init.status("also-on")["name"], "on")
        lost = init.status("asks")["lost"]
        t.ok("what a directive asked for and does not get is shown by `status`, with file and line",
             any("asks.service:4: NoSuchDirective=1: " in line for line in lost), lost)
        t.ok("also to people", "NoSuchDirective=1" in init.ctl("status", "asks").stdout)


def systemd_reload(t):
    root = Root(t, "reload")
    for name in ("on", "later"):
        root.service(name)
    root.enable("on")
    root.service("db@", command="/bin/sleep 3%i")
    root.generator("db-generator", f'''cd {root.top}/clusters || exit 1
mkdir "$1/multi-user.target.wants"
for name in *; do ln -s {VENDOR}/db@.service "$1/multi-user.target.wants/db@$name.service"; done
''')
    root.write("clusters/10", "")
    with start(t, root) as init:
        made = lambda: os.stat(init.run + "/systemd").st_ino
        reload = lambda: init.call("ReloadUnits", timeout=SLOW)["parameters"]
        changes = lambda reply: {key: reply[key] for key in ("added", "changed", "removed", "problems")}
        for name in ("on", "db@10"):
            init.wait(name, timeout=SLOW)
        t.equal("an instance that a package's generator makes starts", len(init.own_processes_of("sleep 310")), 1)
        nothing = {"added": [], "changed": [], "removed": [], "problems": []}
        t.equal("reading unchanged directories changes nothing", changes(reload()), nothing)
        t.ok("nothing is converted once all has rested for a moment", until(lambda: made() == (reload() and made()), SLOW))
        before = made()
        root.service("fresh")
        root.enable("fresh")
        root.enable("later")
        root.write("clusters/20", "")
        reply = reload()
        t.equal("`reload-units` takes what is new, also of a generator", (reply["added"], reply["changed"]),
                (["db@20", "fresh"], ["later"]))
        t.equal("and what is enabled now counts as enabled", init.status("later")["enabled"], True)
        t.ok("it was converted again", made() != before)
        init.ask("Start", "fresh", "later")
        pid = init.status("fresh")["main_pid"]
        os.unlink(root.path("lib/fresh.service"))
        t.ok("a unit that is gone is removed", "fresh" in reload()["removed"])
        t.ok("and what runs of it goes on", any(what[0] == pid for what in init.own_processes().values()))
        t.equal("a re-executed init has the units it had", (init.ctl("reexec", timeout=SLOW).returncode, init.state("later")),
                (0, "up"))
        root.service("signalled")
        init.signal(1)
        t.ok("SIGHUP takes what is new as well", until(lambda: "error" not in init.call("Status", units=["signalled"]), SLOW),
             names(init))
        init.write_units({"default": {"target": {}}}, {"manager": {"systemd-units": False}})
        t.ok("switched off, they are gone", "on" in reload()["removed"] and not os.path.exists(init.run + "/systemd"))


def systemd_hanging_generator(t):
    root = Root(t, "hanging")
    root.service("on")
    root.service("made")
    root.enable("on")
    root.generator("a-hanging-generator", f'''mkdir -p "$3/multi-user.target.wants"
ln -s {VENDOR}/made.service "$3/multi-user.target.wants/made.service"
echo $$ >{root.top}/pid
sleep 3000
''')
    root.generator("b-failing-generator", "exit 3\n")
    root.write("generators/c-loose-generator", "#!/bin/sh\ntouch " + root.top + "/run\n", 0o777)
    with start(t, root) as init:
        init.wait("on", timeout=SLOW)
        said = lambda words: until(lambda: words in init.console(), SLOW)
        t.ok("a generator that hangs is killed, and the boot goes on",
             said("a-hanging-generator: had not ended after 10 s"), init.console())
        t.equal("with all that it has started", init.own_processes_of("sleep 3000"), [])
        t.equal("what it had written counts", init.wait("made", timeout=SLOW)["state"], "up")
        t.ok("one that fails is named", said("b-failing-generator: ended with exit code 3"), init.console())
        t.ok("one that others may write is not run", said("c-loose-generator: not run")
             and not os.path.exists(root.top + "/run"), init.console())


def systemd_hanging_file(t):
    """A unit file on a file system that does not answer: the child hangs, process 1 does not."""
    if not checks_hanging.usable(t):
        return
    root = Root(t, "deaf")
    root.service("on")
    root.enable("on")
    root.link("etc/deaf.service", checks_hanging.WORK + "/deaf/deaf.service")
    root.mounts += checks_hanging.place(t)
    with start(t, root, {"own": {"required-by": ["multi-user"], "service": sh("exec sleep 2000")}}) as init:
        t.equal("a boot goes on without the child that hangs", init.wait("own", timeout=SLOW)["state"], "up")
        t.ok("which is said", until(lambda: "had not ended after 30 s, and was killed" in init.console(), SLOW),
             init.console())
        generators = lambda: [pid for pid, what in init.processes().items() if what[1] == "generator" and what[2] != "Z"]
        client = init.client()
        client.send("ReloadUnits")
        until(generators, SLOW, "a child that reads")
        t.ok("while the child of `reload-units` hangs, process 1 answers", "error" not in init.call("Ping"))
        checks_hanging.answer_again(init)
        reply = client.receive(SLOW)
        t.ok("and the call is answered when it has ended", reply and "on" in reply["parameters"]["added"], reply)
        t.equal("of which nothing is left", generators(), [])


def systemd_container(t):
    """Nothing is said: a container with units of its own takes no others, one with nothing else does."""
    root = Root(t, "container")
    root.service("on")
    root.enable("on")
    with t.scene.init({"own": {"service": sh("exec sleep 1000")}}, mounts=root.mounts) as init:
        init.wait("own")
        t.equal("a container that has units takes none of systemd's", names(init), ["own"])
    place = root.path("bare")
    os.mkdir(place)
    empty = [f"{{ [ ! -d {path} ] || mount -t tmpfs none {path}; }}" for path in ("/etc/miniinit", "/usr/lib/miniinit")]
    args = ["--run-dir", place + "/run", "--log-dir", place + "/log", "--control", place + "/control"]
    with t.scene.init(bare=True, args=args, mounts=root.mounts + empty, wait=False) as init:
        init.control = place + "/control"
        init.wait_for_socket(SLOW)
        t.equal("a container that has nothing else does", init.wait("on", timeout=SLOW)["state"], "up")


MISSING = [place for place in PLACES if not os.path.isdir(place)]


def systemd_nowhere(t):
    t.note(f"there is no {MISSING[0]} here that others could be bound over: units of systemd's are not checked")


GROUPS = [systemd_nowhere] if MISSING else [systemd_units, systemd_reload, systemd_hanging_generator, systemd_hanging_file,
                                                   systemd_container]
