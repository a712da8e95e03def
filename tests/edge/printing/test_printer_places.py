"""Printers that are found by their name, reached over a serial line, or only take what they are given."""

from __future__ import annotations

import asyncio
import os
import termios
import tty
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from hazgate_edge.domain.view import Light, PrintState, Say
from hazgate_edge.printing.files import files_job
from hazgate_edge.printing.handed_over import CupsPrinter, FolderPrinter
from hazgate_edge.printing.job_printer import JobPrinter
from hazgate_edge.printing.links import SerialTarget, UsbTarget, open_link
from hazgate_edge.printing.usb import find_printer, plugged_in, read_id
from hazgate_protocols.label.printer_profile import StatusSpeech
from hazgate_protocols.label.tspl import STATUS_REQUEST, encode_job

JOB = encode_job(Image.new("1", (80, 80), 1), side_mm=10, gap_mm=2)


def plug(root: Path, node: str, ieee1284: str, serial: str | None = None) -> None:
    """A USB printer as the kernel shows it: the class link, the interface with its id, the device with its serial."""
    device = root / "sys" / "devices" / f"usb-{node}"
    interface = device / "1-1:1.0"
    (interface / "usbmisc" / node).mkdir(parents=True)
    (interface / "ieee1284_id").write_text(ieee1284 + "\n")
    if serial is not None:
        (device / "serial").write_text(serial + "\n")
    (interface / "usbmisc" / node / "device").symlink_to(interface)
    classes = root / "sys" / "class" / "usbmisc"
    classes.mkdir(parents=True, exist_ok=True)
    (classes / node).symlink_to(interface / "usbmisc" / node)
    (root / "dev" / "usb").mkdir(parents=True, exist_ok=True)
    (root / "dev" / "usb" / node).touch()


def unplug(root: Path, node: str) -> None:
    (root / "sys" / "class" / "usbmisc" / node).unlink()


def test_a_usb_printer_is_found_by_its_own_name_wherever_it_is_plugged_in(tmp_path: Path) -> None:
    """lp0 becomes lp1 after a replug; maker and model decide, in any case, and the serial number between two alike."""
    plug(tmp_path, "lp0", "MFG:TSC;CMD:XPP,XL;MDL:TTP-244 Plus;CLS:PRINTER;", "A1")
    plug(tmp_path, "lp1", "MANUFACTURER:Zebra;MODEL:ZD420;SERN:Z9;")
    sysfs, devices = tmp_path / "sys", tmp_path / "dev"
    assert [str(printer) for printer in plugged_in(sysfs)] == [
        "lp0: TSC TTP-244 Plus, serial A1", "lp1: Zebra ZD420, serial Z9",
    ]  # fmt: skip
    assert find_printer("ttp-244", None, sysfs, devices) == devices / "usb" / "lp0"
    assert find_printer(None, "Z9", sysfs, devices) == devices / "usb" / "lp1"
    unplug(tmp_path, "lp0")
    plug(tmp_path, "lp3", "MFG:TSC;MDL:TTP-244 Plus;", "A1")
    assert find_printer("ttp-244", None, sysfs, devices) == devices / "usb" / "lp3"
    plug(tmp_path, "lp4", "MFG:TSC;MDL:TTP-244 Plus;", "A2")
    with pytest.raises(OSError, match=r"2 USB printers, set usb_serial, like 'ttp-244'"):
        find_printer("ttp-244", None, sysfs, devices)
    assert find_printer("ttp-244", "A2", sysfs, devices) == devices / "usb" / "lp4"


def test_a_usb_printer_that_is_not_there_is_told_with_what_is(tmp_path: Path) -> None:
    """The installer reads the names to write into the configuration."""
    with pytest.raises(OSError, match="no USB printer like 'TSC'; there: none is plugged in"):
        find_printer("TSC", None, tmp_path / "sys", tmp_path / "dev")
    plug(tmp_path, "lp0", "MFG:;MDL:;CMD:XPP,XL;")
    with pytest.raises(OSError, match="there: lp0: without a name"):
        find_printer("TSC", None, tmp_path / "sys", tmp_path / "dev")


@pytest.mark.parametrize("told", [b"", b"\x00\x11garbage", b"\xff\xfe;;;:::", b"MFG TSC"])
def test_a_strange_id_is_no_id(told: bytes) -> None:
    """Whatever a device says of itself, nothing is made of it that is not there."""
    assert "MDL" not in read_id(told)


async def test_a_usb_printer_gets_its_job(tmp_path: Path) -> None:
    """Through the file of the moment; unplugged it is off, PRN-02, and nothing is written into another one."""
    plug(tmp_path, "lp0", "MFG:TSC;MDL:TE200;")
    target = UsbTarget("TE200", None, tmp_path / "sys", tmp_path / "dev")
    printer = JobPrinter(target, speech=StatusSpeech.NONE)
    assert (await printer.print_job(JOB)).state is PrintState.UNKNOWN
    assert (tmp_path / "dev" / "usb" / "lp0").read_bytes() == JOB
    unplug(tmp_path, "lp0")
    plug(tmp_path, "lp1", "MFG:Zebra;MDL:ZD420;")
    outcome = await printer.print_job(JOB)
    assert (outcome.state, outcome.say) == (PrintState.FAILED, Say("PRN-02"))
    assert (tmp_path / "dev" / "usb" / "lp1").read_bytes() == b""


@pytest.fixture
def line() -> Iterator[tuple[int, Path]]:
    """A pseudo terminal: the printer's end, and the port's name."""
    master, slave = os.openpty()
    yield master, Path(os.ttyname(slave))
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize("baud", [9600, 115200])
async def test_a_serial_printer_is_spoken_to_raw_and_at_its_speed(line: tuple[int, Path], baud: int) -> None:
    """Every byte value arrives unchanged both ways, also CR, LF and XON; the port has the speed that was asked for."""
    master, path = line
    link = await open_link(SerialTarget(path, baud), timeout_s=1.0, reads=True)
    every = bytes(range(256))
    await link.send(every, 1.0)
    assert os.read(master, 1000) == every
    os.write(master, every[:60])
    assert await link.ask(STATUS_REQUEST, 1.0) == every[:60]
    port = os.open(path, os.O_RDWR | os.O_NOCTTY)
    assert termios.tcgetattr(port)[5] == getattr(termios, f"B{baud}")
    os.close(port)
    await link.close()


async def test_a_path_that_is_no_serial_port_is_a_printer_that_is_off(tmp_path: Path) -> None:
    """PRN-02 with the reason, not a crash; and a port left in a strange mode is set right."""
    (tmp_path / "file").touch()
    printer = JobPrinter(SerialTarget(tmp_path / "file", 9600))
    outcome = await printer.print_job(JOB)
    assert (outcome.state, outcome.say) == (PrintState.FAILED, Say("PRN-02"))
    assert "is no serial port" in outcome.detail


async def test_a_port_left_cooked_by_another_program_is_set_raw(line: tuple[int, Path]) -> None:
    """No LF becomes CR LF within a raster."""
    master, path = line
    port = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setcbreak(port)
    mode = termios.tcgetattr(port)
    mode[1] |= termios.OPOST | termios.ONLCR
    termios.tcsetattr(port, termios.TCSANOW, mode)
    os.close(port)
    link = await open_link(SerialTarget(path, 9600), timeout_s=1.0, reads=True)
    await link.send(b"\n\n", 1.0)
    assert os.read(master, 100) == b"\n\n"
    await link.close()


def cups(folder: Path, *, lp: str, lpstat: str = "echo printer labels is idle. enabled since today") -> CupsPrinter:
    """A queue whose two commands are these shell lines."""
    for name, body in (("lp", lp), ("lpstat", lpstat)):
        script = folder / name
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o755)
    return CupsPrinter("labels", search_path=str(folder), timeout_s=5.0)


async def test_a_job_that_cups_took_is_unknown(tmp_path: Path) -> None:
    """All bytes raw to the named queue, and no more is claimed than that they were handed over."""
    printer = cups(tmp_path, lp=f'echo "$@" > {tmp_path}/said; cat > {tmp_path}/got')
    assert await printer.readiness() == (Light.WARN, None)
    outcome = await printer.print_job(JOB)
    assert (outcome.state, outcome.say) == (PrintState.UNKNOWN, Say("PRN-03"))
    assert "handed over to CUPS" in outcome.detail
    assert (tmp_path / "got").read_bytes() == JOB
    assert (tmp_path / "said").read_text().split() == ["-d", "labels", "-o", "raw", "-s"]


@pytest.mark.parametrize(
    ("lp", "lpstat", "key"),
    [
        ("echo 'lp: The printer or class does not exist.' >&2; exit 1", "exit 1", "PRN-02"),
        ("exit 1", "echo printer labels disabled since today - paused", "PRN-07"),
    ],
)
async def test_a_queue_that_refuses_is_a_failure(tmp_path: Path, lp: str, lpstat: str, key: str) -> None:
    """Readiness says why; a refused job was not sent."""
    printer = cups(tmp_path, lp=lp, lpstat=lpstat)
    assert await printer.readiness() == (Light.BAD, Say(key))
    outcome = await printer.print_job(JOB)
    assert (outcome.state, outcome.say) == (PrintState.FAILED, Say("PRN-02"))
    assert "nothing was sent" in outcome.detail


async def test_a_machine_without_cups_says_so(tmp_path: Path) -> None:
    """The package to install is named."""
    printer = CupsPrinter("labels", search_path=str(tmp_path))
    assert await printer.readiness() == (Light.BAD, Say("PRN-02"))
    outcome = await printer.print_job(JOB)
    assert outcome.state is PrintState.FAILED
    assert "cups-client" in outcome.detail


async def test_a_hanging_lp_is_unknown_and_is_ended(tmp_path: Path) -> None:
    """It may have taken the job: only a person can say. The box does not wait for ever."""
    printer = cups(tmp_path, lp="exec sleep 60")
    printer._timeout_s = 0.3
    async with asyncio.timeout(10):
        outcome = await printer.print_job(JOB)
    assert (outcome.state, outcome.say) == (PrintState.UNKNOWN, Say("PRN-03"))


def there(folder: Path) -> dict[str, bytes]:
    """Every file of the folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_a_folder_takes_files_whole_and_claims_no_label(tmp_path: Path) -> None:
    """Two labels are two files; UNKNOWN, because a file is no label; nothing unfinished is left."""
    printer = FolderPrinter(tmp_path)
    assert await printer.readiness() == (Light.WARN, None)
    outcome = await printer.print_job(files_job(["a-1of2.png", "a-2of2.png"], b"\x89PNG\n\n"))
    assert (outcome.state, outcome.say) == (PrintState.UNKNOWN, Say("PRN-03"))
    assert there(tmp_path) == {"a-1of2.png": b"\x89PNG\n\n", "a-2of2.png": b"\x89PNG\n\n"}


@pytest.mark.parametrize(
    "job", [JOB, files_job(["../evil.png"], b""), files_job([".hidden"], b""), files_job([""], b"")]
)
async def test_a_folder_refuses_what_is_no_job_for_it(tmp_path: Path, job: bytes) -> None:
    """A printer's job, or a name that leads elsewhere: FAILED, and no file is there."""
    outcome = await FolderPrinter(tmp_path).print_job(job)
    assert outcome.state is PrintState.FAILED
    assert there(tmp_path) == {}


async def test_a_folder_that_is_missing_is_a_printer_that_is_off(tmp_path: Path) -> None:
    """It is not made in passing: a wrong path would collect labels nobody sees."""
    printer = FolderPrinter(tmp_path / "none")
    assert await printer.readiness() == (Light.BAD, Say("PRN-02"))
    assert (await printer.print_job(files_job(["a.png"], b"x"))).state is PrintState.FAILED
    assert not (tmp_path / "none").exists()


def test_a_png_of_a_job_is_still_a_png() -> None:
    """Line feeds in the content do not end it."""
    out = BytesIO()
    Image.new("1", (8, 8), 1).save(out, format="PNG")
    assert files_job(["a.png"], out.getvalue()).endswith(out.getvalue())
