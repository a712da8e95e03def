"""Several boxes of one unit: whatever is offline, no label number is given twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hazgate_edge.journal.store import NumbersUsedUpError
from leases.unit import OIL, RAGS, Unit, sequences


def test_three_boxes_offline_on_one_day_never_give_one_number_twice(made: Callable[..., Unit]) -> None:
    """Connected once, then each alone: every label is another one, none is held back, and the store proves it."""
    unit = made("gate-01", "gate-02", "gate-03")
    unit.talk()
    labels = [box.weigh(waste) for box in unit.boxes.values() for waste in (OIL, OIL, RAGS, OIL)]
    assert len(set(labels)) == len(labels) == 12
    unit.clock.pass_days(1)
    labels += [box.weigh() for box in unit.boxes.values() for _ in range(30)]
    assert len(set(labels)) == len(labels)
    unit.talk()
    assert unit.flags() == []
    assert unit.faults() == []
    assert unit.alarms() == set()


def test_the_first_numbers_come_with_the_answer_to_the_first_push(made: Callable[..., Unit]) -> None:
    """One push, one answer: the box can weigh. Before it, it says that it never had numbers."""
    unit = made("gate-01")
    box = unit.boxes["gate-01"]
    assert box.said() == {OIL: "NUM-03", RAGS: "NUM-03"}
    with pytest.raises(NumbersUsedUpError):
        box.weigh()
    unit.talk("gate-01")
    assert box.said() == {}
    assert sequences([box.weigh(), box.weigh(), box.weigh(RAGS)]) == [1, 2, 1]
    assert box.asks() == [(OIL, "first"), (RAGS, "first")]


def test_thirty_days_offline_every_waste_keeps_its_numbers(made: Callable[..., Unit]) -> None:
    """From any moment after a talk: 30 days later both wastes can be weighed, with numbers of their own."""
    unit = made("gate-01", "gate-02")
    for talks in range(4):
        unit.talk()
        labels = []
        for _ in range(30):
            unit.clock.pass_days(1)
            labels += [box.weigh(waste) for box in unit.boxes.values() for waste in (OIL, RAGS)]
        assert len(set(labels)) == 120, talks
        assert [box.said() for box in unit.boxes.values()] == [{}, {}]
    unit.talk()
    assert (unit.flags(), unit.faults()) == ([], [])


def test_an_unanswered_ask_is_not_repeated_by_time_nor_by_a_restart(made: Callable[..., Unit]) -> None:
    """Nothing is answered for 40 days and ten starts: one ask a waste stays in the chain, and one grant comes of it."""
    unit = made("gate-01")
    box = unit.boxes["gate-01"]
    for _ in range(10):
        unit.clock.pass_days(4)
        box.restart()
        box.ask()
    assert box.asks() == [(OIL, "first"), (RAGS, "first")]
    unit.talk("gate-01")
    assert len(unit.leases()) == 4  # what was asked for ends before the horizon that is wanted by now
    assert [why for _, why in box.asks()] == ["first", "first", "horizon", "horizon"]
    assert box.said() == {}


def test_a_lost_answer_comes_again_and_grants_nothing_twice(made: Callable[..., Unit]) -> None:
    """The receipt with the grant is lost three times: pushed again, told again, granted once."""
    unit = made("gate-01", "gate-02")
    unit.talk("gate-01", lose_answers=3)
    assert [(name, waste) for name, waste, _ in unit.leases()] == [("gate-01", OIL), ("gate-01", RAGS)]
    assert sequences([unit.boxes["gate-01"].weigh()]) == [1]
    assert unit.faults() == []


def test_running_low_asks_for_more_and_goes_on_past_the_first_range(made: Callable[..., Unit]) -> None:
    """At 20 left one more range is asked for, also offline; what was granted is used to its last number and no more."""
    unit = made("gate-01", "gate-02")
    unit.talk()
    box = unit.boxes["gate-01"]
    labels = [box.weigh() for _ in range(79)]
    assert box.said() == {}
    labels.append(box.weigh())
    assert box.said() == {OIL: "NUM-06"}
    labels += [box.weigh() for _ in range(20)]
    assert box.said() == {OIL: "NUM-04"}
    with pytest.raises(NumbersUsedUpError):
        box.weigh()
    assert [why for waste, why in box.asks() if waste == OIL] == ["first", "low"]
    unit.talk()
    assert box.said() == {}
    labels += [box.weigh() for _ in range(100)]
    assert sequences(labels) == [*range(1, 101), *range(201, 301)]
    with pytest.raises(NumbersUsedUpError):
        box.weigh()


def test_numbers_go_on_behind_the_last_after_every_restart(made: Callable[..., Unit]) -> None:
    """Killed after each weighing, across the border of two ranges: each number once, in order."""
    unit = made("gate-01")
    box = unit.boxes["gate-01"]
    box.numbers_setting = "numbers: {a_day: 3}"
    box.restart()
    unit.talk()
    labels = []
    for _ in range(3):
        labels.append(box.weigh())
        box.restart()
        unit.talk()
    for _ in range(3):
        labels.append(box.weigh())
        box.restart()
        unit.talk()
    assert len(set(labels)) == 6
    assert unit.faults() == []
