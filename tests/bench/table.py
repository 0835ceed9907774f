"""The table of results: a row for each measure, a column for each program, as Markdown."""


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
        of = "" if base == "floor" else f" {base}"
        self.row(what, cells, "" if bar is None else f"≤ {bar:g}×{of}", held)

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
        loggers = {name: f" + {logger}" for name, logger in logs.items() if logger not in ("none", "built in")}
        heads = [name + loggers.get(name, "") for name in used]
        lines = ["| | bar | held | " + " | ".join(heads) + " |", "| --- | --- | --- |" + " --- |" * len(used)]
        for what, cells, bar, verdict in self.rows:
            lines.append(f"| {what} | {bar} | {verdict} | " + " | ".join(cells.get(name, "") for name in used) + " |")
        lines += [""] + [f"- {note}" for note in self.notes]
        return "\n".join(lines).rstrip() + "\n"
