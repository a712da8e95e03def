"""Records of several lines: what belongs to one, what is refused, and a buffer that stays bounded."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hazgate_profiles import registry
from hazgate_protocols.scale.decoder import Decoder
from hazgate_protocols.scale.reading import Reading, Reject
from hazgate_protocols.scale.spec import Block, BlockLine

JIK = registry.load("jik6cab")
LINES = [b"^KJIK000", b"07/11/23", b"17:19:26", b"  0.20 kg", b"  1.94 kg", b"0", b"0", b"  1.74 kg", b"  1.74 kg"]
LINES += [b"    0 pcs", b" ", b" ", b"E", b"~P1"]
RECORD = b"\r\n".join(LINES) + b"\r\n"


@settings(max_examples=200, deadline=None)
@given(
    lines=st.lists(
        st.sampled_from([RECORD, b"^KJIK000\r\n", b"~P1\r\n", b"\r\n", b"x" * 150 + b"\r\n", b"  1.94 kg\r\n"])
    ),
    cuts=st.lists(st.integers(0, 2000), max_size=6),
)
def test_records_and_parts_of_records_give_the_same_however_they_arrive(lines: list[bytes], cuts: list[int]) -> None:
    """Also where a record never ends: the events are those of the whole stream, and less than a record is held."""
    stream = b"".join(lines)
    whole, pieces = Decoder(JIK), Decoder(JIK)
    events: list[Reading | Reject] = []
    places = sorted(min(cut, len(stream)) for cut in cuts)
    for start, stop in zip([0, *places], [*places, len(stream)], strict=True):
        events += pieces.feed(stream[start:stop])
        assert pieces.unread < pieces.max_length
    assert events == whole.feed(stream)
    assert all(event.raw == RECORD for event in events if isinstance(event, Reading))


@pytest.mark.parametrize("place", range(len(LINES)))
def test_a_record_without_one_of_its_lines_is_no_record(place: int) -> None:
    """Whichever line is lost, the next whole record is read."""
    damaged = b"".join(line + b"\r\n" for index, line in enumerate(LINES) if index != place)
    events = Decoder(JIK).feed(damaged + RECORD)
    assert [event.raw for event in events if isinstance(event, Reading)] == [RECORD]
    assert any(isinstance(event, Reject) for event in events)


def test_a_division_that_nobody_names_is_the_last_place_of_the_coarsest_number() -> None:
    """0.01 for 1.94 = 1.74 + 0.20: one of it is rounding, two are not."""
    for net, is_read in ((b"1.75", True), (b"1.73", True), (b"1.76", False), (b"1.72", False)):
        (event,) = Decoder(JIK).feed(RECORD.replace(b"  1.74 kg", b"  " + net + b" kg"))
        assert isinstance(event, Reading) is is_read


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"begin": "KJIK"}, "beginning with"),
        ({"finish": "^(?:~P1)*$"}, "no repeated group"),
        ({"weight": "gross", "lines": (BlockLine("net", "^(?P<net>[0-9]+)$"),)}, "among them the weight, gross"),
        ({"lines": (BlockLine("a", "^(?P<net>1)$", 3), BlockLine("b", "^b$", 3))}, "each number once"),
        ({"max_length": 513}, "8 to 512"),
        ({"lead": "0A"}, "not the last one of a line"),
        ({"unit": "stone"}, "unit 'stone' is not allowed"),
    ],
)
def test_a_record_that_could_not_be_found_or_read_is_no_profile(changes: dict[str, object], sentence: str) -> None:
    """The schema names what is wrong."""
    assert isinstance(JIK.frame, Block)
    with pytest.raises(ValueError, match=sentence):
        replace(JIK.frame, **changes)  # type: ignore[arg-type]  # each is the type of its field
