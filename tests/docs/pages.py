"""README.md and the pages of etc/docs: their links, their examples, what is generated of them, and the two examples of the first
screen, which are run. check.py runs these."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree
from html.parser import HTMLParser
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "etc/docs").glob("*.md"))]


def name(page):
    return str(page.relative_to(ROOT))


def docs_script():
    """scripts/docs as a module."""
    loader = SourceFileLoader("docs", str(ROOT / "scripts/docs"))
    module = module_from_spec(spec_from_loader("docs", loader))
    loader.exec_module(module)
    return module


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


# --- links ------------------------------------------------------------------------------------------------------------



def anchors(text):
    """What the headings of a page are called in links, as GitHub does it."""
    heads = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def broken_links(page):
    text = page.read_text()
    for link in re.findall(r"(?:\]\(|src=\")([^)\"\s]+)[)\"]", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)):
        target, _, anchor = link.partition("#")
        if re.match(r"https?:", link) or link == "../../releases":  # of the site that has the repository
            continue
        place = (page.parent / target).resolve() if target else page
        if not place.exists():
            yield f"{link} is not there"
        elif anchor and anchor not in anchors(place.read_text()):
            yield f"{link}: there is no such heading"


def check_links(check):
    wrong = [f"{name(page)}: {problem}" for page in PAGES for problem in broken_links(page)]
    check("README.md and the pages link to what there is", wrong)
    linked = set(re.findall(r"\]\((etc/docs/[\w.-]+)", README.read_text()))
    check("README.md links to every page and picture of etc/docs",
          sorted(name(path) for path in (ROOT / "etc/docs").iterdir() if path.is_file() and name(path) not in linked))
    for page in PAGES:
        paths = set(re.findall(r"`((?:src|etc|units|tests|qemu|scripts|\.ci)/[\w./-]*)`", page.read_text()))
        check(f"{name(page)} names files that there are", sorted(path for path in paths if not (ROOT / path).exists()))
    lines = len(README.read_text().splitlines())
    check("README.md has 350 lines at most", [] if lines <= 350 else [lines])


class Html(HTMLParser):
    """Ids and links of one page."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links = set(), []
        self.feed(text)

    def handle_starttag(self, _, attrs):
        for key, value in attrs:
            if key == "id":
                self.ids.add(value)
            elif key == "href":
                self.links.append(value)


def check_html(check, place):
    done = subprocess.run([ROOT / "scripts/docs", "html", place / "html"], capture_output=True, text=True, check=False)
    check("the manual pages are made into HTML", [] if done.returncode == 0 else [done.stderr])
    made = {path.name: Html(path.read_text()) for path in (place / "html").glob("*.html")}
    pages = {f"{page.name}.html" for page in (ROOT / "etc/man").iterdir()}
    check("each of them is a page", sorted(pages ^ set(made)))
    wrong = []
    for page, html in made.items():
        for link in html.links:
            target, _, anchor = link.partition("#")
            if link.startswith("https://manpages.debian.org/") or target == "style.css":
                continue
            if target and target not in made or anchor and anchor not in made[target or page].ids:
                wrong.append(f"{page}: {link}")
    check("what they link to is there", wrong)


# --- what is generated ------------------------------------------------------------------------------------------------


def check_generated(check, minictl, place):
    page = ROOT / "etc/docs/from-systemd.md"
    text, docs = page.read_text(), docs_script()
    check("the table of directives is that of miniinit-convert(7): scripts/docs table",
          [] if docs.from_systemd(text) == text else ["it is not"])
    named = sum(len(names) for _, names, _, _ in docs.directives())
    check("it has the directives of systemd", [] if named > 300 else [named])
    (place / "shop.service").write_text(blocks(text, "ini")[0])
    done = subprocess.run([minictl, "convert", place / "shop.service"], capture_output=True, text=True, timeout=20)
    shown, made = (re.sub(r"^#.*\n", "", one) for one in (blocks(text, "toml")[0], done.stdout))
    check("the unit that it converts becomes what it shows", [] if shown == made else [made])
    marks = re.findall(r"^<!-- /?bench -->$", (ROOT / "etc/docs/benchmarks.md").read_text(), re.M)
    check("etc/docs/benchmarks.md has one place for the table", [] if marks == ["<!-- bench -->", "<!-- /bench -->"] else marks)
    for picture in sorted((ROOT / "etc/docs").glob("*.svg")):
        words = " ".join(xml.etree.ElementTree.parse(picture).getroot().itertext())
        check(f"{name(picture)} is a picture of units", [] if "database" in words and "shop" in words and "\ufffd" not in words else [words[:200]])


# --- the first screen -------------------------------------------------------------------------------------------------


def first_screen(language):
    return blocks(README.read_text(), language)[0]


def check_container(check, binary):
    """The command of the Dockerfile, as process 1 of namespaces of a user without privileges."""
    dockerfile = first_screen("dockerfile")
    lines = [line for line in dockerfile.splitlines() if line]
    entry, command = (json.loads(re.search(rf"^{word} (\[.*\])$", dockerfile, re.M)[1]) for word in ("ENTRYPOINT", "CMD"))
    script = """ip link set lo up
"$@" >/dev/null 2>&1 &
python3 - <<'END'
import time, urllib.request
for _ in range(200):
    try:
        print(urllib.request.urlopen("http://127.0.0.1:8080/").status)
        break
    except OSError:
        time.sleep(0.05)
END
kill $!
wait $!
echo $?"""
    words = [str(binary) if word == "/sbin/miniinit" else word for word in entry] + command
    done = subprocess.run(["unshare", "--user", "--map-root-user", "--net", "sh", "-c", script, "sh", *words],
                          capture_output=True, text=True, timeout=60, check=False)
    said = done.stdout.split()
    check("the container of the first screen of README.md has five lines, and serves what it should",
          [] if len(lines) <= 5 and said == ["200", str(128 + signal.SIGTERM)] else [len(lines), said, done.stderr])


@contextlib.contextmanager
def user_manager(binary, place, units):
    """`miniinit --user` in directories of its own, and how to ask it."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(place)}
    for kind, variable in (("config", "XDG_CONFIG_HOME"), ("runtime", "XDG_RUNTIME_DIR"), ("state", "XDG_STATE_HOME")):
        (place / kind).mkdir(parents=True, mode=0o700)
        environment[variable] = str(place / kind)
    (place / "config/miniinit").mkdir()
    for unit, text in units.items():
        (place / f"config/miniinit/{unit}.toml").write_text(text)

    def ask(*words):
        return subprocess.run([place.parent / "minictl", "--user", *words], capture_output=True, text=True, timeout=30,
                              env=environment, check=False)
    init = subprocess.Popen([binary, "--user"], env=environment, stderr=subprocess.DEVNULL)
    try:
        yield init, ask
    finally:
        init.terminate()
        try:
            init.wait(20)
        except subprocess.TimeoutExpired:
            init.kill()
            init.wait()


def children(pid):
    return subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False).stdout.split()


def check_service(check, binary, place):
    unit = first_screen("toml")
    lines = [line for line in unit.splitlines() if line]
    many = {f"more{number}": "[service]\ncommand = ['sleep', '1000']\n" for number in range(9)}
    with user_manager(binary, place / "screen", {"hello": unit, **many}) as (init, ask):
        up = wait_for(lambda: ask("healthcheck", "hello", *many).returncode == 0)
        check("the service of the first screen of README.md has five lines, and comes up",
              [] if up and len(lines) <= 5 else [len(lines), ask("list").stdout])
        mains = [str(unit["main_pid"]) for unit in statuses(ask("status", "--json", "hello", *many).stdout)]
        others = [pid for pid in children(init.pid) if pid not in mains]
        check("beside its services there are the init and one collector, and no other process",
              [] if len(mains) == 10 and len(others) == 1 else [mains, others])


def statuses(text):
    answer = json.loads(text)
    return answer["units"] if isinstance(answer, dict) and "units" in answer else answer


def run_all(check, binary, minictl, place):
    check_links(check)
    check_generated(check, minictl, place)
    check_container(check, binary)
    check_service(check, binary, place)
    if shutil.which("mandoc"):
        check_html(check, place)


if __name__ == "__main__":
    sys.exit("tests/docs/run.sh runs this")
