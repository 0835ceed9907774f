"""How a boot is told: blame, critical-chain, graph, and the chart, of inits that really started something."""
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

from harness import sh, until

SLEEP = "exec sleep 1000"
SVG = "{http://www.w3.org/2000/svg}"


def chain_units():
    wait = "until [ -e {} ]; do sleep 0.01; done"
    return {"net": {"service": sh("sleep 0.4", type="oneshot")},
            "db": {"requires": ["net"], "service": sh("sleep 0.3; echo >&3; " + SLEEP, type="notify-fd", **{"ready-fd": 3})},
            "cache": {"service": sh("exit 3", type="oneshot", restart="no")},
            "quick": {"service": sh(SLEEP)},
            "skipped": {"condition": {"path-exists": "/no/such/file"}, "service": sh(SLEEP)},
            "web": {"description": "<Shop> & \"more\"", "requires": ["db"], "wants": ["cache", "quick", "skipped"],
                    "service": sh(SLEEP)},
            "spare": {"enabled": False, "conflicts": ["quick"], "service": sh(SLEEP)},
            "default": {"target": {}, "requires": ["web"]}}


def boot_told(t):
    with t.scene.init(chain_units()) as init:
        init.wait("default")
        blame = json.loads(init.ctl("blame", "--json").stdout)["units"]
        t.equal("blame: longest first", [unit["unit"] for unit in blame[:2]], ["net", "db"])
        t.ok("with how long they really took", blame[0]["took_usec"] >= 400_000 and blame[1]["took_usec"] >= 300_000, blame)
        t.ok("a failed one says so", "did not come up" in init.ctl("blame").stdout)
        chain = json.loads(init.ctl("critical-chain", "--json").stdout)["chain"]
        t.equal("critical-chain: what was waited for, down to the first", [unit["unit"] for unit in chain],
                ["default", "web", "db", "net"])
        t.ok("each began when the next was up", all(above["starting"] >= below["up"]
                                                    for above, below in zip(chain, chain[1:])), chain)
        times = json.loads(init.ctl("times", "--json").stdout)
        first = {unit["unit"]: unit["first"] for unit in times["units"]}
        init.ctl("restart", "net")
        init.wait("default")
        again = {unit["unit"]: unit for unit in json.loads(init.ctl("times", "--json").stdout)["units"]}
        t.equal("a restart changes nothing of how the boot went", again["net"]["first"]["up"], first["net"]["up"])
        t.ok("only of the last start", again["net"]["starting"] > first["net"]["starting"])
        t.equal("and the chain stays", [unit["unit"] for unit in json.loads(
            init.ctl("critical-chain", "--json").stdout)["chain"]], ["default", "web", "db", "net"])
        init.ctl("start", "spare")
        t.ok("what was started later is not part of it",
             "spare" not in init.ctl("blame").stdout and "spare" not in init.ctl("plot", "--trace").stdout)
        init.ctl("reexec")
        init.wait("spare")
        after = {unit["unit"]: unit["first"] for unit in json.loads(init.ctl("times", "--json").stdout)["units"]}
        t.equal("all of that goes on after the init is executed anew", after["db"], again["db"]["first"])


def boot_graph(t):
    with t.scene.init(chain_units()) as init:
        init.wait("default")
        dot = init.ctl("graph", "--all").stdout
        edges = re.findall(r'^    "([^"]+)" -> "([^"]+)" \[(.*)\];$', dot, re.M)
        t.ok("graph: an edge for each dependency", {("web", "db"), ("db", "net"), ("default", "web"), ("web", "cache")}
             <= {edge[:2] for edge in edges}, dot)
        rest = re.sub(r'^    "[^"]+"( -> "[^"]+")? \[[^\[\]]*\];\n', "", dot, flags=re.M)
        t.equal("and nothing but nodes, edges and their defaults", [line.strip().split(" ")[0] for line in rest.splitlines()],
                ["//", "digraph", "rankdir=LR;", "node", "edge", "}"])
        if shutil.which("dot"):
            drawn = subprocess.run(["dot", "-Tsvg"], input=dot, capture_output=True, text=True)
            t.ok("Graphviz draws it", drawn.returncode == 0 and not drawn.stderr, drawn.stderr)
        else:
            t.note("no Graphviz here: the syntax alone was checked")
        part = json.loads(init.ctl("graph", "--from", "default", "--to", "net", "--json").stdout)
        t.equal("--from and --to: what lies between", sorted(node["unit"] for node in part["nodes"]),
                ["db", "default", "net", "web"])


def boxes(svg):
    """The rectangles of what is drawn in rows: bars, and texts as wide as they are at most."""
    bars, texts = [], []
    for group in svg.iter(SVG + "g"):
        for rect in group.iter(SVG + "rect"):
            if rect.get("class") != "plain":
                x, y, width, height = (float(rect.get(name)) for name in ("x", "y", "width", "height"))
                bars.append((x, y, x + width, y + height))
    for text in svg.iter(SVG + "text"):
        kind, x, y = text.get("class") or "", float(text.get("x")), float(text.get("y"))
        # DejaVu Sans, which is wide; the heading is larger.
        width = sum(10.8 if letter in "mwMW@%" else 4.5 if letter in "ijl.,:;|'!()[]- f/" else 7 for letter in text.text)
        width *= 18 / 11 if "h" in kind.split() else 1.1 if "b" in kind.split() else 1
        left = x - width if "e" in kind.split() else x - width / 2 if "m" in kind.split() else x
        texts.append((left, y - 8, left + width, y + 2, text.text))
    return bars, texts


def check_chart(t, init, what, rows):
    text = init.ctl("plot").stdout
    svg = ElementTree.fromstring(text)
    width, height = float(svg.get("width")), float(svg.get("height"))
    bars, texts = boxes(svg)
    t.equal(f"{what}: a row for each unit, and for the init", len(list(svg.iter(SVG + "g"))), rows + 1)
    t.equal("no text leaves the picture", [one[4] for one in texts if one[0] < 0 or one[2] > width or one[3] > height], [])
    t.equal("no bar either", [bar for bar in bars if bar[0] < 0 or bar[2] > width or bar[3] > height], [])
    by_row = {}
    for bar in bars:
        by_row.setdefault(bar[1], []).append(bar)
    t.equal("no text lies over a bar", [one[4] for one in texts for y, row in by_row.items() if one[1] < row[0][3] and y < one[3]
                                       for bar in row if one[0] < bar[2] and bar[0] < one[2]], [])
    t.ok("it needs nothing from elsewhere", "href" not in text and "url(" not in text and "<script" not in text)
    return svg


def check_trace(t, init):
    events = json.loads(init.ctl("plot", "--trace").stdout)
    t.ok("the trace is an array of events", isinstance(events, list) and all(event["ph"] in "XM" for event in events))
    lines = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
    spans = {}
    for event in events:
        if event["ph"] == "X":
            spans.setdefault(lines[event["tid"]], []).append((event["ts"], event["dur"], event["cat"]))
    t.ok("on each line one span ends where the next begins", all(
        a[0] + a[1] == b[0] for row in spans.values() for a, b in zip(sorted(row), sorted(row)[1:])), spans)
    first = {unit["unit"]: unit["first"] for unit in json.loads(init.ctl("times", "--json").stdout)["units"]}
    took = {name: sum(span[1] for span in row if span[2] == "starting") for name, row in spans.items() if name in first}
    t.equal("and its sums are the times of the units", took, {name: max(0, (first[name]["up"] or first[name]["ended"]) -
            first[name]["starting"]) for name in took})


def boot_chart(t):
    with t.scene.init(chain_units()) as init:
        init.wait("default")
        until(lambda: init.state("cache") == "failed", 5)
        svg = check_chart(t, init, "a chart of seven units", 7)
        titles = {title.text.split(":")[0].split("\n")[0]: title.text for title in svg.iter(SVG + "title")}
        t.has("hover text: what it is, what it waited for, when, and how that went", titles["web"], '<Shop> & "more"',
              "waited for db, which was there at", "starting at", "up at", "PID")
        t.has("and how it ended", titles["cache"], "did not come up: failed", "exit code 3")
        t.has("and that it was skipped", titles["skipped"], "skipped")
        check_trace(t, init)
    with t.scene.init({"one": {"service": sh(SLEEP)}}) as init:
        init.wait("one")
        check_chart(t, init, "a chart of one unit", 1)
    many = {f"unit-{i:03}-of-a-thousand" + "-with-a-long-name" * (i % 50 == 0): {"service": sh("exit 0", type="oneshot")}
            for i in range(1000)}
    with t.scene.init({**many, "default": {"target": {}, "wants": list(many)}}) as init:
        init.wait("default", timeout=60)
        check_chart(t, init, "a chart of a thousand", 1001)


GROUPS = [boot_told, boot_graph, boot_chart]
