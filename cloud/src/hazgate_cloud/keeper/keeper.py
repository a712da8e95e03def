"""The task that keeps the proof while the collector runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

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
    """is_busy: whether pushes wait to be stored. on_note(box) and on_made() are called after a commit that gave a box
    a note, and after a checkpoint was made."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        checkpointer: Checkpointer,
        presence: Presence,
        now: Callable[[], datetime],
        *,
        is_busy: Callable[[], bool] = lambda: False,
        on_note: Callable[[str], None] = lambda _box: None,
        on_made: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._writer = writer
        self._checkpointer = checkpointer
        self._presence = presence
        self._now = now
        self._is_busy = is_busy
        self._on_note = on_note
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
            except StoreUnavailableError as exc:
                self.trouble = str(exc)
                log.warning("keeper waits for the store", cause=str(exc))
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
                    for box in made.told:
                        self._on_note(box)
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
