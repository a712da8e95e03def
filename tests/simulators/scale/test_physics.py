"""The platform swings, settles, and keeps to the rules of a scale."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hazgate_protocols.mass import Mass
from hazgate_simulators.scale.physics import STEP_S, Answer, Platform, PlatformSpec, Range
from simulators.scale.situations import kg, platform

CAPACITY = 15_000  # divisions of the default platform: 150 kg in steps of 10 g
seeds = st.integers(0, 2**32)


@settings(max_examples=40, deadline=None)
@given(divisions=st.integers(0, CAPACITY), seed=seeds)
def test_a_load_of_whole_divisions_settles_to_exactly_itself(divisions: int, seed: int) -> None:
    """Noise and drift never move the digits of a load at rest, and it is reported stable."""
    scale = Platform(PlatformSpec(), random.Random(seed))
    scale.put(Mass(divisions * 10_000))
    scale.advance(15)
    for _ in range(100):
        scale.advance(0.1)
        assert scale.indication.gross_divisions == divisions
        assert scale.indication.stable


@settings(max_examples=40, deadline=None)
@given(mg=st.integers(0, 150_000_000), seed=seeds)
def test_any_load_settles_to_a_neighbouring_division(mg: int, seed: int) -> None:
    """What is shown at rest is less than one division away from the true load."""
    scale = Platform(PlatformSpec(), random.Random(seed))
    scale.put(Mass(mg))
    scale.advance(15)
    assert abs(scale.indication.gross * 1_000_000 - mg) < 10_000


@settings(max_examples=30, deadline=None)
@given(over=st.integers(10, CAPACITY), seed=seeds)
def test_a_load_beyond_capacity_is_overload_and_returns(over: int, seed: int) -> None:
    """Ten divisions above the capacity are overload; after removal the scale shows zero again."""
    scale = Platform(PlatformSpec(), random.Random(seed))
    scale.put(Mass((CAPACITY + over) * 10_000))
    scale.advance(15)
    assert scale.indication.range is Range.OVER
    scale.put(Mass(0))
    scale.advance(15)
    empty = scale.indication
    assert (empty.range, empty.gross_divisions) == (Range.INSIDE, 0)


@pytest.mark.parametrize("seed", range(5))
def test_a_bag_overshoots_and_is_called_stable_only_when_it_rests(seed: int) -> None:
    """The indication passes the load, and the first stable one is at most a division away from it."""
    scale = platform(seed)
    scale.put(kg("48.6"))
    shown = []
    for _ in range(1500):
        scale.advance(STEP_S)
        shown.append(scale.indication)
    assert max(i.gross_divisions for i in shown) > 4_860 + 100
    moved = next(n for n, i in enumerate(shown) if not i.stable)
    first = next(i for i in shown[moved:] if i.stable)
    assert abs(first.gross_divisions - 4_860) <= 1


def test_the_same_seed_gives_the_same_swing() -> None:
    """Stepping is deterministic however the time is cut."""
    one, other = platform(7), platform(7)
    for scale in (one, other):
        scale.put(kg("25"))
    one.advance(1.0)
    for _ in range(8):
        other.advance(0.125)
    assert one.indication == other.indication
    assert not one.indication.stable


def test_removing_a_tared_load_shows_its_negative() -> None:
    """Tare 5 kg, take it off: net -5.00; tare on the empty platform clears it."""
    scale = platform(load="5")
    assert scale.tare() is Answer.DONE
    assert (str(scale.indication.shown), scale.indication.net_shown) == ("0.00", True)
    scale.put(kg("0"))
    scale.advance(15)
    assert str(scale.indication.shown) == "-5.00"
    assert scale.tare() is Answer.DONE
    assert (str(scale.indication.shown), scale.indication.net_shown) == ("0.00", False)


def test_zero_is_refused_in_motion_under_tare_and_with_a_real_load() -> None:
    """Only a small load at rest is zeroed away."""
    scale = platform(load="2.99")
    assert scale.zero() is Answer.DONE
    assert scale.indication.gross == 0
    scale.put(kg("1"))
    scale.advance(0.3)
    assert scale.zero() is Answer.MOVING
    assert scale.tare() is Answer.MOVING
    assert platform(load="3.5").zero() is Answer.OUT_OF_RANGE
    tared = platform(load="1")
    tared.tare()
    assert tared.zero() is Answer.OUT_OF_RANGE


def test_after_power_up_the_scale_waits_for_an_empty_platform() -> None:
    """With a bag lying there no zero is found, so the scale is not ready; empty, it is."""
    scale = platform(load="48.6")
    scale.power_up()
    scale.advance(15)
    assert not scale.indication.ready
    assert scale.zero() is Answer.NOT_READY
    scale.put(kg("0"))
    scale.advance(15)
    assert scale.indication.ready


def test_a_restless_load_is_never_stable() -> None:
    """A person leaning on the platform keeps it moving."""
    scale = platform(load="48.6")
    scale.restless = True
    scale.advance(0.5)
    for _ in range(200):
        scale.advance(0.05)
        assert not scale.indication.stable


def test_pounds_are_the_same_load_rounded_to_the_division() -> None:
    """12.34 kg is 27.20504 lb, so the next division up is nearer."""
    pounds = platform(load="12.34").indication.in_pounds()
    assert (pounds.unit, str(pounds.gross)) == ("lb", "27.21")


@pytest.mark.parametrize(
    ("capacity", "division"),
    [("150", "0.03"), ("150", "0.00001"), ("150.005", "0.01"), ("150000", "0.1"), ("150", "0")],
)
def test_an_impossible_plate_is_refused(capacity: str, division: str) -> None:
    """Divisions are 1, 2 or 5 times a power of ten, and all indications have six digits."""
    with pytest.raises(ValueError, match=r"division|capacity"):
        PlatformSpec(capacity=Decimal(capacity), division=Decimal(division))
