"""Hands each checkpoint to the core, in order, until it has answered. Independent of submissions: neither waits."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from sqlalchemy import Connection

from hazgate_cloud.domain.delivery import retry_delay_s
from hazgate_cloud.domain.times import stamp
from hazgate_cloud.forwarder.core_client import CoreClient
from hazgate_cloud.store import alarms, checkpoints
from hazgate_cloud.store.engine import Database, StoreUnavailableError
from hazgate_cloud.store.writer import Writer
from hazgate_protocols.core_api import Answer, CheckpointSubmission, Outcome, decode_answer
from hazgate_protocols.journal.checkpoint import Checkpoint, decode

log = structlog.get_logger()
T = TypeVar("T")

IDLE_S = 60.0
_TAKES_NONE = (404, 405, 501)


class CheckpointCourier:
    """Any number may run on one store: a checkpoint that arrives twice is one."""

    def __init__(
        self, database: Database, writer: Writer, core: CoreClient, now: Callable[[], datetime], rng: random.Random
    ) -> None:
        self._database = database
        self._writer = writer
        self._core = core
        self._now = now
        self._rng = rng
        self._wake = asyncio.Event()
        self.trouble = ""  # why the core does not hold the newest checkpoint handed to it; "" when it does

    def wake(self) -> None:
        """There is a new one. Only from the event loop's thread."""
        self._wake.set()

    async def run(self) -> None:
        """Hands over until cancelled."""
        while True:
            self._wake.clear()
            try:
                while await self.step():
                    pass
            except StoreUnavailableError as exc:
                log.warning("checkpoint left for later: the store does not write", cause=str(exc))
            try:
                async with asyncio.timeout(IDLE_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def step(self) -> bool:
        """Tries the oldest one that is due; whether it is settled now and the next may be."""
        due = await self._written(lambda tx: checkpoints.for_core(tx, stamp(self._now())))
        if due is None:
            return False
        made, tries = decode(due[0]), due[1]
        body = CheckpointSubmission(made.statement.decode(), made.seal.hex()).encode()
        reply = await self._core.post_checkpoint(made.hash.hex(), body)
        if reply.status in _TAKES_NONE:
            answer = Answer(Outcome.UNKNOWN, detail=f"the core takes no checkpoints (HTTP status {reply.status})")
            self._say(made, answer)
            await self._written(lambda tx: self._keep(tx, made, checkpoints.UNSUPPORTED, answer))
            return True
        answer = (
            Answer(Outcome.UNKNOWN, detail=reply.detail)
            if reply.status is None
            else decode_answer(reply.status, reply.body)
        )
        self._say(made, answer)
        if answer.outcome is Outcome.UNKNOWN:
            later = stamp(self._now() + timedelta(seconds=retry_delay_s(tries + 1, self._rng)))
            await self._written(lambda tx: checkpoints.core_later(tx, made.hash, later, answer.detail))
            return False
        state = checkpoints.ACCEPTED if answer.outcome.settled else checkpoints.REFUSED
        await self._written(lambda tx: self._keep(tx, made, state, answer))
        return True

    def _keep(self, tx: Connection, made: Checkpoint, state: str, answer: Answer) -> None:
        at = stamp(self._now())
        text = answer.detail or " ".join(part for part in (answer.code, answer.text) if part)
        fresh = checkpoints.core_said(tx, made.hash, state, at, reference=answer.reference, text=text)
        if fresh and state == checkpoints.REFUSED:
            said = (
                f"the core refuses checkpoint {made.said.n} ({made.hash.hex()}): {text}. If it holds another one of "
                "this number, the store was put back to an older copy after that one was made"
            )
            alarms.raise_alarm(tx, "checkpoint_refused", "", made.hash.hex(), said, at)

    def _say(self, made: Checkpoint, answer: Answer) -> None:
        trouble = answer.detail or ("" if answer.outcome.settled else f"refused: {answer.code} {answer.text}".strip())
        if trouble != self.trouble:
            log.warning("checkpoint at the core", n=made.said.n, trouble=trouble or "none any more")
        self.trouble = trouble

    async def _written(self, act: Callable[[Connection], T]) -> T:
        return await self._writer.run(lambda: self._database.written(act))
