"""Counts checks and says them in the one form that scripts/test reads: `ok - SENTENCE` or `not ok - SENTENCE (WHY)`, and
`N passed, N failed` at the end."""

import contextlib
import signal
import subprocess
import sys

from machine import Missing


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.missed = 0  # waits in vain, in this boot

    def say(self, good, sentence, why=""):
        if good:
            self.passed += 1
            print(f"ok - {sentence}", flush=True)
        else:
            self.failed += 1
            why = " ".join(str(why).split())
            print(f"not ok - {sentence} ({why[:700]})", flush=True)

    @contextlib.contextmanager
    def check(self, sentence):
        """The sentence holds if the block ends; it may `assert` with a message, or miss what it waits for."""
        try:
            yield
        except (AssertionError, Missing, KeyError, IndexError, TypeError, ValueError, OSError) as error:
            self.say(False, sentence, f"{type(error).__name__}: {error}")
            # A machine that does not answer will not answer the next question either: each would cost its whole patience.
            if isinstance(error, Missing):
                self.missed += 1
                if self.missed >= 2:
                    raise Missing("it does not answer any more") from error
        else:
            self.say(True, sentence)

    @contextlib.contextmanager
    def boot(self, title, machine):
        """The checks of one boot. What stops the story is one failure more, and shows the end of the serial line."""
        failed = self.failed
        self.missed = 0
        try:
            with machine:
                yield machine
        except (Missing, OSError) as error:
            self.say(False, f"{title}: goes on to the end", error)
        if self.failed > failed:
            print(f"# {title}: the last lines of {machine.log_path}")
            for line in machine.tail():
                print(f"#   {line}")
            sys.stdout.flush()

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 0 if self.failed == 0 and self.passed > 0 else 1


def run_tests(main):
    """Ends the program with what `main` gives. Where the tests cannot even be made, that is a failure of its own."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that QEMU is ended, too
    try:
        sys.exit(main())
    except (Missing, subprocess.CalledProcessError, OSError) as error:
        print(f"not ok - the tests can run ({error})\n0 passed, 1 failed")
        sys.exit(1)
