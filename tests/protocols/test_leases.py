"""What a box asks for and a collector grants, as text and back."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazgate_protocols.journal.bodies import BodyError
from hazgate_protocols.journal.leases import DAYS_MAX, Days, LeaseAsk, LeasedRange
from hazgate_protocols.uplink.messages import NOTE_CODE_CHARS_MAX

spans = st.builds(
    lambda first, more: Days(first, min(first + timedelta(days=more), date(2099, 12, 31))),
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.integers(0, DAYS_MAX - 1),
)
ranges = st.builds(
    lambda ends, days: LeasedRange(min(ends), max(ends), days),
    st.tuples(st.integers(1, 999), st.integers(1, 999)),
    spans,
)
GOOD: dict[str, Any] = {
    "waste_code": "900-214-08", "from": "2026-11-23", "until": "2027-01-22", "count": 100, "why": "first"
}  # fmt: skip


@given(ranges)
def test_a_range_is_read_as_it_was_written_and_fits_a_note(held: LeasedRange) -> None:
    """Text and back; never longer than a note's reference may be."""
    assert LeasedRange.parse(str(held)) == held
    assert len(str(held)) <= NOTE_CODE_CHARS_MAX


def test_the_text_of_a_range_is_the_documents() -> None:
    """The example of the contract, exactly."""
    held = LeasedRange(101, 200, Days(date(2026, 11, 23), date(2026, 12, 31)))
    assert str(held) == "101-200 2026-11-23..2026-12-31"
    assert held.covers(200, date(2026, 12, 31))
    assert not held.covers(201, date(2026, 12, 31))
    assert not held.covers(200, date(2027, 1, 1))


@given(ranges, ranges)
def test_two_ranges_meet_exactly_when_some_number_of_some_day_is_in_both(one: LeasedRange, other: LeasedRange) -> None:
    """Against counting it out; the same from both sides."""
    days = [one.days.first + timedelta(days=n) for n in range((one.days.last - one.days.first).days + 1)]
    shared = any(day in other.days for day in days) and bool(
        set(range(one.first, one.last + 1)) & set(range(other.first, other.last + 1))
    )
    assert one.meets(other) == other.meets(one) == shared


@pytest.mark.parametrize(
    "text",
    ["", "101-200", "0-5 2026-11-23..2026-11-23", "200-101 2026-11-23..2026-11-23", "1-1000 2026-11-23..2026-11-23",
     "1-5 2026-11-24..2026-11-23", "1-5 2026-02-30..2026-03-01", "1-5 1999-11-23..1999-11-23",
     "1-5 2026-01-01..2026-12-31", "１-5 2026-11-23..2026-11-23", "1-5 2026-11-23..2026-11-23 "],
)  # fmt: skip
def test_what_is_no_range_is_refused(text: str) -> None:
    """Numbers 1 to 999, days in order and at most DAYS_MAX of them, nothing around it."""
    with pytest.raises(ValueError, match=r"lease|numbers|days|day"):
        LeasedRange.parse(text)


def test_an_ask_is_read_as_it_was_written() -> None:
    """Body and back, the waste code in its one form."""
    ask = LeaseAsk.from_json(GOOD)
    assert ask.as_json() == GOOD
    assert LeaseAsk.from_json({**GOOD, "waste_code": "90021408", "more": 1}) == ask


@pytest.mark.parametrize(
    "wrong",
    [{"waste_code": "900-214-44"}, {"waste_code": None}, {"from": "20261123"}, {"until": "2026-11-22"},
     {"until": "2027-11-22"}, {"count": 0}, {"count": 1000}, {"count": True}, {"count": "9"}, {"why": 1},
     {"from": "2026-W48-1"}, {"until": 5}],
)  # fmt: skip
def test_an_ask_that_cannot_be_granted_is_refused_in_words(wrong: dict[str, Any]) -> None:
    """The box is told what is wrong with it; nothing raises anything else."""
    with pytest.raises(BodyError, match="lease_ask"):
        LeaseAsk.from_json({**GOOD, **wrong})
