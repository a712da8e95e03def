"""ESC/POS as a receipt printer reads it: bytes in, what to do out.

Sources: Epson TM manuals. Understood: ESC @, GS v 0 (mode 0), ESC d n, GS V (cut) and the real-time DLE EOT n. In a
raster every byte is picture, also a DLE. A set bit burns a dot; dots beside the head are lost. A slip ends where it is
fed out to the tear bar (ESC d); the cut behind it adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from hazgate_simulators.printer.language import Complaint, Event, PrintAsked, StatusAsked
from hazgate_simulators.printer.paper import Paper

ROWS_MAX = 20_000
RASTER_HEAD = 8  # GS v 0 m xL xH yL yH


class EscPosReader:
    """One connection's stream. Holds at most one raster, and the slip as far as it is written."""

    def __init__(self, head_dots: int) -> None:
        self._head_dots = head_dots
        self._unread = bytearray()
        self._paper = Paper(head_dots, 0)

    def feed(self, received: bytes) -> Iterator[Event]:
        """What these bytes complete, in order."""
        self._unread += received
        while self._unread:
            step = self._step()
            if step is None:
                return
            length, event = step
            del self._unread[:length]
            if event is not None:
                yield event

    def _step(self) -> tuple[int, Event | None] | None:
        """Bytes of the next command and what it does; None while it is not whole."""
        got = self._unread
        if len(got) < 2:
            return None
        head = bytes(got[:2])
        if head == b"\x1b@":
            self._paper = Paper(self._head_dots, 0)
            return 2, None
        if head not in (b"\x10\x04", b"\x1bd", b"\x1dv", b"\x1dV"):
            return 1, Complaint(f"unknown command {head!r}")
        if len(got) < 3:
            return None
        if head == b"\x10\x04":
            return 3, StatusAsked(bytes(got[:3]))
        if head == b"\x1bd":
            done, self._paper = self._paper, Paper(self._head_dots, 0)
            return 3, PrintAsked(done.rows(), 1) if done.height else Complaint("fed without anything written")
        if head == b"\x1dV":
            wanted = 4 if got[2] in (65, 66) else 3
            return (wanted, None) if len(got) >= wanted else None
        return self._raster()

    def _raster(self) -> tuple[int, Event | None] | None:
        got = self._unread
        if len(got) < RASTER_HEAD:
            return None
        mode, row_bytes, rows = got[3], got[4] | got[5] << 8, got[6] | got[7] << 8
        if got[2] != 0x30 or mode not in (0, 0x30) or self._paper.height + rows > ROWS_MAX or not row_bytes:
            return RASTER_HEAD, Complaint(f"GS v mode {mode} of {row_bytes} bytes x {rows} rows")
        end = RASTER_HEAD + row_bytes * rows
        if len(got) < end:
            return None
        top = self._paper.grow(rows)
        self._paper.burn(bytes(got[RASTER_HEAD:end]), x=0, y=top, row_bytes=row_bytes)
        return end, None
