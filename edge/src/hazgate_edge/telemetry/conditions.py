"""Joins sources, watches, spool and journal: what is read becomes samples, and what must be provable becomes records.

Order is what makes nothing vanish: a gap is durable in the journal before a sample is dropped that nobody holds, and a
crossing is durable in the journal before the spool remembers it. A cut in between writes a record twice, never not.
Nothing here is waited for by a weighing: what the disk does not take is counted, bounded, and said when it takes again.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from hazgate_edge.clock import Clock, rfc3339
from hazgate_edge.config import TelemetrySource
from hazgate_edge.journal.store import Journal
from hazgate_edge.journal.writer import WriterClosedError, WriterFullError
from hazgate_edge.telemetry.sending import Sender
from hazgate_edge.telemetry.sources import Source
from hazgate_edge.telemetry.spool import Spool
from hazgate_edge.telemetry.watch import Crossing, PointWatch, Taken
from hazgate_protocols.journal import record as kinds
from hazgate_protocols.journal.conditions import (
    BEGUN,
    BUFFER_FULL,
    BUFFER_LOST,
    DISK,
    GAP_POINTS_MAX,
    NOT_RUNNING,
    Gap,
    PointGap,
)
from hazgate_protocols.telemetry.points import Point, TelemetryProfile
from hazgate_protocols.uplink.telemetry import PointFacts, Quality, Sample

log = logging.getLogger(__name__)

KEEP_EVERY_S = 0.5
COUNT_EVERY_S = 10.0  # how often the spool is counted against its bound
SAMPLES_WAITING_MAX = 5_000  # in memory, for the disk
CROSSINGS_WAITING_MAX = 500
NO_ROOM_PAUSE_S = 5.0
NOBODY = {"operator": "", "shift": ""}
_NOT_KEPT = (sqlite3.Error, WriterFullError, WriterClosedError, OSError)


@dataclass(frozen=True, slots=True)
class Condition:
    """A measuring point now. value: "" for none; state: ok, limits, stale, error, or waiting for the first; limit: the
    crossing that is open, low or high."""

    point: str
    zh: str
    en: str
    value: str
    state: str
    limit: str


@dataclass(frozen=True, slots=True)
class _Crossed:
    watch: PointWatch
    facts: PointFacts
    crossing: Crossing
    taken: Taken
    at: str


class Conditions:
    """The working conditions of one box; run() until cancelled."""

    def __init__(
        self,
        sources: Sequence[tuple[TelemetrySource, TelemetryProfile]],
        *,
        spool: Spool,
        sender: Sender,
        journal: Journal,
        clock: Clock,
        dev: dict[str, Any],
        count_every_s: float = COUNT_EVERY_S,
    ) -> None:
        self._spool = spool
        self._sender = sender
        self._journal = journal
        self._clock = clock
        self._dev = dev
        self._sources = []
        self._watches: dict[str, PointWatch] = {}
        self._facts: dict[str, PointFacts] = {}
        before, now_ns = spool.points(), clock.mono_ns()
        for source, profile in sources:
            for point in profile.points:
                name = f"{source.id}.{point.id}"
                crossing = before.get(name, ("", ""))[1]
                self._watches[name] = PointWatch(name, point, crossing=crossing, start_ns=now_ns)
                self._facts[name] = facts_of(point, profile)
            self._sources.append(Source(source, profile, partial(self._heard, source.id), clock))
        self._samples: deque[tuple[Sample, PointFacts]] = deque()
        self._crossed: deque[_Crossed] = deque()
        self._unkept: dict[str, PointGap] = {}  # what the disk did not take, until that is on record
        self._gaps: deque[Gap] = deque(self._at_start(before))
        self._count_every_ns = int(count_every_s * 1e9)
        self._counted_ns = now_ns - self._count_every_ns
        self._wake = asyncio.Event()
        sender.on_settled = self._wake.set
        self._dropped = 0

    def standings(self) -> tuple[Condition, ...]:
        """What every point shows now, in the configuration's order."""
        shown = []
        for name, watch in self._watches.items():
            now, facts = watch.standing(), self._facts[name]
            state = "waiting" if now.quality is None else str(now.quality)
            shown.append(Condition(name, facts.zh, facts.en, now.value, state, now.limit))
        return tuple(shown)

    async def run(self) -> None:
        """Reads all sources and keeps what they say."""
        async with asyncio.TaskGroup() as tasks:
            for source in self._sources:
                tasks.create_task(source.run(), name=f"source {source.source.id}")
            tasks.create_task(self._keep(), name="telemetry")

    # -- in --------------------------------------------------------------------------------------------------------

    def _heard(self, source_id: str, readings: Mapping[str, Taken]) -> None:
        at, now_ns = rfc3339(self._clock.wall()), self._clock.mono_ns()
        for point, taken in readings.items():
            name = f"{source_id}.{point}"
            sample, crossings = self._watches[name].take(taken, at, now_ns)
            if sample is not None:
                self._add(sample)
                if sample.quality != Quality.OK:
                    self._sender.hurry()
            for crossing in crossings:
                self._cross(_Crossed(self._watches[name], self._facts[name], crossing, taken, at))
        if self._crossed:
            self._wake.set()

    def _add(self, sample: Sample) -> None:
        if len(self._samples) >= SAMPLES_WAITING_MAX:
            self._miss(self._samples.popleft()[0])
        self._samples.append((sample, self._facts[sample.point]))

    def _miss(self, sample: Sample) -> None:
        """The disk did not take this one in time."""
        gap = self._unkept.get(sample.point, PointGap(sample.point, sample.at, sample.at, 0))
        self._unkept[sample.point] = replace(gap, until=sample.at, samples=(gap.samples or 0) + 1)

    def _cross(self, crossed: _Crossed) -> None:
        if len(self._crossed) >= CROSSINGS_WAITING_MAX:
            lost = self._crossed.popleft()
            name = lost.watch.name
            gap = self._unkept.get(name, PointGap(name, lost.at, lost.at, None))
            self._unkept[name] = replace(gap, until=lost.at)
        self._crossed.append(crossed)

    # -- kept ------------------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        lost_said = False
        while True:
            self._wake.clear()
            try:
                await self.keep_now()
                lost_said = False
                pause_s = KEEP_EVERY_S
            except _NOT_KEPT as exc:
                if not lost_said:
                    log.warning("working conditions: not kept: %s; what is missed will be on record", exc)
                lost_said, pause_s = True, NO_ROOM_PAUSE_S
            try:
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
            except TimeoutError:
                pass
            if lost_said:
                await asyncio.sleep(pause_s)

    async def keep_now(self) -> None:
        """Everything that waits, in the order that loses nothing. Raises what journal and spool raise; then the rest
        waits for the next time."""
        at, now_ns = rfc3339(self._clock.wall()), self._clock.mono_ns()
        for watch in self._watches.values():
            if (sample := watch.look(at, now_ns)) is not None:
                self._add(sample)
                self._sender.hurry()
        while self._gaps:
            await self._record(kinds.TELEMETRY_GAP, self._gaps[0].as_json())
            self._gaps.popleft()
        while self._crossed:
            await self._keep_crossing(self._crossed[0])
            self._crossed.popleft()
        await self._keep_samples()
        if self._unkept:
            unkept = dict(self._unkept)
            await self._record(kinds.TELEMETRY_GAP, Gap(DISK, tuple(unkept.values())).as_json())
            for name, gap in unkept.items():
                if self._unkept[name] == gap:
                    del self._unkept[name]
        settled = self._sender.settled
        if settled > self._dropped:
            await asyncio.to_thread(self._spool.drop, settled)
            self._dropped = settled
        if now_ns - self._counted_ns >= self._count_every_ns:
            self._counted_ns = now_ns
            await self._give_up_oldest()

    async def _keep_samples(self) -> None:
        if not self._samples:
            return
        taken, self._samples = list(self._samples), deque()
        try:
            await asyncio.to_thread(self._spool.add, taken)
        except _NOT_KEPT:
            self._samples.extendleft(reversed(taken))
            while len(self._samples) > SAMPLES_WAITING_MAX:
                self._miss(self._samples.popleft()[0])
            raise

    async def _keep_crossing(self, crossed: _Crossed) -> None:
        crossing, facts, taken = crossed.crossing, crossed.facts, crossed.taken
        body = {
            "what": crossing.what,
            "point": crossed.watch.name,
            "limit": crossing.limit,
            "bound": crossing.bound,
            "value": crossing.value,
            "unit": facts.unit,
            "zh": facts.zh,
            "en": facts.en,
            "at": crossed.at,
            "profile": facts.profile,
            "digest": facts.digest,
            **({"said_at": taken.said_at} if taken.said_at else {}),
            **({"qn": taken.qn} if taken.qn else {}),
        }
        await self._record(kinds.CONDITION, body, (taken.raw.hex(),) if taken.raw else ())
        open_limit = crossing.limit if crossing.what == "begun" else ""
        await asyncio.to_thread(self._spool.keep_crossing, crossed.watch.name, open_limit)

    async def _give_up_oldest(self) -> None:
        oldest = self._spool.too_many()
        if oldest is None:
            return
        for start in range(0, len(oldest.points), GAP_POINTS_MAX):
            some = oldest.points[start : start + GAP_POINTS_MAX]
            gap = Gap(BUFFER_FULL, some, self._spool.id, oldest.first, oldest.last)
            await self._record(kinds.TELEMETRY_GAP, gap.as_json())
        log.warning("working conditions: %d to %d given up, unsent for too long", oldest.first, oldest.last)
        self._sender.gave_up(oldest.last)
        await asyncio.to_thread(self._spool.drop, oldest.last)

    async def _record(self, kind: str, body: dict[str, Any], raw: tuple[str, ...] = ()) -> None:
        dev = self._dev
        if kind == kinds.CONDITION:  # else the scale's, as in every record
            dev = {**dev, "profile": body["profile"], "profile_digest": body["digest"]}
            dev.pop("options", None)
        await self._journal.write(lambda: self._journal.do_append(kind, body, who=NOBODY, dev=dev, raw=raw))
        self._sender.wake()

    def _at_start(self, before: Mapping[str, tuple[str, str]]) -> list[Gap]:
        """What is missing from before this start, one record a reason; the spool's own last sample bounds it."""
        now = rfc3339(self._clock.wall())
        known = [name for name in self._watches if before.get(name, ("", ""))[0]]
        fresh = [name for name in self._watches if name not in known]
        gaps = []
        if known:
            gaps.append(Gap(NOT_RUNNING, tuple(PointGap(name, before[name][0], now, None) for name in known)))
        if fresh:
            reason = BUFFER_LOST if self._spool.lost else BEGUN
            gaps.append(Gap(reason, tuple(PointGap(name, "", now, None) for name in fresh)))
        return gaps


def facts_of(point: Point, profile: TelemetryProfile) -> PointFacts:
    """What travels with a point's values."""
    limits = point.limits
    return PointFacts(
        unit=point.unit,
        zh=point.name["zh"],
        en=point.name["en"],
        profile=profile.id,
        digest=profile.digest(),
        low=None if limits is None else limits.low,
        high=None if limits is None else limits.high,
    )
