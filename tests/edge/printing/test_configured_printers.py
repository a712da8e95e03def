"""The printer as the configuration names it: profiles, what they refuse in words, and the jobs that are drawn."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from edge.test_config import check, written
from hazgate_edge.commands.doctor_printer import examine
from hazgate_edge.config import Config, ConfigError, load
from hazgate_edge.domain.view import Light
from hazgate_edge.printing.drawing import CannotDrawError, Drawing, DrawnJob
from hazgate_edge.printing.files import read_files_job
from hazgate_edge.printing.model import model_of
from hazgate_protocols.label.document import LabelDocument
from hazgate_protocols.label.printer_profile import StatusSpeech
from hazgate_simulators.printer.device import Fault, Language, SimulatedPrinter
from hazgate_simulators.printer.escpos_reader import EscPosReader
from hazgate_simulators.printer.language import PrintAsked
from hazgate_simulators.printer.zpl_reader import ZplReader
from simulators.printer.test_back_to_dots import DOCUMENT, PAYLOAD, picture, qr_text

TCP = "  kind: tcp\n  host: 127.0.0.1\n"
LARGE = ("volume_l: 50", "volume_l: 1000")


def configured(folder: Path, printer: str, *edits: tuple[str, str]) -> Path:
    return written(folder, (TCP, printer), *edits)


def problem(path: Path) -> str:
    with pytest.raises(ConfigError) as told:
        load(path)
    return str(told.value)


@pytest.mark.parametrize(
    ("printer", "says"),
    [
        (
            TCP + "  profile: nothing\n",
            "printer.profile: printer profile 'nothing' does not exist; there are: cpcl-3in",
        ),
        (
            TCP + "  profile: escpos-80\n",
            "a receipt printer of 72 mm prints no label of HJ 1276 (100 mm at least), only",
        ),
        (TCP + "  profile: cpcl-3in-203\n", "a label of 100 mm is wider than the print head of 72 mm"),
        (TCP + "  profile: zpl-4in-203\n  dots_per_mm: 12\n", "printer.dots_per_mm: profile zpl-4in-203 says 8"),
        (TCP + "  profile: zpl-4in-203\n  head_mm: 108\n", "printer.head_mm: profile zpl-4in-203 says 104"),
        (TCP + "  profile: pdf-folder\n", "printer.kind: tcp does not fit profile pdf-folder; allowed: folder"),
        (
            TCP + "  profile: zpl-4in-203\n  proof_slips: true\n",
            "printer.proof_slips: profile zpl-4in-203 is no receipt",
        ),
        (TCP + "  proof_slips: true\n", "proof_slips goes with the profile of a receipt printer"),
        (TCP + "  turn: 45\n", "printer.turn"),
        ("  kind: usb\n", "needs usb_model or usb_serial"),
        ("  kind: serial\n", "needs a path, such as /dev/ttyS0"),
        ("  kind: cups\n", "needs the name of its queue"),
        ("  kind: cups\n  queue: '-o evil'\n", "printer.queue"),
        ("  kind: folder\n  path: /tmp\n", "needs a path and a profile"),
    ],
)
def test_a_printer_that_cannot_be_meant_so_is_told(tmp_path: Path, printer: str, says: str) -> None:
    """Refused with file, line, key and what is allowed, before the box starts."""
    assert says in problem(configured(tmp_path, printer))


def test_a_label_wider_than_the_profiles_head_is_refused_in_words(tmp_path: Path) -> None:
    """A 1000 L container on a 4-inch printer; the 8-inch one takes it."""
    told = problem(configured(tmp_path, TCP + "  profile: zpl-4in-203\n", LARGE))
    assert (
        "1000 L needs a 200 mm label (HJ 1276-2022); a label of 200 mm is wider than the print head of 104 mm" in told
    )
    assert load(configured(tmp_path, TCP + "  profile: zpl-8in-203\n", LARGE)).printer.profile == "zpl-8in-203"


def test_old_settings_mean_the_printer_they_always_meant(tmp_path: Path) -> None:
    """Without a profile: TSPL, 104 mm, 8 dots, asked by its status byte; or never asked."""
    model = model_of(load(written(tmp_path)).printer)
    assert (model.language, model.head_dots, model.dots_per_mm) == ("tspl", 832, 8)
    assert model.status is StatusSpeech.TSPL_BYTE
    mute = model_of(load(configured(tmp_path, TCP + "  answers_status: false\n  head_mm: 216\n", LARGE)).printer)
    assert (mute.status, mute.sides_mm) == (StatusSpeech.NONE, (100, 150, 200))


@pytest.mark.parametrize(
    ("printer", "warns"),
    [
        ("  kind: serial\n  path: /dev/ttyS0\n  baud: 9600\n", "a label of 100 mm takes about 83 s on this line"),
        ("  kind: serial\n  path: /dev/ttyS0\n", ""),
        ("  kind: serial\n  path: /dev/ttyS0\n  profile: cpcl-4in-203\n  baud: 115200\n", "takes about 14 s"),
        (TCP + "  profile: escpos-58\n  proof_slips: true\n", "no label is printed here"),
    ],
)
def test_what_is_slow_or_no_label_is_warned_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], printer: str, warns: str
) -> None:
    """80 kB at 9600 baud take 83 s: said, and not refused."""
    code, _, err = check(configured(tmp_path, printer), capsys)
    assert code == 0, err
    assert (warns in err) if warns else err == ""


async def drawn(config: Config, document: LabelDocument, side_mm: int, labels: int) -> DrawnJob:
    """Through the drawing process, as the spooler does."""
    drawing = Drawing(config.printer, config.label_font)
    process: asyncio.subprocess.Process | None = None
    try:
        job = await drawing.draw_job(document, side_mm=side_mm, labels=labels)
    finally:
        process = drawing._process
        drawing.close()
        if process is not None:
            await process.wait()
    return job


async def test_the_drawing_process_makes_the_profiles_language(tmp_path: Path) -> None:
    """ZPL for a ZPL printer; the record's picture has the size of what came out."""
    config = load(configured(tmp_path, TCP + "  profile: zpl-8in-203\n  turn: 180\n", LARGE))
    job = await drawn(config, DOCUMENT, 200, 2)
    (asked,) = ZplReader().feed(job.data)
    assert isinstance(asked, PrintAsked)
    assert (asked.labels, len(asked.rows), job.picture.width, job.picture.labels) == (2, 1600, 1600, 2)


async def test_a_receipt_printer_gives_a_slip_and_the_record_counts_no_label(tmp_path: Path) -> None:
    """0 labels of this picture: nobody can later take the slip for the label of HJ 1276."""
    config = load(configured(tmp_path, TCP + "  profile: escpos-80\n  proof_slips: true\n"))
    job = await drawn(config, DOCUMENT, 100, 1)
    (asked,) = EscPosReader(576).feed(job.data)
    assert isinstance(asked, PrintAsked)
    assert job.picture.labels == 0
    assert (job.picture.width, job.picture.height) == picture(asked).size
    assert qr_text(picture(asked)) == PAYLOAD


async def test_a_label_the_head_cannot_print_is_refused_again_when_it_is_drawn(tmp_path: Path) -> None:
    """A weighing saved before the printer was changed: a person is told, and no cut label comes out."""
    config = load(configured(tmp_path, TCP + "  profile: zpl-4in-203\n"))
    with pytest.raises(CannotDrawError, match="label of 150 mm is wider than the print head of 104 mm"):
        await drawn(config, DOCUMENT, 150, 1)


@pytest.mark.parametrize(("profile", "ends"), [("png-folder", (".png", ".png")), ("pdf-folder", (".pdf",))])
async def test_a_folder_gets_a_sheet_for_each_label(tmp_path: Path, profile: str, ends: tuple[str, ...]) -> None:
    """Above 450 L: two PNG files, sheet 1 of 2 and 2 of 2, or a PDF of two pages of 200 x 200 mm; the QR code reads."""
    config = load(configured(tmp_path, f"  kind: folder\n  path: {tmp_path}\n  profile: {profile}\n", LARGE))
    job = await drawn(config, replace(DOCUMENT, copy=1), 200, 2)
    names, content = read_files_job(job.data)
    assert tuple(Path(name).suffix for name in names) == ends
    assert all(name.startswith(f"{DOCUMENT.digital_id}-1") for name in names)
    if profile == "png-folder":
        assert [name.split("-")[-1] for name in names] == ["1of2.png", "2of2.png"]
        with Image.open(BytesIO(content)) as image:
            assert round(image.width / image.info["dpi"][0] * 25.4) == 200
            (found,) = zxingcpp.read_barcodes(image.convert("L"))
        assert found.text == PAYLOAD
    else:
        assert content.count(b"/Type /Page ") == 2
        assert b"/Count 2" in content
        assert content.count(b"/MediaBox [0 0 566.9291 566.9291]") == 2


def test_doctor_says_language_and_what_the_printer_answered(tmp_path: Path) -> None:
    """In a process of its own, against nothing that listens: the profile, how it is asked, and what to do."""
    path = configured(tmp_path, TCP + "  port: 1\n  profile: zpl-4in-203\n")
    code = (
        "import asyncio, sys; from pathlib import Path; from hazgate_edge.config import load;"
        "from hazgate_edge.commands.doctor_printer import examine;"
        "print(*asyncio.run(examine(load(Path(sys.argv[1])))), sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60, check=True
    )
    light, text, todo = done.stdout.splitlines()
    assert light == "bad"
    assert text.startswith(
        "zpl-4in-203 (zpl, head 104 mm, 8 dots/mm) at 127.0.0.1:1: asked as zpl-hs, it gives no answer"
    )
    assert "PRN-02" in text
    assert "cable" in todo


@pytest.mark.parametrize(
    ("profile", "language"),
    [
        ("tspl-4in-203", Language.TSPL),
        ("tspl-4in-203-text", Language.TSPL),
        ("zpl-4in-203", Language.ZPL),
        ("cpcl-4in-203", Language.CPCL),
        ("escpos-80", Language.ESCPOS),
    ],
)
async def test_doctor_tells_an_empty_printer_in_its_own_language(
    tmp_path: Path, profile: str, language: Language
) -> None:
    """Asked as the profile says; the answer is told in words with the operator's key; loaded, it is good."""
    simulated = SimulatedPrinter(language=language)
    await simulated.set_fault(Fault.PAPER_OUT)
    await simulated.start()
    slips = "  proof_slips: true\n" if language is Language.ESCPOS else ""
    config = load(configured(tmp_path, f"{TCP}  port: {simulated.port}\n  profile: {profile}\n{slips}"))
    light, text, _ = await examine(config)
    await simulated.set_fault(Fault.READY)
    now = await examine(config)
    await simulated.stop()
    assert light is Light.BAD
    assert "it says: paper out (PRN-01)" in text
    assert now[0] is Light.GOOD
    assert "it says: ready" in now[1]
    assert ("prints slips, no labels" in text) is bool(slips)
