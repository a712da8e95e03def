"""The suites under load share code with the product: what they offer and measure is checked here, never how fast."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
import zstandard

from benchmarks import own_drain, own_journal
from benchmarks.broker import Broker, mqtt_client
from benchmarks.chain import Receipts, journal_path
from benchmarks.children import Child
from benchmarks.probe import until_said
from benchmarks.probe_box import HAVE, PAGE, PUSH, WINDOW
from hazgate_edge.clock import SystemClock
from hazgate_edge.identity import load_or_make
from hazgate_edge.journal.store import Journal
from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.journal.record import WEIGHING, Record

ROOT = Path(__file__).resolve().parents[2]


def test_a_backlog_is_a_sound_journal_with_nothing_left_to_print(tmp_path: Path) -> None:
    """Founded, so many weighings that make sense, all labels printed, all waiting for the collector."""
    own_drain.make_backlog(tmp_path, "box-bench-01", 60)
    journal = Journal(
        journal_path(tmp_path), box="box-bench-01", signer=load_or_make(tmp_path), clock=SystemClock.of_this_machine()
    )
    records = [Record.decode(stored.body) for stored in journal.after(0, 100, 1 << 20)]
    bodies = [WeighingBody.from_json(record.body) for record in records if record.kind == WEIGHING]
    assert len(records) == 61
    assert len({body.label for body in bodies}) == 60
    assert len({body.weight_mg for body in bodies}) == 60
    assert journal.open_jobs() == []
    assert journal.bags_after(0) == 60
    journal.close()


def test_two_boxes_of_the_drain_give_no_label_number_twice(tmp_path: Path) -> None:
    """Else the second box's bags would be held back and flagged, which is another work than to take them."""
    labels: list[str] = []
    for index, name in enumerate(("one", "two")):
        own_drain.make_backlog(tmp_path / name, f"box-bench-{index}", 30, own_drain.first_number(index, 30))
        signer, clock = load_or_make(tmp_path / name), SystemClock.of_this_machine()
        journal = Journal(journal_path(tmp_path / name), box=f"box-bench-{index}", signer=signer, clock=clock)
        records = [Record.decode(stored.body) for stored in journal.after(0, 100, 1 << 20)]
        labels += [record.body["label"] for record in records if record.kind == WEIGHING]
        journal.close()
    assert len(set(labels)) == 60


def test_a_push_of_the_bench_is_weighed_with_everything_in_it(tmp_path: Path) -> None:
    """More than a record's own randomness and less than its plain bytes; one size a push."""
    sizes = own_journal.push_bytes(tmp_path, 50, 2)
    assert len(sizes) == 2
    assert all(30 < size < 300 for size in sizes)


def test_a_burst_counts_what_was_answered(tmp_path: Path) -> None:
    """Every weighing of a burst is in the journal before the burst is told."""
    with own_journal.journal_bursts(tmp_path, 10) as offer:
        burst = offer(0.01)
    assert burst.per_s > 0
    assert burst.answer_p99_ms > 0


def test_many_receipts_are_found_as_each_alone() -> None:
    """One walk over the receipts gives what the single question gives, also where a receipt came twice."""
    receipts = Receipts(None, "00")  # type: ignore[arg-type] # nobody listens here
    receipts._came = [(1.0, 2), (2.0, 2), (3.0, 7), (4.0, 5), (5.0, 9)]
    assert receipts.all_came_at([9, 1, 2, 3, 8]) == {seq: receipts.came_at(seq) for seq in (1, 2, 3, 8, 9)}


async def test_the_bare_probe_sends_each_record_once_in_order_and_deletes_what_has_its_receipt(tmp_path: Path) -> None:
    """Against a collector of the test: pages arrive as they were stored, a whole window of them before any receipt, and
    the outbox ends empty."""
    seqs: list[int] = []
    count = PAGE * (WINDOW + 1) + 20
    with Broker(tmp_path) as broker:
        async with mqtt_client(broker.port, "test") as client:
            await client.subscribe(PUSH, qos=1)
            command: list[str | Path] = [
                sys.executable,
                "-m",
                "benchmarks.probe_box",
                tmp_path / "box.db",
                str(broker.port),
            ]
            with Child([*command, "drain", "--count", str(count)], tmp_path / "box.log", cwd=ROOT) as box:
                waiting: list[bytes] = []
                async with asyncio.timeout(30):
                    async for message in client.messages:
                        assert isinstance(message.payload, bytes)
                        upto, _, rows = zstandard.ZstdDecompressor().decompress(message.payload).partition(b"\n")
                        seqs += [row["seq"] for row in json.loads(rows)]
                        assert seqs[-1] == int(upto)
                        waiting.append(upto)
                        if len(waiting) == WINDOW or seqs[-1] == count:
                            for have in waiting:
                                await client.publish(HAVE, have, qos=1)
                            waiting.clear()
                        if seqs[-1] == count:
                            break
                said = json.loads(await until_said(box, "}", 30))
    assert seqs == list(range(1, count + 1))
    assert said["took_s"] > 0
    with closing(sqlite3.connect(tmp_path / "box.db")) as outbox:
        assert outbox.execute("SELECT count(*) FROM outbox").fetchone() == (0,)


async def test_the_link_refuses_carries_and_goes_again() -> None:
    """Away: nothing answers. There: bytes go both ways. Gone: the connection ends, and none of its tasks is left."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readline()).upper())
        await reader.read()
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        link = own_drain.Link(server.sockets[0].getsockname()[1])
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", link.port)
        await link.come()
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(b"hello\n")
        assert await reader.readline() == b"HELLO\n"
        await link.go()
        assert await reader.read() == b""
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", link.port)
