"""The benchmarks' arithmetic: a wrong median or ratio would make every figure a lie. Nothing here is timed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figure import Bar, Figure, Role, Verdict, is_failed
from benchmarks.machine import Noise, is_steady
from benchmarks.spread import Goal, Sense, Spread, paired_ratios, percentile

AT_LEAST = Goal(Sense.AT_LEAST, 0.6)
AT_MOST = Goal(Sense.AT_MOST, 3.0)


def figure(ours: tuple[float, ...], reference: tuple[float, ...], goal: Goal | None, missing: str = "") -> Figure:
    bars = [Bar("reference", Role.REFERENCE, reference)]
    if ours:
        bars.append(Bar("ours", Role.OURS, ours))
    return Figure("key", "title", "ms", tuple(bars), goal, missing)


def test_a_spread_is_median_least_most_and_count() -> None:
    """One wild round moves the most, never the median."""
    assert Spread.of([3.0, 1.0, 100.0]) == Spread(median=3.0, least=1.0, most=100.0, rounds=3)


@pytest.mark.parametrize(("percent", "value"), [(1, 1), (50, 5), (51, 6), (95, 10), (100, 10)])
def test_a_percentile_is_the_nearest_rank(percent: float, value: int) -> None:
    """Of 1 to 10, p50 is the fifth value and p95 the tenth: never a value that was not measured."""
    assert percentile(list(range(10, 0, -1)), percent) == value


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.1, 100))
def test_at_least_that_share_of_the_values_lies_at_or_below_a_percentile(values: list[float], percent: float) -> None:
    """The definition, for any values."""
    at = percentile(values, percent)
    assert sum(value <= at for value in values) >= len(values) * percent / 100 - 1e-9
    assert at in values


@pytest.mark.parametrize("call", [lambda: Spread.of([]), lambda: percentile([], 50), lambda: percentile([1.0], 0)])
def test_nothing_measured_gives_an_error_and_no_number(call: object) -> None:
    """An empty series must not look like a result."""
    assert callable(call)
    with pytest.raises(ValueError, match=r"percentile|spread"):
        call()


def test_ratios_are_taken_round_by_round() -> None:
    """When the machine halves its speed for both sides in one round, the ratio stays."""
    assert paired_ratios([60.0, 30.0], [100.0, 50.0]) == (0.6, 0.6)
    with pytest.raises(ValueError, match="2 rounds of ours against 1"):
        paired_ratios([1.0, 2.0], [1.0])


@pytest.mark.parametrize(
    ("ours", "goal", "verdict"),
    [
        ((60.0, 60.0, 10.0), AT_LEAST, Verdict.REACHED),
        ((59.0, 59.0, 90.0), AT_LEAST, Verdict.NOT_REACHED),
        ((300.0, 300.0, 900.0), AT_MOST, Verdict.REACHED),
        ((301.0, 301.0, 10.0), AT_MOST, Verdict.NOT_REACHED),
        ((1.0, 1.0, 1.0), None, Verdict.SHOWN),
    ],
)
def test_the_median_ratio_decides_and_the_bound_counts_as_reached(
    ours: tuple[float, ...], goal: Goal | None, verdict: Verdict
) -> None:
    """Both senses of a goal, on and just beyond the bound."""
    assert figure(ours, (100.0, 100.0, 100.0), goal).verdict is verdict


def test_a_figure_without_our_side_fails_the_run() -> None:
    """What could not be measured must not pass as green."""
    missing = figure((), (1.0,), AT_MOST, missing="not there")
    assert missing.verdict is Verdict.MISSING
    assert is_failed([figure((1.0,), (1.0,), AT_MOST), missing])
    assert is_failed([figure((9.0,), (1.0,), AT_MOST)])
    assert not is_failed([figure((1.0,), (1.0,), AT_MOST), figure((1.0,), (1.0,), None)])


def test_a_goal_without_a_reference_is_a_mistake_of_the_bench() -> None:
    """A goal is a ratio; without both sides there is nothing to judge."""
    alone = Figure("key", "title", "ms", (Bar("ours", Role.OURS, (1.0,)),), AT_MOST)
    with pytest.raises(ValueError, match="needs our bar and a reference"):
        _ = alone.verdict


@pytest.mark.parametrize(("spin", "sync", "steady"), [(40.0, 0.2, True), (30.0, 0.2, False), (40.0, 0.3, False)])
def test_a_machine_that_changed_during_the_run_is_called_noisy(spin: float, sync: float, steady: bool) -> None:
    """Processor and disk are both watched."""
    before = Noise(Spread.of([40.0]), sync_ms_p50=0.2, sync_ms_p99=1.0, load=0.0)
    after = Noise(Spread.of([spin]), sync_ms_p50=sync, sync_ms_p99=1.0, load=0.0)
    assert is_steady(before, after) is steady
