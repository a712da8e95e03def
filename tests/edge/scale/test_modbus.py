"""Modbus over any wire: one request for status and weight, echoes and late answers, silence, TCP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

import pytest

from edge.scale.bench import LAUMAS_125_60, LAUMAS_ASK, LAUMAS_ZERO, TF0_2_05, TF0_8_50, Wire, answering, reading, until

TWO_PLACES = {"decimals": 2}


def rtu(wire: Wire) -> dict[str, object]:
    return {"kind": "modbus-rtu", "port": wire.port}


async def test_status_and_weight_come_with_one_request_and_the_record_keeps_the_registers() -> None:
    """Every request is the same single one; raw is what the registers hold, without address and CRC."""
    wire = Wire()
    async with (
        answering(wire, lambda _: LAUMAS_125_60) as asked,
        reading("modbus-laumas", rtu(wire), TWO_PLACES) as bench,
    ):
        await bench.shows("125.60")
        await until(lambda: len(asked) >= 3, "three requests")
        found = bench.weight()
        assert found is not None
        assert found.raw == LAUMAS_125_60[3:-2]
        assert set(asked) == {LAUMAS_ASK}
    wire.unplug()


@pytest.mark.parametrize("pieces", [1, 3, 20])
async def test_the_echo_of_a_half_duplex_adapter_is_ignored(pieces: int) -> None:
    """Our own request comes back before the answer, in pieces of any size: no reject, and the weight is read."""
    wire = Wire()

    def echo(request: bytes) -> bytes:
        both = request + LAUMAS_125_60
        for start in range(0, len(both) - pieces, pieces):
            wire.send(both[start : start + pieces])
        return both[(len(both) - 1) // pieces * pieces :]

    async with answering(wire, echo), reading("modbus-laumas", rtu(wire), TWO_PLACES) as bench:
        await bench.shows("125.60")
        assert bench.pan.rejected_count == 0
    wire.unplug()


async def test_an_answer_that_comes_too_late_is_thrown_away_before_the_next_question() -> None:
    """It tells of another moment. The device answers the first question after the time-out, others at once."""
    wire = Wire()
    late = [LAUMAS_125_60]

    def answer(_: bytes) -> bytes:
        if late:
            asyncio.get_running_loop().call_later(0.35, wire.send, late.pop())
            return b""
        return LAUMAS_ZERO

    async with answering(wire, answer), reading("modbus-laumas", rtu(wire), TWO_PLACES) as bench:
        await until(lambda: len(bench.pan.seen) >= 3, "three readings")
        assert set(bench.pan.seen) == {"0.00"}
        assert bench.pan.rejected_count >= 1, "the time-out was counted"
    wire.unplug()


async def test_a_damaged_or_foreign_answer_is_no_weight() -> None:
    """CRC wrong, another unit, half an answer: rejected and counted, the link stays and the next one is read."""
    wire = Wire()
    foreign = bytes.fromhex("02 03 0A 08 00 00 00 31 10 00 00 31 10")
    answers = [LAUMAS_125_60[:-1] + b"\0", foreign + b"\0\0", LAUMAS_125_60[:9]]

    async with (
        answering(wire, lambda _: answers.pop() if answers else LAUMAS_ZERO),
        reading("modbus-laumas", rtu(wire), TWO_PLACES) as bench,
    ):
        await until(bench.text, "a weight")
        assert bench.text() == "0.00"
        assert bench.pan.rejected_count >= 3
    wire.unplug()


async def test_a_transmitter_that_stops_answering_shows_no_weight() -> None:
    """The last weight is gone, the operator reads why, and the first answer after it counts again."""
    wire = Wire()
    async with reading("modbus-laumas", rtu(wire), TWO_PLACES) as bench:
        async with answering(wire, lambda _: LAUMAS_125_60):
            await bench.shows("125.60")
        await bench.shows("")
        await until(lambda: bench.refusal() == "SCALE-01", "SCALE-01")
        async with answering(wire, lambda _: LAUMAS_ZERO):
            await bench.shows("0.00")
    wire.unplug()


@asynccontextmanager
async def served(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]],
) -> AsyncIterator[int]:
    """A TCP device on a free port."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_rtu_bytes_through_a_serial_server_are_read_torn_and_joined() -> None:
    """Modbus RTU in a raw TCP connection: no library, the same decoder."""

    async def device(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            assert await reader.readexactly(8) == LAUMAS_ASK
            for piece in (LAUMAS_125_60[:1], LAUMAS_125_60[1:9], LAUMAS_125_60[9:]):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.01)

    async with (
        served(device) as port,
        reading("modbus-laumas", {"kind": "tcp", "host": "127.0.0.1", "port": port}, TWO_PLACES) as bench,
    ):
        await bench.shows("125.60")
        assert bench.pan.rejected_count == 0


async def test_modbus_tcp_asks_once_for_all_and_uses_the_unit_of_the_site() -> None:
    """MBAP of the standard: five registers from 0, unit 255 as the JBX8 wants; an exception is a status, no weight."""
    asked: list[bytes] = []
    refuse = asyncio.Event()

    async def device(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readexactly(6)
            asked.append(await reader.readexactly(int.from_bytes(head[4:], "big")))
            answer = bytes.fromhex("FF 83 06" if refuse.is_set() else "FF 03 0A 00 02 00 00 31 10 00 00 31 10")
            writer.write(head[:4] + len(answer).to_bytes(2, "big") + answer)

    async with (
        served(device) as port,
        reading(
            "modbus-dat400",
            {"kind": "modbus-tcp", "host": "127.0.0.1", "port": port},
            {"decimals": 2, "unit_id": 255},
        ) as bench,
    ):
        await bench.shows("125.60")
        assert set(asked) == {bytes.fromhex("FF 03 00 00 00 05")}
        refuse.set()
        await until(lambda: bench.refusal() == "SCALE-11", "SCALE-11")
        assert bench.weight() is None


@pytest.mark.parametrize("size", [1, 5, 12, 31])
async def test_a_serial_server_may_tear_and_join_frames(size: int) -> None:
    """Two frames in pieces of 1, 5, a frame, and more than one frame with a pause in the middle; about 80 frames a
    second, all that 9600 baud can carry."""
    frame = bytes.fromhex("02 2B 30 30 30 38 35 30 32 31 34 03")
    frames = frame * 4

    async def device(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            for start in range(0, len(frames), size):
                piece = frames[start : start + size]
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(len(piece) / len(frame) / 80)  # the device's own pace

    async with (
        served(device) as port,
        reading("yaohua-tf0", {"kind": "tcp", "host": "127.0.0.1", "port": port}) as bench,
    ):
        await bench.shows("8.50")
        await until(lambda: bench.pan.steady(bench.clock.mono_ns()), "a steady weight")
        assert bench.pan.rejected_count == 0


async def test_a_connection_that_died_in_silence_is_opened_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other end was switched off without a goodbye: the weight goes first, then a new connection is made."""
    monkeypatch.setattr("hazgate_edge.scale.reader.DEAD_S", 1.5)
    taken = 0

    async def device(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        taken += 1
        frame = TF0_2_05 if taken == 1 else TF0_8_50
        for _turn in range(3):
            writer.write(frame)
            await writer.drain()
            await asyncio.sleep(0.05)
        await asyncio.sleep(30)

    async with (
        served(device) as port,
        reading("yaohua-tf0", {"kind": "tcp", "host": "127.0.0.1", "port": port}) as bench,
    ):
        await bench.shows("2.05")
        await bench.shows("")
        await bench.shows("8.50")
        assert taken >= 2
