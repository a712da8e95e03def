"""Serial ports: settings reach the line, nothing is swallowed, silence and noise are no weight, replug is found."""

from __future__ import annotations

import asyncio
import termios
from pathlib import Path
from typing import Any

import pytest
import serial

from edge.scale.bench import TF0_2_05, TF0_8_50, Wire, plug, reading, talking, unplug, until, usb_tree
from hazgate_edge.scale.links import LinkError, SerialLink, SerialSettings

PARITY = {"N": 0, "E": termios.PARENB, "O": termios.PARENB | termios.PARODD}
SIZE = {7: termios.CS7, 8: termios.CS8}


@pytest.mark.parametrize("parity", PARITY)
@pytest.mark.parametrize("bits", SIZE)
@pytest.mark.parametrize("stop", [1, 2])
async def test_every_line_setting_reaches_the_port(
    monkeypatch: pytest.MonkeyPatch, parity: str, bits: int, stop: int
) -> None:
    """Seen at the system call, since a pty itself has no parity; XON/XOFF and RTS/CTS are off in all of them."""
    asked: list[Any] = []
    real = termios.tcsetattr

    def tcsetattr(descriptor: int, when: int, attributes: Any) -> None:
        asked.append(attributes)
        real(descriptor, when, attributes)

    monkeypatch.setattr(termios, "tcsetattr", tcsetattr)
    wire = Wire()
    link = await SerialLink.open(SerialSettings(wire.port, 2400, bits, parity, stop))
    link.close()
    iflag, _, cflag, _, speed, _, _ = asked[-1]
    assert cflag & (termios.PARENB | termios.PARODD) == PARITY[parity]
    assert cflag & termios.CSIZE == SIZE[bits]
    assert bool(cflag & termios.CSTOPB) == (stop == 2)
    assert speed == termios.B2400
    assert not iflag & (termios.IXON | termios.IXOFF | termios.IXANY)
    assert not cflag & termios.CRTSCTS
    wire.unplug()


async def test_flow_control_characters_and_all_others_pass_as_bytes() -> None:
    """11h, 13h, 00h, FFh and line ends arrive as they were sent."""
    wire = Wire()
    link = await SerialLink.open(SerialSettings(wire.port, 9600, 8, "N", 1))
    sent, came = bytes(range(256)), b""
    wire.send(sent)
    while len(came) < len(sent):
        came += await asyncio.wait_for(link.read(), 10)
    assert came == sent
    link.close()
    wire.unplug()


async def test_lines_are_set_before_the_port_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    """DTR and RTS as the profile wants them, at opening, not after it: a change resets HX711 boards."""
    at_opening: list[tuple[bool, bool]] = []
    real = serial.Serial.open

    def opened(port: Any) -> None:
        at_opening.append((port.dtr, port.rts))
        real(port)

    monkeypatch.setattr(serial.Serial, "open", opened)
    wire = Wire()
    for dtr, rts in ((False, False), (True, False), (False, True)):
        (await SerialLink.open(SerialSettings(wire.port, 9600, 8, "N", 1, dtr=dtr, rts=rts))).close()
    assert at_opening == [(False, False), (True, False), (False, True)]
    wire.unplug()


async def test_boot_noise_at_opening_is_thrown_away_and_the_port_is_held_alone() -> None:
    """What came while the device settled is not read; a second opening is refused by name."""
    wire = Wire()
    settings = SerialSettings(wire.port, 9600, 8, "N", 1, settle_s=0.1)
    opening = asyncio.create_task(SerialLink.open(settings))
    await asyncio.sleep(0)
    wire.send(b"HX711 boot v1.2\r\n")
    link = await opening
    wire.send(b"7")
    assert await asyncio.wait_for(link.read(), 10) == b"7"
    with pytest.raises(LinkError, match=f"open {wire.port}"):
        await SerialLink.open(settings)
    link.close()
    wire.unplug()


async def test_a_7e1_device_is_read_on_an_8n1_port() -> None:
    """Half its characters have bit 7 set; the profile says so, no habit of the port."""
    frame = bytes.fromhex("02 34 30 20 20 31 32 35 36 30 20 20 20 20 20 30 0D")
    frame += bytes([-sum(frame) & 0x7F])
    even = bytes(byte | ((byte).bit_count() % 2) << 7 for byte in frame)
    assert even != frame
    wire = Wire()
    link = {"kind": "serial", "port": wire.port, "bits": 8, "parity": "N"}
    async with talking(wire, even), reading("toledo-cont-7e1", link) as bench:
        await bench.shows("125.60")
    wire.unplug()


async def test_silence_is_a_link_that_is_down_and_its_end_is_seen() -> None:
    """The last weight is gone within the profile's silence, though the port stays open; then frames count again."""
    wire = Wire()
    async with reading("yaohua-tf0", {"kind": "serial", "port": wire.port}) as bench:
        async with talking(wire, TF0_8_50):
            await bench.shows("8.50")
        await until(lambda: bench.pan.told == [True, False], "the link called down, once")
        assert bench.text() == ""
        assert bench.refusal() == "SCALE-01"
        async with talking(wire, TF0_2_05):
            await bench.shows("2.05")
            assert bench.pan.told == [True, False, True]
    wire.unplug()


async def test_noise_of_a_wrong_baud_rate_is_never_a_weight() -> None:
    """Bytes without frames: no weight, and the operator reads that the settings do not fit."""
    wire = Wire()
    noise = bytes(byte * 37 % 256 for byte in range(1, 40))
    async with talking(wire, noise), reading("yaohua-tf0", {"kind": "serial", "port": wire.port}) as bench:
        await until(lambda: bench.refusal() == "SCALE-15", "SCALE-15")
        assert bench.weight() is None
    wire.unplug()


async def test_an_adapter_without_serial_number_is_found_again_by_its_usb_port(tmp_path: Path) -> None:
    """Unplugged as ttyUSB0, back as ttyUSB1 while another CH340 took the old name: the right one is read."""
    places = usb_tree(tmp_path)
    name = "usb:1a86:7523@1-1.4"
    first = Wire()
    plug(places, "ttyUSB0", "1a86:7523", "1-1.4").symlink_to(first.port)
    async with reading("yaohua-tf0", {"kind": "serial", "port": name}, places=places) as bench:
        async with talking(first, TF0_8_50):
            await bench.shows("8.50")
        unplug(places, "ttyUSB0")
        first.unplug()
        await bench.shows("")
        other, back = Wire(), Wire()
        plug(places, "ttyUSB0", "1a86:7523", "1-1.2").symlink_to(other.port)
        async with talking(other, TF0_8_50):
            plug(places, "ttyUSB1", "1a86:7523", "1-1.4").symlink_to(back.port)
            async with talking(back, TF0_2_05):
                await until(lambda: bench.text() != "", "any weight")
                assert bench.text() == "2.05"
    for wire in (other, back):
        wire.unplug()


async def test_a_link_of_by_path_is_followed_anew_at_each_opening(tmp_path: Path) -> None:
    """udev moves /dev/serial/by-path/... to the new node; the reader opens by that name."""
    by_path = tmp_path / "pci-0000:00:14.0-usb-0:1.4:1.0-port0"
    first, second = Wire(), Wire()
    by_path.symlink_to(first.port)
    async with reading("yaohua-tf0", {"kind": "serial", "port": str(by_path)}) as bench:
        async with talking(first, TF0_8_50):
            await bench.shows("8.50")
        by_path.unlink()
        first.unplug()
        await bench.shows("")
        by_path.symlink_to(second.port)
        async with talking(second, TF0_2_05):
            await bench.shows("2.05")
    second.unplug()
