"""A program in a terminal: its keys, and what the screen shows, as a person would see it."""
import fcntl
import os
import re
import select
import signal
import struct
import termios
import time
import unicodedata

from harness import Failed


class Terminal:
    """A pseudo-terminal, the program in it, and a screen that understands the sequences of ECMA-48 that ours use."""

    def __init__(self, words, env, columns=100, rows=30):
        self.columns, self.rows = columns, rows
        self.ours, self.theirs = os.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.theirs)
        self.cells, self.at, self.main, self.raw = self.blank(), [0, 0], None, b""
        self.scrolled, self.pending = [], b""
        self.code = None
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.ours)
            os.setsid()
            fcntl.ioctl(self.theirs, termios.TIOCSCTTY, 0)
            for fd in range(3):
                os.dup2(self.theirs, fd)
            for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGTSTP):
                signal.signal(number, signal.SIG_DFL)
            try:
                os.execvpe(words[0], words, env)
            finally:
                os._exit(127)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.ours)
        os.close(self.theirs)

    def blank(self):
        return [[" "] * self.columns for _ in range(self.rows)]

    def resize(self, columns, rows):
        """As a person who pulls at the window: the program gets SIGWINCH."""
        self.columns, self.rows = columns, rows
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.cells, self.at = self.blank(), [0, 0]

    def type(self, text):
        os.write(self.ours, text.encode())

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.cells)

    def shows(self, condition, timeout=15):
        """Reads on until condition(text of the screen); False where that does not come."""
        end = time.monotonic() + timeout
        while not condition(self.text()):
            left = end - time.monotonic()
            if left <= 0 or not self.read(left):
                return condition(self.text())
        return True

    def until(self, condition, timeout=15, what=""):
        if not self.shows(condition, timeout):
            raise Failed(f"{what or 'what was awaited'} is not on the screen:\n{self.text()}")
        return self.text()

    def read(self, timeout):
        """Takes in what the program writes; False when it writes no more."""
        ready, _, _ = select.select([self.ours], [], [], timeout)
        if not ready:
            return False
        try:
            data = os.read(self.ours, 65536)
        except OSError:
            return False
        self.raw += data
        self.feed(data)
        return bool(data)

    def end(self, timeout=15):
        """The exit status of the program, read to its end."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                while self.read(0.05):
                    pass
                self.code = os.waitstatus_to_exitcode(status)
                return self.code
        raise Failed(f"the program does not end:\n{self.text()}")

    def restored(self):
        """Whether the terminal is as it was before: its settings, its screen, its cursor."""
        last = {mode: self.raw.rfind(b"\x1b[?" + mode + b"h") - self.raw.rfind(b"\x1b[?" + mode + b"l")
                for mode in (b"1049", b"25", b"7")}
        return termios.tcgetattr(self.theirs) == self.before and last[b"1049"] <= 0 and last[b"25"] >= 0 and last[b"7"] >= 0

    # ---- the screen -----------------------------------------------------------------------------------------------------

    def feed(self, data):
        data = self.pending + data
        self.pending = b""
        # What is not whole yet waits: a character, a sequence.
        text = data.decode(errors="ignore")
        try:
            data.decode()
        except UnicodeDecodeError as error:
            if error.end == len(data):
                self.pending, text = data[error.start:], data[:error.start].decode(errors="ignore")
        while text:
            match = re.match(r"\x1b\[([?0-9;]*)([A-Za-z])", text)
            if match:
                self.sequence(*match.groups())
                text = text[match.end():]
            elif re.fullmatch(r"\x1b(\[[?0-9;]*)?", text):
                self.pending = text.encode() + self.pending
                return
            else:
                self.character(text[0])
                text = text[1:]

    def character(self, letter):
        row, column = self.at
        if letter == "\r":
            self.at[1] = 0
        elif letter == "\n":
            if row + 1 == self.rows:
                self.scrolled.append("".join(self.cells.pop(0)).rstrip())
                self.cells.append([" "] * self.columns)
            else:
                self.at[0] += 1
        elif letter == "\b":
            self.at[1] = max(0, column - 1)
        elif letter >= " ":
            if column >= self.columns:
                self.cells[row][self.columns - 1] = "!"  # written past the edge: seen in the test
                return
            width = 2 if unicodedata.east_asian_width(letter) in "WF" else 0 if unicodedata.combining(letter) else 1
            if width:
                self.cells[row][column] = letter
                if width == 2 and column + 1 < self.columns:
                    self.cells[row][column + 1] = ""
                self.at[1] += width

    def sequence(self, numbers, what):
        row, column = self.at
        if what == "H":
            self.at = [int(number or 1) - 1 for number in (numbers or "1;1").split(";")]
        elif what in "ABCD":
            count = int(numbers or 1)
            self.at = [max(0, row - count), column] if what == "A" else [min(self.rows - 1, row + count), column] \
                if what == "B" else [row, min(self.columns - 1, column + count)] if what == "C" else [row, max(0, column - count)]
        elif what == "G":
            self.at[1] = int(numbers or 1) - 1
        elif what == "P":
            count = int(numbers or 1)
            self.cells[row][column:] = self.cells[row][column + count:] + [" "] * min(count, self.columns - column)
        elif what == "K":
            self.cells[row][column:] = [" "] * (self.columns - column)
        elif what == "J" and numbers == "2":
            self.cells = self.blank()
        elif what == "J":
            self.cells[row][column:] = [" "] * (self.columns - column)
            self.cells[row + 1:] = [[" "] * self.columns for _ in self.cells[row + 1:]]
        elif (numbers, what) == ("?1049", "h"):
            self.main = (self.cells, self.at)
            self.cells, self.at = self.blank(), [0, 0]
        elif (numbers, what) == ("?1049", "l") and self.main:
            self.cells, self.at = self.main
            if len(self.cells) != self.rows or len(self.cells[0]) != self.columns:
                self.cells, self.at = self.blank(), [0, 0]
