"""Every sentence of README.md that promises something is held by a test: promises.tsv names it. A sentence stands there by its
beginning, with the file of the test and the sentence that the test is called by; or with a dash and the reason why there is
nothing to test."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def blocks(text):
    """Paragraphs, items of lists and rows of tables, without code, headings and pictures."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    text = re.sub(r"^(?: {4}|#|\[<img).*$", "", text, flags=re.M)
    text = re.sub(r"^- \*\*[^*]+\.\*\*", "- ", text, flags=re.M)  # the head of what follows
    for block in re.split(r"\n\s*\n", text):
        if block.startswith("|"):
            yield from table_rows(block.splitlines())
        else:
            yield from (" ".join(item.split()) for item in re.split(r"^- ", block, flags=re.M) if item.strip())


def table_rows(lines):
    """Of the tables that say what miniinit is and does, the rows: `exit code 3: …`, `timers: yes`."""
    head, _, *rows = [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in lines]
    for row in rows:
        if head[0] == "exit code":
            yield f"exit code {row[0]}: " + "; ".join(cell for cell in row[1:] if cell)
        elif "miniinit" in head:
            yield f"{row[0]}: {row[head.index('miniinit')]}"


def sentences(text):
    for block in blocks(text):
        plain = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", block.replace("**", ""))
        yield from re.split(r"(?<=[.?!])\s+(?=[A-Z`\w])", plain)


def rows(table):
    for line in table.splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def problems(readme, table):
    """What is wrong between the page and the table."""
    wrong, known, said = [], list(rows(table)), list(sentences(readme))
    for row in known:
        if len(row) != 3:
            wrong.append(f"{row[0]}: not three columns")
            continue
        beginning, file, sentence = row
        meant = [one for one in said if one.startswith(beginning)]
        if len(meant) != 1:
            wrong.append(f"\"{beginning}\" begins {len(meant)} sentences of README.md")
        if file == "-":
            continue
        path = ROOT / file
        text = path.read_text() if path.is_file() and file.startswith(("tests/", "scripts/test")) else ""
        if sentence not in " ".join(text.split()).replace('" "', "").replace("\\\"", '"'):
            wrong.append(f"\"{beginning}\": {file} has no test \"{sentence}\"")
    wrong += [f"no row for \"{one}\"" for one in said if not any(one.startswith(row[0]) for row in known)]
    return wrong
