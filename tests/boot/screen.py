"""The screen of a machine as a PNG, for the documentation: what QEMU's `screendump` writes has few colours, so an indexed picture
of a few kilobytes is enough."""

import os
import struct
import tempfile
import zlib

# What a shell's line needs besides letters and digits, as QEMU calls the keys.
KEYS = {" ": ("spc",), "\n": ("ret",), "-": ("minus",), ".": ("dot",), "/": ("slash",), ";": ("semicolon",), "|": ("shift", "backslash"),
        "@": ("shift", "2")}


def type_keys(machine, text):
    """Types at the machine's own keyboard."""
    for letter in text:
        machine.keys(*KEYS.get(letter, (letter,)))


def _pixels(ppm):
    """(width, height, the pixels, three bytes each) of a binary PPM of 8 bits."""
    kind, width, height, most, data = ppm.split(maxsplit=4) if ppm.count(b"\n", 0, 40) else (b"", 0, 0, 0, b"")
    if kind != b"P6" or int(most) != 255:
        raise ValueError("that is no PPM of 8 bits")
    width, height = int(width), int(height)
    return width, height, ppm[len(ppm) - 3 * width * height:]


def _chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(ppm):
    """A picture of at most 16 colours as PNG (RFC 2083), four bits a pixel."""
    width, height, pixels = _pixels(ppm)
    colours = {}
    rows = []
    for row in range(height):
        line = pixels[3 * width * row:3 * width * (row + 1)]
        numbers = [colours.setdefault(line[at:at + 3], len(colours)) for at in range(0, len(line), 3)]
        numbers.append(0)  # of an odd number of pixels the last has a neighbour
        rows.append(b"\0" + bytes(numbers[at] << 4 | numbers[at + 1] for at in range(0, width, 2)))
    if len(colours) > 16:
        raise ValueError(f"{len(colours)} colours are too many for a screen of text")
    return (b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 4, 3, 0, 0, 0)) +
            _chunk(b"PLTE", b"".join(colours)) + _chunk(b"IDAT", zlib.compress(b"".join(rows), 9)) + _chunk(b"IEND", b""))


def screen_of(machine):
    """The machine's screen as PNG, by QMP."""
    with tempfile.TemporaryDirectory(prefix="miniinit-screen-") as place:
        file = os.path.join(place, "screen.ppm")
        machine.ask("screendump", filename=file)
        with open(file, "rb") as picture:
            return png_of(picture.read())
