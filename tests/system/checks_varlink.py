"""The control socket in the hands of other people's programs: a client in Go, with the Varlink library of Debian."""
import json
import os
import subprocess

from harness import Failed, sh

SLEEP = "exec sleep 1000"
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


def client(scene):
    """The Go client, built."""
    program = os.path.join(scene.work, "varlink_client")
    built = subprocess.run(["go", "build", "-o", program, TOP + "/tests/programs/varlink_client.go"], capture_output=True, text=True,
                           env={**os.environ, "GOPATH": "/usr/share/gocode", "GO111MODULE": "off", "GOFLAGS": "-p=2",
                                "CGO_ENABLED": "0", "GOCACHE": TOP + "/build/go-cache"})
    if built.returncode:
        raise Failed(f"go build: {built.stdout} {built.stderr}")
    return program


def varlink_go(t):
    program = client(t.scene)
    units = {"keeper": {"service": sh(SLEEP)}, "other": {"enabled": False, "service": sh(SLEEP)}}
    with t.scene.init(units) as init:
        init.wait("keeper")
        result = subprocess.run([program, init.control], capture_output=True, text=True, timeout=60)
        t.equal("a client made with another's library comes through", (result.returncode, result.stderr), (0, ""))
        told = json.loads(result.stdout)
        t.equal("it hears who we are", (told["Vendor"], told["Product"]), ("miniinit", "miniinit"))
        t.has("and what we speak", told["Interfaces"], "org.varlink.service", "org.miniinit.Manager")
        t.has("it can read the description of our interface", told["Methods"], "List", "Start", "Events", "Shutdown")
        t.has("with its errors", told["Errors"], "NoSuchUnit", "PermissionDenied", "JobFailed")
        listed = {unit["name"]: unit for unit in told["Listed"]}
        t.equal("it lists units", [listed[name]["state"] for name in ("keeper", "other")], ["up", "down"])
        t.ok("with their processes", listed["keeper"]["main_pid"] > 1, listed)
        t.equal("it starts one", [(one["unit"], one["ok"], one["state"]) for one in told["Started"]["results"]],
                [("other", True, "up")])
        t.equal("it stops it", [(one["unit"], one["ok"], one["state"]) for one in told["Stopped"]["results"]],
                [("other", True, "down")])
        t.ok("and is told of progress meanwhile", "stopping" in [event["state"] for event in told["Progress"]], told["Progress"])
        t.equal("it follows what happens", told["Seen"], ["waiting", "starting", "up", "stopping", "down"])
        failures = {one["Name"]: one["Parameters"] for one in told["Failures"]}
        t.equal("an error has its name, and says which unit and which one may be meant",
                failures.get("org.miniinit.Manager.NoSuchUnit"), {"unit": "othre", "nearest": "other"})
        t.equal("a parameter of another type is named", failures.get("*varlink.InvalidParameter"), {"parameter": "units"})
        t.equal("so is a method that does not exist", failures.get("*varlink.MethodNotFound"),
                {"method": "org.miniinit.Manager.Fly"})
        t.ok("and a call that has more than one answer", "org.varlink.service.ExpectedMore" in failures, failures)


GROUPS = [varlink_go]
