"""A figure: bars of one unit, one of them the reference, and the goal their ratio has to reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from benchmarks.spread import Goal, Spread, paired_ratios


class Role(Enum):
    """What a bar is in the comparison."""

    OURS = "ours"
    REFERENCE = "reference"  # the limit or peer that the ratio divides by
    SHOWN = "shown"  # drawn for orientation only


class Verdict(Enum):
    """What a figure says in the end."""

    REACHED = "reached"
    NOT_REACHED = "NOT REACHED"
    MISSING = "NOT MEASURED"
    SHOWN = "shown, no goal"


@dataclass(frozen=True, slots=True)
class Bar:
    """One thing measured in several rounds; `values` holds one number a round, in the figure's unit."""

    label: str
    role: Role
    values: tuple[float, ...]

    @property
    def spread(self) -> Spread:
        """Median, least and most over the rounds."""
        return Spread.of(self.values)


@dataclass(frozen=True, slots=True)
class Figure:
    """One comparison. `missing` says why our own bar is not there; such a figure counts as failed."""

    key: str
    title: str
    unit: str
    bars: tuple[Bar, ...]
    goal: Goal | None = None
    missing: str = ""
    remarks: tuple[str, ...] = field(default=())

    def bar(self, role: Role) -> Bar | None:
        """The first bar with this role."""
        return next((bar for bar in self.bars if bar.role is role), None)

    @property
    def ratio(self) -> Spread | None:
        """ours / reference, round by round; None unless both sides were measured."""
        ours, reference = self.bar(Role.OURS), self.bar(Role.REFERENCE)
        if ours is None or reference is None:
            return None
        return Spread.of(paired_ratios(ours.values, reference.values))

    @property
    def verdict(self) -> Verdict:
        """Whether the median ratio reaches the goal."""
        if self.missing:
            return Verdict.MISSING
        if self.goal is None:
            return Verdict.SHOWN
        ratio = self.ratio
        if ratio is None:
            raise ValueError(f"figure {self.key}: a goal needs our bar and a reference")
        return Verdict.REACHED if self.goal.is_met(ratio.median) else Verdict.NOT_REACHED


def is_failed(figures: Sequence[Figure]) -> bool:
    """Whether any goal was missed or any of our own sides could not be measured."""
    return any(figure.verdict in (Verdict.NOT_REACHED, Verdict.MISSING) for figure in figures)
