"""What the box says became of a job, against the simulated printer and its faults, over TCP and a device file."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from hazgate_edge.domain.view import Light, PrintState, Say
from hazgate_edge.printing.job_printer import JobPrinter, PrintOutcome
from hazgate_edge.printing.links import FileTarget, Target, TcpTarget, open_link
from hazgate_protocols.label.printer_profile import StatusSpeech
from hazgate_protocols.label.tspl import STATUS_REQUEST, PrinterStatus, encode_job
from hazgate_simulators.printer import device
from hazgate_simulators.printer.device import Fault


def picture() -> Image.Image:
    image = Image.new("1", (320, 320), 1)
    image.paste(0, (10, 20, 250, 60))
    return image


JOB = encode_job(picture(), side_mm=40, gap_mm=2)  # 12.8 kB: several chunks


@pytest.fixture
async def simulator() -> AsyncIterator[device.SimulatedPrinter]:
    printer = device.SimulatedPrinter(slow_ms=60)
    await printer.start()
    yield printer
    await printer.stop()


def box_printer(
    target: Target, status: StatusSpeech = StatusSpeech.TSPL_BYTE, print_timeout_s: float = 3.0
) -> JobPrinter:
    return JobPrinter(
        target,
        speech=status,
        connect_timeout_s=2.0,
        status_timeout_s=0.1 if print_timeout_s < 1 else 2.0,
        send_timeout_s=1.0,
        print_timeout_s=print_timeout_s,
        poll_s=0.005,
    )


def to(simulator: device.SimulatedPrinter, *, print_timeout_s: float = 3.0) -> JobPrinter:
    return box_printer(TcpTarget("127.0.0.1", simulator.port), print_timeout_s=print_timeout_s)


def key(outcome: PrintOutcome) -> str | None:
    return None if outcome.say is None else outcome.say.key


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until the condition is true, five seconds at most."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("did not come true in five seconds")


async def test_a_printed_label_is_the_picture_that_was_sent(simulator: device.SimulatedPrinter) -> None:
    """PRINTED without a sentence; the printer's paper equals the picture; the connection is closed for the next one."""
    printer = to(simulator)
    for number in (1, 2):
        outcome = await printer.print_job(JOB)
        assert (outcome.state, outcome.say) == (PrintState.PRINTED, None), outcome.detail
        assert len(simulator.printed) == number
    with Image.open(BytesIO(simulator.printed[-1].png)) as out:
        assert out.tobytes() == picture().tobytes()


@pytest.mark.fault(53)
@pytest.mark.parametrize(("fault", "expected"), [(Fault.PAPER_OUT, "PRN-01"), (Fault.HEAD_OPEN, "PRN-04")])
async def test_a_printer_that_says_it_cannot_gets_nothing(
    simulator: device.SimulatedPrinter, fault: Fault, expected: str
) -> None:
    """FAILED with the reason, and not one byte of the job left: loading paper later prints nothing by itself."""
    await simulator.set_fault(fault)
    outcome = await to(simulator).print_job(JOB)
    assert (outcome.state, key(outcome)) == (PrintState.FAILED, expected)
    assert simulator.bytes_received == len(STATUS_REQUEST)


async def test_a_refused_connection_is_a_failure(simulator: device.SimulatedPrinter) -> None:
    """PRN-02: surely nothing printed."""
    await simulator.set_fault(Fault.REFUSE)
    outcome = await to(simulator).print_job(JOB)
    assert (outcome.state, key(outcome)) == (PrintState.FAILED, "PRN-02")
    assert "nothing was sent" in outcome.detail


@pytest.mark.parametrize("host", ["no-such-printer.invalid", "a..b", "x" * 70 + ".invalid"])
async def test_a_printer_name_that_leads_nowhere_is_a_failure(host: str) -> None:
    """A wrong host name in the configuration is PRN-02, not a crash of the spooler."""
    printer = box_printer(TcpTarget(host, 9100))
    assert key(await printer.print_job(JOB)) == "PRN-02"
    assert await printer.status() is None


@pytest.mark.fault(55)
async def test_no_answer_is_never_taken_for_ready(simulator: device.SimulatedPrinter) -> None:
    """A silent printer of a profile that requires status gets nothing: FAILED, PRN-08; its status is None."""
    await simulator.set_fault(Fault.SILENT)
    printer = to(simulator, print_timeout_s=0.3)
    assert await printer.status() is None
    outcome = await printer.print_job(JOB)
    assert (outcome.state, key(outcome)) == (PrintState.FAILED, "PRN-08")
    assert simulator.bytes_received == 2 * len(STATUS_REQUEST)


@pytest.mark.fault(55)
async def test_a_printer_that_can_never_answer_prints_and_leaves_the_answer_to_a_person(
    simulator: device.SimulatedPrinter,
) -> None:
    """Profile `status: none`: the label comes out, the outcome is UNKNOWN and asks."""
    await simulator.set_fault(Fault.SILENT)
    outcome = await box_printer(TcpTarget("127.0.0.1", simulator.port), StatusSpeech.NONE).print_job(JOB)
    assert (outcome.state, key(outcome)) == (PrintState.UNKNOWN, "PRN-03")
    await until(lambda: len(simulator.printed) == 1)


@pytest.mark.fault(58)
async def test_a_printer_of_another_language_gets_no_label(simulator: device.SimulatedPrinter) -> None:
    """It answers, but not as TSPL does: said as such, nothing of a job is sent; the right one prints again."""
    await simulator.set_fault(Fault.OTHER_LANGUAGE)
    printer = to(simulator)
    assert await printer.readiness() == (Light.BAD, Say("PRN-12"))
    outcome = await printer.print_job(JOB)
    assert (outcome.state, key(outcome)) == (PrintState.FAILED, "PRN-12")
    assert simulator.bytes_received < len(JOB)
    await simulator.set_fault(Fault.READY)
    assert await printer.readiness() == (Light.GOOD, None)
    assert (await printer.print_job(JOB)).state is PrintState.PRINTED


@pytest.mark.fault(56)
@pytest.mark.parametrize("fault", [Fault.STALL, Fault.LOSE_TAIL])
async def test_a_job_that_never_ends_or_vanishes_is_unknown(simulator: device.SimulatedPrinter, fault: Fault) -> None:
    """Busy for ever, or ready without ever having printed: both are doubt, never PRINTED and never FAILED."""
    await simulator.set_fault(fault)
    outcome = await to(simulator, print_timeout_s=0.3).print_job(JOB)
    assert (outcome.state, key(outcome)) == (PrintState.UNKNOWN, "PRN-03"), outcome.detail
    assert not simulator.printed


@pytest.mark.fault(54)
async def test_paper_that_ends_midway_is_unknown_and_the_cause_is_told(simulator: device.SimulatedPrinter) -> None:
    """The printer kept the job and prints it after loading: so FAILED would have been wrong."""
    await simulator.set_fault(Fault.PAPER_OUT_MIDWAY)
    outcome = await to(simulator).print_job(JOB)
    assert (outcome.state, key(outcome)) == (PrintState.UNKNOWN, "PRN-03")
    assert "paper" in outcome.detail
    await simulator.set_fault(Fault.READY)
    await until(lambda: len(simulator.printed) == 1)


async def test_a_cut_in_the_middle_of_a_job_is_unknown_and_the_next_job_prints(
    simulator: device.SimulatedPrinter,
) -> None:
    """Bytes have left: only a person can say. Afterwards the printer works as before."""
    await simulator.set_fault(Fault.CUT)
    printer = to(simulator)
    outcome = await printer.print_job(JOB * 40)
    assert (outcome.state, key(outcome)) == (PrintState.UNKNOWN, "PRN-03")
    await simulator.set_fault(Fault.READY)
    assert (await printer.print_job(JOB)).state is PrintState.PRINTED


async def test_a_printer_that_takes_no_bytes_does_not_hold_the_box_for_ever() -> None:
    """A server that answers one status and then reads nothing: the send is bounded, the outcome UNKNOWN."""
    done = asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(STATUS_REQUEST))
        writer.write(b"\x00")
        await done.wait()
        writer.close()

    server = await asyncio.start_server(deaf, "127.0.0.1", 0, limit=1)
    printer = JobPrinter(
        TcpTarget("127.0.0.1", server.sockets[0].getsockname()[1]), send_timeout_s=0.2, print_timeout_s=0.3, poll_s=0.01
    )
    outcome = await printer.print_job(bytes(32 * 1024 * 1024))
    assert (outcome.state, key(outcome)) == (PrintState.UNKNOWN, "PRN-03")
    assert "after the job began to leave" in outcome.detail
    done.set()
    server.close()


async def test_a_link_that_has_hung_up_takes_no_byte_of_a_job(simulator: device.SimulatedPrinter) -> None:
    """Once the hang-up was seen, send() refuses and nothing has left us: the job may be called FAILED."""
    link = await open_link(TcpTarget("127.0.0.1", simulator.port), timeout_s=2.0, reads=True)
    await simulator.set_fault(Fault.REFUSE)
    with pytest.raises(ConnectionError):
        await link.ask(STATUS_REQUEST, 2.0)
    with pytest.raises(ConnectionError):
        await link.send(JOB, 1.0)
    assert not link.bytes_left_us
    await link.close()


async def test_a_printer_that_hangs_up_before_the_job_is_a_failure() -> None:
    """Connected, then gone instead of a status: FAILED, PRN-02."""

    async def leaves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(STATUS_REQUEST))
        writer.close()

    server = await asyncio.start_server(leaves, "127.0.0.1", 0)
    outcome = await box_printer(TcpTarget("127.0.0.1", server.sockets[0].getsockname()[1])).print_job(JOB)
    assert (outcome.state, key(outcome)) == (PrintState.FAILED, "PRN-02")
    server.close()


@pytest.mark.parametrize(
    ("byte", "expected"),
    [(0x01, "PRN-04"), (0x40, "PRN-04"), (0x05, "PRN-04"), (0x04, "PRN-01"), (0x24, "PRN-01"), (0x08, "PRN-05"),
     (0x02, "PRN-06"), (0x80, "PRN-06"), (0x10, "PRN-07"), (0x20, "PRN-09")],
)  # fmt: skip
async def test_every_status_before_a_job_has_its_sentence(byte: int, expected: str) -> None:
    """Each bit leads to a key of its own kind; nothing but the status request is ever sent."""
    received = bytearray()

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while asked := await reader.read(100):
            received.extend(asked)
            writer.write(bytes([byte]))
        writer.close()

    server = await asyncio.start_server(answers, "127.0.0.1", 0)
    printer = box_printer(TcpTarget("127.0.0.1", server.sockets[0].getsockname()[1]), print_timeout_s=0.1)
    outcome = await printer.print_job(JOB)
    assert (outcome.state, key(outcome)) == (PrintState.FAILED, expected)
    assert not received.replace(STATUS_REQUEST, b"")
    server.close()


async def test_status_tells_what_the_printer_says_and_waits_for_nobody(simulator: device.SimulatedPrinter) -> None:
    """Ready; while a job is printed the newest answer, without a second connection; None when unreachable."""
    printer = to(simulator)
    assert await printer.status() == PrinterStatus(0)
    simulator.slow_ms = 300
    job = asyncio.create_task(printer.print_job(JOB))
    seen: set[PrinterStatus | None] = set()
    while not job.done():
        seen.add(await printer.status())
        await asyncio.sleep(0.005)
    assert PrinterStatus.BUSY in seen
    assert (await job).state is PrintState.PRINTED
    await simulator.set_fault(Fault.PAPER_OUT)
    assert await printer.status() == PrinterStatus.PAPER_OUT
    await simulator.set_fault(Fault.REFUSE)
    assert await printer.status() is None


async def test_two_jobs_at_once_print_one_after_the_other(simulator: device.SimulatedPrinter) -> None:
    """Both come out, each as a whole."""
    printer = to(simulator)
    outcomes = await asyncio.gather(printer.print_job(JOB), printer.print_job(JOB))
    assert [outcome.state for outcome in outcomes] == [PrintState.PRINTED] * 2
    assert len(simulator.printed) == 2
    assert not simulator.complaints


class PtyPrinter:
    """The simulated printer's TCP port joined to a pseudo terminal: a device file with a real protocol behind it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.path = Path(os.ttyname(slave))
        self._slave = slave  # stays open, so that the box may open and close the file as it likes
        os.set_blocking(self._master, False)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        asyncio.get_running_loop().add_reader(self._master, self._from_box)
        self._tasks.append(asyncio.create_task(self._from_printer(reader)))

    def _from_box(self) -> None:
        self._writer.write(os.read(self._master, 4096))

    async def _from_printer(self, reader: asyncio.StreamReader) -> None:
        while answer := await reader.read(64):
            os.write(self._master, answer)

    async def stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        self._writer.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        os.close(self._master)
        os.close(self._slave)


@pytest.fixture
async def device_file(simulator: device.SimulatedPrinter) -> AsyncIterator[Path]:
    pty = PtyPrinter(simulator.port)
    await pty.start()
    yield pty.path
    await pty.stop()


async def test_a_device_file_prints_like_a_network_printer(
    simulator: device.SimulatedPrinter, device_file: Path
) -> None:
    """Status, job, polling over a file; then a fault is told the same way."""
    printer = box_printer(FileTarget(device_file))
    assert await printer.status() == PrinterStatus(0)
    outcome = await printer.print_job(JOB)
    assert (outcome.state, outcome.say) == (PrintState.PRINTED, None), outcome.detail
    with Image.open(BytesIO(simulator.printed[-1].png)) as out:
        assert out.tobytes() == picture().tobytes()
    await simulator.set_fault(Fault.PAPER_OUT)
    assert key(await printer.print_job(JOB)) == "PRN-01"


async def test_a_missing_device_file_is_a_printer_that_is_off(tmp_path: Path) -> None:
    """PRN-02, and no file is made in its place."""
    target = FileTarget(tmp_path / "lp0")
    outcome = await box_printer(target).print_job(JOB)
    assert (outcome.state, key(outcome)) == (PrintState.FAILED, "PRN-02")
    assert await box_printer(target).status() is None
    assert not target.path.exists()


async def test_a_device_file_that_only_takes_bytes_is_never_called_printed(tmp_path: Path) -> None:
    """Without status all bytes arrive and the outcome is UNKNOWN."""
    target = tmp_path / "lp0"
    target.touch()
    outcome = await box_printer(FileTarget(target), StatusSpeech.NONE).print_job(JOB)
    assert (outcome.state, key(outcome)) == (PrintState.UNKNOWN, "PRN-03")
    assert target.read_bytes() == JOB


async def test_a_device_file_that_blocks_at_once_is_a_failure_and_later_is_unknown(tmp_path: Path) -> None:
    """A pipe nobody reads: bytes that did go in make it UNKNOWN; a pipe already full makes it FAILED."""
    pipe = tmp_path / "lp0"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        printer = JobPrinter(FileTarget(pipe), speech=StatusSpeech.NONE, send_timeout_s=0.2)
        outcome = await printer.print_job(bytes(1024 * 1024))
        assert (outcome.state, key(outcome)) == (PrintState.UNKNOWN, "PRN-03")
        outcome = await printer.print_job(JOB)
        assert (outcome.state, key(outcome)) == (PrintState.FAILED, "PRN-02")
    finally:
        os.close(reader)


async def test_a_cancelled_job_lets_go_of_the_device(simulator: device.SimulatedPrinter, device_file: Path) -> None:
    """Cancelling while the box waits leaves neither the lock nor the file in use: the next job prints."""
    printer = box_printer(FileTarget(device_file))
    await simulator.set_fault(Fault.STALL)
    job = asyncio.create_task(printer.print_job(JOB))
    await until(lambda: simulator.status_byte == 0x20)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    await simulator.set_fault(Fault.READY)
    await until(lambda: len(simulator.printed) == 1)
    assert (await printer.print_job(JOB)).state is PrintState.PRINTED
