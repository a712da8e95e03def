"""The table of a vehicle's stages, the traffic light, and how a tare is judged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazgate_edge.domain.view import Phase
from hazgate_edge.domain.weighbridge import (
    START,
    TABLE,
    TARE_AGED,
    TARE_OUTLIER,
    Bridge,
    Event,
    Position,
    Stage,
    Tare,
    basis,
    is_green,
    judge_tare,
)
from hazgate_protocols.mass import Mass

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
SECOND_NS = 1_000_000_000
DIVISION = Mass.of("20", "kg")
WEIGHT_PHASES = st.sampled_from(list(Phase))


def kg(amount: int) -> int:
    return Mass.of(str(amount), "kg").mg


def tares(*amounts: int, newest: timedelta = timedelta(days=1)) -> list[Tare]:
    return [Tare(kg(amount), NOW - newest - timedelta(days=len(amounts) - n)) for n, amount in enumerate(amounts, 1)]


def test_the_table_names_every_seen_event_and_books_only_from_settled() -> None:
    """Six stages, five things that can be seen; booking is a way out of one stage alone."""
    assert {pair for pair in TABLE if pair[1] is not Event.BOOKED} == {
        (stage, event) for stage in Stage for event in Event if event is not Event.BOOKED
    }
    assert [pair[0] for pair in TABLE if pair[1] is Event.BOOKED] == [Stage.SETTLED]
    assert START is Stage.LEAVING


@given(
    st.lists(
        st.tuples(
            WEIGHT_PHASES,
            st.booleans(),
            st.one_of(st.none(), st.tuples(st.booleans(), st.booleans())),
            st.integers(0, 3),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_nothing_is_settled_while_the_vehicle_is_not_known_to_stand_fully_on(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    """Whatever pan and sensors say in whatever order: SETTLED needs both ends on, seen within a second, and rest; and
    between two bookings the platform was empty."""
    bridge, now_ns, booked = Bridge(sensors=True), 10 * SECOND_NS, True
    for pan, steady, ends, age_s, press in steps:
        now_ns += SECOND_NS
        position = None if ends is None else Position(ends[0], ends[1], now_ns - age_s * SECOND_NS)
        stage = bridge.look(pan, steady=steady, position=position, now_ns=now_ns)
        booked = booked and stage is not Stage.EMPTY and pan is not Phase.EMPTY
        if stage is Stage.SETTLED:
            assert ends == (True, True)
            assert age_s <= 1
            assert steady
            assert not booked
            if press:
                bridge.booked()
                booked = True
        else:
            with pytest.raises(KeyError):
                bridge.booked()


def test_silent_sensors_and_a_hanging_end_are_told_apart() -> None:
    """No answer, an old answer, front, rear; without sensors there is nothing to say."""
    bridge = Bridge(sensors=True)
    now = 100 * SECOND_NS
    said = [
        bridge.where(position, now)
        for position in (
            None,
            Position(front_on=True, rear_on=True, at_ns=now - SECOND_NS - 1),
            Position(front_on=False, rear_on=True, at_ns=now),
            Position(front_on=True, rear_on=False, at_ns=now),
            Position(front_on=True, rear_on=True, at_ns=now),
        )
    ]
    assert [say and say.key for say in said] == ["VEH-01", "VEH-01", "VEH-02", "VEH-03", None]
    assert Bridge(sensors=False).where(None, now) is None


def test_the_light_is_green_only_when_something_may_drive_and_is_known() -> None:
    """Green for coming and for leaving; red for everything between, and for silent sensors."""
    green = {stage for stage in Stage if is_green(stage, sensors_known=True)}
    assert green == {Stage.EMPTY, Stage.BOOKED, Stage.LEAVING}
    assert not any(is_green(stage, sensors_known=False) for stage in Stage)


@pytest.mark.parametrize(
    ("tare", "history", "found"),
    [
        (9_000, (), ()),
        (9_180, (9_000,), ()),  # 2 % exactly
        (9_181, (9_000,), (TARE_OUTLIER,)),
        (8_819, (9_000,), (TARE_OUTLIER,)),
        (1_060, (1_000,), ()),  # 3 divisions of 20 kg are more than 2 %
        (1_061, (1_000,), (TARE_OUTLIER,)),
        (9_000, (5_000, 9_000, 9_000, 9_000, 9_020, 8_980), ()),  # only the last five count
        (9_000, (9_000, 9_000, 9_000, 5_000, 5_000, 5_000), (TARE_OUTLIER,)),
        (9_000, (9_000, 9_000, 20_000), ()),  # one bad tare does not move the median
    ],
)
def test_a_tare_is_judged_by_the_median_of_the_last_five(
    tare: int, history: tuple[int, ...], found: tuple[str, ...]
) -> None:
    """More than the larger of 3 divisions and 2 % away from it is an outlier, either way."""
    assert judge_tare(kg(tare), basis(tares(*history)), division=DIVISION, now=NOW) == found


def test_a_history_older_than_thirty_days_is_said_to_be_old() -> None:
    """Thirty days are not yet old, a second more is."""
    fresh = basis(tares(9_000, newest=timedelta(days=30)))
    old = basis(tares(9_000, newest=timedelta(days=30, seconds=1)))
    assert judge_tare(kg(9_000), fresh, division=DIVISION, now=NOW) == ()
    assert judge_tare(kg(9_000), old, division=DIVISION, now=NOW) == (TARE_AGED,)
