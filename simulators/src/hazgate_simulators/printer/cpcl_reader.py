"""CPCL as a mobile printer reads it: bytes in, what to do out.

Source: Zebra CPCL programming manual. Understood: the session line, PAGE-WIDTH, EG, FORM, PRINT and the immediate
ESC h. A set bit burns a dot. One wrong line spoils the label.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hazgate_simulators.printer.language import Complaint, Event, PrintAsked, StatusAsked
from hazgate_simulators.printer.paper import Paper

LINE_BYTES_MAX = 1024 * 1024
SIDE_DOTS_MAX = 250 * 12
SESSION = re.compile(rb"! \d+ 200 200 (\d+) (\d+)")
WIDTH = re.compile(rb"(?:PW|PAGE-WIDTH) (\d+)")
GRAPHIC = re.compile(rb"(?:EG|EXPANDED-GRAPHICS) (\d+) (\d+) (\d+) (\d+) ([0-9A-Fa-f]+)")


class CpclReader:
    """One connection's stream. Holds at most one line and one label."""

    def __init__(self) -> None:
        self._unread = bytearray()
        self._height = self._labels = self._width = 0
        self._graphics: list[tuple[int, int, int, bytes]] = []
        self._spoiled = False

    def feed(self, received: bytes) -> Iterator[Event]:
        """What these bytes complete, in order."""
        self._unread += received
        while self._unread:
            if self._unread[0] == 0x1B:
                if len(self._unread) < 2:
                    return
                asked = bytes(self._unread[:2])
                del self._unread[:2]
                yield StatusAsked(asked) if asked == b"\x1bh" else Complaint(f"unknown escape {asked!r}")
                continue
            end = self._unread.find(b"\r\n")
            if end < 0:
                if len(self._unread) > LINE_BYTES_MAX:
                    self._unread.clear()
                    yield self._spoil("a line without an end")
                return
            line = bytes(self._unread[:end])
            del self._unread[: end + 2]
            event = self._obey(line)
            if event is not None:
                yield event

    def _obey(self, line: bytes) -> Event | None:
        if session := SESSION.fullmatch(line):
            self._height, self._labels = int(session[1]), int(session[2])
            self._width, self._graphics, self._spoiled = 0, [], False
        elif width := WIDTH.fullmatch(line):
            self._width = int(width[1])
        elif graphic := GRAPHIC.fullmatch(line):
            row_bytes, rows, x, y = (int(graphic[place]) for place in range(1, 5))
            raster = bytes.fromhex(graphic[5].decode("ascii"))
            if len(raster) != row_bytes * rows:
                return self._spoil(f"EG of {len(raster)} bytes, {row_bytes} x {rows} were announced")
            self._graphics.append((x, y, row_bytes, raster))
        elif line == b"PRINT":
            return self._print()
        elif line != b"FORM":
            return self._spoil(f"unknown line {line[:40]!r}")
        return None

    def _print(self) -> Event:
        inside = 0 < self._width <= SIDE_DOTS_MAX and 0 < self._height <= SIDE_DOTS_MAX
        if self._spoiled or not inside or not 0 < self._labels <= 100:
            return Complaint("PRINT of a spoiled or empty label: nothing printed")
        paper = Paper(self._width, self._height)
        for x, y, row_bytes, raster in self._graphics:
            paper.burn(raster, x=x, y=y, row_bytes=row_bytes)
        return PrintAsked(paper.rows(), self._labels)

    def _spoil(self, text: str) -> Complaint:
        self._spoiled = True
        return Complaint(text)
