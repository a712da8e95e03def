"""What the print record says of the picture: exactly the dots that left for the printer, and none if none left."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from edge.makers import DEV, WHO, journal_in, weighing
from edge.test_config import GOOD
from hazgate_edge.app import printer_of
from hazgate_edge.config import Config, load
from hazgate_edge.domain.view import Light, PrintState, Say
from hazgate_edge.journal.store import Journal
from hazgate_edge.printing.drawing import Drawing
from hazgate_edge.printing.spooler import LabelPrinter, Spooler
from hazgate_protocols.journal.record import PRINT, Record
from hazgate_protocols.label.weighing import TEXTS
from hazgate_simulators.printer.device import Language, SimulatedPrinter


@dataclass
class Said:
    """What became of a job."""

    state: PrintState
    say: Say | None = None
    detail: str = "as told"


@dataclass
class Printer:
    """Takes jobs and answers as it is told to, then that all is printed."""

    answers: list[Said] = field(default_factory=list)
    jobs: list[bytes] = field(default_factory=list)

    async def readiness(self) -> tuple[Light, Say | None]:
        return Light.GOOD, None

    async def print_job(self, job: bytes) -> Said:
        self.jobs.append(job)
        return self.answers.pop(0) if self.answers else Said(PrintState.PRINTED)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = journal_in(tmp_path)
    yield made
    made.close()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    file = tmp_path / "box.yaml"
    file.write_text(GOOD.format(folder=tmp_path / "data", key="ab" * 32), encoding="utf-8")
    return load(file)


def prints(journal: Journal) -> list[dict[str, Any]]:
    """The bodies of the print records in order."""
    found = [Record.decode(item.body) for item in journal.after(0, 1000, 1 << 24)]
    return [record.body for record in found if record.kind == PRINT]


def rows_of(job: bytes) -> bytes:
    """The dots of a TSPL job, taken out by hand."""
    _, _, rest = job.partition(b"\r\nBITMAP 0,0,100,800,0,")
    return rest[:80_000]


async def printed(journal: Journal, config: Config, printer: LabelPrinter, until: int) -> None:
    """The spooler at work until so many print records are there."""
    drawing = Drawing(config.printer, config.label_font)
    changed = asyncio.Event()
    spooler = Spooler(journal, printer, drawing, config, dev=DEV, on_record=changed.set)
    work = asyncio.create_task(spooler.run())
    try:
        async with asyncio.timeout(60):
            while len(prints(journal)) < until:
                await changed.wait()
                changed.clear()
                spooler.wake()
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        process = drawing._process
        drawing.close()
        if process is not None:
            await process.wait()  # or the loop's watcher finds the loop gone


async def test_the_record_names_the_dots_that_left(journal: Journal, config: Config) -> None:
    """The digest of the bytes in the printer's hands, for the original and for the copy, which is another picture."""
    rid, _ = journal.write_now(lambda: journal.do_weigh(weighing("press-1")))
    printer = Printer()
    await printed(journal, config, printer, 1)
    journal.write_now(lambda: journal.do_reprint(rid, "damaged", who=WHO, dev=DEV))
    await printed(journal, config, printer, 2)
    bodies = prints(journal)
    assert [body["copy"] for body in bodies] == [0, 1]
    size = (800).to_bytes(4, "big") * 2
    for job, body in zip(printer.jobs, bodies, strict=True):
        digest = hashlib.sha256(b"hazgate label picture v1\0" + size + rows_of(job)).hexdigest()
        assert body["picture"]["sha256"] == digest
        assert (body["picture"]["width"], body["picture"]["height"], body["picture"]["labels"]) == (800, 800, 1)
        assert body["picture"]["texts"].keys() == set(TEXTS)
    assert bodies[0]["picture"]["sha256"] != bodies[1]["picture"]["sha256"]


@pytest.mark.parametrize("language", [Language.ZPL, Language.CPCL])
async def test_the_paper_of_another_languages_printer_is_the_picture_on_record(
    journal: Journal, tmp_path: Path, language: Language
) -> None:
    """From the press to the paper through ZPL or CPCL: the dots that came out have the digest in the print record."""
    simulated = SimulatedPrinter(language=language, slow_ms=400)
    await simulated.start()
    text = GOOD.format(folder=tmp_path / "data", key="ab" * 32)
    file = tmp_path / "box.yaml"
    profile = f"  port: {simulated.port}\n  profile: {language}-4in-203\ncontainers:"
    file.write_text(text.replace("containers:", profile, 1), encoding="utf-8")
    config = load(file)
    journal.write_now(lambda: journal.do_weigh(weighing("press-1")))
    await printed(journal, config, printer_of(config), 1)
    (body,) = prints(journal)
    assert body["state"] == "printed"
    with Image.open(BytesIO(simulated.printed[-1].png)) as out:
        rows = out.tobytes()  # bit 0 = black, as the picture has it
        assert out.size == (800, 800)
    await simulated.stop()
    size = (800).to_bytes(4, "big") * 2
    assert body["picture"]["sha256"] == hashlib.sha256(b"hazgate label picture v1\0" + size + rows).hexdigest()


async def test_a_label_that_never_left_has_no_picture_and_one_that_may_have_has(
    journal: Journal, config: Config
) -> None:
    """Failed means that nothing was sent; unknown, that the dots may be on paper."""
    journal.write_now(lambda: journal.do_weigh(weighing("press-1")))
    await printed(journal, config, Printer([Said(PrintState.FAILED), Said(PrintState.UNKNOWN)]), 2)
    failed, unknown = prints(journal)
    assert (failed["state"], "picture" in failed) == ("failed", False)
    assert (unknown["state"], "picture" in unknown) == ("unknown", True)


def test_the_agent_draws_no_digest_itself() -> None:
    """The picture is made and its digest taken in the drawing process; the agent's side loads no imaging library."""
    asks = "import sys, hazgate_edge.printing.spooler; sys.exit(', '.join({'PIL', 'segno'} & sys.modules.keys()) or 0)"
    done = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
