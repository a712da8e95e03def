"""The forwarder: takes due submissions of different units side by side, one at a time of each unit."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from sqlalchemy import Connection

from hazgate_cloud.domain.delivery import BARRED, LEASE_S, STEP_ASIDE_AFTER, Breaker, State, retry_delay_s, state_after
from hazgate_cloud.domain.times import moment, stamp
from hazgate_cloud.forwarder.core_client import CoreClient, Reply
from hazgate_cloud.store import alarms, boxes, outbox
from hazgate_cloud.store.engine import Database, StoreUnavailableError
from hazgate_cloud.store.outbox import Attempt, Due
from hazgate_cloud.store.writer import Writer
from hazgate_protocols.core_api import Answer, Outcome, decode_answer

log = structlog.get_logger()
T = TypeVar("T")

UNITS_AT_ONCE_MAX = 16
IDLE_S_MAX = 15.0  # how long a submission queued by another worker may wait unseen
STORE_RETRY_S = 2.0
ONWARD_MAX = 50  # submissions of a unit in a row, before other units have their turn
YIELD = 4.0  # so much longer than the intake worked since the last try a try waits, at most YIELD_S_MAX
YIELD_S_MAX = 0.1


class Forwarder:
    """on_note(box) is called after a commit that gave the box a note. intake_s: for how long pushes were being stored,
    in all: while a backlog comes in, submissions make room for it, since they have time and a box waits."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        core: CoreClient,
        now: Callable[[], datetime],
        rng: random.Random,
        on_note: Callable[[str], None] = lambda _box: None,
        intake_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._database = database
        self._writer = writer
        self._core = core
        self._now = now
        self._rng = rng
        self._on_note = on_note
        self._intake_s = intake_s
        self._intake_seen_s = 0.0
        self._wake = asyncio.Event()
        self._busy: set[str] = set()
        self._breaker = Breaker()
        self.trouble = ""  # why the core could not be reached last time; "" when it could

    def wake(self) -> None:
        """There may be something due. Only from the event loop's thread."""
        self._wake.set()

    async def run(self) -> None:
        """Forwards until cancelled. A claim that a cancelled try leaves behind is free again after its lease, or at
        the next start."""
        await self._written(self._free_claims)
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                try:
                    for number, unit in await self._due():
                        self._busy.add(unit)
                        group.create_task(self._one(number, unit, onward=True))
                    await self._sleep_until_due()
                except StoreUnavailableError as exc:
                    log.warning("forwarder waits for the store", cause=str(exc))
                    await asyncio.sleep(STORE_RETRY_S)

    async def step(self) -> int:
        """Tries everything that is due now, each unit once; how many were tried."""
        due = await self._due()
        self._busy.update(unit for _, unit in due)
        async with asyncio.TaskGroup() as group:
            for number, unit in due:
                group.create_task(self._one(number, unit))
        return len(due)

    async def _one(self, number: int, unit: str, *, onward: bool = False) -> None:
        """onward: with what is next of the unit too, as long as the core gives plain answers."""
        try:
            await self._make_room()
            due = await self._written(lambda tx: outbox.claim(tx, number, *self._lease()))
            left = ONWARD_MAX if onward else 1
            while due is not None:
                left -= 1
                due = await self._try(due, onward=left > 0)
                if due is not None:
                    await self._make_room()
        except StoreUnavailableError as exc:
            log.warning("submission left for later: the store does not write", number=number, cause=str(exc))
        finally:
            self._busy.discard(unit)
            self._wake.set()

    async def _try(self, due: Due, *, onward: bool) -> Due | None:
        """One submission; what was claimed next in the same transaction, if onward."""
        if due.ask:
            attempt, reply = await self._request("GET", due)
            if reply.status == 404:  # the core says it never came: repeat it
                lost = replace(attempt.answer, detail="the core has never seen it")
                await self._written(lambda tx: outbox.keep_attempt(tx, due.number, replace(attempt, answer=lost)))
                attempt, reply = await self._request("POST", due)
        else:
            attempt, reply = await self._request("POST", due)
        if attempt.answer.outcome is Outcome.UNKNOWN:
            await self._written(
                lambda tx: self._postpone(tx, due, attempt, reached=reply.reached and reply.status not in BARRED)
            )
            return None
        is_noted, following = await self._written(lambda tx: self._settle_and_claim(tx, due, attempt, onward=onward))
        if is_noted:
            self._on_note(due.box)
        return following

    def _settle_and_claim(self, tx: Connection, due: Due, attempt: Attempt, *, onward: bool) -> tuple[bool, Due | None]:
        is_noted = self._settle(tx, due, attempt)
        return is_noted, outbox.claim_next(tx, due.unit_code, *self._lease()) if onward else None

    def _lease(self) -> tuple[str, str]:
        now = self._now()
        return stamp(now), stamp(now + timedelta(seconds=LEASE_S))

    async def _make_room(self) -> None:
        worked_s = self._intake_s()
        pause_s = min(YIELD * (worked_s - self._intake_seen_s), YIELD_S_MAX)
        if pause_s > 0:
            await asyncio.sleep(pause_s)
        self._intake_seen_s = worked_s

    async def _request(self, method: str, due: Due) -> tuple[Attempt, Reply]:
        at = stamp(self._now())
        reply = await (self._core.get(due.rid) if method == "GET" else self._core.post(due.rid, due.submission))
        answer = (
            Answer(Outcome.UNKNOWN, detail=reply.detail)
            if reply.status is None
            else decode_answer(reply.status, reply.body)
        )
        self._say_reachable(reply, answer)
        if answer.outcome is not Outcome.UNKNOWN or (method == "GET" and reply.status == 404):
            self._breaker.answered()
        elif self._breaker.failed(self._now(), barred=reply.status in BARRED):
            log.warning("core spared: one try in a while until it answers", cause=answer.detail)
        return Attempt(method, at, reply.took_ms, reply.status, answer, reply.body), reply

    def _settle(self, tx: Connection, due: Due, attempt: Attempt) -> bool:
        answer, at = attempt.answer, stamp(self._now())
        outbox.keep_attempt(tx, due.number, attempt)
        if not outbox.settle(tx, due.number, state_after(answer.outcome), answer, at):
            return False
        boxes.add_note(
            tx, due.box, due.hash, answer.outcome.value, at, code=answer.code, text=answer.text, ref=answer.reference
        )
        if answer.outcome is Outcome.REFUSED:
            text = f"the core refused {due.rid}: {answer.code} {answer.text}"
            alarms.raise_alarm(tx, "core_refused", due.box, due.hash.hex(), text, at)
        return True

    def _postpone(self, tx: Connection, due: Due, attempt: Attempt, *, reached: bool) -> None:
        now = self._now()
        detail = attempt.answer.detail
        times_reached = due.reached + int(reached)
        if attempt.status in BARRED:
            text = (
                f"the core does not accept our access (status {attempt.status}): renew it; nothing is lost, bags wait"
            )
            alarms.raise_alarm(tx, "core_barred", "", "", text, stamp(now))
        aside = due.stepped_aside or times_reached >= STEP_ASIDE_AFTER
        outbox.keep_attempt(tx, due.number, attempt)
        outbox.postpone(
            tx,
            due.number,
            stamp(now + timedelta(seconds=retry_delay_s(due.tries, self._rng))),
            reached=times_reached,
            stepped_aside=aside,
            detail=detail,
        )
        if aside and not due.stepped_aside:
            text = f"no plain answer from the core about {due.rid} after {times_reached} tries: {detail}"
            alarms.raise_alarm(tx, "core_unclear", due.box, due.hash.hex(), text, stamp(now))
            boxes.add_note(tx, due.box, due.hash, State.UNKNOWN.value, stamp(now), code="core_unclear", text=detail)

    async def _due(self) -> list[tuple[int, str]]:
        room = UNITS_AT_ONCE_MAX - len(self._busy)
        if self._breaker.open:
            room = 0 if self._busy or self._breaker.wait_s(self._now()) else 1
        if room <= 0:
            return []
        now, busy = stamp(self._now()), frozenset(self._busy)
        return await self._written(lambda tx: outbox.due_numbers(tx, now, busy, room))

    async def _sleep_until_due(self) -> None:
        busy = frozenset(self._busy)
        next_due: str | None = await self._written(lambda tx: outbox.next_due(tx, busy))
        upcoming = moment(next_due or "")
        pause = IDLE_S_MAX
        if upcoming is not None and len(busy) < UNITS_AT_ONCE_MAX:
            pause = min(pause, max((upcoming - self._now()).total_seconds(), 0.01))
        if self._breaker.open:
            pause = max(pause, self._breaker.wait_s(self._now()))
        try:
            async with asyncio.timeout(pause):
                await self._wake.wait()
        except TimeoutError:
            return

    def _free_claims(self, tx: Connection) -> None:
        outbox.free_claims(tx, stamp(self._now()))

    async def _written(self, act: Callable[[Connection], T]) -> T:
        return await self._writer.run(lambda: self._database.written(act))

    def _say_reachable(self, reply: Reply, answer: Answer) -> None:
        trouble = "" if reply.reached else answer.detail
        if trouble and not self.trouble:
            log.warning("core lost; submissions wait", cause=trouble)
        elif self.trouble and not trouble:
            log.info("core is back")
        self.trouble = trouble
