"""A unit's life in a random order: boxes offline, crashes, lost answers, days that pass, a collector that goes back.

HAZGATE_SOAK=1 takes many seeds; a failing seed is named and reproduces.
"""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable

import pytest

from hazgate_edge.journal.store import NumbersUsedUpError
from leases.unit import OIL, RAGS, Unit

SOAK = bool(os.environ.get("HAZGATE_SOAK"))
SEEDS = range(300 if SOAK else 2)
STEPS = 40


def live(unit: Unit, rng: random.Random, *, goes_back: bool) -> list[str]:
    """Every label that was given."""
    labels: list[str] = []
    copies = [unit.copy_store()]
    for _ in range(STEPS):
        name = rng.choice(list(unit.boxes))
        deed = rng.choices(["weigh", "talk", "restart", "days", "copy", "back"], [10, 6, 2, 3, 1, goes_back])[0]
        if deed == "weigh":
            with contextlib.suppress(NumbersUsedUpError):
                for _ in range(rng.choice([1, 3, 12])):
                    labels.append(unit.boxes[name].weigh(rng.choice([OIL, RAGS])))  # noqa: PERF401 - none is lost when the next raises
        elif deed == "talk":
            unit.talk(name, lose_answers=rng.choice([0, 0, 2]))
        elif deed == "restart":
            unit.boxes[name].restart()
        elif deed == "days":
            unit.clock.pass_days(rng.choice([0.3, 1, 9]))
        elif deed == "copy":
            copies.append(unit.copy_store())
        elif deed == "back":
            unit.restore(rng.choice(copies))
    unit.talk()
    unit.talk()
    return labels


@pytest.mark.parametrize("seed", SEEDS)
def test_in_whatever_order_no_number_is_given_twice(made: Callable[..., Unit], seed: int) -> None:
    """Three boxes, few numbers a day: each label once, nothing held back, no alarm, and `verify` reads the same."""
    few = "numbers: {a_day: 9}"
    unit = made("gate-01", "gate-02", "gate-03", gate_01=few, gate_02=few, gate_03=few)
    labels = live(unit, random.Random(seed), goes_back=False)
    assert len(set(labels)) == len(labels)
    assert (unit.flags(), unit.alarms(), unit.faults()) == ([], set(), [])


@pytest.mark.parametrize("seed", SEEDS)
def test_after_a_collector_went_back_a_number_given_twice_has_its_alarm(made: Callable[..., Unit], seed: int) -> None:
    """What cannot be prevented is seen: for each number given twice the second bag is held back and the overlap is an
    alarm. Nothing else is held back, and `verify` reads the same from the records."""
    few = "numbers: {a_day: 9}"
    unit = made("gate-01", "gate-02", "gate-03", gate_01=few, gate_02=few, gate_03=few)
    labels = live(unit, random.Random(seed), goes_back=True)
    twice = len(labels) - len(set(labels))
    assert unit.flags() == ["label_reused"] * twice
    assert not twice or "lease_overlap" in unit.alarms()
    assert unit.faults() == []
