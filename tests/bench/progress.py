"""How far the benchmark is, on standard error: on a terminal one line that changes, elsewhere a line every 20 s. It speaks
only between two measurements, so that it takes no part in them. How long things take is kept by scripts/progress."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/progress"


def in_words(*words):
    """What scripts/progress says, which keeps how long everything took the last time."""
    return subprocess.run([SCRIPT, *[str(word) for word in words]], stdout=subprocess.PIPE, text=True,
                          check=False).stdout.strip()


class Progress:
    def __init__(self, out=sys.stderr, every=20, clock=time.monotonic):
        self.out, self.every, self.clock = out, every, clock
        self.live, self.part, self.key, self.began, self.last = out.isatty(), "", "", clock(), clock()

    def begin(self, part, number, of, quick, usual):
        """The next part of the benchmark: a line anywhere, as it is also the head of what it finds."""
        self.clear()
        self.part, self.key = part, f"bench{'-quick' * quick} {part}"
        self.began = self.last = self.clock()
        print(f"{part} ({number} of {of}, {in_words('--expect', self.key, usual // (3 if quick else 1))})", flush=True)

    def at(self, what):
        """Before a measurement: what is measured."""
        now = self.clock()
        text = f"{self.part}: {what}, {now - self.began:.0f} s"
        if self.live:
            self.out.write(f"\r\033[K{text[:shutil.get_terminal_size().columns - 1]}")
            self.out.flush()
        elif now - self.last >= self.every:
            self.last = now
            print(text, file=self.out, flush=True)

    def clear(self):
        """Before a result is printed, on a terminal."""
        if self.live:
            self.out.write("\r\033[K")
            self.out.flush()

    def end(self):
        self.clear()
        return in_words("--took", self.key, round(self.clock() - self.began))
