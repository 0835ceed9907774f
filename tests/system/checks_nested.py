"""Container depth: an init as a service of an init, in the same PID namespace and in one of its own; the ten seconds that a
container's runtime gives; how well it is, asked by anybody."""
import os
import signal
import tempfile
import time

from harness import NOBODY, sh, toml, until

SLEEP = "exec sleep 1000"


# Of any namespace, as seen from outside.
def words(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode(errors="replace").replace("\0", " ")
    except OSError:
        return ""


def parent(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def having(*parts):
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and all(part in words(pid) for part in parts)
            and "/bin/sh" not in words(pid) and "setsid" not in words(pid)]


def nested_inits(t):
    stamp = t.scene.program("sys_stamp")
    seconds = str(100000 + os.getpid())  # a sleep known from all others
    # unshare(1) takes no notice of SIGTERM, so somebody has to pass it on; it may come before he knows to whom.
    own_namespace = ["/bin/sh", "-c", "trap 'asked=yes' TERM; unshare -Urpf --kill-child \"$@\" & child=$!; until inner=$(cat "
                     "/proc/$child/task/$child/children) && [ -n \"$inner\" ]; do sleep 0.05; done; "
                     "trap \"kill -TERM $inner\" TERM; [ -z \"$asked\" ] || kill -TERM $inner; wait; wait", "sh"]
    possible = os.system("setpriv --bounding-set=-sys_admin unshare -Urpf true 2>/dev/null") == 0
    for where, around in (("in the same PID namespace", []), ("in a PID namespace of its own", own_namespace)):
        if around and not possible:
            t.note("no user namespaces here: an init in a PID namespace of its own is not tried")
            continue
        place = f"{t.scene.work}/nested{len(around)}"
        os.mkdir(place)
        inner = {"first": {"service": {"command": [stamp, place + "/stamps", "first", "notify", "10", "50"],
                                       "type": "notify"}},
                 "second": {"requires": ["first"],
                            "service": {"command": [stamp, place + "/stamps", "second", "notify", "0", "50"],
                                        "type": "notify"}},
                 "leaver": {"service": sh(f"setsid sh -c 'sleep {seconds} &' & wait; " + SLEEP)}}
        with open(place + "/inner.toml", "w") as file:
            file.write(toml(inner))
        units = {"inner": {"service": {
                     "command": [*around, t.scene.binary, "--container", "--config", place + "/inner.toml", "--run-dir",
                                 place + "/run", "--log-dir", place + "/log", "--control", place + "/control"],
                     "type": "notify", "notify-access": "all", "kill-mode": "mixed"}},
                 "outer": {"service": sh(SLEEP)}}
        with t.scene.init(units) as init:
            init.wait("inner")
            t.has(f"{where}, it tells the one above when all of its units are up",
                  init.status("inner").get("status_text", ""), "services are up")
            text = open(place + "/stamps").read()
            t.ok(f"{where}, and not before", "first begin" in text and "second begin" in text, text)
            ctl = lambda *words: init.ctl(*words, "--control", place + "/control")
            t.ok(f"{where}, both answer for their own units", "second" in ctl("list").stdout
                 and "second" not in init.ctl("list").stdout and "outer" in init.ctl("list").stdout, ctl("list").stdout)
            t.ok(f"{where}, an orphan of its services comes to the inner one", until(
                lambda: [pid for pid in having("sleep", seconds) if parent(pid) in having("inner.toml", place)
                         and "unshare" not in words(parent(pid))], 5), having("sleep", seconds))
            result = init.stop("inner")
            t.ok(f"{where}, a stop of it stops its units", result["inner"]["ok"] and init.state("inner") == "down", result)
            order = [line.split()[0] for line in open(place + "/stamps") if line.split()[1] == "end"]
            t.equal(f"{where}, in their order", order, ["second", "first"])
            t.equal(f"{where}, and nothing is left of them", having("sleep", seconds), [])
            t.equal(f"{where}, the outer one goes on", init.state("outer"), "up")


def nested_budget(t):
    """A service that ignores SIGTERM has a stop-timeout of 10 s: so long a runtime waits for all of it."""
    units = {"deaf": {"service": sh("trap '' TERM; echo >&3; while :; do sleep 0.2; done", type="notify-fd")},
             "fine": {"requires": ["deaf"], "service": {**sh(SLEEP), "post-stop": [["/bin/echo", "the last words"]]}}}
    with t.scene.init(units) as init:
        init.wait("fine")
        began = time.monotonic()
        init.signal(signal.SIGTERM)
        t.equal("a container with a deaf service ends by itself within the 10 s of its runtime", init.ended(10), 0)
        t.note(f"after {time.monotonic() - began:.1f} s")
        t.has("what was in the way is named", init.console(), "still in the way: unit deaf")
        t.has("the others were stopped in order", init.text("fine"), "the last words")
        t.has("and the log tells of it all", init.text("miniinit", ()), "giving up on an orderly end")


def nested_health(t):
    units = {"web": {"service": sh(SLEEP)}, "ill": {"enabled": False, "service": sh("exit 3", restart="no")}}
    with t.scene.init(units) as init:
        init.wait("web")
        os.chmod(init.dir, 0o755)
        for who, user in (("root", None), ("anybody", NOBODY)):
            result = init.ctl("healthcheck", user=user)
            t.equal(f"healthcheck, as {who}: healthy is exit code 0 and no word", (result.returncode, result.stdout), (0, ""))
        init.start("ill")
        init.wait_failed("ill")
        result = init.ctl("healthcheck", user=NOBODY)
        t.equal("ill is 1, and one line says what is wrong", (result.returncode, result.stdout.count("\n")), (1, 1))
        t.has("by name and reason", result.stdout, "ill is failed: ", "exit code 3")
        t.equal("of the units that are asked for alone", (init.ctl("healthcheck", "web").returncode,
                                                         init.ctl("healthcheck", "web", "ill").returncode), (0, 1))


def nested_start(t):
    with tempfile.TemporaryDirectory() as place:
        units = {name: {"enabled": name == "slow", "service": sh(f"until [ -e {place}/{name} ]; do sleep 0.1; done", type="oneshot")}
                 for name in ("slow", "later")}
        units["web"] = {"service": sh(SLEEP)}
        with t.scene.init(units) as init:
            init.wait("web")
            result = init.ctl("healthcheck")
            t.equal("while what is enabled comes up for the first time nothing is healthy yet", result.returncode, 1)
            t.has("and that is said", result.stdout, "the system is starting")
            open(f"{place}/slow", "w").close()
            init.wait("slow", "done")
            t.equal("once it has, all is well", init.ctl("healthcheck").returncode, 0)
            init.ctl("--no-wait", "start", "later")
            init.wait("later", "starting")
            t.equal("what is started later by hand changes nothing of that", init.ctl("healthcheck").returncode, 0)
            open(f"{place}/later", "w").close()


GROUPS = [nested_inits, nested_budget, nested_health, nested_start]
