"""The label numbers this box may give: asks for leases in time, and says before a weighing what is left.

With a range agreed by hand (`numbers: {first, last}`) nothing is asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import date
from typing import Any

from hazgate_edge.clock import Clock, local_date
from hazgate_edge.config import Config
from hazgate_edge.domain.leasing import Asked, covered_until
from hazgate_edge.domain.view import Numbers, Say
from hazgate_edge.journal.leases import LeaseState, ranges_of
from hazgate_edge.journal.store import Journal
from hazgate_protocols.codes.label_number import LabelNumberError, label_stem

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0  # for a new day, a clock that was set, an answer
WARN_LEFT = 20
WARN_DAYS = 7


class LabelNumbers:
    """One a box. on_record: called when an ask was written."""

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock,
        journal: Journal,
        wastes: tuple[str, ...],
        dev: dict[str, Any],
        on_record: Callable[[], None],
    ) -> None:
        self._unit, self._fixed, self._a_day = config.unit.code, config.numbers.fixed, config.numbers.a_day
        self._clock = clock
        self._journal = journal
        self._wastes = wastes
        self._dev = dev
        self._on_record = on_record
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """A number was given: look now."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled: ask whenever something is wanted that is not asked for yet."""
        while True:
            await self.ask()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._wake.wait()
            self._wake.clear()

    async def ask(self) -> None:
        """Write the asks that are due, if any. What is in the chain already is not asked again, however often the box
        starts."""
        state = self._state()
        if state is None or not state.wanted(self._a_day):
            return
        stems = self._stems(state.today)
        count = await self._journal.write(
            lambda: self._journal.do_ask_numbers(state.today, stems, self._a_day, dict(self._dev))
        )
        log.info("label numbers: asked the collector for %d lease(s)", count)
        self._on_record()

    def notices(self) -> tuple[Numbers, ...]:
        """Wastes with few numbers or none: said before the bag is weighed, not after."""
        found = [self._notice_of_range(code) for code in self._wastes] if self._fixed else []
        state = self._state()
        if state is not None:
            found = [_notice(state, code) for code in self._wastes]
        return tuple(item for item in found if item is not None)

    def none_left(self, waste_code: str) -> Say:
        """Why there is no number for this waste."""
        if self._fixed is not None:
            return Say("NUM-01", {"waste": waste_code, "n": str(self._fixed[1])})
        state = self._state()
        return Say("NUM-03", {"waste": waste_code}) if state is None else _none_left(state, waste_code)

    def _notice_of_range(self, code: str) -> Numbers | None:
        first, last = self._fixed or (1, 0)
        used = max(self._journal.last_number(self._stem(code, self._today())), first - 1)
        left = max(0, last - used)
        if left == 0:
            return Numbers(code, left, self.none_left(code))
        return Numbers(code, left, Say("NUM-02", {"left": str(left)})) if left <= WARN_LEFT else None

    def _state(self) -> LeaseState | None:
        """None when numbers are not leased, or when the clock shows a day that no label can carry."""
        if self._fixed is not None:
            return None
        today = self._today()
        try:
            return self._journal.lease_state(today, self._stems(today))
        except LabelNumberError:
            return None

    def _stems(self, today: date) -> dict[str, str]:
        return {code: self._stem(code, today) for code in self._wastes}

    def _stem(self, code: str, day: date) -> str:
        return label_stem(self._unit, code, day)

    def _today(self) -> date:
        return local_date(self._clock.wall())


def _notice(state: LeaseState, code: str) -> Numbers | None:
    left, today = state.left[code], state.today
    if left == 0:
        return Numbers(code, left, _none_left(state, code))
    if left <= WARN_LEFT:
        asked = _open(state, code)
        if asked is None:
            return Numbers(code, left, Say("NUM-02", {"left": str(left)}))
        if asked.answer:
            return Numbers(code, left, Say("NUM-07", {"left": str(left)}))
        return Numbers(code, left, Say("NUM-06", {"left": str(left)}))
    until = covered_until(today, [lease.range for lease in state.leases if lease.waste_code == code])
    days = (until - today).days if until else 0
    return Numbers(code, left, Say("NUM-08", {"days": str(days + 1)})) if days < WARN_DAYS else None


def _none_left(state: LeaseState, code: str) -> Say:
    asked = _open(state, code)
    if asked is not None and asked.answer:
        return Say("NUM-05", {"waste": code})
    return Say("NUM-04" if ranges_of(state.leases, code, state.today) else "NUM-03", {"waste": code})


def _open(state: LeaseState, code: str) -> Asked | None:
    """The ask for more numbers of today that is under way or was refused."""
    return next(
        (
            item
            for item in state.asked
            if item.waste_code == code and state.today in item.days and item.is_open(state.today)
        ),
        None,
    )
