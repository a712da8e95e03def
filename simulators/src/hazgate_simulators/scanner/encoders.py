"""What scanners put on the wire for a text: bytes with a suffix, or the kernel's input events of a US keyboard."""

from __future__ import annotations

import struct
from dataclasses import dataclass

# GM65 manual: the answer to a trigger command, in front of the data.
GM65_DONE = b"\x02\x00\x00\x01\x00\x33\x31"
GM65_TRIGGER = b"\x7e\x00\x08\x01\x00\x02\x01\xab\xcd"

SUFFIXES = {"cr": b"\r", "lf": b"\n", "crlf": b"\r\n", "tab": b"\t", "none": b""}


@dataclass(frozen=True, slots=True)
class Model:
    """One kind of scanner. answers: what it sends for a command before it looks."""

    suffix: str = "cr"
    keys: bool = False
    trigger: bytes = b""
    answers: bytes = b""


MODELS = {
    "serial-cr": Model(),
    "serial-crlf": Model("crlf"),
    "serial-line": Model("lf"),
    "serial-none": Model("none"),
    "gm65": Model(trigger=GM65_TRIGGER, answers=GM65_DONE),
    "gm72": Model(trigger=b"\x04\xe4\x04\x00\xff\x14"),
    "honeywell": Model(trigger=b"\x16\x54\x0d"),
    "usb-keyboard": Model(keys=True),
}

# Linux input-event-codes.h: KEY_1 is 2 and KEY_0 11, the letter rows begin at 16, 30 and 44.
_CODES = {char: 2 + at for at, char in enumerate("1234567890")}
for _first, _row in ((16, "qwertyuiop"), (30, "asdfghjkl"), (44, "zxcvbnm")):
    _CODES |= {char: _first + at for at, char in enumerate(_row)}
_SIGNS = {"-": (12, 0), "=": (13, 0), ".": (52, 0), ",": (51, 0), "/": (53, 0), ";": (39, 0), " ": (57, 0)}
_SIGNS |= {":": (39, 1), "?": (53, 1), "_": (12, 1), "]": (27, 0), "&": (8, 1), "%": (6, 1), "#": (4, 1)}
_SHIFT, _ENTER = 42, 28


def on_the_wire(model: Model, text: str) -> bytes:
    """The text as a serial scanner sends it."""
    return text.encode() + SUFFIXES[model.suffix]


def key_events(text: str, *, at_us: int, step_us: int = 3000) -> list[bytes]:
    """One item for each key stroke, Enter last; struct input_event of this machine. Raises KeyError for a character
    no US keyboard has."""
    strokes = []
    for char in text:
        code, shifted = _SIGNS.get(char) or (_CODES[char.lower()], int(char.isupper()))
        keys = [(_SHIFT, 1)] * shifted + [(code, 1), (code, 0)] + [(_SHIFT, 0)] * shifted
        strokes.append(keys)
    strokes.append([(_ENTER, 1), (_ENTER, 0)])
    out = []
    for place, keys in enumerate(strokes):
        seconds, micros = divmod(at_us + place * step_us, 1_000_000)
        # EV_KEY for each, then EV_SYN; native struct timeval.
        events = [struct.pack("@llHHi", seconds, micros, 1, code, value) for code, value in keys]
        out.append(b"".join([*events, struct.pack("@llHHi", seconds, micros, 0, 0, 0)]))
    return out
