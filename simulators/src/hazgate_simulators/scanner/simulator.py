"""The scanner as a device: holds a port, and sends what it is shown, also badly."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from enum import StrEnum
from pathlib import Path

from hazgate_simulators.scale.links import LinkError, PtyLink
from hazgate_simulators.scanner.encoders import MODELS, key_events, on_the_wire

TORN_PAUSE_S = 0.02
SLOW_STEP_US = 80_000  # between two keys: a person, not a scanner


class ScanFault(StrEnum):
    """What can go wrong with one scan."""

    DOUBLE = "double"  # sent twice in one go
    TORN = "torn"  # arrives in pieces with short pauses
    NOISE = "noise"  # bytes of line noise in front, then silence
    BROKEN_OFF = "broken-off"  # half of it, and no end
    SLOW = "slow"  # keyboard: pauses between the keys


class ScannerSimulator:
    """A scanner of a model, on a pty (serial) or a named pipe (keyboard) at `path`."""

    def __init__(self, model: str, path: Path) -> None:
        if model not in MODELS:
            raise LinkError(f"scanner {model!r} does not exist; there are: {', '.join(MODELS)}")
        self.model = MODELS[model]
        self.path = path
        self.shown = ""  # what a trigger command would read
        self.triggers = 0
        self._pty = None if self.model.keys else PtyLink(path)
        self._pipe: int | None = None
        self._asked = bytearray()

    @property
    def is_listened_to(self) -> bool:
        """Whether a box has the port open; a pipe cannot tell."""
        return self._pty is None or self._pty.is_listened_to

    async def start(self) -> None:
        """Plug it in. Raises LinkError."""
        if self._pty is not None:
            await self._pty.start(self._heard)
            return
        if not self.path.exists():
            os.mkfifo(self.path, 0o600)
        if not stat.S_ISFIFO(self.path.stat().st_mode):
            raise LinkError(f"open {self.path}: it is no named pipe; choose another path")
        self._pipe = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)  # read too: then it stays open without a box

    async def stop(self) -> None:
        """Unplug it."""
        if self._pty is not None:
            await self._pty.stop()
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
            self.path.unlink(missing_ok=True)

    async def scan(self, text: str, fault: ScanFault | None = None) -> None:
        """Read a code now."""
        for octets, pause_s in self._pieces(text, fault):
            self._send(octets)
            await asyncio.sleep(pause_s)

    def _pieces(self, text: str, fault: ScanFault | None) -> list[tuple[bytes, float]]:
        if self.model.keys:
            step_us = SLOW_STEP_US if fault is ScanFault.SLOW else 3000
            strokes = key_events(text, at_us=time.monotonic_ns() // 1000, step_us=step_us)
            if fault is ScanFault.BROKEN_OFF:
                strokes = strokes[: len(strokes) // 2]
            if fault is ScanFault.TORN:  # cut inside an event too
                return [(part, 0.001) for stroke in strokes for part in (stroke[:7], stroke[7:])]
            again = [b"".join(strokes)] if fault is ScanFault.DOUBLE else []
            return [(b"".join(strokes), 0), *((octets, 0) for octets in again)]
        octets = on_the_wire(self.model, text)
        if fault is ScanFault.DOUBLE:
            return [(octets + octets, 0)]
        if fault is ScanFault.TORN:
            return [(octets[at : at + 5], TORN_PAUSE_S) for at in range(0, len(octets), 5)]
        if fault is ScanFault.NOISE:
            return [(b"\xff\x00\x8a\x02\x00", 0.3), (octets, 0)]
        if fault is ScanFault.BROKEN_OFF:
            return [(octets[: len(octets) // 2], 0.3)]
        return [(octets, 0)]

    def _send(self, octets: bytes) -> None:
        if self._pty is not None:
            self._pty.send(octets)
        elif self._pipe is not None:
            os.write(self._pipe, octets)

    def _heard(self, octets: bytes) -> None:
        """A trigger: the answer comes in front of the data, in one go."""
        self._asked += octets
        trigger = self.model.trigger
        if trigger and trigger in self._asked:
            self._asked.clear()
            self.triggers += 1
            self._send(self.model.answers + (on_the_wire(self.model, self.shown) if self.shown else b""))
        del self._asked[:-64]
