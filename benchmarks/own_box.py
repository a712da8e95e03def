"""hazgate's side of figures (b) to (d): the installed commands, from the press at the door to receipt and label."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bare import WARM_UP, paced
from benchmarks.chain import CONTAINER, OPERATOR, START_S_MAX, WASTE_CODE, Box, Chain, Receipts, running_box
from benchmarks.children import BenchError, Memory, tree_members, tree_memory
from benchmarks.devices import FIRST_DIVISIONS
from benchmarks.press import Operator, Saved, settled_operator

RECEIPT_S_MAX = 30.0
LABEL_S_MAX = 60.0
SETTLED_S_MAX = 10.0
BAG_ON_BEFORE_PRESS_S = 0.08  # the scale shows the next bag so long before its press
CALM_AFTER_LABEL_S = 0.35  # the box has seen the printer come to rest and written its record
PAGE_S_MAX = 30.0
PAGE_CALM_S = 2.0
_DRAWING = b"hazgate_edge.printing.draw"


@dataclass(frozen=True, slots=True)
class BoxRun:
    """One start of the box: seconds from its exec, memory when idle."""

    founded_s: float  # the chain's first record, the founding one, is durable in the journal
    first_record_s: float  # the first weighing was pressed, is durable and was answered "saved"
    idle: Memory  # nobody looks at the terminal, the drawing process has ended
    printed: Memory  # the same while the drawing process of the last label still waits for another
    watched: Memory  # idle, and a terminal page is open: agent and web process


@dataclass(frozen=True, slots=True)
class LabelRun:
    """From the last frame of the settled weight until ..., each bag in ms."""

    seen_ms: list[float]  # the box offers the weight for booking
    saved_ms: list[float]  # a press made at that moment is answered "saved"
    last_byte_ms: list[float]  # the printer has the label's last byte
    first_last_byte_ms: float  # the same for a first label, with the start of the drawing process


@asynccontextmanager
async def ready_box(chain: Chain, name: str) -> AsyncIterator[tuple[Box, Receipts]]:
    """A box that has weighed, printed and had its receipt once."""
    async with Receipts.of(chain, name) as receipts, running_box(chain, name) as box:
        saved = await _first_bag(box)
        await box.printer.printed(1, LABEL_S_MAX)
        await receipts.upto(box.seqs()[saved.rid], RECEIPT_S_MAX)
        yield box, receipts


async def receipt_latencies_ms(box: Box, receipts: Receipts, rate_per_s: float, count: int) -> list[float]:
    """From each press to the receipt at the box's side of the broker, in ms; the warm-up is left out.

    All labels have been printed when it returns, so that no drawing disturbs what is measured next.
    """
    presses: list[Saved] = []
    labels = len(box.printer.last_bytes_at)
    box.scale.swap(FIRST_DIVISIONS)
    operator = await settled_operator(box.door, SETTLED_S_MAX)
    async for number in paced(rate_per_s, WARM_UP + count):
        async with operator:
            presses.append(await press(operator))
        await asyncio.sleep(max(0.0, 1 / rate_per_s - BAG_ON_BEFORE_PRESS_S - presses[-1].took_s))
        box.scale.swap(FIRST_DIVISIONS + number + 1)
        operator = await settled_operator(box.door, SETTLED_S_MAX)
    operator.close()
    seqs = box.seqs()
    await receipts.upto(seqs[presses[-1].rid], RECEIPT_S_MAX)
    await box.printer.printed(labels + len(presses), LABEL_S_MAX)
    await asyncio.sleep(CALM_AFTER_LABEL_S)
    return [(receipts.came_at(seqs[press.rid]) - press.pressed_at) * 1000 for press in presses[WARM_UP:]]


async def label_latencies_ms(chain: Chain, name: str, count: int) -> LabelRun:
    """Bag after bag, each pressed as soon as the box offers its weight and printed before the next."""
    seen_ms, saved_ms, last_byte_ms = [], [], []
    async with running_box(chain, name) as box:
        for number in range(1 + count):  # the first starts the drawing process
            await _connected(box)
            shown_at = box.scale.swap(FIRST_DIVISIONS + number)
            async with await settled_operator(box.door, SETTLED_S_MAX) as operator:
                seen_at = time.perf_counter()
                saved = await press(operator)
            await box.printer.printed(number + 1, LABEL_S_MAX)
            seen_ms.append((seen_at - shown_at) * 1000)
            saved_ms.append((saved.saved_at - shown_at) * 1000)
            last_byte_ms.append((box.printer.last_bytes_at[number] - shown_at) * 1000)
            await asyncio.sleep(CALM_AFTER_LABEL_S)
    return LabelRun(seen_ms[1:], saved_ms[1:], last_byte_ms[1:], last_byte_ms[0])


async def run_box(chain: Chain, name: str, settle_s: float) -> BoxRun:
    """Start the box beside a settled weight, weigh at once, let it idle for settle_s, weigh its memory."""
    async with running_box(chain, name) as box:
        founding = asyncio.create_task(_founded_at(box))
        saved = await _first_bag(box)
        founded_at = await founding
        await box.printer.printed(1, LABEL_S_MAX)
        await asyncio.sleep(settle_s)
        printed = tree_memory(box.child.pid)
        await _end_drawing(box.child.pid)
        idle = tree_memory(box.child.pid)
        async with _open_page(box.terminal_port):
            await asyncio.sleep(PAGE_CALM_S)
            watched = tree_memory(box.child.pid)
        started_at = box.child.started_at
        return BoxRun(founded_at - started_at, saved.saved_at - started_at, idle, printed, watched)


async def _first_bag(box: Box) -> Saved:
    async with await settled_operator(box.door, START_S_MAX) as operator:
        return await press(operator)


async def press(operator: Operator) -> Saved:
    """One bag of the bench."""
    return await operator.weigh(WASTE_CODE, CONTAINER, OPERATOR)


async def _connected(box: Box) -> None:
    async with asyncio.timeout(START_S_MAX):
        await box.scale.connected.wait()


async def _founded_at(box: Box) -> float:
    while not box.has_record():
        box.child.check_alive()
        await asyncio.sleep(0.005)
    return time.perf_counter()


async def _end_drawing(pid: int) -> None:
    """What the agent does itself when no label was wanted for two minutes: kill the drawing process."""
    drawing = [member for member in tree_members(pid) if _DRAWING in _command_line(member)]
    if len(drawing) != 1:
        raise BenchError(f"find the box's drawing process: {len(drawing)} there; has the way of printing changed?")
    os.kill(drawing[0], signal.SIGKILL)
    end = time.perf_counter() + SETTLED_S_MAX
    while drawing[0] in tree_members(pid):
        if time.perf_counter() > end:
            raise BenchError(f"end the box's drawing process: still there after {SETTLED_S_MAX:g} s")
        await asyncio.sleep(0.02)


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""  # it ended between the two looks


@asynccontextmanager
async def _open_page(port: int) -> AsyncIterator[None]:
    """The page loaded and its live stream open, as a browser holds it."""
    async with asyncio.timeout(PAGE_S_MAX):
        for path in ("/", "/live"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            status = await reader.readline()
            if b" 200 " not in status:
                raise BenchError(f"open the terminal's {path}: it answered {status.decode('latin-1').strip()!r}")
            await reader.readuntil(b"\r\n\r\n")
            if path == "/":
                writer.close()
    try:
        yield
    finally:
        writer.close()
