"""The arithmetic of the figures: medians with their spread, percentiles, ratios of paired rounds, goals."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Spread:
    """What several rounds of one measurement gave: median, least, most, number of rounds."""

    median: float
    least: float
    most: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Raises ValueError for no values: a figure without a measurement must not look like one."""
        if not values:
            raise ValueError("a spread needs at least one value")
        return cls(statistics.median(values), min(values), max(values), len(values))


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile: the smallest value that at least `percent` (0 < percent <= 100) do not exceed."""
    if not values:
        raise ValueError("a percentile needs at least one value")
    if not 0 < percent <= 100:
        raise ValueError(f"percentile {percent} is not above 0 and at most 100")
    ordered = sorted(values)
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]


def paired_ratios(ours: Sequence[float], limit: Sequence[float]) -> tuple[float, ...]:
    """ours / limit round by round, so that a machine that slows down during the run slows both sides."""
    if len(ours) != len(limit):
        raise ValueError(f"{len(ours)} rounds of ours against {len(limit)} of the limit")
    return tuple(mine / theirs for mine, theirs in zip(ours, limit, strict=True))


class Sense(Enum):
    """Which side of the goal is good."""

    AT_LEAST = "≥"
    AT_MOST = "≤"


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on the ratio ours / reference."""

    sense: Sense
    ratio: float

    def is_met(self, ratio: float) -> bool:
        """Whether this ratio is on the good side, the bound included."""
        return ratio >= self.ratio if self.sense is Sense.AT_LEAST else ratio <= self.ratio

    def __str__(self) -> str:
        return f"{self.sense.value} {self.ratio:g}"
