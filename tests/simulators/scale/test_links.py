"""A consumer on the other end of a pty or a TCP port sees what a device on a wire would give it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import serial

from hazgate_simulators.scale.families import LinkSpec, LinkSpecError
from hazgate_simulators.scale.faults import Fault
from hazgate_simulators.scale.links import LinkError, PtyLink, TcpLink
from hazgate_simulators.scale.simulator import BOOT_S, FaultNotPossibleError, ScaleSimulator
from simulators.scale.situations import kg, until

EMPTY = bytes.fromhex("02 2B 30 30 30 30 30 30 32 31 39 03")  # 0.00
BAG = bytes.fromhex("02 2B 30 30 34 38 36 30 32 31 33 03")  # 48.60


def nobody(_: bytes) -> None:
    """The device does not listen."""


@asynccontextmanager
async def running(profile: str, link: str) -> AsyncIterator[ScaleSimulator]:
    scale = ScaleSimulator(profile, link, seed=3, rate_hz=50 if profile != "mt-sics" else None)
    await scale.start()
    try:
        yield scale
        scale.check_alive()
    finally:
        await scale.stop()


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def silent_for(scale: ScaleSimulator, seconds: float) -> bool:
    """Nothing was sent for so long."""
    return time.monotonic() - scale.sent[-1].at_s >= seconds


async def reads(port: serial.Serial, wanted: bytes) -> bytes:
    """Everything up to and including wanted, or what came before the port's time-out."""
    return bytes(await asyncio.to_thread(port.read_until, wanted, 20_000))


def opened(path: Path) -> serial.Serial:
    return serial.Serial(str(path), 9600, timeout=20)


async def test_bytes_read_from_the_pty_are_the_frames_that_were_sent(tmp_path: Path) -> None:
    """A frame of the empty platform, then after the swing one of the bag; every byte between is of a frame."""
    async with running("yaohua-tf0", f"pty:{tmp_path / 'scale'}") as scale:
        with opened(tmp_path / "scale") as port:
            assert (await reads(port, EMPTY)).endswith(EMPTY)
            scale.put(kg("48.6"))
            stream = await reads(port, BAG)
            frames = [stream[n : n + 12] for n in range(0, len(stream), 12)]
            assert frames[-1] == BAG
            assert all(frame[0] == 2 and frame[-1] == 3 for frame in frames)


async def test_a_consumer_can_close_and_open_again_and_gets_no_old_bytes(tmp_path: Path) -> None:
    """What was sent while nobody had the port open is gone, as on a wire."""
    async with running("yaohua-tf0", f"pty:{tmp_path / 'scale'}") as scale:
        with opened(tmp_path / "scale") as port:
            await reads(port, EMPTY)
        await until(lambda: scale.is_listened_to is False)
        scale.put(kg("48.6"))
        await until(lambda: scale.platform.indication.stable and scale.sent[-1].octets == BAG)
        await until(lambda: not scale.sent[-1].heard)
        # os.open and not pyserial, which would flush away what we want to be sure is not there.
        fd = os.open(tmp_path / "scale", os.O_RDONLY | os.O_NOCTTY)
        try:
            first = b""
            while len(first) < 12:
                first += await asyncio.to_thread(os.read, fd, 12 - len(first))
        finally:
            os.close(fd)
        assert first == BAG


async def test_unplugging_hangs_up_the_consumer_and_plugging_in_brings_the_name_back(tmp_path: Path) -> None:
    """The stable name vanishes and returns; the open port is dead and a new one works."""
    async with running("yaohua-tf0", f"pty:{tmp_path / 'scale'}") as scale:
        with opened(tmp_path / "scale") as port:
            await reads(port, EMPTY)
            await scale.set_fault(Fault.UNPLUG)
            assert names(tmp_path) == []
            with pytest.raises(serial.SerialException):
                await reads(port, BAG)
        await scale.set_fault(None)
        with opened(tmp_path / "scale") as port:
            assert (await reads(port, EMPTY)).endswith(EMPTY)


async def test_a_name_left_behind_by_a_killed_simulator_is_replaced(tmp_path: Path) -> None:
    """kill -9 leaves a dangling symbolic link; the next start takes the name."""
    (tmp_path / "scale").symlink_to("/dev/pts/nothing-here")
    link = PtyLink(tmp_path / "scale")
    await link.start(nobody)
    try:
        assert (tmp_path / "scale").exists()
    finally:
        await link.stop()
    assert names(tmp_path) == []


async def test_a_file_at_the_name_is_not_touched(tmp_path: Path) -> None:
    """Only symbolic links are replaced."""
    (tmp_path / "scale").write_text("precious")
    with pytest.raises(LinkError, match="no symbolic link"):
        await PtyLink(tmp_path / "scale").start(nobody)
    assert (tmp_path / "scale").read_text() == "precious"


async def test_all_clients_of_the_tcp_port_get_the_same_bytes() -> None:
    """Like a serial server, with the fault of joined frames on top."""
    async with running("toledo-cont", "tcp:127.0.0.1:0") as scale:
        host, _, port = scale.address.removeprefix("tcp:").rpartition(":")
        clients = [await asyncio.open_connection(host, int(port)) for _ in range(2)]
        await scale.set_fault(Fault.JOINED)
        empty = bytes.fromhex("02 2C 30 20 20 20 20 20 20 30 20 20 20 20 20 30 0D 55")
        for reader, _ in clients:
            async with asyncio.timeout(20):
                assert await reader.readuntil(empty * 3)
        for _, writer in clients:
            writer.close()


async def test_unplugging_the_serial_server_closes_clients_and_refuses_new_ones() -> None:
    """After plugging in, the same port answers again."""
    async with running("st-gs", "tcp:127.0.0.1:0") as scale:
        host, _, port = scale.address.removeprefix("tcp:").rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        await reader.readline()
        await scale.set_fault(Fault.UNPLUG)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readuntil(b"never")
        with pytest.raises(OSError, match="onnect"):
            await asyncio.open_connection(host, int(port))
        writer.close()
        await scale.set_fault(None)
        await until(lambda: scale.indication_now().stable and scale.sent[-1].octets[:2] == b"ST")
        reader, writer = await asyncio.open_connection(host, int(port))
        assert await reader.readline() == b"ST,GS,+   0.00kg\r\n"
        writer.close()


async def test_a_taken_port_is_named_in_the_error() -> None:
    """Operation, address, cause, next step."""
    first = TcpLink("127.0.0.1", 0)
    await first.start(nobody)
    try:
        with pytest.raises(LinkError, match=rf"listen on 127.0.0.1:{first.port}.*choose another port"):
            await TcpLink("127.0.0.1", first.port).start(nobody)
    finally:
        await first.stop()


async def test_sics_answers_over_the_pty(tmp_path: Path) -> None:
    """Question and answer through a real serial port, and late under the slow fault's name only."""
    async with running("mt-sics", f"pty:{tmp_path / 'scale'}") as scale:
        scale.put(kg("12.34"))
        await until(lambda: scale.indication_now().stable)
        with opened(tmp_path / "scale") as port:
            port.write(b"SI\r\n")
            assert await reads(port, b"\n") == b"S S      12.34 kg\r\n"
            await scale.set_fault(Fault.STUCK)
            scale.put(kg("25"))
            port.write(b"SI\r\n")
            assert await reads(port, b"\n") == b"S S      12.34 kg\r\n"
            await scale.set_fault(Fault.WRONG_UNIT)
            await until(lambda: str(scale.indication_now().shown) == "55.12" and scale.indication_now().stable)
            port.write(b"SI\r\n")
            assert await reads(port, b"\n") == b"S S      55.12 lb\r\n"


async def test_a_power_cycle_sends_noise_then_waits_for_empty(tmp_path: Path) -> None:
    """The noise opens with 00 00 7F 7F; with a bag lying there no frame follows until it is taken off."""
    async with running("yaohua-tf0", f"pty:{tmp_path / 'scale'}") as scale:
        scale.put(kg("48.6"))
        await until(lambda: scale.indication_now().stable)
        with opened(tmp_path / "scale") as port:
            await reads(port, BAG)
            await scale.set_fault(Fault.BOOT_NOISE)
            assert scale.fault is None
            await reads(port, bytes.fromhex("00 00 7F 7F"))
            await until(lambda: silent_for(scale, 2 * BOOT_S))
            assert not scale.indication_now().ready
            scale.remove()
            assert (await reads(port, EMPTY)).endswith(EMPTY)


async def test_overload_silences_yaohua_and_returns(tmp_path: Path) -> None:
    """No frame carries an overload; after the fault the bag is weighed again."""
    async with running("yaohua-tf0", f"pty:{tmp_path / 'scale'}") as scale:
        await until(lambda: scale.sent_count > 0)
        scale.put(kg("48.6"))
        await scale.set_fault(Fault.OVERLOAD)
        await until(lambda: silent_for(scale, 0.5))
        assert scale.indication_now().range == "over"
        await scale.set_fault(None)
        await until(lambda: scale.sent[-1].octets == BAG)


async def test_a_fault_that_cannot_happen_is_refused_with_those_that_can() -> None:
    """Answers to questions cannot join; the message lists the rest."""
    scale = ScaleSimulator("mt-sics", "tcp:127.0.0.1:0")
    with pytest.raises(FaultNotPossibleError, match="possible are bit_flips"):
        await scale.set_fault(Fault.JOINED)


@pytest.mark.parametrize("text", ["pty", "tcp:host", "tcp:host:99999", "usb:1", "modbus-tcp::502", ""])
def test_a_link_that_makes_no_sense_is_refused_with_the_forms(text: str) -> None:
    """The message shows how to write it."""
    with pytest.raises(LinkSpecError, match="pty:PATH, tcp:HOST:PORT"):
        LinkSpec.parse(text)


@pytest.mark.parametrize(("profile", "link"), [("modbus-laumas", "pty:x"), ("yaohua-tf0", "modbus-tcp:127.0.0.1:0")])
def test_a_family_refuses_a_link_it_does_not_speak_over(profile: str, link: str) -> None:
    """Registers need Modbus; streams need bytes."""
    with pytest.raises(LinkSpecError, match="needs"):
        ScaleSimulator(profile, link)
