"""Frames between markers, answers between frames, addresses and questions: with a protocol made up for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hazgate_protocols.scale.commands import request_bytes
from hazgate_protocols.scale.decoder import Decoder
from hazgate_protocols.scale.options import Options
from hazgate_protocols.scale.reading import Reading, Reject, Status
from hazgate_protocols.scale.spec import (
    Address,
    BitsSay,
    Check,
    Command,
    Delimited,
    LineVariant,
    Link,
    Poll,
    Profile,
    Repeat,
    Says,
    StabilityWindow,
    Stream,
)

FRAME = Delimited(
    kind="delimited",
    starts=("3C",),  # <
    ends=("3E",),  # >
    early_ends=("21",),  # !
    max_length=12,
    check=None,
    address=Address(1, "address"),
    repeats=(Repeat(1, 1, "address"), Repeat(2, 2)),
    asides={"06": None, "15": Status.NOT_READY},
    variants=(
        LineVariant(
            name="weight",
            regex="^<[A-Z][WT](?P<sign>[+-])(?P<weight>[0-9]+)(?P<places>[0-4])(?P<lamp>[@-G])>$",
            unit="kg",
            bits={
                "lamp": (
                    BitsSay("01", "00", Says(stable=True)),
                    BitsSay("01", "01", Says(stable=False)),
                    BitsSay("02", "02", Says(status=Status.OVERLOAD)),
                    BitsSay("04", "04", Says(zero=True)),
                )
            },
        ),
        LineVariant(name="short", regex="^<[A-Z]W!$", status=Status.ERROR),
    ),
)
PROFILE = Profile(
    id="made-up",
    title={"zh": "x", "en": "x"},
    revision=1,
    trust="assumed",
    source=("this test",),
    link=Link(kinds=("serial",), baud=(9600,), bits=8, parity="N", stop=1),
    traffic=Poll("poll", interval_ms=100, timeout_ms=100, retries=1),
    frame=FRAME,
    transcripts=("none.yaml",),
    stability_window=StabilityWindow("device-silent", 1, 0, 0),
    options={"address": "A"},
    commands={"read": Command("3C 41 57 30 30 3E", address_at=1, check=Check("xor-hex", (1, 3), 3))},
)


def outcomes(stream: bytes, *, asked: bytes = b"", **options: str) -> list[str]:
    """Weights, states and reasons, the same whole and byte by byte."""
    lists: list[list[Reading | Reject]] = []
    for size in (len(stream), 1):
        decoder = Decoder(PROFILE, options)
        if asked:
            decoder.asked(asked)
        events: list[Reading | Reject] = []
        for at in range(0, len(stream), size):
            events += decoder.feed(stream[at : at + size])
            assert decoder.unread < decoder.max_length == 12
        lists.append(events + decoder.finish())
    assert lists[0] == lists[1]
    return [
        str(event.reason)
        if isinstance(event, Reject)
        else str(event.weight if event.weight is not None else event.status)
        for event in lists[0]
    ]


def test_a_short_answer_ends_early_and_the_same_byte_inside_a_long_one_does_not() -> None:
    """The early end counts only where a variant fits what stands before it."""
    assert outcomes(b"<AW!<AW+1232@>") == ["error", "1.23"]
    assert outcomes(b"<AW+1!232@><AW+52@>") == ["content", "0.05"]


def test_a_start_marker_inside_a_frame_begins_the_next_one() -> None:
    """A lost end costs one frame, not two."""
    assert outcomes(b"<AW+123<AW+1242@>") == ["framing", "1.24"]


def test_a_frame_without_an_end_is_given_up_at_its_longest() -> None:
    """Twelve bytes without an end, and endless ones: bounded, and the next frame is read."""
    assert outcomes(b"<AW+" + b"1" * 40 + b"<AW+1242@>")[-1] == "1.24"
    assert set(outcomes(b"<AW+" + b"1" * 400)) == {"framing"}


def test_an_answer_between_frames_counts_only_there() -> None:
    """NAK is a state; the same byte in what is left of a damaged frame is not."""
    assert outcomes(b"\x15") == ["not_ready"]
    assert outcomes(b"\x06<AW+1242@>") == ["1.24"]
    assert outcomes(b"<AW+1\x15232@>") == ["content"]


def test_a_frame_of_another_device_or_to_another_question_is_refused() -> None:
    """By the address of the site; by the question when it is known."""
    assert outcomes(b"<BW+1242@>") == ["address"]
    assert outcomes(b"<BW+1242@>", address="B") == ["1.24"]
    assert outcomes(b"<AT+1242@>", asked=b"<AW00>") == ["content"]
    assert outcomes(b"<AT+1242@>") == ["1.24"]


def test_an_answer_that_ends_in_the_middle_is_refused_when_nothing_more_comes() -> None:
    """For a polled device only: a stream is always cut somewhere."""
    assert outcomes(b"<AW+12") == ["framing"]
    decoder = Decoder(replace(PROFILE, traffic=Stream("stream", period_ms=100, silence_ms=1000)))
    assert decoder.feed(b"<AW+12") + decoder.finish() == []


@pytest.mark.parametrize(
    ("lamp", "weight", "stable", "zero"),
    [("@", "1.23", True, None), ("A", "1.23", False, None), ("B", None, None, None), ("D", "1.23", True, True)],
)
def test_bits_of_a_status_character_say_what_they_mean(
    lamp: str, weight: str | None, stable: bool | None, zero: bool | None
) -> None:
    """A fault takes the weight away, and what the other bits say of it."""
    (reading,) = Decoder(PROFILE).feed(b"<AW+1232%s>" % lamp.encode())
    assert isinstance(reading, Reading)
    assert (str(reading.weight) if reading.weight is not None else None, reading.stable, reading.zero) == (
        weight,
        stable,
        zero,
    )


def test_a_question_has_the_address_and_the_check_of_the_site() -> None:
    """A ^ W is 16h; B ^ W is 15h."""
    assert request_bytes(PROFILE, "read", Options(address="A")) == b"<AW16>"
    assert request_bytes(PROFILE, "read", Options(address="B")) == b"<BW15>"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"starts": ()}, "at least one start"),
        ({"ends": ("0D 0A", "0A")}, "stands inside another"),
        ({"asides": {"3C 15": None}}, "not as a frame begins"),
        ({"asides": {"15": Status.OK}}, "ok needs a weight"),
        ({"lengths": (2,)}, "3 to 512"),
        ({"max_length": 513}, "3 to 512"),
        ({"lengths": (3,), "address": Address(3, "address")}, "inside the shortest frame"),
        ({"variants": ()}, "at least one variant"),
    ],
)
def test_a_frame_that_cannot_be_read_one_way_only_is_refused(change: dict[str, object], says: str) -> None:
    """The message names what is wrong."""
    with pytest.raises(ValueError, match=says):
        replace(FRAME, **change)  # type: ignore[arg-type]
