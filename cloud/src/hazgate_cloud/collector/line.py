"""Pushes on their way to the store: read while the ones before them are being stored, then stored some together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from hazgate_cloud.collector.collector import Answer, Collector, Prepared
from hazgate_cloud.store.engine import StoreUnavailableError
from hazgate_cloud.store.writer import Writer

log = structlog.get_logger()

QUEUE_MAX = 1_000  # pushes waiting in this worker; more are dropped and sent again by their boxes
BATCH_MAX = 64  # pushes in one transaction
# Compressed; some four full pages. A commit is cheap beside their records, and while they are stored the next are read.
BATCH_BYTES = 48 * 1024
STORE_RETRY_S = 1.0


class Line:
    """The pushes of all boxes, in the order in which they came. Only from the event loop's thread."""

    def __init__(self, collector: Collector, writer: Writer) -> None:
        self._collector = collector
        self._writer = writer
        self._waiting: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(QUEUE_MAX)
        self.worked_s = 0.0  # for how long pushes were being stored, in all

    def put(self, box: str, payload: bytes) -> None:
        """A push that came. A full line drops its oldest: that box has the longest given up waiting."""
        if self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait((box, payload))

    def is_busy(self) -> bool:
        """Whether pushes wait to be stored."""
        return not self._waiting.empty()

    async def run(self, answer: Callable[[list[Answer]], Awaitable[None]]) -> None:
        """Stores and answers until cancelled; `answer` gets the answers of one transaction after its commit. Where the
        store does not write, its pushes are dropped: their boxes keep the records and send them again."""
        ahead: list[Prepared] = []
        while True:
            if ahead:
                act = partial(self._collector.store, ahead)
            else:
                act = partial(self._collector.handle_many, self._batch(await self._waiting.get()))
            storing = asyncio.create_task(self._stored(act))
            try:
                ahead = await self._read_during(storing)
                answers = await storing
            finally:
                storing.cancel()
            if answers is None:
                await asyncio.sleep(STORE_RETRY_S)
            else:
                await answer(answers)

    async def _read_during(self, storing: asyncio.Task[list[Answer] | None]) -> list[Prepared]:
        """What came and was read while others are stored; nothing where nothing came."""
        ahead: list[Prepared] = []
        size = 0
        while len(ahead) < BATCH_MAX and size < BATCH_BYTES:
            coming = asyncio.create_task(self._waiting.get())
            try:
                await asyncio.wait((storing, coming), return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not coming.done():
                    coming.cancel()
            if not coming.done():
                break
            batch = self._batch(coming.result(), BATCH_MAX - len(ahead), BATCH_BYTES - size)
            size += sum(len(payload) for _, payload in batch)
            ahead += await asyncio.to_thread(self._collector.prepare, batch)
            if storing.done():
                break
        return ahead

    def _batch(
        self, first: tuple[str, bytes], pushes_max: int = BATCH_MAX, bytes_max: int = BATCH_BYTES
    ) -> list[tuple[str, bytes]]:
        """The first and those that wait already, as far as they may go together."""
        batch, size = [first], len(first[1])
        while len(batch) < pushes_max and size < bytes_max and not self._waiting.empty():
            batch.append(self._waiting.get_nowait())
            size += len(batch[-1][1])
        return batch

    async def _stored(self, act: Callable[[], list[Answer | None]]) -> list[Answer] | None:
        """The answers to give; None: the store does not write."""
        started = time.monotonic()
        try:
            answers = await self._writer.run(act, first=True)
        except StoreUnavailableError as exc:
            log.error("no receipts: the store does not write; boxes keep their records", cause=str(exc))
            return None
        finally:
            self.worked_s += time.monotonic() - started
        return [answer for answer in answers if answer is not None]
