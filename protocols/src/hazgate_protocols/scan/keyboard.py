"""Key strokes of a scanner that plays a US keyboard: the kernel's input events to scans.

The codes are the keys' places, not letters: the layout, Caps Lock and the input method of this machine have no say.
Source: Linux uapi, input.h (struct input_event) and input-event-codes.h (key codes).

A scan is the keys up to Enter or Tab with no pause above `gap_ms` between two of them, by the kernel's own times: so a
busy box does not spoil a scan, and what a person types on a grabbed keyboard is none. A spoiled run is dropped up to
its end, or to a pause of RUN_PAUSE_MS, after which something new begins.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from hazgate_protocols.scan.aim import without_identifier
from hazgate_protocols.scan.events import SCAN_BYTES_MAX, BadScan, Flaw, Scan
from hazgate_protocols.scan.spec import KeyTraffic

# seconds and microseconds (C long), type, code, value: 24 bytes on 64-bit machines, 16 on 32-bit ones.
LAYOUT_64 = struct.Struct("<qqHHi")
LAYOUT_32 = struct.Struct("<llHHi")
NATIVE_LAYOUT = LAYOUT_64 if struct.calcsize("l") == 8 else LAYOUT_32

EV_SYN, EV_KEY = 0, 1
SYN_DROPPED = 3
PRESSED = 1
KEY_TAB, KEY_ENTER, KEY_KPENTER = 15, 28, 96
SHIFTS = frozenset({42, 54})
CONTROLS = frozenset({29, 97, 56, 100, 125, 126})  # Ctrl, Alt, Meta: their combinations are no text
SILENT = frozenset({58, 69, 70})  # Caps, Num and Scroll Lock: they change nothing about a key's place
RUN_PAUSE_MS = 1000
RAW_SHOWN = 64

_ROWS = (
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (55, "*", "*"),
    (57, " ", " "),
    (71, "789-456+1230.", "789-456+1230."),
    (98, "/", "/"),
)
PLAIN = {first + place: char for first, plain, _ in _ROWS for place, char in enumerate(plain)}
SHIFTED = {first + place: char for first, _, shifted in _ROWS for place, char in enumerate(shifted)}


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """One struct input_event. at_ns: the kernel's time."""

    at_ns: int
    kind: int
    code: int
    value: int


class KeyReader:
    """Bytes of an event device in, scans out. Holds less than one event and at most SCAN_BYTES_MAX characters."""

    def __init__(self, traffic: KeyTraffic, layout: struct.Struct = NATIVE_LAYOUT) -> None:
        self._layout = layout
        self._gap_ns = traffic.gap_ms * 1_000_000
        self._aim = traffic.aim
        self._ends = set[int]()
        if "enter" in traffic.ends:
            self._ends |= {KEY_ENTER, KEY_KPENTER}
        if "tab" in traffic.ends:
            self._ends.add(KEY_TAB)
        self._torn = b""
        self._text: list[str] = []
        self._held: set[int] = set()
        self._flaw: Flaw | None = None
        self._last_ns: int | None = None

    def feed(self, octets: bytes) -> Iterator[Scan | BadScan]:
        """What these bytes complete."""
        octets = self._torn + octets
        whole = len(octets) - len(octets) % self._layout.size
        self._torn = octets[whole:]
        for seconds, micros, kind, code, value in self._layout.iter_unpack(octets[:whole]):
            yield from self._take(KeyEvent((seconds * 1_000_000 + micros) * 1000, kind, code, value))

    def _take(self, event: KeyEvent) -> Iterator[Scan | BadScan]:
        if event.kind == EV_SYN and event.code == SYN_DROPPED:
            self._flaw = Flaw.LOST
            self._held.clear()
            self._last_ns = event.at_ns
            return
        if event.kind != EV_KEY:
            return
        if event.code in SHIFTS or event.code in CONTROLS:
            (self._held.discard if event.value == 0 else self._held.add)(event.code)
            return
        if event.value != PRESSED or event.code in SILENT:
            return
        yield from self._pause(event.at_ns)
        if event.code in self._ends:
            yield from self._finish()
        else:
            self._key(event.code)

    def _pause(self, at_ns: int) -> Iterator[BadScan]:
        before, self._last_ns = self._last_ns, at_ns
        if before is None or not (self._text or self._flaw):
            return
        gap = at_ns - before
        if gap > RUN_PAUSE_MS * 1_000_000:
            # What stood there never ended: the key now begins something new.
            yield BadScan(self._flaw or Flaw.INCOMPLETE, self._shown())
            self._clear()
        elif not 0 <= gap <= self._gap_ns:
            self._flaw = self._flaw or Flaw.SLOW

    def _key(self, code: int) -> None:
        char = (SHIFTED if self._held & SHIFTS else PLAIN).get(code)
        if char is None or self._held & CONTROLS:
            self._flaw = self._flaw or Flaw.UNMAPPED
        elif len(self._text) >= SCAN_BYTES_MAX:
            self._flaw = self._flaw or Flaw.TOO_LONG
        else:
            self._text.append(char)

    def _finish(self) -> Iterator[Scan | BadScan]:
        flaw, text = self._flaw, "".join(self._text).encode()
        shown = self._shown()
        self._clear()
        if flaw is not None:
            yield BadScan(flaw, shown)
        elif text:
            symbology, content = without_identifier(text) if self._aim else ("", text)
            yield Scan(content, symbology)

    def _shown(self) -> bytes:
        return "".join(self._text[:RAW_SHOWN]).encode()

    def _clear(self) -> None:
        self._text.clear()
        self._flaw = None
