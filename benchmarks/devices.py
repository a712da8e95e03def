"""The devices around the measured box, on loopback TCP, in the bench's own event loop: a scale and a label printer.

They do the least a box believes, so that the bench costs little of the machine it measures, and they stamp the moment
a frame leaves and the moment a label's last byte comes.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from benchmarks.children import BenchError
from hazgate_simulators.scale.encoders import ToledoContinuous
from hazgate_simulators.scale.physics import Indication, Range

PROFILE = "toledo-cont"  # its frames say "stable" and carry a checksum: two of them settle a weight
SETTLING_FRAMES = 2
DIVISION = Decimal("0.01")
FIRST_DIVISIONS = 1000  # 10.00 kg lie on the platform when the box connects
FRAME_EVERY_S = 0.1
READ_BYTES = 65536
STATUS_REQUEST = b"\x1b!?"
READY, PRINTING = b"\x00", b"\x20"
# A job's last line; a question for the status may ride behind it in the same segment.
LAST_LINE = re.compile(rb"\r\nPRINT \d+,\d+\r\n(?=(?:\x1b!\?)*\Z)")
LAST_LINE_BYTES_MAX = 64


class Scale:
    """A Toledo continuous indicator: repeats its frame like a real one, and at once when the load changes."""

    def __init__(self) -> None:
        self.port = 0
        self.connected = asyncio.Event()
        self._divisions = FIRST_DIVISIONS
        self._box: asyncio.StreamWriter | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Scale]:
        """Listens for one box after the other."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        streaming = asyncio.create_task(self._stream())
        try:
            yield self
        finally:
            streaming.cancel()
            server.close()
            if self._box is not None:
                self._box.close()

    def swap(self, divisions: int) -> float:
        """Off with the old bag, on with the next: empty, then settled; when the frame that settles it left."""
        self._show(0)
        for _ in range(SETTLING_FRAMES):
            self._show(divisions)
        return time.perf_counter()

    async def _serve(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._box = writer
        self.swap(self._divisions)
        self.connected.set()

    async def _stream(self) -> None:
        while True:
            self._show(self._divisions)
            await asyncio.sleep(FRAME_EVERY_S)

    def _show(self, divisions: int) -> None:
        self._divisions = divisions
        if self._box is not None and not self._box.is_closing():
            self._box.write(_frame(divisions))


class Printer:
    """A TSPL printer that is never short of anything; it "prints" for the length of one status answer."""

    def __init__(self) -> None:
        self.port = 0
        self.last_bytes_at: list[float] = []  # of each label, in order
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Printer]:
        """Listens for jobs and questions."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def printed(self, count: int, timeout_s: float) -> None:
        """Returns when that many labels have come; raises BenchError."""
        try:
            async with asyncio.timeout(timeout_s):
                while len(self.last_bytes_at) < count:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as exc:
            came = len(self.last_bytes_at)
            raise BenchError(f"print labels: {came} of {count} came in {timeout_s:g} s; see the box's log") from exc

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tail, printing = b"", False
        while chunk := await reader.read(READ_BYTES):
            at = time.perf_counter()
            tail += chunk
            if LAST_LINE.search(tail, max(0, len(tail) - LAST_LINE_BYTES_MAX)):
                self.last_bytes_at.append(at)
                self._changed.set()
                printing = True
            if tail.endswith(STATUS_REQUEST):
                writer.write(PRINTING if printing else READY)
                tail, printing = b"", False
            tail = b"" if printing else tail[-LAST_LINE_BYTES_MAX:]
        writer.close()


def _frame(divisions: int) -> bytes:
    shown = Indication(
        gross_divisions=divisions,
        tare_divisions=0,
        peak_divisions=0,
        division=DIVISION,
        places=-int(DIVISION.as_tuple().exponent),
        unit="kg",
        stable=True,
        range=Range.INSIDE,
        near_zero=divisions == 0,
        ready=True,
    )
    frame = ToledoContinuous().encode(shown)
    if frame is None:
        raise BenchError(f"encode {divisions} divisions: the indicator has no frame for it")
    return frame
