"""What printers answer, language by language: only what is certain is ready, and nothing is made of no answer."""

from __future__ import annotations

import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hazgate_protocols.evidence.pictures import on_how_many
from hazgate_protocols.label import cpcl, escpos, tspl, zpl
from hazgate_protocols.label.printer_profile import StatusSpeech, meaning_of
from hazgate_protocols.label.status import PrinterStatus

HEALTHY = b"\x02030,0,0,1245,000,0,0,0,000,0,0,0\x03\r\n\x02000,0,0,0,0,2,4,0,00000000,1,000\x03\r\n\x021234,0\x03\r\n"


def host_status(first: str = "", second: str = "") -> bytes:
    """A healthy answer with single fields replaced: "1=1 4=002"."""
    lines = [line.strip(b"\x02\x03").decode() for line in HEALTHY.split(b"\r\n")[:3]]
    for number, edits in enumerate((first, second)):
        fields = lines[number].split(",")
        for edit in edits.split():
            place, value = edit.split("=")
            fields[int(place)] = value
        lines[number] = ",".join(fields)
    return b"".join(b"\x02" + line.encode() + b"\x03\r\n" for line in lines)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("", "", "ready"),
        ("1=1", "", "paper out"),
        ("2=1", "", "paused"),
        ("4=003", "", "busy"),
        ("5=1", "", "busy"),
        ("7=1", "", "busy"),
        ("9=1", "", "other error"),
        ("10=1", "", "ready"),
        ("11=1", "", "head hot"),
        ("", "2=1", "head open"),
        ("", "3=1", "ribbon out"),
        ("", "7=1", "label waiting"),
        ("", "8=00000002", "busy"),
        ("1=1 2=1", "2=1", "head open, paper out, paused"),
    ],
)
def test_each_field_of_a_zebras_host_status_means_one_thing(first: str, second: str, words: str) -> None:
    """Against the guide's letters: b c eee f h j k l, o p t u."""
    status = zpl.decode_host_status(host_status(first, second))
    assert status is not None
    assert status.words == words


@pytest.mark.parametrize("cut", [0, 1, 20, len(HEALTHY) - 4, len(HEALTHY) // 2])
def test_a_cut_host_status_is_no_answer(cut: int) -> None:
    """Two of three lines are not "ready"."""
    assert not zpl.is_whole(HEALTHY[:cut])
    assert zpl.decode_host_status(HEALTHY[:cut]) is None


def test_the_newest_of_two_host_statuses_counts() -> None:
    """A late answer comes in front of the newer one."""
    assert zpl.decode_host_status(HEALTHY + host_status("1=1")) == PrinterStatus.PAPER_OUT
    assert zpl.decode_host_status(host_status("1=1") + HEALTHY) == PrinterStatus(0)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ERRORS:         0 00000000 00000000", "ready"),
        ("ERRORS:         1 00000000 00000005", "head open, paper out"),
        ("ERRORS:         1 00000000 00010000", "paused"),
        ("ERRORS:         1 00000000 00000000", "other error"),
        ("ERRORS:         1 00000001 00000000", "other error"),
        ("ERRORS:         1 00000000 00000100", "other error"),
    ],
)
def test_the_error_line_of_a_zebra_is_read_and_what_is_not_known_is_an_error(line: str, words: str) -> None:
    """A bit nobody wrote down is never ready."""
    status = zpl.decode_errors(f"\x02\r\n  PRINTER STATUS\r\n   {line}\r\n\x03".encode())
    assert status is not None
    assert status.words == words


@given(st.binary(max_size=300))
def test_the_zpl_checksum_is_the_standard_librarys(text: bytes) -> None:
    """CRC-16, polynomial 1021h, start 0: binascii has the same one."""
    assert zpl.crc16(text) == binascii.crc_hqx(text, 0)


@given(st.tuples(*[st.integers(0, 255)] * 4))
def test_a_byte_that_is_no_escpos_status_makes_the_whole_answer_none(numbers: tuple[int, ...]) -> None:
    """(b AND 93h) = 12h in all four, or it is no status: line noise and other languages are never "ready"."""
    status = escpos.decode_status(tuple(bytes([number]) for number in numbers))
    assert (status is None) == any(number & 0x93 != 0x12 for number in numbers)
    if status == PrinterStatus(0):
        assert numbers[3] & 0x60 == 0
        assert numbers[1] & 0x64 == 0


@pytest.mark.parametrize("missing", range(4))
def test_one_missing_escpos_answer_is_no_answer(missing: int) -> None:
    """Three good bytes and a silence are not "ready"."""
    answers = [b"\x12"] * 4
    answers[missing] = b""
    assert escpos.decode_status(tuple(answers)) is None


def test_near_the_end_of_the_paper_is_no_fault_and_at_its_end_is() -> None:
    """0Ch warns, 60h stops."""
    assert escpos.decode_status((b"\x12", b"\x12", b"\x12", b"\x1e")) == PrinterStatus(0)
    assert escpos.decode_status((b"\x12", b"\x12", b"\x12", b"\x7e")) == PrinterStatus.PAPER_OUT


@pytest.mark.parametrize("byte", range(256))
def test_a_cpcl_byte_is_ready_only_without_any_fault(byte: int) -> None:
    """ "Was reset" alone says nothing; every other bit says something."""
    assert cpcl.decode_status(byte).ready is (byte & ~0x10 == 0)


@given(st.lists(st.integers(0x40, 0x7F), min_size=4, max_size=4))
def test_a_tspl_text_is_ready_only_when_it_says_nothing_at_all(letters: list[int]) -> None:
    """Second character: warnings, which do not stop. Any other one that is not "@" is busy or a fault."""
    status = tspl.decode_text(b"\x02" + bytes(letters) + b"\x03\r\n")
    assert status is not None
    assert status.ready is (letters[0] == letters[2] == letters[3] == 0x40)


@given(st.sampled_from([s for s in StatusSpeech if s is not StatusSpeech.NONE]), st.binary(max_size=200))
def test_no_bytes_at_all_are_no_answer_and_no_bytes_break_the_decoders(speech: StatusSpeech, heard: bytes) -> None:
    """None for silence in every language; any bytes give a status or None, never an exception."""
    assert meaning_of(speech, (b"",)) is None
    meaning_of(speech, (heard,))
    meaning_of(speech, (heard, heard, heard, heard))


def test_a_job_wider_than_the_head_is_refused_in_words_in_every_language() -> None:
    """Before a byte is made: 101 mm on a head of 100."""
    wide = Image.new("1", (808, 808), 1)
    for encode in (zpl.encode_job, cpcl.encode_job, escpos.encode_job):
        with pytest.raises(ValueError, match="wider than the print head of 800 dots"):
            encode(wide, head_dots=800)


def test_the_jobs_of_the_languages_are_the_manuals_commands() -> None:
    """Exact bytes of a label of 8 x 2 dots with one black dot at the top left: bit 1 burns."""
    image = Image.new("1", (8, 2), 1)
    image.putpixel((0, 0), 0)
    assert zpl.encode_job(image, copies=2, compress=False) == (b"^XA^PW8^LL2^LH0,0^FO0,0^GFA,2,2,1,8000^FS^PQ2^XZ\r\n")
    assert (
        cpcl.encode_job(image, copies=2) == b"! 0 200 200 2 2\r\nPAGE-WIDTH 8\r\nEG 1 2 0 0 8000\r\nFORM\r\nPRINT\r\n"
    )
    assert escpos.encode_job(image) == b"\x1b@\x1dv0\0\x01\0\x02\0\x80\0\x1bd\x04\x1dVB\0"


def test_a_slip_in_an_evidence_file_is_called_no_label() -> None:
    """0 labels of a picture: the verdict says what it was, not how many."""
    assert on_how_many(0) == ": a proof slip, no label of HJ 1276"
    assert (on_how_many(1), on_how_many(2)) == ("", ", on 2 labels")
