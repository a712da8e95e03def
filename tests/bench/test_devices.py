"""The bench's scale and printer as a box sees them, on loopback: a wrong stamp would make figures (b) to (d) lies."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from benchmarks import devices
from benchmarks.children import BenchError
from benchmarks.devices import PRINTING, READY, STATUS_REQUEST, Printer, Scale
from hazgate_profiles import registry
from hazgate_protocols.scale.decoder import Decoder
from hazgate_protocols.scale.reading import Reading

JOB = b"SIZE 100 mm,100 mm\r\nCLS\r\nBITMAP 0,0,100,800,0," + b"\xff" * 80_000 + b"\r\nPRINT 1,1\r\n"
WAIT_S_MAX = 10.0


async def talk(port: int, pieces: Sequence[bytes]) -> list[bytes]:
    """Each piece in a segment of its own; one answer for each that ends in a question."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    async with asyncio.timeout(WAIT_S_MAX):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            if piece.endswith(STATUS_REQUEST):
                answers.append(await reader.read(1))
        writer.close()
        await writer.wait_closed()
    return answers


@pytest.mark.parametrize(
    "pieces",
    [
        (STATUS_REQUEST, JOB, STATUS_REQUEST, STATUS_REQUEST, STATUS_REQUEST),
        (STATUS_REQUEST, JOB[:-5], JOB[-5:], STATUS_REQUEST, STATUS_REQUEST, STATUS_REQUEST),
        (STATUS_REQUEST, JOB + STATUS_REQUEST, STATUS_REQUEST, STATUS_REQUEST),
    ],
    ids=["whole", "cut in its last line", "with the question behind it"],
)
async def test_a_label_is_stamped_once_however_its_job_arrives(pieces: Sequence[bytes]) -> None:
    """Ready, then printing once, then ready: what the box needs to say printed, and one stamp a label."""
    async with Printer().serving() as printer:
        answers = await talk(printer.port, pieces)
        await printer.printed(1, WAIT_S_MAX)
        assert answers == [READY, PRINTING, READY, READY]
        assert len(printer.last_bytes_at) == 1


async def test_a_job_without_its_last_line_is_no_label() -> None:
    """Questions alone and a job cut off before its end stamp nothing."""
    async with Printer().serving() as printer:
        await talk(printer.port, (STATUS_REQUEST, JOB[:-1]))
        with pytest.raises(BenchError, match="0 of 1 came"):
            await printer.printed(1, 0.05)
        assert printer.last_bytes_at == []


async def test_a_swapped_bag_reads_as_empty_and_then_twice_as_stable() -> None:
    """The box's own decoder sees what the pan needs: an empty platform, then two equal stable weights."""
    decoder = Decoder(registry.load(devices.PROFILE), {})
    async with Scale().serving() as scale:
        reader, writer = await asyncio.open_connection("127.0.0.1", scale.port)
        async with asyncio.timeout(WAIT_S_MAX):
            await scale.connected.wait()
            scale.swap(1234)
            seen: list[Reading] = []
            while [str(reading.weight) for reading in seen[-3:]] != ["0.00", "12.34", "12.34"]:
                events = decoder.feed(await reader.read(18))
                seen += [event for event in events if isinstance(event, Reading)]
        writer.close()
        assert all(reading.stable and reading.unit == "kg" for reading in seen[-3:])
