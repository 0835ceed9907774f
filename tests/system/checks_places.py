"""Where the control socket is when /run/miniinit cannot be made: in a container without a writable root, without privileges."""
import os
import signal
import subprocess

from harness import Failed, SANITIZERS, toml, until

USER, OTHER = 33, 12345


class Bare:
    """A container of user 33 with no capability and nothing named: /run is read-only. `mounts`: what else is there of the few
    places that it could write to; the scene's directory is /mnt there."""

    def __init__(self, t, mounts, units):
        with t.scene.lock:
            t.scene.count += 1
            self.dir = os.path.join(t.scene.work, f"bare{t.scene.count}")
        os.mkdir(self.dir, 0o755)
        self.scene = t.scene
        with open(self.dir + "/config.toml", "w") as file:
            file.write(toml(units))
        inside = lambda path: path.replace(t.scene.work, "/mnt", 1)
        self.minictl = inside(t.scene.minictl)
        line = ["setpriv", "--pdeathsig", "KILL", "unshare", "-p", "-f", "--kill-child", "-m", "--propagation", "private",
                "--mount-proc", "/bin/sh", "-ec", f"mount --bind {t.scene.work} /mnt; mount -t tmpfs -o ro none /run; "
                + "; ".join(mounts) + '; exec "$@"', "sh",
                "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all",
                inside(t.scene.binary), "--config", inside(self.dir) + "/config.toml"]
        with open(self.dir + "/console", "wb") as console:
            self.process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                                            env={"PATH": os.environ["PATH"], **SANITIZERS})

    def pid(self):
        def find():
            if self.process.poll() is not None:
                raise Failed(f"the init ended with {self.process.returncode}: {self.console()}")
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
                return int((file.read().split() or [0])[0])
        return until(find, 5, "the init's process")

    def console(self):
        with open(self.dir + "/console", errors="replace") as file:
            return file.read()

    def ctl(self, *words, user=USER):
        drop = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]
        return subprocess.run(["nsenter", "-t", str(self.pid()), "-m", "-p", *drop, self.minictl, *words], text=True,
                              capture_output=True, timeout=20, env={"PATH": os.environ["PATH"], **SANITIZERS})

    def there(self, path):
        return os.path.lexists(f"/proc/{self.pid()}/root{path}")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        # By hand: it has become another user, so the death of unshare(1) sends it no signal any more (prctl(2),
        # PR_SET_PDEATHSIG).
        if self.process.poll() is None:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
                children = file.read().split()
            for child in children:
                os.kill(int(child), signal.SIGKILL)
            self.process.kill()
        self.process.wait()


UNITS = {"web": {"service": {"command": "/bin/sleep 1000"}},
         "speaks": {"service": {"type": "notify", "start-timeout": "10s",
                                "command": ["/mnt/programs/sys_notify", "send:READY=1"]}}}
TMP, NO_TMP = "mount -t tmpfs -o mode=1777 none /tmp", "mount -t tmpfs -o ro none /tmp"
SHM, NO_SHM = "mount -t tmpfs -o mode=1777 none /dev/shm", "mount -t tmpfs -o ro none /dev/shm"
PLANTED = TMP + "; mkdir -m 777 /tmp/miniinit-init-33; chown 34 /tmp/miniinit-init-33"
LINKED = TMP + "; mkdir -m 777 /tmp/else; chown 33 /tmp/else; ln -s else /tmp/miniinit-init-33"


def places(t):
    for what, mounts, place in (("/run is read-only", (TMP, SHM), "/tmp"), ("/tmp is, too", (NO_TMP, SHM), "/dev/shm"),
                                ("another user has its place", (PLANTED, SHM), "/dev/shm"),
                                ("its place is a link", (LINKED, SHM), "/dev/shm")):
        place += "/miniinit-init-33"
        with Bare(t, mounts, UNITS) as init:
            until(lambda: init.ctl("wait", "speaks", "--timeout", "10s").returncode == 0, 15, f"{what}: it can be reached")
            init.ctl("wait", "web", "--timeout", "10s")
            t.ok(f"where {what} the control socket is in {place}", init.there(place + "/control"), init.console())
            t.equal("minictl and its health check find it, whoever asks",
                    [(init.ctl(*words, user=user).returncode) for words in (["healthcheck"], ["status", "web"])
                     for user in (USER, 0, OTHER)], [0] * 6)
            t.equal("acting is for its user and root", [init.ctl("restart", "web", user=user).returncode
                                                        for user in (USER, 0, OTHER)], [0, 0, 4])
    with Bare(t, (TMP, SHM), UNITS) as init:
        until(lambda: init.ctl("wait", "speaks", "--timeout", "10s").returncode == 0, 15, "it can be reached")
        t.equal("it stays there when the init executes itself anew",
                (init.ctl("reexec").returncode, init.ctl("healthcheck").returncode), (0, 0))
        os.unlink(f"/proc/{init.pid()}/root/tmp/miniinit-init-33/control")
        t.ok("and is made again where it was removed", until(lambda: init.ctl("healthcheck", user=0).returncode == 0, 5))
        init.ctl("poweroff", user=0)  # which may end with the namespace before it has its answer
        t.equal("poweroff is for it, as there is no other", init.process.wait(20), 0)
    with Bare(t, (NO_TMP, NO_SHM), UNITS) as init:
        t.ok("where nothing can be written the init says that it cannot be reached, and goes on",
             until(lambda: "minictl cannot reach us" in init.console(), 10) and init.process.poll() is None, init.console())
        t.has("and minictl where it has looked", init.ctl("healthcheck", user=0).stderr, "/run/miniinit/control")


GROUPS = [places]
