"""Nothing that a unit says of itself, and nothing that a service writes, drives the console or the terminal of whoever looks."""
import os
import subprocess

from harness import sh, until
from terminal import Terminal

# Clears a screen, in the three ways in which terminals know the sequence; and turns round what follows.
EVIL = "\x1b[2J \u009b2J \u202egnp"
BYTES = r"evil \033[2J \2332J \302\2332J \342\200\256gnp \302 Gr\303\274n"  # the same for printf(1), and a lone lead byte
SEEN = "evil ?[2J ?2J ?2J ?gnp ? Grün"
STATUS = r"""import os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.sendto(b"READY=1\nSTATUS=evil \x1b[2J \x9b2J \xc2\x9b2J \xe2\x80\xaegnp \xc2 Gr\xc3\xbcn", os.environ["NOTIFY_SOCKET"])
time.sleep(1000)"""


def controls(raw):
    """What in these bytes is no line of text: of them, and of the characters that they are."""
    text = raw.decode("utf-8", "surrogateescape")
    return sorted({hex(ord(letter)) for letter in text
                   if (ord(letter) < 32 and letter not in "\t\n\r") or 0x7f <= ord(letter) < 0xa0
                   or 0xdc80 <= ord(letter) <= 0xdcff or 0x202a <= ord(letter) <= 0x202e})


def printable_texts(t):
    units = {"loud": {"description": "evil " + EVIL,
                      "service": sh(f"printf '<4>{BYTES}\\n' >&2; exec sleep 1000", restart="no")},
             "lost": {"description": "evil " + EVIL, "service": {"command": ["/none/evil" + EVIL], "restart": "no"}},
             "says": {"service": {"command": ["python3", "-c", STATUS], "type": "notify", "restart": "no"}}}
    with t.scene.init(units, sections={"log": {"console-level": "debug"}}) as init:
        init.wait("loud")
        init.wait_failed("lost")
        init.wait("says")
        until(lambda: SEEN in init.console(), 10, "the line of the service on the console")
        t.has("the console has the service's line, without what a terminal obeys", init.console(), "loud: " + SEEN)
        t.has("and the init's own about a unit", init.console(), "/none/evil?[2J ?2J ?gnp")
        with open(init.console_path, "rb") as file:
            t.equal("nothing on it drives a terminal", controls(file.read()), [])
        with open(f"{init.logs}/loud/current", "rb") as file:
            t.ok("the log has it byte for byte",
                 b"evil \x1b[2J \x9b2J \xc2\x9b2J \xe2\x80\xaegnp \xc2 Gr\xc3\xbcn\n" in file.read())
        t.equal("a status is kept without it", init.status("says")["status_text"], SEEN)
        for words in (["list"], ["status", "loud", "lost", "says"], ["explain", "lost"], ["start", "lost"], ["tree"],
                      ["start", "e\x1b[2J"], ["explain", "e\x1b[2J\udc9b"], ["nonsense\udc9b2J"], ["list", "--x\x1b[2J"]):
            done = subprocess.run([t.scene.minictl, *words], capture_output=True, timeout=20, stdin=subprocess.DEVNULL,
                                  env={"PATH": os.environ["PATH"], "MINIINIT_CONTROL": init.control})
            t.equal(f"minictl {words[0].encode(errors='replace')!r} shows nothing that drives a terminal",
                    controls(done.stdout + done.stderr), [])
        done = subprocess.run([t.scene.minictl, "status", "lost", "--json"], capture_output=True, timeout=20,
                              env={"PATH": os.environ["PATH"], "MINIINIT_CONTROL": init.control})
        t.equal("nor does JSON, which has the same text all the same", controls(done.stdout), [])
        t.has("by its numbers", done.stdout.decode(), r"evil \u001b[2J \u009b2J \u202egnp")
        with Terminal([t.scene.minictl, "logs", "--no-pager", "-o", "cat", "loud", "-D", init.logs],
                      {"PATH": os.environ["PATH"], "TERM": "xterm"}) as logs:
            logs.until(lambda text: SEEN in text, what="the line on the terminal")
            t.ok("on a terminal logs are shown so, too", True)


GROUPS = [printable_texts]
