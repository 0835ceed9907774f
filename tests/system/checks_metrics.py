"""Numbers for scrapers: the same by minictl, by an inetd-style unit that speaks HTTP, and by io.systemd.Metrics."""
import os
import re
import shutil
import subprocess
import tomllib
import urllib.error
import urllib.request

import checks_crash
from checks_examples import EXAMPLES, free_port
from harness import sh, until

LINE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\]|\\.)*",?)+)\})? (-?[0-9.]+)$')


def samples(text):
    """{(name, labels): value}"""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, value = LINE.match(line).groups()
            found[name, labels or ""] = float(value)
    return found


def metrics_of(init):
    return samples(init.ctl("metrics").stdout)


def get(port, accept):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def metrics_everywhere(t):
    with open(os.path.join(EXAMPLES, "metrics.toml"), "rb") as file:
        unit = tomllib.load(file)
    port = free_port()
    unit["listen"][0]["stream"] = f"127.0.0.1:{port}"
    del unit["wanted-by"]
    units = {"metrics": unit, "web": {"service": sh("seq 1 1000; exec sleep 1000")},
             "bad": {"service": sh("exit 3", restart="no")},
             "tick": {"service": sh("exit 0", type="oneshot"), "timer": {"every": "1h"}}}
    with t.scene.init(units) as init:
        init.write_units({**units, "metrics": {**unit, "service": {
            "command": [init.minictl, "--control", init.control, "metrics", "--http"]}}})
        init.ctl("reload-units")
        init.ctl("restart", "metrics")
        init.wait("web")
        init.wait_failed("bad")
        found = metrics_of(init)
        t.equal("metrics: states, exits and timers", [found.get(key) for key in (
            ("miniinit_unit_up", 'unit="web"'), ("miniinit_unit_up", 'unit="bad"'),
            ("miniinit_unit_state", 'unit="bad",state="failed"'), ("miniinit_unit_last_exit", 'unit="bad",kind="code"'),
            ("miniinit_units", 'state="failed"'))], [1, 0, 1, 3, 1])
        t.ok("and when a timer runs next", found.get(("miniinit_unit_timer_next_timestamp_seconds", 'unit="tick"'), 0)
             > 1e9, found)
        key = "miniinit_unit_log_lines_total", 'unit="web"'
        t.ok("lines of logs are counted, and told some seconds later", until(lambda: metrics_of(init)[key] == 1000, 30),
             metrics_of(init).get(key))
        checks_crash.crash(init, 11, 1)
        after = metrics_of(init)
        t.equal("the counts survive a crash of the init, which is counted, too",
                (after[key], after["miniinit_crashes_total", ""]), (1000, 1))
        kind, text = get(port, "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
        t.ok("an inetd-style unit serves them to a scraper, as OpenMetrics",
             kind.startswith("application/openmetrics-text") and samples(text)[key] == 1000 and text.endswith("# EOF\n")
             and "# TYPE miniinit_unit_restarts counter\n" in text, kind)
        kind, text = get(port, "text/plain")
        t.ok("or as text, with the types of that", kind.startswith("text/plain; version=0.0.4") and
             "# TYPE miniinit_unit_restarts_total counter\n" in text, kind)
        if promtool := shutil.which("promtool"):
            for what in (init.ctl("metrics").stdout, text):
                done = subprocess.run([promtool, "check", "metrics"], input=what, capture_output=True, text=True)
                t.equal("promtool finds nothing to say", (done.returncode, done.stdout + done.stderr), (0, ""))


def metrics_varlink(t):
    with t.scene.init({"web": {"service": sh("exec sleep 1000")}, "off": {"service": sh("true"), "enabled": False}}) as init:
        init.wait("web")
        client = init.client()

        def all_of(method):
            client.send("io.systemd.Metrics." + method, more=True)
            replies = [client.receive()]
            while replies[-1].get("continues"):
                replies.append(client.receive())
            return [reply["parameters"] for reply in replies]
        families = {one["name"]: one["type"] for one in all_of("Describe")}
        metrics = all_of("List")
        t.ok("io.systemd.Metrics describes each family that it lists", len(metrics) > 20 and
             {one["name"] for one in metrics} <= set(families), families)
        t.equal("with the three types", sorted(set(families.values())), ["counter", "gauge", "string"])
        by_name = lambda name: {one["object"]: one["value"] for one in metrics if one["name"].endswith("." + name)}
        t.equal("a unit is the object of its metrics", by_name("unit_state"), {"web": "up", "off": "down"})
        t.equal("their fields tell values of one family apart",
                {one["fields"]["state"]: one["value"] for one in metrics if one["name"].endswith(".units")}["up"], 1)
        reply = client.call("io.systemd.Metrics.List")
        t.equal("they come in many replies alone", reply.get("error"), "org.varlink.service.ExpectedMore")
        text = client.call("org.varlink.service.GetInterfaceDescription", interface="io.systemd.Metrics")
        t.has("the interface is described", text["parameters"]["description"], "interface io.systemd.Metrics",
              "value: object", "fields: ?[string]object", "type MetricFamilyType (counter, gauge, string)")
        client.close()


GROUPS = [metrics_everywhere, metrics_varlink]
