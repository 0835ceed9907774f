"""Converts every unit and init script of some Debian packages, has each result verified, alone and all together, and holds what
was reported against a sample checked by hand (sample.tsv)."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
passed = failed = 0


def check(sentence, wrong):
    """`wrong`: what is not as the sentence says, a list of words; empty where all is well."""
    global passed, failed
    if wrong:
        failed += 1
        print(f"not ok - {sentence}: " + "; ".join(str(each) for each in wrong[:20]))
    else:
        passed += 1
        print(f"ok - {sentence}", flush=True)


def run(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120)


def main():
    binary, root = Path(sys.argv[1]), Path(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="miniinit-convert-") as directory:
        place = Path(directory)
        minictl = place / "minictl"
        minictl.symlink_to(binary)
        files = []
        for units in ("lib/systemd/system", "usr/lib/systemd/system"):
            for suffix in ("service", "socket", "timer", "path", "target"):
                files += sorted(path for path in (root / units).glob(f"*.{suffix}") if not path.is_symlink())
        services = [path for path in files if path.suffix == ".service"]
        check("the packages have services", [] if len(services) > 60 else [len(services)])
        print(f"# {len(services)} services in {len(files)} unit files")
        sweep(minictl, root, files, services, place / "units")
        scripts(minictl, root, place / "scripts")
        sample(minictl, root)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def sweep(minictl, root, files, services, out):
    out.mkdir()
    done = run(minictl, "convert", "--root", root, "--output", out, *files)
    faults = [line for line in done.stderr.splitlines() if line.startswith("minictl: ")]
    check("every unit file is converted", faults)
    check("what was lost is told by the exit code", [] if done.returncode == 1 else [done.returncode])
    made = sorted(out.glob("*.toml"))
    check("each service has become a unit, or part of one",
          [path.name for path in services if not has_unit(path, made)])
    done = run(minictl, "verify", *made)
    check("each unit passes verify", (done.stdout + done.stderr).splitlines() if done.returncode else [])
    done = run(minictl, "verify", "--units", out, "--allow-insecure-units")
    check("all of them together pass verify: no cycle", wrong_anywhere(done))
    # Whatever stands in a file and not in the unit is named with its line.
    answer = json.loads(run(minictl, "convert", "--root", root, "--json", *files).stdout)
    wrong = [f"{remark['file']}:{remark['line']}" for unit in answer["units"] for remark in unit["remarks"]
             if remark["line"] and remark["directive"].split("=")[0] not in line_of(remark)]
    check("every remark names the line where its directive stands", wrong)
    wrong = [f"{unit['unit']}: {remark['directive']}" for unit in answer["units"] for remark in unit["remarks"]
             if remark["directive"] and " ".join(remark["directive"].split()) not in " ".join(unit["toml"].split())]
    check("every remark is a comment in the unit, too", wrong)


def wrong_anywhere(done):
    """What verify holds against units, but for programs, users and units that are missing on this system: they are for another."""
    return [line for line in (done.stdout + done.stderr).splitlines()
            if line and not line.startswith(" ") and ": warning: " not in line and "there is no " not in line]


def has_unit(path, made):
    stem = path.name.removesuffix(".service")
    return any(unit.stem in (stem, stem.rstrip("@"), stem.rstrip("@") + "-socket") for unit in made)


def line_of(remark):
    return Path(remark["file"]).read_text().splitlines()[remark["line"] - 1]


def scripts(minictl, root, out):
    out.mkdir()
    files = [path for path in sorted((root / "etc/init.d").iterdir()) if path.is_file()]
    done = run(minictl, "convert", "--root", root, "--output", out, *files)
    check(f"every init script is converted ({len(files)})",
          [line for line in done.stderr.splitlines() if line.startswith("minictl: ")] if len(files) > 10 else files)
    made = sorted(out.glob("*.toml"))
    done = run(minictl, "verify", *made)
    check("what was made of init scripts passes verify", (done.stdout + done.stderr).splitlines() if done.returncode else [])
    done = run(minictl, "verify", "--units", out, "--allow-insecure-units")
    check("all of them together pass verify", (done.stdout + done.stderr).splitlines() if done.returncode else [])
    forking = sum('"forking"' in path.read_text() for path in made)
    check("PID files are found in some of the scripts", [] if forking > 5 else [forking])


def sample(minictl, root):
    """sample.tsv: UNIT, then `line` and a line of the TOML, or a weight and the directives of it, all of them."""
    answers = {}
    for number, row in enumerate((HERE / "sample.tsv").read_text().splitlines(), 1):
        if not row or row.startswith("#"):
            continue
        name, kind, expected = row.split("\t")
        if name not in answers:
            answers[name] = json.loads(run(minictl, "convert", "--root", root, "--json", name).stdout)["units"][0]
        unit = answers[name]
        if kind == "line":
            lines = [re.sub(r"^([\w-]+) +=", r"\1 =", line) for line in unit["toml"].splitlines()]
            check(f"{name} has the line {expected}", [] if expected in lines else [f"sample.tsv:{number}"])
        else:
            found = [re.split(r"[=:]", remark["directive"])[0] for remark in unit["remarks"] if remark["weight"] == kind]
            wanted = [] if expected == "-" else expected.split()
            check(f"{name}: exactly what was seen by hand is `{kind}`", [] if sorted(set(found)) == sorted(wanted) else
                  [f"found {' '.join(sorted(set(found)))}", f"expected {expected}"])


if __name__ == "__main__":
    sys.exit(main())
