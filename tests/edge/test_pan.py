"""From frames to a phase: only what is current, settled and metric may be booked, and one bag only once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.makers import RULE, StandingClock
from hazgate_edge.domain.blocking import reasons
from hazgate_edge.domain.pan import Limits, Pan
from hazgate_edge.domain.stability import Rule, StabilityWindow, Weight
from hazgate_edge.domain.view import Phase, Say
from hazgate_edge.domain.weighing import START, TABLE, Event, after
from hazgate_protocols.mass import Mass
from hazgate_protocols.scale.reading import Mode, Reading, Reason, Reject, Status

LIMITS = Limits(minimum=Mass.of("0.2", "kg"), capacity=Mass.of("150", "kg"), empty_below=Mass.of("0.1", "kg"))
DAMAGED = Reject(Reason.CHECKSUM, b"\x02junk")


def reading(
    kilograms: str,
    *,
    stable: bool | None = None,
    unit: str | None = "kg",
    mode: Mode | None = None,
    status: Status = Status.OK,
) -> Reading:
    weight = Decimal(kilograms) if status is Status.OK else None
    return Reading(weight, unit, stable, mode, status, raw=kilograms.encode())


class Bench:
    """A pan with a clock that moves 100 ms a frame."""

    def __init__(self, rule: Rule = RULE) -> None:
        self.clock = StandingClock()
        self.pan = Pan(rule, LIMITS, self.clock.mono)
        self.pan.link(up=True, now_ns=self.clock.mono)

    def frames(self, *readings: Reading) -> Phase:
        for one in readings:
            self.pan.bytes_came(self.clock.pass_ms(100))
            self.pan.read(one, self.clock.mono)
        return self.pan.phase(self.clock.mono)

    def reject(self) -> Phase:
        self.pan.bytes_came(self.clock.pass_ms(100))
        self.pan.rejected(DAMAGED, self.clock.mono)
        return self.pan.phase(self.clock.mono)

    def blocked(self) -> list[str]:
        view = self.pan.view(self.clock.mono)
        said = reasons(view, minimum=LIMITS.minimum, capacity=LIMITS.capacity, printer=None, disk=None)
        return [say.key for say in said]


def emptied() -> Bench:
    bench = Bench()
    assert bench.frames(reading("0.00")) is Phase.EMPTY
    return bench


def test_a_silent_device_settles_after_the_window_and_not_before() -> None:
    """Five equal readings over 400 ms; four are moving."""
    bench = emptied()
    assert bench.frames(*[reading("12.34")] * 4) is Phase.MOVING
    assert bench.frames(reading("12.34")) is Phase.SETTLED
    settled = bench.pan.settled(bench.clock.mono)
    assert settled is not None
    assert (settled.weight.mass, settled.by, len(settled.frames)) == (Mass(12_340_000), "window", 5)


def test_a_device_that_says_moving_is_never_overruled() -> None:
    """However equal the numbers are."""
    bench = emptied()
    assert bench.frames(*[reading("12.34", stable=False)] * 50) is Phase.MOVING
    assert bench.pan.settled(bench.clock.mono) is None


def test_a_device_that_says_stable_is_believed_after_two_frames() -> None:
    """And the record says who judged."""
    bench = emptied()
    assert bench.frames(reading("12.34", stable=True)) is Phase.MOVING
    assert bench.frames(reading("12.34", stable=True)) is Phase.SETTLED
    settled = bench.pan.settled(bench.clock.mono)
    assert settled is not None
    assert settled.by == "device"


def test_a_profile_may_ask_for_the_window_also_of_a_device_that_says_stable() -> None:
    """Where nothing in the frame guards a digit, one wrong "stable" line must not be booked."""
    bench = Bench(Rule(samples=5, span_ms=400, tolerance=Mass.of("0.01", "kg"), gap_ms=1000, always=True))
    bench.frames(reading("0.00"))
    assert bench.frames(*[reading("12.34", stable=True)] * 4) is Phase.MOVING
    assert bench.frames(reading("12.34", stable=True)) is Phase.SETTLED


def test_a_damaged_frame_starts_the_window_anew() -> None:
    """Settled is gone at once and needs its whole window again."""
    bench = emptied()
    bench.frames(*[reading("12.34")] * 5)
    assert bench.reject() is Phase.MOVING
    assert bench.pan.settled(bench.clock.mono) is None
    assert bench.frames(*[reading("12.34")] * 4) is Phase.MOVING
    assert bench.frames(reading("12.34")) is Phase.SETTLED


def test_a_weight_older_than_a_second_is_not_current_and_cannot_be_booked() -> None:
    """1000 ms is current, 1001 ms is not."""
    bench = emptied()
    bench.frames(*[reading("12.34")] * 5)
    assert bench.pan.settled(bench.clock.pass_ms(1000)) is not None
    assert bench.pan.settled(bench.clock.pass_ms(1)) is None
    assert bench.pan.weight(bench.clock.mono) is None
    assert bench.blocked() == ["SCALE-01"]


def test_after_booking_the_pan_must_be_emptied_before_the_next_bag() -> None:
    """The same bag cannot be booked twice, whatever the scale does meanwhile."""
    bench = emptied()
    bench.frames(*[reading("12.34")] * 5)
    bench.pan.booked()
    assert bench.frames(*[reading("12.34")] * 10) is Phase.BOOKED
    assert bench.frames(*[reading("25.00")] * 10) is Phase.BOOKED
    assert bench.reject() is Phase.BOOKED
    bench.pan.link(up=False, now_ns=bench.clock.mono)
    bench.pan.link(up=True, now_ns=bench.clock.mono)
    assert bench.frames(*[reading("25.00")] * 10) is Phase.BOOKED
    assert bench.blocked() == ["SCALE-05"]
    assert bench.frames(reading("0.05")) is Phase.EMPTY


def test_a_bag_on_the_pan_at_the_start_does_not_count_until_it_was_taken_off() -> None:
    """After a crash nobody knows whether it was booked."""
    bench = Bench()
    assert bench.frames(*[reading("12.34")] * 10) is Phase.BOOKED
    assert bench.blocked() == ["SCALE-18"], 'not "the last bag": nobody knows whether this one was saved'
    assert bench.frames(reading("0.00")) is Phase.EMPTY


@pytest.mark.parametrize(
    ("given_reading", "key"),
    [
        (reading("", status=Status.OVERLOAD), "SCALE-04"),
        (reading("", status=Status.OUT_OF_RANGE), "SCALE-04"),
        (reading("", status=Status.UNDERLOAD), "SCALE-10"),
        (reading("-5.00"), "SCALE-10"),
        (reading("", status=Status.NOT_READY), "SCALE-11"),
        (reading("", status=Status.ERROR), "SCALE-12"),
        (reading("12.34", unit="lb"), "SCALE-08"),
        (reading("12.34", unit=None), "SCALE-09"),
        (reading("12.3400001"), "SCALE-02"),
        (reading("120", unit="pcs", mode=Mode.COUNT), "SCALE-17"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_weight_never_settles_and_says_why(given_reading: Reading, key: str) -> None:
    """Overload, underload, foreign units, counts: refused with the reason, never a number to book."""
    bench = emptied()
    assert bench.frames(*[given_reading] * 20) is Phase.REFUSED
    assert bench.pan.settled(bench.clock.mono) is None
    assert bench.blocked() == [key]


def test_too_light_and_too_heavy_are_blocked_though_settled() -> None:
    """Between minimum and capacity, ends included."""
    for kilograms, keys in (("0.19", ["SCALE-16"]), ("0.20", []), ("150.00", []), ("150.01", ["SCALE-04"])):
        bench = emptied()
        assert bench.frames(*[reading(kilograms)] * 5) is Phase.SETTLED
        assert bench.blocked() == keys


def test_bytes_without_frames_for_three_seconds_point_to_the_settings() -> None:
    """Noise first counts as damaged frames, then as wrong link parameters; silence as no signal."""
    bench = Bench()
    for _ in range(20):
        bench.reject()
    assert bench.blocked()[0] == "SCALE-13"
    for _ in range(20):
        bench.reject()
    assert bench.blocked()[0] == "SCALE-15"
    bench.clock.pass_ms(5000)
    assert bench.blocked()[0] == "SCALE-01"


def test_the_table_of_phases_is_complete() -> None:
    """Every phase answers every event, but booking only from settled."""
    for phase in Phase:
        for event in Event:
            if event is Event.BOOKED and phase is not Phase.SETTLED:
                with pytest.raises(KeyError):
                    after(phase, event)
            else:
                assert (phase, event) in TABLE
    assert START is Phase.BOOKED


@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 300), st.sampled_from([None, True, False])),
            st.just("reject"),
            st.just("pause"),
            st.just("book"),
        ),
        max_size=80,
    )
)
def test_no_order_of_events_books_one_load_twice(steps: list[object]) -> None:
    """Between two bookings there is always an empty pan, and what is booked is a reading of the last second."""
    bench = Bench()
    emptied_since = False
    for step in steps:
        if step == "reject":
            bench.reject()
        elif step == "pause":
            bench.clock.pass_ms(1500)
        elif step == "book":
            settled = bench.pan.settled(bench.clock.mono)
            if settled is not None:
                assert emptied_since
                assert bench.clock.mono - settled.weight.at_ns <= 1_000_000_000
                bench.pan.booked()
                emptied_since = False
        elif isinstance(step, tuple):
            kilograms = f"{Decimal(step[0]) / 100:.2f}"
            bench.frames(*[reading(kilograms, stable=step[1])] * 6)
            emptied_since = emptied_since or Decimal(kilograms) <= Decimal("0.1")


def test_a_creeping_weight_never_settles() -> None:
    """Each step is within the tolerance of the last, but the window looks at all of them."""
    window = StabilityWindow(RULE)
    at = 0
    for step in range(100):
        at += 100_000_000
        mass = Mass(10_000_000 + step * 8_000)
        window.feed(Weight(mass, "x", "kg", "", None, None, b"", at))
        assert window.settled is None


def test_reasons_name_disk_and_printer_too() -> None:
    """Every reason at once, the disk first."""
    bench = emptied()
    said = reasons(
        bench.pan.view(bench.clock.mono),
        minimum=LIMITS.minimum,
        capacity=LIMITS.capacity,
        printer=Say("PRN-01"),
        disk=Say("DISK-01"),
    )
    assert [say.key for say in said] == ["DISK-01", "PAN-01", "PRN-01"]


def test_a_balance_that_leaves_out_its_unit_while_the_load_moves_is_moving_not_broken() -> None:
    """Sartorius and Kern send no unit before rest; without a unit and at rest, or saying nothing, it stays a fault."""
    bench = Bench()
    bench.frames(*[reading("0.0")] * 3)
    assert bench.frames(reading("12.5", unit=None, stable=False)) is Phase.MOVING
    assert "SCALE-09" not in bench.blocked()
    for stable in (True, None):
        bench.frames(reading("12.5", unit=None, stable=stable))
        assert "SCALE-09" in bench.blocked()


@pytest.mark.parametrize("every_ms", [2, 10, 12, 20, 100, 300])
def test_a_weight_settles_whatever_the_rate_and_only_after_its_span(every_ms: int) -> None:
    """500 to 3 frames a second: not before samples and span are there, soon after; the evidence is bounded."""
    window = StabilityWindow(Rule(samples=5, span_ms=800, tolerance=Mass.of("0.01", "kg"), gap_ms=1000))
    mass, settled_at = Mass.of("8.50", "kg"), None
    for at_ms in range(0, 3000, every_ms):
        window.feed(Weight(mass, "8.50", "kg", "", None, None, at_ms.to_bytes(2), at_ms * 1_000_000))
        if window.settled is not None and settled_at is None:
            settled_at = at_ms
    assert settled_at is not None
    assert max(800, 4 * every_ms) <= settled_at <= max(800, 4 * every_ms) + 2 * every_ms
    assert window.settled is not None
    frames = window.settled.frames
    assert len(frames) <= 16
    assert list(frames) == sorted(frames)
    assert frames[-1] == at_ms.to_bytes(2)


def test_the_weight_of_a_fast_device_is_current_no_longer_than_its_silence() -> None:
    """Three periods of a profile may be less than a second; more than a second is never granted."""
    for stale_ms, current_ms in ((300, 300), (5000, 1000)):
        pan = Pan(RULE, LIMITS, 0, stale_ms)
        pan.link(up=True, now_ns=0)
        pan.read(reading("8.50"), 1)
        assert pan.weight(current_ms * 1_000_000) is not None
        assert pan.weight(current_ms * 1_000_000 + 2) is None
        assert pan.view(current_ms * 1_000_000 + 2).silent
