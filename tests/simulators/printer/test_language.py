"""The printer's own reading of TSPL: pixel for pixel, however the bytes arrive, and strict with nonsense."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hazgate_protocols.label.tspl import STATUS_REQUEST, encode_job
from hazgate_simulators.printer.language import Complaint, Event, PrintAsked, StatusAsked, TsplReader

NOISE_MM = 10


def noise(side: int, seed: int) -> Image.Image:
    """A black layer of random dots."""
    dots = Random(seed).randbytes(side * side)
    return Image.frombytes("L", (side, side), bytes(255 if dot & 1 else 0 for dot in dots)).convert(
        "1", dither=Image.Dither.NONE
    )


def burnt(image: Image.Image) -> tuple[bytes, ...]:
    """Rows of an image as the simulator says them: 1 where it is black."""
    grey = image.convert("L").tobytes()
    width = image.width
    return tuple(bytes(dot == 0 for dot in grey[at : at + width]) for at in range(0, len(grey), width))


def read(job: bytes, dots_per_mm: int = 8, piece: int = 4096) -> list[Event]:
    reader = TsplReader(dots_per_mm)
    return [event for at in range(0, len(job), piece) for event in reader.feed(job[at : at + piece])]


@given(
    side_mm=st.integers(min_value=2, max_value=40),
    dots_per_mm=st.sampled_from([8, 12]),
    gap_mm=st.integers(min_value=0, max_value=25),
    copies=st.integers(min_value=1, max_value=10),
    seed=st.integers(min_value=0, max_value=2**32),
)
@settings(max_examples=40, deadline=None)
def test_every_size_comes_back_pixel_for_pixel(
    side_mm: int, dots_per_mm: int, gap_mm: int, copies: int, seed: int
) -> None:
    """Any side, also of no whole byte, any gap and count: the printer burns exactly the black dots."""
    image = noise(side_mm * dots_per_mm, seed)
    job = encode_job(image, side_mm=side_mm, gap_mm=gap_mm, copies=copies)
    assert read(job, dots_per_mm) == [PrintAsked(burnt(image), copies)]


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_a_job_is_read_the_same_however_it_arrives(piece: int) -> None:
    """Byte by byte or in odd pieces, with a status question before and after."""
    image = noise(80, 1)
    stream = STATUS_REQUEST + encode_job(image, side_mm=NOISE_MM, gap_mm=2) + STATUS_REQUEST
    assert read(stream, piece=piece) == [StatusAsked(), PrintAsked(burnt(image), 1), StatusAsked()]


def test_a_status_question_inside_a_raster_is_picture() -> None:
    """The raster may hold any byte: an escape there asks nothing."""
    job = encode_job(Image.new("1", (80, 80), 1), side_mm=NOISE_MM, gap_mm=2)
    at = job.index(b",0,\xff") + 3
    job = job[:at] + STATUS_REQUEST + job[at + 3 :]
    (event,) = read(job)
    assert isinstance(event, PrintAsked)
    assert event.rows[0][:24] == bytes(bit == "0" for bit in "".join(f"{byte:08b}" for byte in STATUS_REQUEST))


def test_a_job_of_the_wrong_polarity_is_seen() -> None:
    """An inverted raster burns the label black: the comparison used everywhere here notices."""
    image = noise(80, 2)
    inverted = Image.eval(image.convert("L"), lambda dot: 255 - dot).convert("1", dither=Image.Dither.NONE)
    (event,) = read(encode_job(inverted, side_mm=NOISE_MM, gap_mm=2))
    assert event != PrintAsked(burnt(image), 1)
    blank = Image.new("1", (80, 80), 1)
    (event,) = read(encode_job(blank, side_mm=NOISE_MM, gap_mm=2))
    assert isinstance(event, PrintAsked)
    assert not any(any(row) for row in event.rows)


@pytest.mark.parametrize(
    "wrong",
    [
        b"SETC AUTODOTTED OFF\r\n",
        b"BITMAP 0,0,x,1,0,\xff",
        b"BITMAP 0,0,1,1,3,\xff\r\n",
        b"BITMAP 0,0,9999,9999,0,",
        b"DENSITY 99\r\n",
        b"\xff" * 600,
    ],
)
def test_one_command_the_printer_does_not_know_spoils_the_job_and_only_that_job(wrong: bytes) -> None:
    """Nothing is printed and there is a complaint; the next job prints."""
    good = encode_job(noise(80, 3), side_mm=NOISE_MM, gap_mm=2)
    reader = TsplReader(8)
    first = list(reader.feed(good.replace(b"CLS\r\n", b"CLS\r\n" + wrong, 1)))
    assert first
    assert all(isinstance(event, Complaint) for event in first)
    later = [event for _ in range(2) for event in reader.feed(b"\r\n" + good)]
    assert isinstance(later[-1], PrintAsked)


@given(st.binary(max_size=400))
def test_no_bytes_at_all_break_the_printer(received: bytes) -> None:
    """Line noise gives complaints at most."""
    events = read(received, piece=50)
    assert all(isinstance(event, Complaint | StatusAsked | PrintAsked) for event in events)
