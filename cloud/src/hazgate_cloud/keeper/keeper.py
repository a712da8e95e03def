"""The task that keeps the proof while the collector runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from hazgate_cloud.collector.presence import Presence
from hazgate_cloud.keeper.checkpointer import Checkpointer
from hazgate_cloud.keeper.watch import watch
from hazgate_cloud.store.boxes import all_boxes
from hazgate_cloud.store.engine import Database, StoreUnavailableError
from hazgate_cloud.store.writer import Writer

log = structlog.get_logger()
T = TypeVar("T")

STEP_S = 30.0  # so late after midnight, or after a clock was set, a checkpoint may be
QUIET_STEPS_MAX = 20  # so many steps it waits for a moment without pushes; then it is made all the same
WATCH_S = 3_600


class Keeper:
    """is_busy: whether pushes wait to be stored. on_made() is called after a checkpoint was made. Its notes wait for
    each box's next push: announced at once, thousands of boxes would all answer in one moment after midnight."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        checkpointer: Checkpointer,
        presence: Presence,
        now: Callable[[], datetime],
        *,
        is_busy: Callable[[], bool] = lambda: False,
        on_made: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._writer = writer
        self._checkpointer = checkpointer
        self._presence = presence
        self._now = now
        self._is_busy = is_busy
        self._on_made = on_made
        self._waited = 0
        self._online_at: dict[str, datetime] = {"": now()}
        self._watched_at: datetime | None = None
        self.trouble = ""  # why no checkpoint or file could be written last time; "" when all is well

    async def run(self) -> None:
        """Compares folder and store once, then keeps making what is due, until cancelled."""
        compared = False
        while True:
            try:
                if not compared:
                    await self._writer.run(self._checkpointer.compare)
                    compared = True
                await self.step()
            except (StoreUnavailableError, SQLAlchemyError) as exc:  # the second when a read fails
                self.trouble = f"waits for the store: {getattr(exc, 'orig', None) or exc}"
                log.warning("keeper waits for the store", cause=self.trouble)
            await asyncio.sleep(STEP_S)

    async def step(self) -> None:
        """Makes the checkpoint if it is due and nothing is in the way; writes late files; looks for gaps."""
        if await self._writer.run(self._checkpointer.is_due):
            if self._is_busy() and self._waited < QUIET_STEPS_MAX:
                self._waited += 1
            else:
                self._waited = 0
                draft = await asyncio.to_thread(self._checkpointer.draft)
                made = await self._writer.run(lambda: self._checkpointer.keep(draft))
                if made is not None:
                    self._on_made()
        else:
            await self._writer.run(self._checkpointer.write_files)
        await self._watch()
        self.trouble = self._checkpointer.file_trouble

    async def _watch(self) -> None:
        now = self._now()
        if self._watched_at is not None and timedelta(0) <= now - self._watched_at < timedelta(seconds=WATCH_S):
            return
        self._watched_at = now
        with self._database.read() as tx:
            names = [row.registered.box for row in all_boxes(tx)]
        for name in names:
            heard = self._presence.of(name)
            if heard is not None and heard.online:
                self._online_at[name] = now
        online_at = dict(self._online_at)
        await self._writer.run(lambda: self._database.written(lambda tx: watch(tx, online_at, now)))
