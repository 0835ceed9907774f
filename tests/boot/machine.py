"""A machine in QEMU with its serial line in our hands: wait for what it says, type, read the answer.

What to ask it, and what the answers should be, is for smoke.py and timing.py. Every wait has a deadline, and none of them
is a fixed sleep: emulation may be ten times slower than real, or a hundred.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE = 90.0  # seconds for anything the machine should do at once
PROMPT = r"^(\S+ ?)?# "  # a root shell's


class Missing(Exception):
    """What was waited for did not come."""


class Machine:
    """One boot. Use with `with`: whatever happens, no QEMU is left behind."""

    def __init__(self, image, log, append="", kernel=None, memory="256M", console=None, devices=(),
                 arch="amd64", kind=None, more=()):
        self.log_path = log
        self.image = image
        self.place = tempfile.mkdtemp(prefix="miniinit-")  # a socket's path must be short
        self.monitor = os.path.join(self.place, "qmp")
        command = [os.path.join(TOP, "qemu/run"), "--image", image, "--append", append, "--memory", memory,
                   "--monitor", self.monitor, "--arch", arch]
        if console:
            command += ["--console", console]
        if kernel:
            command += ["--kernel", kernel]
        if kind:
            command += ["--machine", kind]
        if devices or more:
            command += ["--", *more, *(word for device in devices for word in ("-device", device))]
        self.text = ""  # everything said so far, without carriage returns
        self.at = 0     # how much of it has been waited for
        self.over = False
        self.said = threading.Condition()
        self.started = time.monotonic()
        self.log = open(log, "wb")
        self.qemu = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.qemu.poll() is None:
            self.qemu.kill()
        self.qemu.wait()
        self.reader.join()
        self.qemu.stdout.close()
        try:
            self.qemu.stdin.close()
        except OSError:
            pass  # what was typed last found nobody
        self.log.close()
        shutil.rmtree(self.place, ignore_errors=True)

    def _read(self):
        while True:
            data = os.read(self.qemu.stdout.fileno(), 65536)
            with self.said:
                if data:
                    self.log.write(data)
                    self.log.flush()
                    self.text += data.decode("utf-8", "replace").replace("\r", "")
                else:
                    self.over = True
                self.said.notify_all()
            if not data:
                return

    def expect(self, pattern, patience=PATIENCE):
        """Waits until the serial line says `pattern` (after what was waited for last) and returns the match."""
        wanted = re.compile(pattern, re.MULTILINE)
        deadline = time.monotonic() + patience
        with self.said:
            while True:
                match = wanted.search(self.text, self.at)
                if match:
                    self.at = match.end()
                    return match
                left = deadline - time.monotonic()
                if self.over:
                    raise Missing(f"the machine ended without saying /{pattern}/")
                if left <= 0:
                    raise Missing(f"no /{pattern}/ within {patience:.0f} s")
                self.said.wait(left)

    def heard(self, pattern):
        """Whether the serial line has said `pattern` at any time."""
        with self.said:
            return re.search(pattern, self.text, re.MULTILINE)

    def hears(self, pattern, patience=PATIENCE):
        """Waits until the serial line has said `pattern`, now or before: among the answers of a shell nobody knows when."""
        if not self.heard(pattern):
            self.expect(pattern, patience)

    def tail(self, lines=60):
        with self.said:
            return self.text.splitlines()[-lines:]

    def type(self, text):
        try:
            self.qemu.stdin.write(text.encode())
            self.qemu.stdin.flush()
        except OSError as error:
            raise Missing(f"cannot type {text!r}: {error}") from error

    def shell(self, prompt=PROMPT, patience=PATIENCE):
        """At a shell's prompt: replaces it by one that only reads, runs and answers, so that nothing echoes or edits."""
        self.expect(prompt, patience)
        self.type("stty -echo; exec /bin/sh -c 'n=0; echo @@go@@; while IFS= read -r line; do n=$((n+1)); "
                  "eval \"$line\" </dev/null; echo \"@@$?:$n@@\"; done'\n")
        self.count = 0
        self.expect(r"@@go@@$", patience)  # bash may have put a sequence for the terminal before it

    def run(self, command, patience=PATIENCE):
        """Runs a line of shell; its exit code and what it printed (with whatever the console said meanwhile)."""
        self.count += 1
        begin = self.at
        self.type(command + "\n")
        match = self.expect(rf"@@(\d+):{self.count}@@\n", patience)
        return int(match.group(1)), self.text[begin:match.start()].strip("\n")

    def good(self, command, patience=PATIENCE):
        """What a command prints that has to succeed."""
        code, text = self.run(command, patience)
        assert code == 0, f"`{command}` ended with {code}: {text[-400:]}"
        return text

    def until(self, condition, why, tries=300):
        """Waits inside the machine for a shell condition, of which nothing tells: polled there. Once is enough: what it speaks
        of may be so for a moment only."""
        code, text = self.run(f"i=0; until {condition}; do i=$((i+1)); [ $i -lt {tries} ] || break; sleep 0.1; done; "
                              f"[ $i -lt {tries} ]")
        assert code == 0, f"{why}: {text[-300:]}"

    def running(self, word, where="cmdline comm"):
        """The numbers of the processes that have `word` in their command line or name. Others may end meanwhile."""
        files = " ".join(f"/proc/[0-9]*/{file}" for file in where.split())
        return sorted(set(re.findall(r"^/proc/(\d+)/", self.run(f"grep -ls {word} {files}")[1], re.M)))

    def json(self, command, patience=PATIENCE):
        """What a command prints as JSON. A kernel message may land in the middle of it: then it is asked again."""
        for attempt in (1, 2, 3):
            code, text = self.run(command, patience)
            starts = [i for i in (text.find("{"), text.find("[{"), text.find("[]")) if i >= 0]
            if starts:
                try:
                    return json.JSONDecoder().raw_decode(text[min(starts):])[0]
                except ValueError:
                    pass
        raise Missing(f"no JSON from `{command}` (exit {code}): {text[:300]}")

    def keys(self, *names):
        """Presses keys at the machine's own keyboard, all at once."""
        self.ask("send-key", keys=[{"type": "qcode", "data": name} for name in names])

    def ask(self, verb, **arguments):
        """Has QEMU do something, by QMP."""
        with socket.socket(socket.AF_UNIX) as qmp:
            qmp.settimeout(PATIENCE)
            qmp.connect(self.monitor)
            answers = qmp.makefile("r")
            answers.readline()  # the greeting
            for request in ({"execute": "qmp_capabilities"}, {"execute": verb, "arguments": arguments}):
                qmp.sendall(json.dumps(request).encode())
                while True:
                    answer = json.loads(answers.readline() or '{"error": "QEMU has gone"}')
                    if "error" in answer:
                        raise Missing(f"QEMU: {answer['error']}")
                    if "return" in answer:
                        break

    def ended(self, patience=PATIENCE):
        """Waits until QEMU has exited by itself; returns its exit code."""
        try:
            code = self.qemu.wait(patience)
        except subprocess.TimeoutExpired:
            raise Missing(f"QEMU still runs after {patience:.0f} s") from None
        self.reader.join()
        return code
