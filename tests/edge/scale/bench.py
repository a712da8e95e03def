"""A reader with its pan at one end of a wire; the test is the device at the other. Bytes are literal, no encoder."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from hazgate_edge.app import rule_of
from hazgate_edge.clock import SystemClock
from hazgate_edge.config import Scale
from hazgate_edge.domain.pan import Limits, Pan
from hazgate_edge.domain.stability import Rule, Weight
from hazgate_edge.scale.names import Places
from hazgate_edge.scale.reader import ScaleReader
from hazgate_profiles import registry
from hazgate_protocols.scale.reading import Reading

DEADLINE_S = 20.0
TF0_8_50 = bytes.fromhex("02 2B 30 30 30 38 35 30 32 31 34 03")  # XK3190 tF=0, 8.50
TF0_2_05 = bytes.fromhex("02 2B 30 30 30 32 30 35 32 31 45 03")
LAUMAS_ASK = bytes.fromhex("01 03 00 06 00 05 65 C8")
LAUMAS_125_60 = bytes.fromhex("01 03 0A 08 00 00 00 31 10 00 00 31 10 74 E2")
LAUMAS_ZERO = bytes.fromhex("01 03 0A 18 00 00 00 00 00 00 00 00 00 A4 C9")


async def until(holds: Callable[[], Any], what: str) -> None:
    """Waits for a condition; AssertionError when it does not come."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE_S
    while not holds():
        assert loop.time() < deadline, f"{what} did not come"
        await asyncio.sleep(0.01)


class SeeingPan(Pan):
    """A pan that tells the texts of all weights it was given, and what it was told of the link."""

    def __init__(self, rule: Rule, limits: Limits, now_ns: int) -> None:
        super().__init__(rule, limits, now_ns)
        self.seen: list[str] = []
        self.told: list[bool] = []

    def link(self, *, up: bool, now_ns: int) -> None:
        self.told.append(up)
        super().link(up=up, now_ns=now_ns)

    def read(self, reading: Reading, now_ns: int) -> None:
        self.seen.append(f"{reading.weight}")
        super().read(reading, now_ns)


class Bench:
    """A scale of the configuration, read."""

    def __init__(self, profile: str, link: dict[str, Any], options: dict[str, Any], places: Places | None) -> None:
        self.clock = SystemClock.of_this_machine()
        self.scale = Scale.model_validate(
            {
                "id": "platform-1",
                "profile": profile,
                "link": link,
                "options": options,
                "capacity": "150 kg",
                "minimum": "0.2 kg",
                "empty_below": "0.1 kg",
                "division": "0.01 kg",
            }
        )
        found = registry.load(profile)
        limits = Limits(self.scale.minimum, self.scale.capacity, self.scale.empty_below)
        self.pan = SeeingPan(rule_of(found, self.scale.division), limits, self.clock.mono_ns())
        self.reader = ScaleReader(self.scale, found, self.pan, self.clock, places)

    def weight(self) -> Weight | None:
        return self.pan.weight(self.clock.mono_ns())

    def text(self) -> str:
        found = self.weight()
        return found.text if found else ""

    def refusal(self) -> str:
        said = self.pan.view(self.clock.mono_ns()).refusal
        return said.key if said else ""

    async def shows(self, text: str) -> None:
        await until(lambda: self.text() == text, f"weight {text!r}")


@asynccontextmanager
async def reading(
    profile: str, link: dict[str, Any], options: dict[str, Any] | None = None, places: Places | None = None
) -> AsyncIterator[Bench]:
    bench = Bench(profile, link, options or {}, places)
    task = asyncio.create_task(bench.reader.run())
    try:
        yield bench
        assert not task.done(), "the reader ended"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Wire:
    """A pty: `port` for the box, the other end for the test."""

    def __init__(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)

    def send(self, data: bytes) -> None:
        os.write(self._master, data)

    def heard(self) -> bytes:
        """What the box has sent since the last look."""
        with suppress(BlockingIOError, OSError):
            return os.read(self._master, 4096)
        return b""

    def unplug(self) -> None:
        """The port is gone: reads at the box fail from now on."""
        os.close(self._slave)
        os.close(self._master)


@asynccontextmanager
async def talking(wire: Wire, frame: bytes, every_s: float = 0.05) -> AsyncIterator[None]:
    """The device sends a frame again and again."""

    async def talk() -> None:
        while True:
            with suppress(BlockingIOError):
                wire.send(frame)
            await asyncio.sleep(every_s)

    task = asyncio.create_task(talk())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def answering(wire: Wire, answer: Callable[[bytes], bytes]) -> AsyncIterator[list[bytes]]:
    """The device answers each request; gives the list of requests heard."""
    asked: list[bytes] = []

    async def answers() -> None:
        while True:
            if request := wire.heard():
                asked.append(request)
                wire.send(answer(request))
            await asyncio.sleep(0.005)

    task = asyncio.create_task(answers())
    try:
        yield asked
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def usb_tree(folder: Path) -> Places:
    """An empty machine."""
    (folder / "sys" / "class" / "tty").mkdir(parents=True)
    (folder / "sys" / "class" / "hidraw").mkdir(parents=True)
    (folder / "dev").mkdir()
    return Places(folder / "sys", folder / "dev")


def plug(
    places: Places, node: str, usb: str, port: str, *, kind: str = "tty", interface: str = "1.0", serial: str = ""
) -> Path:
    """A USB device appears; the path where its node would stand, for the caller to make."""
    vendor, product = usb.split(":")
    device = places.sysfs / "devices" / "pci0000:00" / "usb1" / port
    below = device / f"{port}:{interface}" / ("ttyUSB" if kind == "tty" else "0003:AAAA:BBBB.0001") / kind / node
    below.mkdir(parents=True, exist_ok=True)
    (device / f"{port}:{interface}" / "bInterfaceNumber").write_text("00\n")
    (device / "idVendor").write_text(f"{vendor}\n")
    (device / "idProduct").write_text(f"{product}\n")
    if serial:
        (device / "serial").write_text(f"{serial}\n")
    (places.sysfs / "class" / kind / node).symlink_to(below)
    return places.dev / node


def unplug(places: Places, node: str, kind: str = "tty") -> None:
    """It is gone, as the kernel removes it."""
    (places.sysfs / "class" / kind / node).unlink()
    (places.dev / node).unlink(missing_ok=True)
