"""[await]: units that wait for paths, devices, interfaces and addresses."""
import os
import signal
import subprocess

from checks_crash import crash
from harness import sh, until

SLEEP = "exec sleep 1000"


def said(init, unit):
    return " ".join(init.explain(unit))


def in_network_of(init, *words):
    """Only there: it is a namespace of the check's own."""
    subprocess.run(["nsenter", "-n", "-t", str(init.pid()), "--", *words], check=True, stdout=subprocess.DEVNULL)


def await_path(t):
    """Parents, links and the path itself come one after the other, and go."""
    top = f"{t.scene.work}/await"
    os.mkdir(top)
    path = f"{top}/a/b/flag"
    units = {"flagged": {"service": sh(SLEEP), "await": {"path": [path], "on-loss": "stop"}},
             "linked": {"service": sh(SLEEP), "await": {"path": f"{top}/link/flag", "on-loss": "stop"}},
             "user": {"requires": ["flagged"], "service": sh(SLEEP)},
             "once": {"service": sh(SLEEP), "await": {"path": path}}}
    with t.scene.init(units) as init:
        t.attempt("a unit that awaits a path is waiting", lambda: init.wait("flagged", "waiting"))
        t.has("and says for which; so does what requires it", said(init, "user"),
              "user is waiting: it requires flagged", f"flagged is waiting: it waits for path {path}.")
        t.equal("status has it, too", init.status("flagged")["reason"], f"it waits for path {path}")
        t.equal("start does not wait for ever, and says for what it would", init.ctl("start", "flagged").returncode, 1)
        os.makedirs(f"{top}/later/b")
        open(f"{top}/later/b/flag", "w").close()
        os.symlink("a/b/../b", f"{top}/link")
        quiet = init.wakeups(init.pid())
        for number in range(20):
            open(f"{top}/other{number}", "w").close()
        t.ok("it stays so as long as the path is not there", init.state("flagged") == "waiting", said(init, "flagged"))
        t.note(f"{init.wakeups(init.pid()) - quiet} wake-ups by 20 files beside it")
        os.rename(f"{top}/later", f"{top}/a")
        t.attempt("a unit waits for a path through directories that come later", lambda: init.wait("flagged"))
        t.attempt("what requires it starts then", lambda: init.wait("user"))
        t.attempt("a link that dangled leads there now", lambda: init.wait("linked"))
        init.wait("once")
        os.unlink(path)
        t.attempt("on-loss = \"stop\" stops it when it goes", lambda: init.wait("flagged", "waiting"))
        t.attempt("and what comes by a link, too", lambda: init.wait("linked", "waiting"))
        t.equal("what does not say so goes on", init.state("once"), "up")
        t.attempt("what requires it has stopped", lambda: init.wait("user", "waiting"))
        open(path, "w").close()
        t.attempt("when it is back it starts again", lambda: init.wait("user"))
        t.equal("which is no restart", init.status("flagged").get("restarts", 0), 0)
        t.ok("its log has why it stopped", f"what it awaits is gone: path {path}" in init.text("flagged", ("init",)),
             init.text("flagged", ("init",)))
        os.rename(f"{top}/a/b", f"{top}/a/c")
        t.attempt("a directory that is renamed takes it along", lambda: init.wait("flagged", "waiting"))
        os.rename(f"{top}/a/c", f"{top}/a/b")
        t.attempt("and brings it back", lambda: init.wait("flagged"))


def await_device(t):
    top = f"{t.scene.work}/await-device"
    os.mkdir(top)
    units = {"modem": {"service": sh(SLEEP), "await": {"device": f"{top}/modem", "on-loss": "stop"}},
             "timed": {"service": sh(SLEEP), "await": {"device": f"{top}/never", "timeout": "200ms"}},
             "sysfs": {"service": sh(SLEEP), "await": {"device": "/sys/class/mem/nosuch"}}}
    with t.scene.init(units) as init:
        init.wait("modem", "waiting")
        open(f"{top}/modem", "w").close()
        t.ok("a device that is no device is none",
             until(lambda: f"it waits for device {top}/modem (it is no device)" in said(init, "modem"), 15), said(init, "modem"))
        os.unlink(f"{top}/modem")
        os.symlink("/dev/null", f"{top}/modem")
        t.attempt("a link to a device is one", lambda: init.wait("modem"))
        os.unlink(f"{top}/modem")
        t.attempt("it stops when the link goes", lambda: init.wait("modem", "waiting"))
        t.attempt("past its timeout a unit has failed", lambda: init.wait_failed("timed"))
        t.has("and says for what it waited", said(init, "timed"),
              f"did not come within its [await] timeout: device {top}/never")
        t.equal("one below /sys is waited for", init.state("sysfs"), "waiting")


def await_network(t):
    units = {"link": {"service": sh(SLEEP), "await": {"interface": ["one"], "on-loss": "stop"}},
             "address": {"service": sh(SLEEP), "await": {"address": ["192.0.2.7", "2001:db8::7"], "on-loss": "stop"}},
             "online": {"service": sh(SLEEP), "await": {"address": "any"}},
             "home": {"service": sh(SLEEP), "await": {"address": ["127.0.0.1", "::1"], "interface": "lo"}}}
    with t.scene.init(units, net=True) as init:
        t.attempt("the loopback is an interface, and has addresses", lambda: init.wait("home"))
        t.ok("an interface that is not there is missing",
             until(lambda: "interface one (there is none)" in said(init, "link"), 15), said(init, "link"))
        in_network_of(init, "ip", "link", "add", "one", "type", "veth", "peer", "name", "two")
        t.ok("one that is down is said to be", until(lambda: "interface one (it is down)" in said(init, "link"), 15), said(init, "link"))
        in_network_of(init, "ip", "link", "set", "one", "up")
        t.ok("one without a carrier, too", until(lambda: "interface one (no carrier)" in said(init, "link"), 15), said(init, "link"))
        in_network_of(init, "ip", "link", "set", "two", "up")
        t.attempt("a unit waits for an interface that is up, with a carrier", lambda: init.wait("link"))
        t.equal("a link-local address is none that others reach", init.state("online"), "waiting")
        in_network_of(init, "ip", "address", "add", "192.0.2.7/24", "dev", "one")
        t.attempt("any address will do for \"any\"", lambda: init.wait("online"))
        t.ok("all that are named have to be there",
             until(lambda: "it waits for address 2001:db8::7." in said(init, "address"), 15), said(init, "address"))
        in_network_of(init, "ip", "address", "add", "2001:db8::7/64", "dev", "one", "nodad")
        t.attempt("a unit waits for an address", lambda: init.wait("address"))
        in_network_of(init, "ip", "link", "set", "two", "down")
        t.attempt("without its carrier it stops", lambda: init.wait("link", "waiting"))
        in_network_of(init, "ip", "address", "del", "192.0.2.7/24", "dev", "one")
        t.attempt("so does what has lost its address", lambda: init.wait("address", "waiting"))
        init.ctl("reexec")
        t.ok("another program of the init knows what it waits for",
             until(lambda: "it waits for address 192.0.2.7" in said(init, "address"), 15), said(init, "address"))
        in_network_of(init, "ip", "link", "set", "two", "up")
        t.attempt("and hears when it comes", lambda: init.wait("link"))
        in_network_of(init, "ip", "link", "del", "one")
        t.ok("an interface that is taken away is gone", until(lambda: "(there is none)" in said(init, "link"), 15), said(init, "link"))


def await_descriptors(t):
    """Who asks for nothing has nothing open; who is content, too."""
    flag = f"{t.scene.work}/await-flag"

    def watching(init):
        return [link for link in os.listdir(f"/proc/{init.pid()}/fd")
                if "mountinfo" in os.readlink(f"/proc/{init.pid()}/fd/{link}")]
    with t.scene.init({"web": {"service": sh(SLEEP)}}) as init:
        init.wait("web")
        before = len(os.listdir(f"/proc/{init.pid()}/fd"))
        init.write_units({"web": {"service": sh(SLEEP)}, "late": {"service": sh(SLEEP), "await": {"path": flag}}})
        init.ctl("reload-units")
        init.ctl("start", "late")
        t.ok("what a unit waits for is watched", until(lambda: len(os.listdir(f"/proc/{init.pid()}/fd")) > before, 15))
        open(flag, "w").close()
        init.wait("late")
        t.ok("and no longer than it waits", until(lambda: not watching(init) or
                                                  len(os.listdir(f"/proc/{init.pid()}/fd")) <= before + 4, 15))


def await_crash(t):
    flag = f"{t.scene.work}/await-crash"
    units = {"waits": {"service": sh(SLEEP), "await": {"path": flag, "on-loss": "stop"}}}
    with t.scene.init(units) as init:
        init.wait("waits", "waiting")
        crash(init, signal.SIGSEGV, 1)
        t.ok("after a crash it waits for the same", until(lambda: f"it waits for path {flag}" in said(init, "waits"), 20))
        open(flag, "w").close()
        t.attempt("and starts when that is there", lambda: init.wait("waits"))


GROUPS = [await_path, await_device, await_network, await_descriptors, await_crash]
