"""What the box says became of a job in each language, against the simulated printers and their faults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from io import BytesIO

import pytest
from PIL import Image

from hazgate_edge.domain.view import Light, PrintState, Say
from hazgate_edge.printing.job_printer import FAULT_KEYS, JobPrinter, PrintOutcome
from hazgate_edge.printing.links import TcpTarget
from hazgate_protocols.label import cpcl, escpos, tspl, zpl
from hazgate_protocols.label.printer_profile import StatusSpeech
from hazgate_protocols.label.status import PrinterStatus
from hazgate_simulators.printer.device import Fault, Language, SimulatedPrinter

DOTS = 576


def picture() -> Image.Image:
    image = Image.new("1", (DOTS, DOTS), 1)
    image.paste(0, (10, 20, 250, 60))
    return image


SPEAKING = {
    StatusSpeech.TSPL_TEXT: (Language.TSPL, tspl.encode_job(picture(), side_mm=72, gap_mm=2)),
    StatusSpeech.ZPL_HS: (Language.ZPL, zpl.encode_job(picture())),
    StatusSpeech.CPCL_H: (Language.CPCL, cpcl.encode_job(picture())),
    StatusSpeech.ESCPOS_DLE: (Language.ESCPOS, escpos.encode_job(picture())),
}
ALL = list(SPEAKING)
SEEN_BUSY = [speech for speech in ALL if speech is not StatusSpeech.ESCPOS_DLE]


@asynccontextmanager
async def simulator(speech: StatusSpeech) -> AsyncIterator[SimulatedPrinter]:
    printer = SimulatedPrinter(language=SPEAKING[speech][0], head_dots=DOTS, slow_ms=80)
    await printer.start()
    try:
        yield printer
    finally:
        await printer.stop()


def box_printer(
    simulated: SimulatedPrinter, speech: StatusSpeech, *, print_timeout_s: float = 3.0, status_timeout_s: float = 2.0
) -> JobPrinter:
    return JobPrinter(
        TcpTarget("127.0.0.1", simulated.port),
        speech=speech,
        connect_timeout_s=2.0,
        status_timeout_s=status_timeout_s,
        send_timeout_s=1.0,
        print_timeout_s=print_timeout_s,
        poll_s=0.005,
    )


def told(outcome: PrintOutcome) -> tuple[PrintState, str | None]:
    return outcome.state, None if outcome.say is None else outcome.say.key


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until the condition is true, five seconds at most."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("did not come true in five seconds")


@pytest.mark.parametrize("speech", SEEN_BUSY)
async def test_a_printer_that_was_seen_printing_and_came_to_rest_has_printed(speech: StatusSpeech) -> None:
    """PRINTED, and the paper has the dots that were sent."""
    async with simulator(speech) as simulated:
        printer = box_printer(simulated, speech)
        assert await printer.readiness() == (Light.GOOD, None)
        assert told(await printer.print_job(SPEAKING[speech][1])) == (PrintState.PRINTED, None)
        with Image.open(BytesIO(simulated.printed[-1].png)) as out:
            assert out.tobytes() == picture().tobytes()


async def test_a_slip_is_never_called_printed_by_the_box() -> None:
    """ESC/POS does not tell printing from idle: the slip comes out and a person confirms it."""
    speech = StatusSpeech.ESCPOS_DLE
    async with simulator(speech) as simulated:
        printer = box_printer(simulated, speech)
        assert await printer.readiness() == (Light.GOOD, None)
        assert told(await printer.print_job(SPEAKING[speech][1])) == (PrintState.UNKNOWN, "PRN-03")
        await until(lambda: len(simulated.printed) == 1)


@pytest.mark.parametrize(("fault", "key"), [(Fault.PAPER_OUT, "PRN-01"), (Fault.HEAD_OPEN, "PRN-04")])
@pytest.mark.parametrize("speech", ALL)
async def test_a_printer_that_says_it_cannot_gets_nothing(speech: StatusSpeech, fault: Fault, key: str) -> None:
    """FAILED with the reason; loading paper later prints nothing by itself."""
    async with simulator(speech) as simulated:
        await simulated.set_fault(fault)
        printer = box_printer(simulated, speech)
        assert told(await printer.print_job(SPEAKING[speech][1])) == (PrintState.FAILED, key)
        assert await printer.readiness() == (Light.BAD, Say(key))
        assert simulated.bytes_received < 100


@pytest.mark.parametrize("speech", ALL)
async def test_no_answer_is_unknown_and_never_fine(speech: StatusSpeech) -> None:
    """A silent printer gets no job: PRN-08, its status None."""
    async with simulator(speech) as simulated:
        await simulated.set_fault(Fault.SILENT)
        printer = box_printer(simulated, speech, status_timeout_s=0.05)
        assert await printer.status() is None
        assert told(await printer.print_job(SPEAKING[speech][1])) == (PrintState.FAILED, "PRN-08")
        assert simulated.bytes_received < 100


@pytest.mark.parametrize("speech", ALL)
async def test_an_answer_in_another_language_is_said_as_such(speech: StatusSpeech) -> None:
    """PRN-12, and nothing of a job is sent."""
    async with simulator(speech) as simulated:
        await simulated.set_fault(Fault.OTHER_LANGUAGE)
        printer = box_printer(simulated, speech, status_timeout_s=0.1)
        assert await printer.status() is None
        assert told(await printer.print_job(SPEAKING[speech][1])) == (PrintState.FAILED, "PRN-12")
        assert simulated.bytes_received < 100


async def test_a_zebra_that_falls_silent_out_of_paper_is_asked_for_its_errors() -> None:
    """~HS without an answer is a fault, not "off": ~HQES says which, and no job is sent."""
    speech = StatusSpeech.ZPL_HS
    async with simulator(speech) as simulated:
        await simulated.set_fault(Fault.PAPER_OUT_MUTE)
        printer = box_printer(simulated, speech, status_timeout_s=0.2)
        assert await printer.status() == PrinterStatus.PAPER_OUT
        assert told(await printer.print_job(SPEAKING[speech][1])) == (PrintState.FAILED, "PRN-01")
        await simulated.set_fault(Fault.READY)
        assert told(await printer.print_job(SPEAKING[speech][1])) == (PrintState.PRINTED, None)


@pytest.mark.parametrize("fault", [Fault.STALL, Fault.LOSE_TAIL])
@pytest.mark.parametrize("speech", SEEN_BUSY)
async def test_a_job_that_never_ends_or_vanishes_is_unknown(speech: StatusSpeech, fault: Fault) -> None:
    """Busy for ever, or ready without ever having printed: doubt, never PRINTED and never FAILED."""
    async with simulator(speech) as simulated:
        await simulated.set_fault(fault)
        outcome = await box_printer(simulated, speech, print_timeout_s=0.3).print_job(SPEAKING[speech][1])
        assert told(outcome) == (PrintState.UNKNOWN, "PRN-03"), outcome.detail
        assert not simulated.printed


@pytest.mark.parametrize("speech", SEEN_BUSY)
async def test_paper_that_ends_midway_is_unknown_and_the_cause_is_told(speech: StatusSpeech) -> None:
    """The printer keeps the job and prints it after loading, so FAILED would be wrong."""
    async with simulator(speech) as simulated:
        await simulated.set_fault(Fault.PAPER_OUT_MIDWAY)
        outcome = await box_printer(simulated, speech).print_job(SPEAKING[speech][1])
        assert told(outcome) == (PrintState.UNKNOWN, "PRN-03")
        assert "paper out" in outcome.detail
        await simulated.set_fault(Fault.READY)
        await until(lambda: len(simulated.printed) == 1)


@pytest.mark.parametrize("speech", ALL)
async def test_a_refused_or_cut_connection_is_told_apart(speech: StatusSpeech) -> None:
    """Refused: surely nothing was sent. Cut within the job: only a person can say."""
    async with simulator(speech) as simulated:
        printer = box_printer(simulated, speech, print_timeout_s=0.5)
        await simulated.set_fault(Fault.REFUSE)
        assert told(await printer.print_job(SPEAKING[speech][1])) == (PrintState.FAILED, "PRN-02")
        await simulated.set_fault(Fault.CUT)
        outcome = await printer.print_job(SPEAKING[speech][1] * 400)
        assert told(outcome) == (PrintState.UNKNOWN, "PRN-03"), outcome.detail


def test_every_fault_a_printer_can_tell_has_a_sentence() -> None:
    """No flag but BUSY is without a key: a fault nobody can name would stop the spooler."""
    named = PrinterStatus(0)
    for flags, _ in FAULT_KEYS:
        named |= flags
    assert named == ~PrinterStatus.BUSY & PrinterStatus(0xFFF)
