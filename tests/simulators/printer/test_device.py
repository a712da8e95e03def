"""The simulated printer over its TCP port: status, faults by name, what it keeps."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from hazgate_protocols.label.tspl import encode_job
from hazgate_simulators.printer.device import FILES_MAX, Fault, SimulatedPrinter, prune

AT = datetime(2024, 3, 15, 1, 2, 3, tzinfo=UTC)
ASK = b"\x1b!?"


@pytest.fixture
async def printer(tmp_path: Path) -> AsyncIterator[SimulatedPrinter]:
    device = SimulatedPrinter(slow_ms=40, folder=tmp_path / "labels", now=lambda: AT)
    await device.start()
    yield device
    await device.stop()


class Host:
    """A client of the printer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, device: SimulatedPrinter) -> Host:
        return cls(*await asyncio.open_connection("127.0.0.1", device.port))

    async def ask(self, within_s: float = 2.0) -> int | None:
        self.writer.write(ASK)
        try:
            async with asyncio.timeout(within_s):
                answer = await self.reader.read(1)
        except TimeoutError:
            return None
        return answer[0] if answer else -1

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until the condition is true, five seconds at most."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("did not come true in five seconds")


def picture() -> Image.Image:
    image = Image.new("1", (80, 80), 1)
    image.paste(0, (10, 20, 30, 60))
    return image


JOB = encode_job(picture(), side_mm=10, gap_mm=2)


async def test_a_label_comes_out_as_it_was_sent_and_is_kept(printer: SimulatedPrinter, tmp_path: Path) -> None:
    """Ready, busy from PRINT on, ready again; the PNG equals the picture, in memory and in the folder."""
    host = await Host.connect(printer)
    assert await host.ask() == 0x00
    host.writer.write(JOB)
    assert await host.ask() == 0x20
    await until(lambda: len(printer.printed) == 1)
    assert await host.ask() == 0x00
    await host.close()
    (label,) = printer.printed
    assert (label.number, label.at) == (1, AT)
    with Image.open(BytesIO(label.png)) as out:
        assert out.tobytes() == picture().tobytes()
    assert (tmp_path / "labels" / "label-000001.png").read_bytes() == label.png


async def test_numbers_go_on_where_the_folder_ends(tmp_path: Path) -> None:
    """A restarted printer never overwrites a label it printed before."""
    (tmp_path / "label-000041.png").write_bytes(b"older")
    device = SimulatedPrinter(slow_ms=0, folder=tmp_path)
    await device.start()
    host = await Host.connect(device)
    host.writer.write(JOB)
    await until(lambda: len(device.printed) == 1)
    await host.close()
    await device.stop()
    assert device.printed[0].number == 42
    assert (tmp_path / "label-000041.png").read_bytes() == b"older"


@pytest.mark.parametrize(("fault", "byte"), [(Fault.PAPER_OUT, 0x04), (Fault.HEAD_OPEN, 0x01)])
async def test_a_job_sent_while_out_of_paper_or_open_waits_and_prints_later(
    printer: SimulatedPrinter, fault: Fault, byte: int
) -> None:
    """The status says what is wrong, nothing comes out; after it is put right the label does."""
    await printer.set_fault(fault)
    host = await Host.connect(printer)
    host.writer.write(JOB)
    assert await host.ask() == byte
    assert not printer.printed
    await printer.set_fault(Fault.READY)
    await until(lambda: len(printer.printed) == 1)
    await host.close()


async def test_paper_that_ends_midway_spoils_one_label_and_prints_it_again_after_loading(
    printer: SimulatedPrinter,
) -> None:
    """Ready before, out of paper during; the spoiled label is counted and comes again whole."""
    await printer.set_fault(Fault.PAPER_OUT_MIDWAY)
    host = await Host.connect(printer)
    assert await host.ask() == 0x00
    host.writer.write(JOB)
    await until(lambda: printer.spoiled == 1)
    assert await host.ask() == 0x04
    assert not printer.printed
    await printer.set_fault(Fault.READY)
    await until(lambda: len(printer.printed) == 1)
    await host.close()


async def test_a_silent_printer_prints_but_answers_nothing(printer: SimulatedPrinter) -> None:
    """No status byte at all, the label all the same."""
    await printer.set_fault(Fault.SILENT)
    host = await Host.connect(printer)
    host.writer.write(JOB)
    await until(lambda: len(printer.printed) == 1)
    assert await host.ask(within_s=0.05) is None
    await host.close()


async def test_a_stalled_printer_takes_everything_and_stays_busy(printer: SimulatedPrinter) -> None:
    """Busy without end until the fault is taken away."""
    await printer.set_fault(Fault.STALL)
    host = await Host.connect(printer)
    host.writer.write(JOB)
    assert {await host.ask() for _ in range(5)} == {0x20}
    assert not printer.printed
    await host.close()


async def test_a_lost_tail_leaves_a_ready_printer_and_no_label(printer: SimulatedPrinter) -> None:
    """The nastiest case: all bytes accepted, status fine, nothing printed."""
    await printer.set_fault(Fault.LOSE_TAIL)
    host = await Host.connect(printer)
    host.writer.write(JOB)
    assert await host.ask() == 0x00
    await host.close()
    assert not printer.printed


async def test_a_refusing_printer_is_back_on_the_same_port(printer: SimulatedPrinter) -> None:
    """Connections are refused, open ones are cut; READY listens again where it was."""
    host = await Host.connect(printer)
    assert await host.ask() == 0x00
    await printer.set_fault(Fault.REFUSE)
    assert await host.ask() == -1
    await host.close()
    with pytest.raises(ConnectionRefusedError):
        await Host.connect(printer)
    await printer.set_fault(Fault.READY)
    again = await Host.connect(printer)
    assert await again.ask() == 0x00
    await again.close()


async def test_stopping_with_clients_connected_is_quiet(caplog: pytest.LogCaptureFixture) -> None:
    """stop() hangs up on the served and on the waiting client and asyncio has nothing to complain about."""
    device = SimulatedPrinter(slow_ms=0)
    await device.start()
    hosts = [await Host.connect(device) for _ in range(2)]
    assert await hosts[0].ask() == 0x00
    await device.stop()
    for host in hosts:
        assert await host.reader.read() == b""
        host.writer.close()
    assert not caplog.records


async def test_a_second_client_waits_for_the_first(printer: SimulatedPrinter) -> None:
    """One at a time, like most printers: no answer until the first client has gone."""
    first = await Host.connect(printer)
    assert await first.ask() == 0x00
    second = await Host.connect(printer)
    assert await second.ask(within_s=0.05) is None
    await first.close()
    async with asyncio.timeout(2):
        assert await second.reader.read(1) == b"\x00"
    await second.close()


async def test_complaints_are_kept_and_the_label_is_not_printed(printer: SimulatedPrinter) -> None:
    """An unknown command is written down; the job is dropped, the printer looks ready."""
    host = await Host.connect(printer)
    host.writer.write(JOB.replace(b"CLS\r\n", b"SETC X\r\n"))
    assert await host.ask() == 0x00
    assert any("SETC X" in complaint for complaint in printer.complaints)
    assert not printer.printed
    await host.close()


def test_the_folder_keeps_only_the_newest_files(tmp_path: Path) -> None:
    """Old labels go, other files stay."""
    (tmp_path / "mine.png").touch()
    for number in range(FILES_MAX + 3):
        (tmp_path / f"label-{number:06d}.png").touch()
    prune(tmp_path)
    left = sorted(path.name for path in tmp_path.glob("label-*.png"))
    assert len(left) == FILES_MAX
    assert left[0] == "label-000003.png"
    assert (tmp_path / "mine.png").exists()


def test_the_command_says_its_port_prints_and_stops_on_a_signal(tmp_path: Path) -> None:
    """`printer --port 0` names the port it took, prints a label to the folder and ends clean on SIGTERM."""
    code = "from hazgate_simulators.printer.command import printer_app; printer_app()"
    arguments = ["--port", "0", "--folder", str(tmp_path), "--slow-ms", "1"]
    with subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        first = command.stdout.readline()
        port = re.search(r"127\.0\.0\.1:(\d+), fault ready", first)
        assert port is not None, first
        asyncio.run(print_one(int(port[1])))
        command.send_signal(signal.SIGTERM)
        rest = command.stdout.read()
        assert command.wait(timeout=10) == 0
    assert "printer stopped" in rest
    assert (tmp_path / "label-000001.png").exists()


async def print_one(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(JOB + ASK)
    assert await reader.read(1) == b"\x20"
    async with asyncio.timeout(10):
        while True:
            writer.write(ASK)
            if await reader.read(1) == b"\x00":
                break
    writer.close()
    await writer.wait_closed()
