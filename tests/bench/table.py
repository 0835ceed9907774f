"""The table of results: a row for each measure, a column for each program, as Markdown, in words for strangers."""

# What a column is called where people read.
HEADS = {"floor": "bare spawning", "miniinit, cgroup each": "miniinit, a cgroup for each service", "s6-svscan": "s6",
         "runsvdir": "runit", "miniinit before": "miniinit before the change"}


def seconds(value):
    if value >= 10:
        return f"{value:.0f} s"
    if value >= 1:
        return f"{value:.1f} s"
    if value >= 0.01:
        return f"{value * 1e3:.0f} ms"
    if value >= 0.001:
        return f"{value * 1e3:.1f} ms"
    return f"{value * 1e6:.0f} µs"


class Table:
    def __init__(self, columns, ours, heard=print):
        self.columns, self.ours, self.heard = columns, ours, heard
        self.rows, self.notes = [], []

    def times(self, what, values, bar=None, base="floor"):
        """Seconds of each program, with their ratio to those of `base`; `bar` is the most that ratio may be for us."""
        cells, held = {}, []
        for name, value in values.items():
            ratio = value / values[base] if values.get(base) else None
            cells[name] = seconds(value) + (f" ({ratio:.1f}×)" if ratio is not None and name != base else "")
            if ratio is not None and bar is not None and name in self.ours:
                held.append(ratio <= bar)
        self.row(what, cells, "" if bar is None else f"≤ {bar:g} × {HEADS.get(base, base)}", held)

    def row(self, what, cells, bar="", held=()):
        verdict = "" if not bar else "?" if not held else "yes" if all(held) else "partly" if any(held) else "no"
        self.rows.append((what, cells, bar, verdict))
        for name in cells:
            if name not in self.columns:
                self.columns.append(name)
        self.heard(f"  {what}: " + ", ".join(f"{name} {cell}" for name, cell in cells.items()) +
                   (f"   [bar {bar}: {verdict}]" if bar else ""))

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)
            self.heard(f"  {text}")

    def markdown(self, logs):
        """`logs`: {column: how it keeps the output of services}."""
        used = [name for name in self.columns if any(name in cells for _, cells, _, _ in self.rows)]
        loggers = {name: f" with {logger}" for name, logger in logs.items() if logger not in ("none", "built in")}
        heads = [HEADS.get(name, name) + loggers.get(name, "") for name in used]
        lines = ["| what is measured | " + " | ".join(heads) + " | goal of miniinit | reached |",
                 "| --- |" + " --- |" * len(used) + " --- | --- |"]
        for what, cells, bar, verdict in self.rows:
            lines.append(f"| {what} | " + " | ".join(cells.get(name, "") for name in used) + f" | {bar} | {verdict} |")
        lines += [""] + [f"- {note}" for note in self.notes]
        return "\n".join(lines).rstrip() + "\n"
