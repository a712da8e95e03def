"""Is the collector's own clock right? The boxes say their time when they come and once a minute; most of them cannot
all be wrong by the same amount. In memory only; a box whose own clock is not trusted has no voice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from hazgate_cloud.domain.times import moment

BOXES_MIN = 3  # fewer are no majority
BOXES_MAX = 50_000
OFF_S_MAX = 60.0
HEARD = timedelta(minutes=10)  # an older word says nothing about now
AGAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Word:
    at: datetime
    off_s: float  # the box's time less ours


class Clocks:
    """What the boxes' clocks say about ours."""

    def __init__(self) -> None:
        self._words: dict[str, _Word] = {}
        self._said_at: datetime | None = None

    def hear(self, box: str, live: Any, now: datetime) -> None:
        """live: the decoded message; what carries no time, or an untrusted one, is passed over."""
        if not isinstance(live, dict) or live.get("source") not in ("ntp", "system"):
            return
        wall = live.get("wall")
        at = moment(wall) if isinstance(wall, str) else None
        if at is not None and (box in self._words or len(self._words) < BOXES_MAX):
            self._words[box] = _Word(now, (at - now).total_seconds())

    def off_s(self, now: datetime) -> float | None:
        """By how much the boxes' median is ahead of our clock; None when too few were heard of late."""
        # A clock of ours that jumped makes every word look old or not yet said: only words near our own time count.
        off = [word.off_s for word in self._words.values() if abs(now - word.at) <= HEARD]
        return median(off) if len(off) >= BOXES_MIN else None

    def suspicion(self, now: datetime) -> str:
        """Why our clock is to be looked at, "" when it is not or was said within the hour."""
        off_s = self.off_s(now)
        if off_s is None or abs(off_s) <= OFF_S_MAX:
            return ""
        if self._said_at is not None and abs(now - self._said_at) < AGAIN:
            return ""
        self._said_at = now
        way = "behind" if off_s > 0 else "ahead of"
        return f"the collector's clock is {abs(off_s):.0f} s {way} the median of its boxes; set it by a time server"
