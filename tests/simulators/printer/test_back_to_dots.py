"""Every label in every language, read back by the simulated printers: the same dots, and a QR code that reads."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from functools import cache

import pytest
from PIL import Image

from hazgate_profiles import printers
from hazgate_protocols.label import cpcl, escpos, tspl, zpl
from hazgate_protocols.label.document import LabelDocument, qr_payload
from hazgate_protocols.label.fonts import find_font
from hazgate_protocols.label.printer_profile import Language, PrinterProfile, encode_label, encode_slip, turned_by
from hazgate_protocols.label.raster import one_is_black, zero_is_black
from hazgate_protocols.label.render import render
from hazgate_protocols.label.slip import render_slip
from hazgate_simulators.printer.cpcl_reader import CpclReader
from hazgate_simulators.printer.device import Reader
from hazgate_simulators.printer.escpos_reader import EscPosReader
from hazgate_simulators.printer.language import Complaint, Event, PrintAsked, TsplReader
from hazgate_simulators.printer.zpl_reader import ZplReader

DIGITAL_ID = "91130606MA0TETT01H9002140820240315001"
PAYLOAD = qr_payload("HTTPS://TRACE.EXAMPLE/T/", DIGITAL_ID)
DOCUMENT = LabelDocument(
    waste_name="废机油",
    category="HW08 废矿物油与含矿物油废物",
    waste_code="900-214-08",
    physical_form="液态",
    main_components="废润滑油、少量水",
    harmful_components="石油烃、重金属（铅、锌）",
    hazard_characteristics=("T", "I"),
    precautions="远离火源，防止泄漏；不得与氧化剂混放",
    digital_id=DIGITAL_ID,
    unit_name="保定市示例机械制造有限公司",
    contact="张伟 13800000000",
    produced_on="2024-03-15",
    weight="12.50 kg",
    remarks="一号线",
    qr_payload=PAYLOAD,
)
LABELS = [
    pytest.param(profile.id, side, id=f"{profile.id}-{side}mm")
    for profile in map(printers.load, printers.available())
    if profile.language not in (Language.PNG, Language.PDF)
    for side in profile.sides_mm
]
SLIPS = [name for name in printers.available() if printers.load(name).language is Language.ESCPOS]


@cache
def label(side_mm: int, dots_per_mm: int) -> Image.Image:
    """The drawn black layer."""
    return render(DOCUMENT, side_mm=side_mm, dots_per_mm=dots_per_mm, font_path=find_font(), colour="black-layer")


@cache
def slip(profile_id: str, copy: int) -> Image.Image:
    """The drawn proof slip."""
    profile = printers.load(profile_id)
    return render_slip(
        replace(DOCUMENT, copy=copy),
        width_dots=profile.head_dots,
        dots_per_mm=profile.dots_per_mm,
        side_mm=150,
        font_path=find_font(),
    )


def reader_of(profile: PrinterProfile) -> Reader:
    if profile.language is Language.TSPL:
        return TsplReader(profile.dots_per_mm)
    if profile.language is Language.ESCPOS:
        return EscPosReader(profile.head_dots)
    return ZplReader() if profile.language is Language.ZPL else CpclReader()


def events(reader: Reader, job: bytes, piece: int = 4096) -> list[Event]:
    return [event for at in range(0, len(job), piece) for event in reader.feed(job[at : at + piece])]


def picture(asked: PrintAsked) -> Image.Image:
    """The paper as a mode "1" image: burnt dots black."""
    grey = b"".join(row.translate(bytes([255, 0]) + bytes(254)) for row in asked.rows)
    return Image.frombytes("L", (len(asked.rows[0]), len(asked.rows)), grey).convert("1", dither=Image.Dither.NONE)


def printed(profile: PrinterProfile, job: bytes) -> Image.Image:
    """The one picture a printer of this profile makes of a job."""
    found = events(reader_of(profile), job)
    assert len(found) == 1
    assert isinstance(found[0], PrintAsked), found
    return picture(found[0])


def qr_text(image: Image.Image) -> str:
    import zxingcpp

    codes = zxingcpp.read_barcodes(image.convert("L"))
    assert len(codes) == 1
    return str(codes[0].text)


@pytest.mark.parametrize(("profile_id", "side_mm"), LABELS)
def test_a_label_is_the_same_to_the_dot_in_every_language(profile_id: str, side_mm: int) -> None:
    """Drawn once, encoded, read back by a parser of its own: the size in mm and every dot as drawn, QR included."""
    profile = printers.load(profile_id)
    drawn = label(side_mm, profile.dots_per_mm)
    out = printed(profile, encode_label(profile, drawn, side_mm=side_mm, gap_mm=2, labels=1))
    assert (out.width / profile.dots_per_mm, out.height / profile.dots_per_mm) == (side_mm, side_mm)
    assert out.tobytes() == drawn.tobytes()
    assert qr_text(out) == PAYLOAD


@pytest.mark.parametrize("profile_id", SLIPS)
@pytest.mark.parametrize("copy", [0, 3])
def test_a_slip_is_the_same_to_the_dot_and_its_code_reads(profile_id: str, copy: int) -> None:
    """As wide as the head, as long as drawn."""
    profile = printers.load(profile_id)
    drawn = slip(profile_id, copy)
    out = printed(profile, encode_slip(profile, drawn))
    assert out.width == profile.head_dots
    assert (out.size, out.tobytes()) == (drawn.size, drawn.tobytes())
    assert qr_text(out) == PAYLOAD


@pytest.mark.parametrize("size", [(13, 1), (100, 129), (384, 1930)], ids=["speck", "odd", "long"])
@pytest.mark.parametrize("language", ["zpl", "zpl hex", "cpcl", "escpos"])
def test_noise_of_any_size_comes_back_whole(language: str, size: tuple[int, int]) -> None:
    """Every dot counts, also in a last byte that is not full and at the seams where a raster is cut into strips."""
    width, height = size
    row = -(-width // 8)
    noise = Image.frombytes("1", size, random.Random(7).randbytes(row * height))
    reader, job = {
        "zpl": (ZplReader(), zpl.encode_job(noise)),
        "zpl hex": (ZplReader(), zpl.encode_job(noise, compress=False)),
        "cpcl": (CpclReader(), cpcl.encode_job(noise)),
        "escpos": (EscPosReader(width), escpos.encode_job(noise)),
    }[language]
    assert isinstance(reader, ZplReader | CpclReader | EscPosReader)
    (asked,) = events(reader, job)
    assert isinstance(asked, PrintAsked)
    out = picture(asked)
    assert (out.size, out.tobytes()) == (noise.size, noise.tobytes())


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("profile_id", ["tspl-6in-203", "zpl-6in-203"])
def test_a_turned_label_is_the_label_turned(profile_id: str, turn: int) -> None:
    """150 mm on its stock whichever way it is fed: turned back by the other angle it is as drawn, and it reads."""
    profile = printers.load(profile_id)
    drawn = label(150, 8)
    out = printed(profile, encode_label(profile, drawn, side_mm=150, gap_mm=3, labels=1, turn=turn))
    assert turned_by(out, (360 - turn) % 360).tobytes() == drawn.tobytes()
    assert (out.tobytes() == drawn.tobytes()) is (turn == 0)
    assert qr_text(out) == PAYLOAD


@pytest.mark.parametrize("profile_id", ["tspl-8in-203", "zpl-8in-203"])
def test_two_labels_for_a_large_container_are_one_job(profile_id: str) -> None:
    """Above 450 L: two labels of 200 mm come of one job, both the same picture, so that neither can be forgotten."""
    profile = printers.load(profile_id)
    job = encode_label(profile, label(200, 8), side_mm=200, gap_mm=3, labels=2)
    (asked,) = events(reader_of(profile), job)
    assert isinstance(asked, PrintAsked)
    assert asked.labels == 2
    assert picture(asked).tobytes() == label(200, 8).tobytes()


def test_the_polarity_of_each_language_is_its_own() -> None:
    """TSPL burns zeros, the others ones; the bytes of one for another are a label in negative, which the printers show.

    A white label is planted as each language's "wrong" bytes: it must come out black, or this test guards nothing.
    """
    white = Image.new("1", (80, 80), 1)
    assert set(zero_is_black(white)) == {0xFF}
    assert set(one_is_black(white)) == {0x00}
    right: dict[str, tuple[Reader, bytes]] = {
        "tspl": (TsplReader(8), tspl.encode_job(white, side_mm=10, gap_mm=2)),
        "zpl": (ZplReader(), zpl.encode_job(white, compress=False)),
        "escpos": (EscPosReader(80), escpos.encode_job(white)),
        "cpcl": (CpclReader(), cpcl.encode_job(white)),
    }
    for name, (reader, job) in right.items():
        (asked,) = events(reader, job)
        assert isinstance(asked, PrintAsked), name
        assert not any(map(any, asked.rows)), name
    wrong: dict[str, tuple[Reader, bytes]] = {
        "tspl": (TsplReader(8), right["tspl"][1].replace(b"\xff" * 800, bytes(800))),
        "zpl": (ZplReader(), right["zpl"][1].replace(b"0" * 1600, b"F" * 1600)),
        "escpos": (EscPosReader(80), right["escpos"][1].replace(b"P\0" + bytes(800), b"P\0" + b"\xff" * 800)),
        "cpcl": (CpclReader(), re.sub(rb" 0{20,}", lambda zeros: b" " + b"F" * (len(zeros[0]) - 1), right["cpcl"][1])),
    }
    for name, (reader, job) in wrong.items():
        (asked,) = events(reader, job)
        assert isinstance(asked, PrintAsked), name
        assert all(map(all, asked.rows)), name


@pytest.mark.parametrize("profile_id", ["tspl-4in-203", "zpl-4in-203", "zpl-4in-203-hex", "cpcl-4in-203", "escpos-58"])
def test_a_job_byte_by_byte_prints_the_same(profile_id: str) -> None:
    """Arrival cannot matter: one byte at a time gives the same single label."""
    profile = printers.load(profile_id)
    image = Image.new("1", (80, 24), 1)
    image.paste(0, (3, 5, 50, 9))
    job = {
        Language.TSPL: lambda: tspl.encode_job(image.resize((80, 80)), side_mm=10, gap_mm=2),
        Language.ZPL: lambda: zpl.encode_job(image, compress=profile.compress),
        Language.CPCL: lambda: cpcl.encode_job(image),
        Language.ESCPOS: lambda: escpos.encode_job(image, cutter=profile.cutter),
    }[profile.language]()
    whole, single = (events(reader_of(profile), job, piece) for piece in (len(job), 1))
    assert whole == single
    assert [type(event) for event in whole] == [PrintAsked]


@pytest.mark.parametrize(("old", "new"), [(b":Z64:e", b":Z64:f"), (b"^GFA,800,800", b"^GFA,800,801")])
def test_a_damaged_zpl_field_prints_nothing_of_it(old: bytes, new: bytes) -> None:
    """A flipped character of the packed dots or a wrong length is a complaint and a blank label, not garbage."""
    image = Image.new("1", (80, 80), 0)
    job = zpl.encode_job(image)
    assert old in job
    complaint, asked = events(ZplReader(), job.replace(old, new))
    assert isinstance(complaint, Complaint)
    assert isinstance(asked, PrintAsked)
    assert not any(map(any, asked.rows))
