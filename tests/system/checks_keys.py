"""What SPEC says of units as files: templates, drop-ins, masks, and what `show` and `keys` tell of every key."""
import json
import os
import re

from harness import sh, until

SLEEP = "exec sleep 5000"


def keys_shown(t):
    whole = ('description = "all"\ndocumentation = ["man:all(8)"]\n[condition]\npath-exists = "/"\n"!path-missing" = "/"\n'
             f'[service]\nscript = "{SLEEP}"\n[process]\nnice = 3\n[cgroup]\npids-max = 7\n[timer]\nevery = "1d"\n'
             '[log]\nrotate-keep = 2\n[[listen]]\nstream = "/run/x"\n[health]\ntcp = "127.0.0.1:1"\n[await]\npath = "/"\n')
    with t.scene.init(files={"keeper.toml": f'[service]\nscript = "{SLEEP}"\n',
                             "all.toml": 'enabled = false\n' + whole, "web.toml": f'[service]\nscript = "{SLEEP}"\n'}) as init:
        keys = json.loads(init.ctl("keys", "--json").stdout)["keys"]
        names = {one["key"] for one in keys}
        t.ok("minictl keys names every key, with type and help", len(names) == len(keys) > 90 and all(
            one["type"] and one["help"] for one in keys), len(keys))
        t.equal("minictl keys TABLE those of one table", {line.split()[0] for line in init.ctl("keys", "timer").stdout.splitlines()},
                {name for name in names if name.startswith("timer.")})
        t.equal("of a table that there is not: 4", init.ctl("keys", "servce").returncode, 4)
        shown = {one["key"]: one for one in json.loads(init.ctl("show", "all", "--json").stdout)["settings"]}
        plain = lambda key: re.sub(r"\[\d+\]", "", key).replace("!", "")
        t.equal("minictl show shows no key that is none", sorted({plain(key) for key in shown} - names), [])
        with_default = {one["key"] for one in keys if one["default"] and not one["key"].startswith("target.")}
        t.equal("but every one that has a default, of every table the unit has",
                sorted(with_default - {plain(key) for key in shown}), [])
        t.has("documentation is shown", shown["documentation"]["value"], "man:all(8)")
        places = {"description": ":2", "condition.path-exists": ":5", "condition.!path-missing": ":6", "process.nice": ":10",
                  "cgroup.pids-max": ":12", "timer.every": ":14", "log.rotate-keep": ":16", "listen[0].stream": ":18",
                  "listen[0].backlog": None, "service.restart": "default", "listen[0].accept": "default"}
        wrong = {key: shown.get(key) for key, place in places.items()
                 if place and not (key in shown and shown[key]["place"].endswith(place))}
        t.equal("each with the line it comes from", wrong, {})


def keys_of_templates(t):
    """`${instance}` and `${name}` are filled in everywhere a text stands."""
    template = ('description = "is ${name}"\n'
                'wants = ["side@${instance}"]\n[condition]\npath-exists = "/proc/${instance}"\n'
                '[service]\ncommand = ["/bin/sh", "-c", "echo ${instance} of ${name} keeps \'$${name}\'; exec sleep 5000"]\n'
                'pre-start = ["/bin/echo before ${instance}"]\nstop-command = [["/bin/echo", "${name} stops"]]\n'
                '[process]\nenvironment = { I = "${instance}" }\nworking-directory = "/proc/${instance}"\n')
    files = {"main@.toml": template, "side@.toml": f'[service]\nscript = "echo side ${{instance}}; {SLEEP}"\n',
             "main@self.toml.d/10.toml": 'description = "only ${instance}"\n',
             "main@.toml.d/20.toml": '[process]\nnice = 4\n',
             "keeper.toml": f'[service]\nscript = "{SLEEP}"\n'}
    with t.scene.init(files=files) as init:
        t.equal("an instance starts", init.ctl("start", "main@self", "main@1").returncode, 0)
        text = until(lambda: "keeps" in (s := init.text("main@self")) and s, 5) or ""
        t.has("with what it is in command and pre-start", text, "before self", "self of main@self keeps ${name}")
        t.equal("and in its dependencies", init.state("side@self"), "up")
        t.equal("a drop-in of the instance is for it alone", (init.status("main@self")["description"],
                                                              init.status("main@1")["description"]),
                ("only self", "is main@1"))
        shown = init.ctl("show", "main@1").stdout
        t.has("one of the template is for all of them", shown, "20.toml:2", "nice")
        t.has("and show has it filled in", shown, '"/proc/1"', "main@1 stops")
        init.stop("main@1")
        t.has("the commands around it too", init.text("main@1"), "main@1 stops")
        t.equal("an instance whose condition is not met is skipped", (init.ctl("start", "main@nowhere").returncode,
                                                                    init.state("main@nowhere")), (0, "skipped"))


def keys_of_drop_ins(t):
    """The search path and its drop-ins, with three directories of our own."""
    base = t.scene.work + "/path"
    for name in ("etc", "run", "lib"):
        os.makedirs(f"{base}/{name}/web.toml.d")

    def write(name, text):
        with open(f"{base}/{name}", "w") as file:
            file.write(text)
    write("lib/web.toml", f'description = "vendor"\n[service]\nscript = "{SLEEP}"\n')
    write("run/web.toml", f'description = "runtime"\n[service]\nscript = "{SLEEP}"\nrestart-limit = 1\n')
    write("lib/web.toml.d/30-lib.toml", '[service]\nrestart-limit = 30\nrestart-delay = "3s"\n')
    write("run/web.toml.d/20-run.toml", '[service]\nrestart-limit = 20\n')
    write("etc/web.toml.d/10-etc.toml", '[service]\nrestart-limit = 10\nstop-timeout = "1s"\n')
    write("lib/web.toml.d/10-etc.toml", '[service]\nstop-timeout = "9s"\n')
    write("lib/also.toml", '[target]\naliases = ["other"]\n')
    os.symlink("/dev/null", base + "/run/also.toml")
    write("lib/keeper.toml", f'wants = ["other", "also"]\n[service]\nscript = "{SLEEP}"\n')
    directories = [word for name in ("etc", "run", "lib") for word in ("--units", f"{base}/{name}")]
    with t.scene.init(files={}, args=directories) as init:
        t.equal("the first file of a name counts, whole", init.status("web")["description"], "runtime")
        shown = init.ctl("show", "web").stdout
        values = dict(re.findall(r"^(service\.[a-z-]+) += (\S+)", shown, re.M))
        t.equal("drop-ins of all directories go over it in the order of their names, the first of a name counting",
                [values.get("service." + key) for key in ("restart-limit", "restart-delay", "stop-timeout")],
                ["30", '"3s"', '"1s"'])
        t.equal("minictl cat has them in that order", re.findall(r"^# .*/(\w+/[\w.-]+/?[\w.-]*)$", init.ctl("cat", "web").stdout, re.M),
                ["run/web.toml", "etc/web.toml.d/10-etc.toml", "run/web.toml.d/20-run.toml", "lib/web.toml.d/30-lib.toml"])
        t.equal("a mask earlier on the path masks the unit", init.status("also")["masked"], True)
        t.equal("an alias of a masked target is nobody's name", init.ctl("start", "other").returncode, 4)
        t.ok("who only wants either goes on", until(lambda: init.state("keeper") == "up"), init.state("keeper"))


def programs_of_the_boot(t):
    """What a machine is set up by, and lacks: tests/boot has the shipped units."""
    once = sh("exit 0", type="oneshot")
    units = {"sysinit": {"target": {}, "wants": ["trigger", "found", "elsewhere", "two"]}, "own": {"wanted-by": ["goal"], "condition":
             {"program": "no-such-program"}, "service": once}, "goal": {"target": {}, "requires": ["sysinit"]},
             "trigger": {"condition": {"program": ["sh", "no-such-tool"]}, "service": once},
             "found": {"condition": {"program": ["sh", "/bin/true", "!no-such-tool"]}, "service": once},
             "elsewhere": {"condition": {"program": "no-such-tool", "path-exists": "/no/such/path"}, "service": once},
             "two": {"condition": {"program": "!sh"}, "service": once}}
    with t.scene.init(units) as init:
        init.wait("goal")
        t.equal("a unit whose program is nowhere is skipped", {unit: init.wait(unit, "skipped")["reason"].partition(": ")[2] for unit in
                                                               ("trigger", "own", "elsewhere", "two")},
                {"trigger": "program = no-such-tool", "own": "program = no-such-program",
                 "elsewhere": "path-exists = /no/such/path", "two": "!program = sh"})
        t.equal("one is found in the PATH of services, or by its path", init.state("found"), "done")
        init.start("trigger")
        console = lambda: open(init.console_path, encoding="utf-8", errors="replace").read()
        until(lambda: "no-such-tool" in console(), 10)
        t.equal("one of sysinit that lacks nothing but its program is told of on the console, once",
                re.findall(r"\w+ is skipped: there is no program \S+", console()),
                ["trigger is skipped: there is no program no-such-tool"])


GROUPS = [keys_shown, keys_of_templates, keys_of_drop_ins, programs_of_the_boot]
