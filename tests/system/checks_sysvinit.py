"""What comes from other inits: init scripts, as Debian's packages have them, and runlevels; and the verbs that write unit
files."""
import os
import shutil
import subprocess

from harness import sh, until

SLEEP = "exec sleep 4000"
# As the init scripts of Debian's packages are made: LSB header, init-functions, start-stop-daemon with a PID file.
SCRIPT = """#!/bin/sh
### BEGIN INIT INFO
# Provides:          heritaged
# Required-Start:    $remote_fs
# Required-Stop:     $remote_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: a daemon of the old kind
### END INIT INFO
PATH=/bin:/usr/bin:/sbin:/usr/sbin
DAEMON=/bin/sleep
PIDFILE=@PIDFILE@
. /lib/lsb/init-functions
case "$1" in
start)
    log_daemon_msg "Starting a daemon of the old kind" heritaged
    start-stop-daemon --start --quiet --background --make-pidfile --pidfile $PIDFILE --exec $DAEMON -- 4001
    log_end_msg $?
    ;;
stop)
    log_daemon_msg "Stopping a daemon of the old kind" heritaged
    start-stop-daemon --stop --quiet --oknodo --retry 5 --pidfile $PIDFILE --exec $DAEMON
    log_end_msg $?
    rm -f $PIDFILE
    ;;
status)
    status_of_proc -p $PIDFILE $DAEMON heritaged && exit 0 || exit $?
    ;;
*)
    exit 2
    ;;
esac
"""


def units_file(name):
    here = os.path.dirname(os.path.realpath(__file__))
    with open(f"{here}/../../units/{name}.toml") as file:
        return file.read()


def sysvinit_scripts(t):
    if not os.path.exists("/lib/lsb/init-functions") or not shutil.which("start-stop-daemon"):
        t.note("no init-functions or start-stop-daemon here")
        return
    name = f"miniinit-check-{os.getpid()}"
    path, pid_file = f"/etc/init.d/{name}", f"{t.scene.work}/heritaged.pid"
    with open(path, "w") as file:
        file.write(SCRIPT.replace("@PIDFILE@", pid_file))
    os.chmod(path, 0o755)
    unit = f"sysv@{name}"
    try:
        files = {"sysv@.toml": units_file("sysv@"), "keeper.toml": f'[service]\nscript = "{SLEEP}"\n'}
        with t.scene.init(files=files) as init:
            result = init.ctl("start", unit)
            t.equal("an init script is started by sysv@", (result.returncode, result.stderr), (0, ""))
            pid = int(open(pid_file).read())
            sleeper = lambda: [what for what in init.own_processes().values() if what[0] == pid]
            t.ok("and so is its daemon", sleeper(), init.own_processes())
            t.has("what it says is in its log", init.text(unit), "Starting a daemon of the old kind: heritaged")
            # status as a process of the init's namespace, where the PID file means something
            inside = lambda *words: subprocess.run(
                ["nsenter", "-t", str(init.pid()), "-p", "-m", "env", f"MINIINIT_CONTROL={init.control}",
                 t.scene.minictl, *words], text=True, capture_output=True, timeout=20, stdin=subprocess.DEVNULL)
            result = inside("status", unit)
            t.equal("status asks the script", result.returncode, 0)
            t.has("and shows what it says", result.stdout, "heritaged is running")
            for outside, what in init.processes().items():
                if what[0] == pid:
                    os.kill(outside, 9)
            until(lambda: not sleeper(), 5)
            result = inside("status", unit)
            t.ok("so a daemon that is gone is seen, though the script once did its work", result.returncode == 3
                 and "not running" in result.stdout, f"{result.returncode} {result.stdout}")
            init.ask("Restart", unit)
            pid = int(open(pid_file).read())
            t.ok("restart starts it anew", sleeper())
            t.equal("stop runs the script", (init.ctl("stop", unit).returncode, sleeper(), os.path.exists(pid_file)),
                    (0, [], False))
            t.has("as its log says", init.text(unit), "Stopping a daemon of the old kind")
            result = init.ctl("start", "sysv@no-such-script")
            t.equal("a script that is not there is skipped", init.state("sysv@no-such-script"), "skipped")
    finally:
        os.unlink(path)


def sysvinit_package(t):
    """The script of a Debian package, as it is, with its daemon: cron's, unpacked by scripts/bootstrap."""
    package = os.path.realpath(os.path.dirname(__file__) + "/../../build/debian/cron")
    if not os.path.exists(package + "/etc/init.d/cron"):
        t.note("no build/debian/cron: scripts/bootstrap unpacks it")
        return
    mounts = [f"mount -t overlay -o lowerdir={package}/etc:/etc none /etc",
              f"mount -t overlay -o lowerdir={package}/usr/sbin:/usr/sbin none /usr/sbin",
              "mount -t tmpfs -o mode=755 none /run", "mount -t tmpfs none /var/spool",
              "mkdir -p /var/spool/cron/crontabs"]
    files = {"sysv@.toml": units_file("sysv@"), "keeper.toml": f'[service]\nscript = "{SLEEP}"\n'}
    with t.scene.init(files=files, mounts=mounts) as init:
        daemons = lambda: [what[0] for what in init.own_processes().values() if what[1] == "cron"]
        inside = lambda *words: subprocess.run(
            ["nsenter", "-t", str(init.pid()), "-p", "-m", "env", f"MINIINIT_CONTROL={init.control}", t.scene.minictl,
             *words], text=True, capture_output=True, timeout=20, stdin=subprocess.DEVNULL)
        result = inside("start", "sysv@cron")
        t.equal("cron's own script starts it under sysv@", (result.returncode, result.stderr, len(daemons())), (0, "", 1))
        result = inside("status", "sysv@cron")
        t.ok("reports its status", result.returncode == 0 and "cron is running" in result.stdout, result.stdout)
        result = inside("stop", "sysv@cron")
        t.equal("and stops it", (result.returncode, result.stderr, daemons()), (0, "", []))
        t.has("as its log tells", init.text("sysv@cron"), "Starting periodic command scheduler",
              "Stopping periodic command scheduler")


def sysvinit_runlevels(t):
    off = {"enabled": False}
    names = {"rescue": "1", "multi": "3", "graphical": "5"}
    units = {name: {"target": {"aliases": [f"runlevel{level}"]}, **off, "wants": [f"of-{name}"]}
             for name, level in names.items()}
    units |= {f"of-{name}": {"service": sh(SLEEP), **off} for name in names}
    units["keeper"] = {"service": sh(SLEEP)}
    with t.scene.init(units) as init:
        up = lambda: sorted(name for name in names if init.state(f"of-{name}") == "up")
        for word, expected in (("3", ["multi"]), ("5", ["graphical"]), ("S", ["rescue"]), ("runlevel3", ["multi"])):
            result = init.ctl("target", word)
            t.equal(f"`minictl target {word}`", (result.returncode, up()), (0, expected))
        called = t.scene.work + "/called"
        os.mkdir(called)
        for name in ("telinit", "init"):
            os.symlink(t.scene.binary, f"{called}/{name}")

        # They speak to the system's init alone: in a mount namespace where that is this one.
        def call(*words):
            script = ('mount -t tmpfs none /run && mkdir /run/miniinit && ln -s "$0" /run/miniinit/control && exec "$@"')
            return subprocess.run(["unshare", "-m", "--propagation", "private", "/bin/sh", "-c", script, init.control,
                                   "setpriv", "--bounding-set=-sys_admin,-sys_boot,-sys_time,-sys_module", *words],
                                  text=True, capture_output=True, timeout=20, stdin=subprocess.DEVNULL)
        for words, expected in ((("telinit", "5"), ["graphical"]), (("init", "1"), ["rescue"])):
            result = call(f"{called}/{words[0]}", words[1])
            t.equal(f"`{' '.join(words)}`", (result.returncode, result.stderr, up()), (0, "", expected))
        t.equal("`telinit q` reads the units again", call(f"{called}/telinit", "q").returncode, 0)
        t.equal("anything else is not understood", call(f"{called}/telinit", "9").returncode, 2)
        t.equal("`init 0` ends it in order", (call(f"{called}/init", "0").returncode, init.ended()), (0, 0))


def writes_masks(t):
    files = {"web.toml": f'[service]\nscript = "{SLEEP}"\n', "keeper.toml": f'[service]\nscript = "{SLEEP}"\n'}
    root = t.scene.work + "/mask-root"
    os.makedirs(root + "/usr/lib/miniinit")
    os.makedirs(root + "/etc/miniinit")
    for name in ("swap", "own"):
        with open(f"{root}/usr/lib/miniinit/{name}.toml", "w") as file:
            file.write(files["web.toml"])
    with open(root + "/etc/miniinit/own.toml", "w") as file:
        file.write(files["web.toml"])
    link = root + "/etc/miniinit/swap.toml"
    with t.scene.init(files=files) as init:
        result = init.ctl("mask", "--root", root, "swap")
        t.equal("minictl mask --root makes a link in that root", (result.returncode, result.stdout, os.readlink(link)),
                (0, "swap is now masked\n", "/dev/null"))
        t.equal("again is no error", init.ctl("mask", "--root", root, "swap").stdout, "swap was already masked\n")
        result = init.ctl("mask", "--root", root, "own")
        t.ok("a file is not replaced, and what to do is said", result.returncode == 1 and "move it away" in result.stderr
             and os.path.isfile(root + "/etc/miniinit/own.toml"), result.stderr)
        result = init.ctl("unmask", "--root", root, "swap")
        t.equal("unmask takes the link away", (result.returncode, result.stdout, os.path.lexists(link)),
                (0, "swap is now not masked\n", False))
        t.equal("and nothing but a mask", (init.ctl("unmask", "--root", root, "own").stdout,
                                           os.path.isfile(root + "/etc/miniinit/own.toml")), ("own was already not masked\n", True))
        t.equal("mask of a unit of the only directory is refused too", init.ctl("mask", "web").returncode, 1)
        os.unlink(init.units_dir + "/web.toml")
        result = init.ctl("mask", "web")
        t.equal("a running init hears of it", (result.returncode, init.status("web")["masked"]), (0, True))
        t.equal("what is masked cannot be started", init.ctl("start", "web").returncode, 1)
        os.unlink(init.units_dir + "/web.toml")


def writes_edits(t):
    files = {"web.toml": f'# mine\n[service]\nscript = "{SLEEP}"\n', "keeper.toml": f'[service]\nscript = "{SLEEP}"\n'}
    with t.scene.init(files=files) as init:
        override = init.units_dir + "/web.toml.d/override.toml"

        def edit(text, *words, unit="web"):
            # The editor: a shell that writes down what it was given, and puts `text` in its place.
            editor = f"{init.dir}/editor"
            with open(init.dir + "/text", "w") as file:
                file.write(text)
            with open(editor, "w") as file:
                file.write(f'#!/bin/sh\ncp "$1" {init.dir}/given\ncat {init.dir}/text >"$1"\n')
            os.chmod(editor, 0o755)
            return subprocess.run([t.scene.minictl, "edit", *words, unit], text=True, capture_output=True, timeout=20,
                                  stdin=subprocess.DEVNULL,
                                  env={"PATH": os.environ["PATH"], "MINIINIT_CONTROL": init.control, "EDITOR": editor})
        given = lambda: open(init.dir + "/given").read()
        result = edit("description = 'edited'\n")
        t.equal("minictl edit puts a drop-in in place", (result.returncode, result.stderr, open(override).read()),
                (0, "", "description = 'edited'\n"))
        t.has("the editor begins with the unit as a comment", given(), "# What is written here", "# # mine", "# [service]")
        t.equal("which the running init has read", init.status("web")["description"], "edited")
        edit("description = 'again'\n")
        t.equal("the next time it begins with what there is", (given(), init.status("web")["description"]),
                ("description = 'edited'\n", "again"))
        result = edit("descriptoin = 'x'\n")
        t.ok("what has problems is not put in place, and they are told where it would be", result.returncode == 1
             and f"{override}:1:1: error: unknown key `descriptoin`" in result.stderr
             and open(override).read() == "description = 'again'\n", result.stderr)
        result = edit("description = 'again'\n")
        t.equal("no change is none", (result.returncode, result.stdout), (0, "nothing was changed\n"))
        result = edit(f'description = "whole"\n[service]\nscript = "{SLEEP}"\n', "--full")
        t.equal("--full is the whole unit", (result.returncode, given(), open(init.units_dir + "/web.toml").readline()),
                (0, files["web.toml"], 'description = "whole"\n'))
        t.equal("a unit that is not there cannot be edited", edit("", unit="wob").returncode, 4)
        t.equal("no draft is left behind", [name for name in os.listdir(init.units_dir) if name.startswith(".")], [])
        # On a terminal it is asked whether to edit it again; the second time the editor gets it right.
        editor = f"{init.dir}/twice"
        with open(editor, "w") as file:
            file.write(f'#!/bin/sh\nif [ -e {init.dir}/once ]; then echo "description = \\"right\\"" >"$1"\n'
                       f'else touch {init.dir}/once; echo "wrong = 1" >"$1"; fi\n')
        os.chmod(editor, 0o755)
        result = subprocess.run(["script", "-qec", f"{t.scene.minictl} edit web", "/dev/null"], input="y\n", text=True,
                                capture_output=True, timeout=20, env={"PATH": os.environ["PATH"], "TERM": "dumb",
                                "MINIINIT_CONTROL": init.control, "VISUAL": editor})
        t.ok("on a terminal it can be mended at once", "unknown key `wrong`" in result.stdout and
             open(override).read() == 'description = "right"\n', result.stdout)


GROUPS = [sysvinit_scripts, sysvinit_package, sysvinit_runlevels, writes_masks, writes_edits]
