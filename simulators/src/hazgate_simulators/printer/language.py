"""TSPL as a printer reads it: bytes in, what to do out. The events are those of all languages.

Source: TSC TSPL/TSPL2 programming manual. Understood: SIZE, GAP, DENSITY, SPEED, DIRECTION, CLS, BITMAP (mode 0),
PRINT and the immediate `<ESC>!?` and `<ESC>!S`. In a BITMAP's raster every byte is picture, also an escape. In mode 0
a clear bit burns a dot. One unknown or wrong command spoils the whole job up to its PRINT, as seen on a real printer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LINE_BYTES_MAX = 512
RASTER_BYTES_MAX = 4 * 1024 * 1024
SIDE_MM_MAX = 250
SETS_MAX = 100
ESCAPE = 0x1B
SIZE = re.compile(rb"SIZE\s+(\d+(?:\.\d+)?)\s*mm\s*,\s*(\d+(?:\.\d+)?)\s*mm")
BITMAP = re.compile(rb"BITMAP\s+(\d+),(\d+),(\d+),(\d+),(\d),")
BITMAP_COMMAS = 5
PRINT = re.compile(rb"PRINT\s+(\d+)(?:,(\d+))?")
ACCEPTED = (
    re.compile(rb"GAP\s+\d+(\.\d+)?\s*mm\s*,\s*\d+(\.\d+)?\s*mm"),
    re.compile(rb"DENSITY\s+(\d|1[0-5])"),
    re.compile(rb"SPEED\s+\d+(\.\d+)?"),
    re.compile(rb"DIRECTION\s+[01](,[01])?"),
)


@dataclass(frozen=True, slots=True)
class StatusAsked:
    """The host wants to know the printer's state; the question as it came."""

    request: bytes = b"\x1b!?"


@dataclass(frozen=True, slots=True)
class PrintAsked:
    """A finished picture: rows of dots, one byte each, 1 = burnt."""

    rows: tuple[bytes, ...]
    labels: int


@dataclass(frozen=True, slots=True)
class Complaint:
    """What the printer could not take; the job is spoiled."""

    text: str


Event = StatusAsked | PrintAsked | Complaint


class TsplReader:
    """One connection's stream. Holds at most one command line or one raster."""

    def __init__(self, dots_per_mm: int) -> None:
        self._dots_per_mm = dots_per_mm
        self._unread = bytearray()
        self._rows: list[bytearray] = []
        self._spoiled = False
        self._raster_left = 0
        self._raster_at = (0, 0, 0)  # x, y, bytes a row

    def feed(self, received: bytes) -> Iterator[Event]:
        """What these bytes complete, in order."""
        self._unread += received
        while True:
            if self._raster_left:
                if len(self._unread) < self._raster_left:
                    return
                self._burn(bytes(self._unread[: self._raster_left]))
                del self._unread[: self._raster_left]
                self._raster_left = 0
                continue
            while self._unread and self._unread[0] in b"\r\n":
                del self._unread[:1]
            if not self._unread:
                return
            if self._unread[0] == ESCAPE:
                if len(self._unread) < 3:
                    return
                asked = bytes(self._unread[:3])
                del self._unread[:3]
                yield StatusAsked(asked) if asked in (b"\x1b!?", b"\x1b!S") else Complaint(f"unknown escape {asked!r}")
                continue
            if self._unread.startswith(b"BITMAP"):
                if self._unread[:LINE_BYTES_MAX].count(b",") < BITMAP_COMMAS and len(self._unread) < LINE_BYTES_MAX:
                    return
                complaint = self._begin_bitmap()
                if complaint:
                    yield complaint
                continue
            end = self._unread.find(b"\r\n")
            if end < 0:
                if len(self._unread) > LINE_BYTES_MAX:
                    yield self._spoil(f"{len(self._unread)} bytes without a line end")
                    self._unread.clear()
                return
            line = bytes(self._unread[:end])
            del self._unread[: end + 2]
            event = self._obey(line)
            if event:
                yield event

    def _begin_bitmap(self) -> Complaint | None:
        match = BITMAP.match(self._unread)
        if match is None:
            self._unread.clear()
            return self._spoil("BITMAP without its five numbers")
        x, y, row_bytes, height, mode = (int(number) for number in match.groups())
        del self._unread[: match.end()]
        self._raster_left = row_bytes * height
        self._raster_at = (x, y, row_bytes)
        if mode != 0 or not 0 < self._raster_left <= RASTER_BYTES_MAX:
            self._raster_left = 0
            self._unread.clear()
            return self._spoil(f"BITMAP mode {mode} of {row_bytes} x {height} bytes")
        return None

    def _burn(self, raster: bytes) -> None:
        x, y, row_bytes = self._raster_at
        for number in range(len(raster) // row_bytes):
            if y + number >= len(self._rows):
                break  # below the label: a real head burns nothing there either
            bits = "".join(f"{byte:08b}" for byte in raster[number * row_bytes : (number + 1) * row_bytes])
            row = self._rows[y + number]
            for column, bit in enumerate(bits[: max(0, len(row) - x)]):
                row[x + column] = 1 if bit == "0" else 0

    def _obey(self, line: bytes) -> Event | None:
        size = SIZE.fullmatch(line)
        if size:
            width, height = (round(float(side) * self._dots_per_mm) for side in size.groups())
            if not 0 < max(width, height) <= SIDE_MM_MAX * self._dots_per_mm:
                return self._spoil(f"label of {width} x {height} dots")
            self._rows = [bytearray(width) for _ in range(height)]
            self._spoiled = False
            return None
        if line == b"CLS":
            for row in self._rows:
                row[:] = bytes(len(row))
            return None
        asked = PRINT.fullmatch(line)
        if asked:
            labels = int(asked[1]) * int(asked[2] or 1)
            spoiled, self._spoiled = self._spoiled, False
            if spoiled or not self._rows or not 0 < labels <= SETS_MAX:
                return Complaint("PRINT of a spoiled or empty job: nothing printed")
            return PrintAsked(tuple(bytes(row) for row in self._rows), labels)
        if any(known.fullmatch(line) for known in ACCEPTED):
            return None
        return self._spoil(f"unknown command {line[:40]!r}")

    def _spoil(self, text: str) -> Complaint:
        self._spoiled = True
        return Complaint(text)
