"""The box's own readers on simulated scanners: a pty, and a keyboard's events in a named pipe."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from edge.makers import UNIT
from hazgate_edge.clock import SystemClock
from hazgate_edge.config import KeyboardLink, Scanner, SerialLink
from hazgate_edge.domain.view import Light
from hazgate_edge.scale.links import LinkError
from hazgate_edge.scanning import keyboard
from hazgate_edge.scanning.profiles import traffic_of
from hazgate_edge.scanning.reader import ScannerReader
from hazgate_edge.scanning.scans import Scans
from hazgate_simulators.scanner.encoders import MODELS
from hazgate_simulators.scanner.simulator import ScanFault, ScannerSimulator

LABEL = f"{UNIT}9002140820261123001"
OTHER = f"{UNIT}9002140820261123002"
SOON_S = 10.0


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition, within SOON_S."""
    async with asyncio.timeout(SOON_S):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


class Place:
    """A simulated scanner with the box's reader on it."""

    def __init__(self, model: str, folder: Path) -> None:
        path = folder / "scanner"
        link = (
            KeyboardLink(kind="keyboard", device=str(path))
            if MODELS[model].keys
            else SerialLink(kind="serial", port=str(path))
        )
        self.simulator = ScannerSimulator(model, path)
        scanner = Scanner(id="gun-1", profile=model, link=link)
        self.got: list[str] = []
        self.reader = ScannerReader(scanner, traffic_of(scanner), SystemClock("test"), self.take)

    def take(self, _scanner: str, content: bytes) -> None:
        self.got.append(content.decode("ascii", "replace"))

    async def up(self) -> None:
        await until(lambda: self.reader.up and self.simulator.is_listened_to)


@contextlib.asynccontextmanager
async def at(model: str, folder: Path) -> AsyncIterator[Place]:
    """Plugged in and read."""
    place = Place(model, folder)
    await place.simulator.start()
    reading = asyncio.create_task(place.reader.run())
    try:
        await place.up()
        yield place
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await place.simulator.stop()


@pytest.mark.parametrize("model", sorted(MODELS))
async def test_every_model_is_read_as_its_profile_says(model: str, tmp_path: Path) -> None:
    """Whole and in pieces; the simulator's bytes are made without the profile."""
    async with at(model, tmp_path) as place:
        await place.simulator.scan(LABEL)
        await until(lambda: place.got == [LABEL])
        if model != "serial-none":
            await place.simulator.scan(OTHER, ScanFault.TORN)
            await until(lambda: place.got == [LABEL, OTHER])


async def test_an_answer_in_front_of_the_data_is_no_part_of_it(tmp_path: Path) -> None:
    """The GM65 says "done" to a trigger first, and the code follows in the same breath."""
    async with at("gm65", tmp_path) as place:
        place.simulator.shown = LABEL
        place.simulator._heard(MODELS["gm65"].trigger)
        await until(lambda: place.got == [LABEL])


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        ("serial-cr", ScanFault.BROKEN_OFF),
        ("gm65", ScanFault.NOISE),
        ("usb-keyboard", ScanFault.SLOW),
    ],
)
async def test_a_bad_scan_makes_no_wrong_one(model: str, fault: ScanFault, tmp_path: Path) -> None:
    """What breaks off, noise in front, keys typed by hand: nothing comes of it, and the next scan is right."""
    async with at(model, tmp_path) as place:
        await place.simulator.scan(OTHER, fault)
        await place.simulator.scan(LABEL)
        await until(lambda: LABEL in place.got)
        assert set(place.got) <= {LABEL} | ({OTHER} if fault is ScanFault.NOISE else set())


@pytest.mark.parametrize("model", ["serial-cr", "usb-keyboard"])
async def test_a_scanner_that_is_plugged_in_again_is_read_again(model: str, tmp_path: Path) -> None:
    """By its stable name, within seconds, and the top bar knows in between."""
    scans = Scans(base="", unit=UNIT, clock=SystemClock("test"), bag_of=lambda _: None)
    async with at(model, tmp_path) as place:
        scans.watch([place.reader])
        assert [chip.light for chip in scans.chips()] == [Light.GOOD]
        await place.simulator.stop()
        await until(lambda: not place.reader.up)
        (chip,) = scans.chips()
        assert (chip.light, chip.say and chip.say.key) == (Light.WARN, "SCAN-06")
        await place.simulator.start()
        await place.up()
        await place.simulator.scan(LABEL)
        await until(lambda: place.got == [LABEL])


def plug(root: Path, number: int, usb_port: str, *, vendor: str = "0c2e", keys: str = "1 fffffffffffffffe") -> None:
    """A keyboard in a folder shaped like sysfs."""
    inner = root / "devices" / "usb1" / "1-1" / usb_port / f"{usb_port}:1.0" / "input" / "input9" / f"event{number}"
    for path, text in (("id/vendor", vendor), ("id/product", "0b61"), ("name", "Scanner"), ("capabilities/key", keys)):
        file = inner / "device" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    nodes = root / "class" / "input"
    nodes.mkdir(parents=True, exist_ok=True)
    (nodes / f"event{number}").symlink_to(inner)


def test_a_keyboard_scanner_is_found_by_who_it_is_and_where_it_is_plugged_in(tmp_path: Path) -> None:
    """Two alike are told apart by the port; without it nothing is guessed; a power button is no keyboard."""
    plug(tmp_path, 3, "1-1.4")
    plug(tmp_path, 11, "1-1.2")
    plug(tmp_path, 0, "1-9", keys="10000000000000 0")
    link = KeyboardLink(kind="keyboard", vendor="0c2e", product="0b61", usb_port="1-1.2")
    assert keyboard.find(link, sys=tmp_path, dev=Path("/dev")) == Path("/dev/input/event11")
    assert [one.path.name for one in keyboard.keyboards(sys=tmp_path)] == ["event3", "event11"]
    with pytest.raises(LinkError, match=r"set usb_port to one of 1-1\.4, 1-1\.2"):
        keyboard.find(KeyboardLink(kind="keyboard", vendor="0c2e", product="0b61"), sys=tmp_path)
    with pytest.raises(LinkError, match="not there"):
        keyboard.find(KeyboardLink(kind="keyboard", vendor="ffff", product="0b61"), sys=tmp_path)


def test_the_grab_has_the_kernels_number() -> None:
    """_IOW('E', 0x90, int): direction write, four bytes, type E."""
    assert 1 << 30 | 4 << 16 | ord("E") << 8 | 0x90 == keyboard.EVIOCGRAB
    assert 1 << 30 | 4 << 16 | ord("E") << 8 | 0xA0 == keyboard.EVIOCSCLOCKID
