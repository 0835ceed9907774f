"""Compares README.md, the pages of etc/docs, the guides for developers and etc/man/ with the program and its sources, so that
they cannot say what is no longer so: keys with their types and defaults, verbs, options, kernel words, examples, links. What the
program should do is other tests' business; promises.tsv, keys.tsv and faults.tsv name these."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pages
import promises

ROOT = Path(__file__).resolve().parents[2]
MAN = ROOT / "etc/man"
PAGES = ["minictl.1", "miniinit-unit.5", "miniinit.toml.5", "miniinit-convert.7", "miniinit.8"]

passed = failed = 0


def check(sentence, wrong):
    """`wrong`: what is not as the sentence says, a list of words; empty where all is well."""
    global passed, failed
    if wrong:
        failed += 1
        print(f"not ok - {sentence}: " + "; ".join(str(each) for each in wrong))
    else:
        passed += 1
        print(f"ok - {sentence}", flush=True)


# --- the pages --------------------------------------------------------------------------------------------------------


def source(page):
    return (MAN / page).read_text()


def plain(text):
    """A line of mdoc without the escapes that these pages use."""
    for escape, meaning in ((r"\-", "-"), (r"\(dq", '"'), (r"\(aq", "'"), (r"\&", ""), (r"\e", "\\"), (r"\(ga", "`")):
        text = text.replace(escape, meaning)
    return text


def items(page):
    """(subsection, words of the .It line) of every item, in order."""
    found, subsection = [], ""
    for line in source(page).splitlines():
        if line.startswith(".Ss "):
            subsection = line[4:]
        elif line.startswith(".Sh "):
            subsection = line[4:]
        elif line.startswith(".It "):
            found.append((subsection, plain(line[4:])))
    return found


def literal_blocks(page):
    text = plain(source(page))
    return re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed$", text, re.M | re.S)


# --- keys -------------------------------------------------------------------------------------------------------------

STRING = r'"((?:[^"\\]|\\.)*)"'
ROW = re.compile(
    r"^ +(row|setting)\(" + r",\s*".join([STRING] * 4) + r",(.*?)\),?$(?=\n(?: +(?:row|setting)\(|\}|\n))",
    re.M | re.S,
)


def key_rows():
    """(page, section, key, type, default) of every row of the key table."""
    rows = []
    text = (ROOT / "src/config/keys.cpp").read_text()
    for kind, section, key, type_, default, _ in ROW.findall(text):
        page = "miniinit.toml.5" if kind == "setting" else "miniinit-unit.5"
        rows.append((page, section, key, type_, default.replace('\\"', '"')))
    expected = len(re.findall(r"^ +(?:row|setting)\(\"", text, re.M))
    all_read = len(rows) == expected > 100
    check("every row of the key table can be read", [] if all_read else [f"{len(rows)} of {expected}"])
    return rows


def title(section):
    return {"": "Keys of every unit", "listen": "[[listen]]"}.get(section, f"[{section}]")


def check_keys():
    rows = key_rows()
    for page in ("miniinit-unit.5", "miniinit.toml.5"):
        written = {}
        for subsection, line in items(page):
            words = re.match(r"Cm ([a-z-]+) Em (.*?)(?: , No default (.*?))?$", line)
            if words:
                written[subsection, words[1]] = (words[2], words[3] or "")
        sections = dict.fromkeys(section for where, section, *_ in rows if where == page)
        for section in sections:
            own = [row for row in rows if row[0] == page and row[1] == section]
            wrong = []
            for _, _, key, type_, default in own:
                found = written.pop((title(section), key), None)
                if found is None:
                    wrong.append(f"{key} is missing")
                elif found != (type_, default):
                    wrong.append(f"{key}: the page says {found}, the table {(type_, default)}")
            check(f"{page} has every key of {title(section)}: type and default", wrong)
        check(f"{page} has no key that the table does not have", [f"{where} {key}" for where, key in written])
    check_key_tests(rows)


def check_key_tests(rows):
    """Every key of a unit is shown by a behaviour test, named in keys.tsv: one that is there, and speaks of the key."""
    tests, wrong = {}, []
    for line in (ROOT / "tests/docs/keys.tsv").read_text().splitlines():
        if line.startswith("#"):
            continue
        name, file, sentence = line.split("\t")
        if name in tests:
            wrong.append(f"{name} stands there twice")
        tests[name] = (file, sentence)
    units = [(f"{section}.{key}" if section else key, key)
             for page, section, key, _, _ in rows if page == "miniinit-unit.5"]
    for name, key in units:
        if name not in tests:
            wrong.append(f"{name} has no line (KEY, FILE, SENTENCE, with tabs between)")
            continue
        file, sentence = tests.pop(name)
        path = ROOT / file
        text = path.read_text().replace("\\n", "\n") if path.is_file() else ""
        # A module of the QEMU test brings units of its own.
        for unit in sorted((ROOT / "tests/boot/features/root/etc/miniinit").glob("*.toml")):
            if file.startswith("tests/boot/features/") and unit.stem in text:
                text += unit.read_text()
        # Behaviour, not reading: what only says that a value is parsed is no test of a key.
        if not re.match(r"tests/(system|boot|calendar|core|daemon|os|logd|container)/", file) or not text:
            wrong.append(f"{name}: {file} is no behaviour test")
        elif sentence not in text:
            wrong.append(f"{name}: {file} has no sentence \"{sentence}\"")
        # As a key of a unit, of a dict, or of sh(…) in a system test; a core test may say it by the name of its member.
        elif not any(re.search(r"(?<![\w-])" + re.escape(word) + r"(?![\w-])", text) for word in (key, key.replace("-", "_"))):
            wrong.append(f"{name}: {file} does not speak of it")
    check("tests/docs/keys.tsv names a test for every key", wrong)
    check("tests/docs/keys.tsv has no key that the table does not have", sorted(tests))


def check_faults():
    """Every fault in the table of miniinit(8) is brought about by a test, named in faults.tsv."""
    page = plain(source("miniinit.8"))
    section = page[page.index(".Sh FAULTS"):]
    section = section[:section.index("\n.Sh ", 1)]
    written = re.findall(r"^\.It (.+)$", section, re.M)
    tests, wrong = [], []
    for line in (ROOT / "tests/docs/faults.tsv").read_text().splitlines():
        if line.startswith("#"):
            continue
        fault, file, sentence = line.split("\t")
        tests.append(fault)
        path = ROOT / file
        if not re.match(r"tests/(system|boot|calendar|core|ctl|daemon|os|logd|container)/", file) or not path.is_file():
            wrong.append(f"{fault}: {file} is no behaviour test")
        elif sentence not in path.read_text():
            wrong.append(f"{fault}: {file} has no sentence \"{sentence}\"")
    check("tests/docs/faults.tsv names a test for every fault, and it is there", wrong)
    check("miniinit.8 and tests/docs/faults.tsv have the same faults", sorted(set(written) ^ set(tests)))


# --- verbs and options ------------------------------------------------------------------------------------------------


def output(command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=20, **more).stdout


def flags(text):
    """Every option that a text of mdoc names: "n", "-lines"."""
    found = set()
    for line in text.splitlines():
        reading = False
        for word in line.lstrip(".").split():
            if word == "Fl":
                reading = True
            elif reading and re.fullmatch(r"\w|-[a-z-]+", word):
                found.add(word)
            elif word not in ("|", ","):
                reading = False
    return found


def section(text, title):
    """Of a page, what stands under a heading, or before the first one of that kind ("")."""
    if not title:
        return text[:text.index("\n.Ss ")]
    part = text[text.index(f".Ss {title}\n"):]
    return part[:part.index("\n.S", 1)]


def text_of_verb(text, verb):
    """All that minictl.1 says of the options of a verb: in its own item, and in the places that this names."""
    own = "".join(re.findall(rf"^(\.It Ic {verb}\b.*?)(?=^\.It Ic |^\.S[sh] )", text, re.M | re.S))
    if "same options" in own:
        own += text_of_verb(text, "poweroff")
    if "Ar source" in own:
        own += section(text, "Where units are read")
    return own + section(text, "")


def check_verb_options(verbs, text):
    """Every option of the table, also one that --help does not show, is in the manual page where its verb is."""
    wrong = []
    together = [flags(line) for line in text.splitlines()]
    for verb in verbs:
        shown = flags(text_of_verb(text, verb["name"]))
        hidden = flags(section(text, "Other names") + section(text, "Words of other programs"))
        for option in verb["options"]:
            letter, name = option["letter"], option["name"] and "-" + option["name"]
            if not {letter, name} & (shown if option["help"] else hidden):
                wrong.append(f"-{letter or name} of {verb['name']} is missing")
            elif option["help"] and letter and name and not any({letter, name} <= line for line in together):
                wrong.append(f"-{letter} and -{name} nowhere stand together")
    check("minictl.1 names every option of every verb where the verb is", wrong)
    known = {"-" + option["name"] for verb in verbs for option in verb["options"]} | {"-version"}
    check("minictl.1 names no other long option",
          sorted(flag for flag in set().union(*together) if len(flag) > 1 and flag not in known))


def check_verbs(minictl):
    whole = json.loads(output([minictl, "help", "--json"]))
    told = whole["verbs"]
    verbs = [verb["name"] for verb in told]
    check("minictl help --json names verbs", [] if len(verbs) > 20 else verbs)
    text = plain(source("minictl.1"))
    described = list(dict.fromkeys(re.findall(r"^\.It Ic ([a-z-]+)", text, re.M)))
    check("minictl.1 describes every verb", [verb for verb in verbs if verb not in described])
    check("minictl.1 describes no other verb", [verb for verb in described if verb not in verbs])
    # `shutdown` is none of minictl's but where it is called so.
    examples = re.findall(r"^\.Dl (?:minictl )?([a-z-]+)", text, re.M)
    check("minictl.1 has an example of every verb", [verb for verb in verbs if verb not in examples])
    words = {(word, line[1]) for line in re.findall(r"^\.It (Li .*?) Ta Ql minictl (.*)$", text, re.M)
             for word in re.findall(r"Li ([a-z-]+)", line[0])}
    understood = {(one["word"], one["means"]) for one in whole["other_words"]}
    check("minictl.1 has every word of other programs that is understood, and what it means", sorted(words ^ understood))
    check_verb_options(told, text)
    check_options_in_pages(told)
    texts = {pages.name(page): page.read_text() for page in pages.PAGES} | {page: plain(source(page)) for page in PAGES}
    for where, words in texts.items():
        called = re.findall(r"(?:`|^\.Dl |^ *(?:\$ )?|\.Ic )minictl ((?:--user )?)([a-z][a-z-]+)", words, re.M)
        unknown = {verb for _, verb in called} - set(verbs) - {"shutdown" if where == "minictl.1" else ""}
        check(f"{where} calls minictl with verbs that there are", sorted(unknown))


def check_options_in_pages(verbs):
    """What the pages and the manual tell to type: each option is one of that verb, or of minictl."""
    every = {"j", "-json", "-control", "-user", "-system", "h", "-help", "-version"}
    known = {verb["name"]: {option["letter"] for option in verb["options"]} | {f"-{option['name']}" for option in verb["options"]}
             for verb in verbs}
    texts = {pages.name(page): page.read_text() for page in pages.PAGES} | {page: plain(source(page)) for page in PAGES}
    for where, text in texts.items():
        wrong = []
        for words in re.findall(r"(?:`|^\.Dl |^ {4}(?:\$ )?)minictl ([^`#\n|>]+)", text, re.M):
            options = [word[1:].split("=")[0] for word in words.split(" -- ")[0].split() if re.match(r"-{1,2}[a-zA-Z]", word)]
            verb = next((word for word in words.split() if word in known), None)
            wrong += [f"minictl {words}" for option in options if option not in every | known.get(verb, set())]
        check(f"{where} gives minictl options that there are", wrong)


def check_options():
    text = (ROOT / "src/daemon/options.cpp").read_text()
    text = text[text.index("constexpr Row rows[]"):]
    text = text[:text.index("\n};")]
    rows = re.findall(r'^    \{"([a-z-]+)", (?:0|\'(\w)\'),\s*"[^"]*",\s*"((?:[^"])*)"', text, re.M)
    all_read = len(rows) == len(re.findall(r'^    \{"', text, re.M)) > 15
    check("every row of the table of miniinit's options can be read", [] if all_read else rows)
    offered = {name for name, _, words in rows if words}
    page = plain(source("miniinit.8"))
    options = page[page.index(".Sh OPTIONS"):page.index(".Sh KERNEL")]
    described = re.findall(r"^\.It (Fl .*)$", options, re.M)
    written = {word for line in described for word in re.findall(r"Fl -([a-z-]+)", line)}
    check("miniinit.8 describes every option of miniinit", sorted(offered - written))
    check("miniinit.8 describes no other option", sorted(written - offered))
    letters = {letter for _, letter, _ in rows if letter}
    known = flags(options)
    check("miniinit.8 has every letter that stands for an option", sorted(letters - known))


def check_words_for_programs():
    """Kinds of reasons and outcomes, which programs compare."""
    source_text = (ROOT / "src/wire/enums.hpp").read_text()
    page = plain(source("miniinit.8"))
    section = page[page.index(".Ss What programs are told"):page.index(".Ss Format of the logs")]
    kinds = section[section.index("reason_kind"):]
    for enumeration, known in (("core::Reason", re.findall(r"^\.It Cm (\w+)$", kinds, re.M)),
                               ("JobOutcome", re.findall(r"^\.Cm (\w+)", section.split(".It Ql outcome")[1], re.M))):
        rows = re.search(rf"MI_WORDS\({enumeration}, (.*?)\);", source_text, re.S)[1]
        words = [word for word in re.findall(STRING, rows) if re.fullmatch(r"[a-z_]+", word)]
        check(f"miniinit.8 has every word of {enumeration} that programs are told",
              sorted(set(words) ^ set(known)) if enumeration == "core::Reason" else sorted(set(words) - set(known)))


def check_kernel_words():
    text = (ROOT / "src/daemon/machine/kernel_wishes.cpp").read_text()
    rows = text[text.index("constexpr Row rows[]"):]
    rows = rows[:rows.index("\n};")]
    own = {"miniinit." + name + ("" if more == '""' else "=")
           for name, more in re.findall(r'^    \{"([a-z-]+)",\s*([^,]+)', rows, re.M)}
    words = own | set(re.findall(r'word == "([^"]+)"', text)) | set(re.findall(r' (?:unit|level) = "([^"]+)"', text))
    page = plain(source("miniinit.8"))
    section = page[page.index(".Sh KERNEL"):page.index(".Sh SIGNALS")]
    known = {word for _, line in re.findall(r"^(\.It Cm )(.*)$", section, re.M) for word in re.split(r"[ ,]+", line)}
    missing = sorted(word for word in words if not any(one == word or (word.endswith("=") and one.startswith(word))
                                                       for one in known)) if own else ["none found in the source"]
    check("miniinit.8 has every word that is looked for on the kernel command line", missing)


# --- examples ---------------------------------------------------------------------------------------------------------


def check_toml(minictl, place, where, number, text):
    """A whole unit or a whole miniinit.toml, as `minictl verify` sees it. That its programs, users and other units are not here
    is no mistake of the example."""
    name = re.match(r"# \S*?([\w.@-]+\.toml)", text)
    bundle = re.search(r"^\[(units|manager|defaults)\b", text, re.M)
    file = place / (name[1] if name else "miniinit.toml" if bundle else "example.toml")
    file.write_text(text)
    done = subprocess.run([minictl, "verify", file], capture_output=True, text=True, timeout=20)
    problems = [line for line in done.stdout.splitlines() if ": error: " in line or ": warning: " in line]
    others = [line for line in problems if ": warning: " not in line or "there is no " not in line]
    said = [done.stdout + done.stderr] if done.returncode or others or (done.stdout and not problems) else []
    check(f"example {number} of {where} is read without a problem", said)
    file.unlink()


def check_examples(minictl, place):
    for page in pages.PAGES:
        for number, block in enumerate(pages.blocks(page.read_text(), "toml"), 1):
            check_toml(minictl, place, pages.name(page), number, block)
    for page in ("miniinit-unit.5", "miniinit.toml.5"):
        blocks = [block for block in literal_blocks(page) if re.search(r"^\[", block, re.M)]
        check(f"{page} has examples in TOML", [] if blocks else ["none"])
        for number, block in enumerate(blocks, 1):
            check_toml(minictl, place, page, number, block)


def check_shown_examples(minictl):
    """The units of etc/examples, which other tests run, are read, and are shown whole where people read."""
    files = sorted((ROOT / "etc/examples").glob("*.toml"))
    check("etc/examples has the five units that the page promises", [] if len(files) >= 5 else files)
    done = subprocess.run([minictl, "verify", *files], capture_output=True, text=True, timeout=20)
    check("every unit of etc/examples is read without a problem", [done.stdout + done.stderr] if done.returncode else [])
    page = (ROOT / "etc/docs/units.md").read_text()
    blocks = [block.strip() for block in literal_blocks("miniinit-unit.5")]
    for name in ("web", "worker", "nightly", "daytime", "files"):
        text = (ROOT / f"etc/examples/{name}.toml").read_text()
        check(f"etc/docs/units.md shows {name}.toml as it is in etc/examples", [] if text in page else ["it does not"])
        check(f"miniinit-unit.5 shows {name}.toml as it is in etc/examples",
              [] if text.strip() in blocks else ["it does not"])


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def check_first_service(binary, minictl, place):
    """What the README tells a newcomer to do first, done."""
    readme = (ROOT / "README.md").read_text()
    part = readme[readme.index("## A first service"):]
    part = part[:part.index("\n## ", 3)]
    unit = re.search(r"^```toml\n(.*?)^```$", part, re.M | re.S)[1]
    lines = [line for line in unit.splitlines() if line]
    check("the first service of README.md has five lines at most", [] if len(lines) <= 5 else lines)
    environment = {"PATH": os.environ["PATH"], "HOME": str(place)}
    for name in ("config", "runtime", "state"):
        (place / name).mkdir()
        environment[f"XDG_{'RUNTIME_DIR' if name == 'runtime' else name.upper() + '_HOME'}"] = str(place / name)
    (place / "config/miniinit").mkdir()
    (place / "config/miniinit/hello.toml").write_text(unit)

    def ask(*words):
        return subprocess.run([minictl, "--user", *words], capture_output=True, text=True, timeout=20, env=environment)

    init = subprocess.Popen([binary, "--user"], env=environment, stderr=subprocess.PIPE, text=True)
    try:
        up = wait_for(lambda: ask("healthcheck", "hello").returncode == 0)
        check("the first service of README.md comes up", [] if up else [ask("status", "hello").stdout])
        said = wait_for(lambda: "hello\n" in ask("logs", "-o", "cat", "hello").stdout)
        check("its log has what it says", [] if said else ask("logs", "hello").stdout.splitlines())
        asked = [words.replace("-f ", "") for words in re.findall(r"^ *\$ minictl --user (.+)$", part, re.M)]
        wrong = [words for words in asked if ask(*words.split()).returncode != 0]
        check("what README.md tells to ask about it is answered", wrong if asked else ["nothing is asked"])
    finally:
        init.send_signal(signal.SIGTERM)
        try:
            _, errors = init.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            init.kill()
            _, errors = init.communicate()
    quiet = init.returncode == 0 and not errors
    check("miniinit --user ends in order and says nothing", [] if quiet else [init.returncode, errors])


# --- the rest ---------------------------------------------------------------------------------------------------------


def check_readme():
    readme = (ROOT / "README.md").read_text()
    presets = set(re.findall(r'"name": "(\w+)",\s*"description"', (ROOT / "CMakePresets.json").read_text()))
    check("README.md names every preset", sorted(preset for preset in presets if f"`{preset}`" not in readme))
    table = (ROOT / "tests/docs/promises.tsv").read_text()
    check("tests/docs/promises.tsv names a test for every promise of README.md", promises.problems(readme, table))


GUIDES = ["src/README.md", ".github/CONTRIBUTING.md", ".github/CHANGELOG.md"]


def paths_named(guide, text):
    """Links, and words in backquotes that look like a path, each with the places where it may be. What is built is not
    there yet."""
    prose = re.sub(r"^    .*$", "", text, flags=re.M)
    for link in re.findall(r"\]\(([^)#:]+)\)", prose):
        yield link, [(ROOT / guide).parent / link]
    for word in re.findall(r"`([\w.][\w./-]*)`", prose):
        if ("/" in word and not word.startswith("build/")) or re.search(r"\.(?:[ch]pp|py|md|tsv|txt|toml)$", word):
            yield word, [ROOT / word, ROOT / "src" / word]


def check_guides():
    """What is written for those who change the code names what is there, and the rooms as CMake links them."""
    for guide in GUIDES:
        gone = {name for name, places in paths_named(guide, (ROOT / guide).read_text())
                if not any(place.exists() for place in places)}
        check(f"{guide} names files that there are", sorted(gone))
    text = (ROOT / GUIDES[0]).read_text()
    linked = {name: [room for room in rooms.split() if not room.startswith("dep_")]
              for name, rooms in re.findall(r"^room\((\w+)(.*)\)$", (ROOT / "CMakeLists.txt").read_text(), re.M)}
    rows = re.findall(r"^\| `(\w+)` \|.*\|(.*)\|$", text, re.M)
    drawn = {name: re.findall(r"`(\w+)`", uses) for name, uses in rows}
    check("src/README.md says of every room which rooms it uses",
          [name for name, rooms in linked.items() if name not in drawn or sorted(drawn[name]) != sorted(rooms)])
    rooms = {path.name for path in (ROOT / "src").iterdir() if path.is_dir()}
    check("src/README.md names every folder of src/", sorted(room for room in rooms if f"`{room}`" not in text))
    folders = [f"daemon/{path.name}" for path in (ROOT / "src/daemon").iterdir() if path.is_dir()]
    check("src/README.md names every folder of daemon", sorted(name for name in folders if f"`{name}`" not in text))
    files = [path for top in ("src", "tests") for path in (ROOT / top).rglob("*.[chp][py]*")]
    said = "".join(path.read_text(errors="replace") for path in files)
    quoted = re.findall(r'"([^"]{25,})"', text)
    check("src/README.md quotes tests and messages that there are", [one for one in quoted if one not in said])


def check_format():
    for page in PAGES:
        command = ["mandoc", "-Tlint", "-W", "warning", MAN / page]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        check(f"mandoc finds nothing wrong with {page}", [done.stdout] if done.returncode else [])


def quoted_twice(text):
    """Places of a page as it is read where a quotation stands in another, or double quotes in single ones."""
    found = [match[0] for match in re.finditer(r".{0,30}(?:[‘“][\"“‘]|[\"”’][’”]).{0,20}", text)]
    for paragraph in re.split(r"\n\s*\n", text):
        inside = False
        for match in re.finditer(r"[‘’]", paragraph):
            if match[0] == "‘" and inside:
                found.append(paragraph[max(0, match.start() - 30):match.end() + 20])
            inside = match[0] == "‘"
    return [re.sub(r"\s+", " ", one) for one in found]


def check_reading():
    """What people see of the pages."""
    for page in PAGES:
        text = re.sub(".\b", "", output(["mandoc", "-Tutf8", "-O", "width=200", MAN / page]))
        check(f"{page} puts no quotation into another", quoted_twice(text))
        last = text.rstrip().splitlines()[-1].split()
        check(f"{page} is of miniinit, not of the system that shows it", [] if last[0] == last[-1] == "miniinit" else last)


def main():
    binary = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="miniinit-docs-") as directory:
        place = Path(directory)
        minictl = place / "minictl"
        minictl.symlink_to(binary)
        check_keys()
        check_verbs(minictl)
        check_options()
        check_faults()
        check_kernel_words()
        check_words_for_programs()
        check_examples(minictl, place)
        check_shown_examples(minictl)
        check_first_service(binary, minictl, place)
        check_readme()
        check_guides()
        pages.run_all(check, binary, minictl, place)
        if shutil.which("mandoc"):
            check_format()
            check_reading()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
