"""The simulated printer itself: a TCP server, one head, a stock of labels, and faults to play.

Like most label printers it serves one client at a time (the next one waits), keeps a job it took while it had no
paper and prints it after loading, and says that it is busy while it prints. Only a receipt printer has no word for
that. `language` decides what it reads and answers.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import Protocol

from hazgate_simulators.printer.answers import Condition, answer
from hazgate_simulators.printer.cpcl_reader import CpclReader
from hazgate_simulators.printer.escpos_reader import EscPosReader
from hazgate_simulators.printer.language import Complaint, Event, PrintAsked, StatusAsked, TsplReader
from hazgate_simulators.printer.zpl_reader import ZplReader

ASK_TSPL = b"\x1b!?"
OTHER_ANSWER = b"\x02030,0,0,0000,000,0,0,0,000,0,0,0\x03\r\n"  # the form of a ZPL host status
QUESTIONS = (b"\x1b!?", b"\x1b!S", b"~HS", b"~HQES", b"\x1bh", *(bytes([0x10, 0x04, n]) for n in (1, 2, 3, 4)))
PRINTED_MAX = 50  # in memory
FILES_MAX = 500  # in the folder
WAITING_MAX = 20  # labels in the printer's own memory
COMPLAINTS_MAX = 50
READ_BYTES = 4096


class Language(StrEnum):
    """What it understands."""

    TSPL = "tspl"
    ZPL = "zpl"
    ESCPOS = "escpos"
    CPCL = "cpcl"


class Reader(Protocol):
    """One connection's stream in a printer's language."""

    def feed(self, received: bytes) -> Iterator[Event]:
        """What these bytes complete, in order."""
        ...


class Fault(StrEnum):
    """What the printer plays."""

    READY = "ready"
    PAPER_OUT = "paper_out"  # out before the job; a job sent all the same waits in memory
    PAPER_OUT_MIDWAY = "paper_out_midway"  # ends half-way through the next label, which is spoiled
    HEAD_OPEN = "head_open"
    SILENT = "silent"  # prints, but never answers a status request
    STALL = "stall"  # takes every byte, says busy, never finishes
    REFUSE = "refuse"  # connections refused
    LOSE_TAIL = "lose_tail"  # the last line of a job (PRINT) is lost on the way; all else looks well
    OTHER_LANGUAGE = "other_language"  # a printer of another make: answers in lines, prints nothing of a TSPL job
    CUT = "cut"  # hangs up in the middle of a job
    PAPER_OUT_MUTE = "paper_out_mute"  # out of paper, and as some Zebra models it leaves ~HS unanswered then


BLOCKING = (Fault.HEAD_OPEN, Fault.PAPER_OUT, Fault.PAPER_OUT_MUTE, Fault.STALL)


@dataclass(frozen=True, slots=True)
class Printed:
    """One label that came out."""

    number: int
    png: bytes
    at: datetime


class SimulatedPrinter:
    """A printer on TCP. Between start() and stop() `port` is the port it listens on."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        language: Language = Language.TSPL,
        head_dots: int = 576,
        dots_per_mm: int = 8,
        slow_ms: int = 300,
        folder: Path | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """head_dots: of a receipt printer, whose paper is as wide."""
        self._host = host
        self._language = language
        self._head_dots = head_dots
        self.port = port
        self._dots_per_mm = dots_per_mm
        self.slow_ms = slow_ms
        self._folder = folder
        self._now = now
        self._fault = Fault.READY
        self._server: asyncio.Server | None = None
        self._head: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._line = asyncio.Lock()
        self._clients: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self._waiting: deque[tuple[bytes, ...]] = deque()
        self._number = 0
        self.printed: deque[Printed] = deque(maxlen=PRINTED_MAX)
        self.complaints: deque[str] = deque(maxlen=COMPLAINTS_MAX)
        self.spoiled = 0  # labels that came out in part
        self.bytes_received = 0

    @property
    def fault(self) -> Fault:
        return self._fault

    async def set_fault(self, fault: Fault) -> None:
        """Play this from now on. READY loads paper, closes the head and lets a stalled job finish."""
        self._fault = fault
        if fault is Fault.REFUSE:
            await self._close_port()
        elif self._server is None and self._head is not None:
            await self._open_port()
        self._changed.set()

    async def start(self) -> None:
        """Listen and print until stop()."""
        if self._folder is not None:
            self._number = await asyncio.to_thread(_newest_number, self._folder)
        self._head = asyncio.create_task(self._run_head(), name="printer head")
        if self._fault is Fault.REFUSE and self.port == 0:
            await self._open_port()  # a refusing printer still needs an address
            await self._close_port()
        elif self._fault is not Fault.REFUSE:
            await self._open_port()

    async def stop(self) -> None:
        """Hang up, forget waiting labels."""
        await self._close_port()
        if self._head is not None:
            self._head.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._head
            self._head = None

    async def _open_port(self) -> None:
        self._server = await asyncio.start_server(self._serve, self._host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close_port(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        # Hanging up ends each client's task by itself; a cancelled one would be logged as an error by asyncio.
        for writer in self._clients:
            writer.transport.abort()
        await asyncio.gather(*(task for task in self._clients.values() if task is not None))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients[writer] = asyncio.current_task()
        try:
            async with self._line:
                await self._talk(reader, writer)
        except ConnectionError:
            pass  # the host hung up: printers do not mind
        finally:
            if self._fault is Fault.CUT:
                writer.transport.abort()
            else:
                writer.close()
            del self._clients[writer]

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        printer = self._reader()
        job_bytes = 0
        while received := await reader.read(READ_BYTES):
            self.bytes_received += len(received)
            if received not in QUESTIONS:
                job_bytes += len(received)
            if self._fault is Fault.CUT and job_bytes > READ_BYTES:
                return
            for event in printer.feed(received):
                match event:
                    case StatusAsked(request):
                        writer.write(self._answer(request))
                        await writer.drain()
                    case PrintAsked(rows, labels):
                        if self._fault not in (Fault.LOSE_TAIL, Fault.OTHER_LANGUAGE):
                            self._take(rows, labels)
                    case Complaint(text):
                        self.complaints.append(text)

    def _reader(self) -> Reader:
        if self._language is Language.ZPL:
            return ZplReader()
        if self._language is Language.ESCPOS:
            return EscPosReader(self._head_dots)
        return CpclReader() if self._language is Language.CPCL else TsplReader(self._dots_per_mm)

    def _answer(self, request: bytes) -> bytes:
        if self._fault is Fault.OTHER_LANGUAGE:
            return b"\x00" if self._language in (Language.ZPL, Language.ESCPOS) else OTHER_ANSWER
        if self._fault is Fault.SILENT or (self._fault is Fault.PAPER_OUT_MUTE and request == b"~HS"):
            return b""
        return answer(request, self._condition)

    @property
    def _condition(self) -> Condition:
        head_open = self._fault is Fault.HEAD_OPEN
        paper_out = self._fault in (Fault.PAPER_OUT, Fault.PAPER_OUT_MUTE)
        working = bool(self._waiting) and not head_open and not paper_out
        return Condition(head_open, paper_out, working, len(self._waiting) if working else 0)

    @property
    def status_byte(self) -> int:
        """What a TSPL printer in this state answers `<ESC>!?` with."""
        return answer(ASK_TSPL, self._condition)[0]

    def _take(self, rows: tuple[bytes, ...], labels: int) -> None:
        if len(self._waiting) + labels > WAITING_MAX:
            self.complaints.append("printer memory full: job dropped")
            return
        self._waiting.extend([rows] * labels)
        self._changed.set()

    async def _run_head(self) -> None:
        while True:
            blocked = self._fault in BLOCKING
            if blocked or not self._waiting:
                self._changed.clear()
                await self._changed.wait()
                continue
            await self._print_first()

    async def _print_first(self) -> None:
        """One label; it leaves the printer's memory only when it is out, so a spoiled one comes again."""
        await asyncio.sleep(self.slow_ms / 2000)
        if self._fault is Fault.PAPER_OUT_MIDWAY:
            self._fault = Fault.PAPER_OUT
            self.spoiled += 1
            return
        await asyncio.sleep(self.slow_ms / 2000)
        if self._fault in BLOCKING:
            return
        png = await asyncio.to_thread(_png, self._waiting[0], self._dots_per_mm)
        self._number += 1
        printed = Printed(self._number, png, self._now())
        if self._folder is not None:
            await asyncio.to_thread(_keep, self._folder, printed)
        self.printed.append(printed)
        self._waiting.popleft()


def _png(rows: tuple[bytes, ...], dots_per_mm: int) -> bytes:
    """Burnt dots black on white, with the true size in the file."""
    from PIL import Image

    grey = b"".join(row.translate(_GREY) for row in rows)
    image = Image.frombytes("L", (len(rows[0]), len(rows)), grey).convert("1", dither=Image.Dither.NONE)
    out = BytesIO()
    image.save(out, format="PNG", dpi=(dots_per_mm * 25.4, dots_per_mm * 25.4))
    return out.getvalue()


_GREY = bytes([255, 0]) + bytes(254)


def _newest_number(folder: Path) -> int:
    """Number of the newest label in the folder, which is made if need be; 0 when there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = [path.stem.removeprefix("label-") for path in folder.glob("label-*.png")]
    return max((int(number) for number in numbers if number.isdecimal()), default=0)


def _keep(folder: Path, printed: Printed) -> None:
    (folder / f"label-{printed.number:06d}.png").write_bytes(printed.png)
    prune(folder)


def prune(folder: Path) -> None:
    """Keep the newest labels of the folder, touch nothing else."""
    for old in sorted(folder.glob("label-*.png"))[:-FILES_MAX]:
        old.unlink()
