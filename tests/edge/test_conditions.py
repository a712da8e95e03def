"""Working conditions on the box: thinning, crossings, what survives a restart, and that no password is ever kept."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from edge.makers import BOX, DEV, UNIT, StandingClock
from hazgate_edge.app import condition_notices
from hazgate_edge.clock import SystemClock
from hazgate_edge.config import ListenLink, ModbusTcpLink, TelemetrySource
from hazgate_edge.journal.store import Journal
from hazgate_edge.telemetry.conditions import Conditions, facts_of
from hazgate_edge.telemetry.sending import Sender
from hazgate_edge.telemetry.sources import Source
from hazgate_edge.telemetry.spool import SPOOL_FILE, Spool
from hazgate_edge.telemetry.watch import PointWatch, Taken
from hazgate_profiles import telemetry_registry
from hazgate_protocols.hj212.frames import Splitter
from hazgate_protocols.journal.record import Record
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.telemetry import rtu
from hazgate_protocols.telemetry.points import Limits, Point, Register
from hazgate_protocols.uplink.telemetry import Sample, Took, encode_took
from hazgate_simulators.conditions.monitor import real_time, spoiled
from hazgate_simulators.demo.broker import free_port

KEY = Signer.from_secret(bytes(range(32)))
COLLECTOR = Signer.from_secret(b"c" * 32)
POINT = Point(
    "level",
    {"zh": "液位", "en": "Level"},
    "m",
    register=Register(0, "u16"),
    limits=Limits(high="10", hold_s=5),
    deadband="1",
    interval_s=60,
    stale_s=10,
)
FAN = telemetry_registry.load("example-exhaust-fan")
VOC = telemetry_registry.load("example-voc-monitor")
SECRET = "Geheim77"
MN = "010000A8900016F000169DC0"


def at(second: float) -> str:
    return (datetime(2026, 3, 9, tzinfo=UTC) + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def course(watch: PointWatch, steps: Sequence[tuple[float, str | None]]) -> tuple[list[Any], list[Any]]:
    """What (second, value) steps send and cross; None: time passes without a reading."""
    sent, crossed = [], []
    for second, value in steps:
        now_ns = int(second * 1e9)
        if value is None:
            sample, crossings = watch.look(at(second), now_ns), list[Any]()
        else:
            sample, crossings = watch.take(Taken(Decimal(value)), at(second), now_ns)
        sent += [(second, sample.value, str(sample.quality))] if sample else []
        crossed += [(second, crossing.what, crossing.limit) for crossing in crossings]
    return sent, crossed


def test_only_what_tells_something_new_is_sent() -> None:
    """The first, what left the deadband, a changed quality, silence, and one every interval."""
    watch = PointWatch("tank.level", POINT, start_ns=0)
    steps = [(0, "5"), (1, "6"), (2, "6.5"), (30, "6.5"), (62, "6.5"), (70, None), (73, None), (74, None), (75, "6.5")]
    sent, _ = course(watch, steps)
    assert sent == [
        (0, "5", "ok"),
        (2, "6.5", "ok"),
        (62, "6.5", "ok"),
        (73, None, "stale"),
        (75, "6.5", "ok"),
    ]


def test_a_value_that_dances_on_its_limit_is_one_crossing() -> None:
    """It ends only after hold_s without a break inside by the deadband; silence in between begins the time anew."""
    watch = PointWatch("tank.level", POINT, start_ns=0)
    steps: list[tuple[float, str | None]] = [(0, "11"), (1, "9.5"), (2, "10.5"), (3, "8"), (6, "9.5"), (7, "8")]
    _, crossed = course(watch, [*steps, (11, "8"), (12, "8")])
    assert crossed == [(0, "begun", "high"), (12, "ended", "high")]


def test_an_open_crossing_goes_on_after_a_restart() -> None:
    """It is not said to begin again, and it can end."""
    watch = PointWatch("tank.level", POINT, crossing="high", start_ns=0)
    _, crossed = course(watch, [(0, "11"), (1, "8"), (6, "8")])
    assert crossed == [(6, "ended", "high")]


def samples(first: int, count: int) -> list[tuple[Sample, Any]]:
    facts = facts_of(FAN.points[0], FAN)
    return [(Sample("fan.pressure", at(n), f"{n}.0", "ok"), facts) for n in range(first, first + count)]


def spool_in(folder: Path, held_max: int = 200_000) -> Spool:
    return Spool(folder, new_id="00112233445566aa", now=datetime(2026, 3, 9, tzinfo=UTC), held_max=held_max)


def took(spool: str, upto: int, key: Signer = COLLECTOR) -> bytes:
    answer = Took(spool, upto, at(0))
    return encode_took(Took(spool, upto, at(0), key.seal_receipt(answer.signed_bytes())))


def test_only_the_collectors_word_about_this_spool_settles(tmp_path: Path) -> None:
    """Another key, another spool, a number never given and nonsense settle nothing; the right word does, once."""
    spool = spool_in(tmp_path)
    spool.add(samples(1, 3))
    sender = Sender(spool, BOX, KEY, COLLECTOR.public())
    assert sender.next_batch(0) is not None
    assert sender.next_batch(1) is None, "one in flight"
    assert sender.next_batch(11) is not None, "without an answer again"
    for wrong in (took(spool.id, 3, KEY), took("ff" * 8, 3), took(spool.id, 4), b"{}"):
        sender.on_took(wrong)
        assert sender.settled == 0
    sender.on_took(took(spool.id, 3))
    assert sender.settled == 3
    assert sender.next_batch(100) is None
    spool.close()


def test_numbers_are_never_given_twice_in_a_spool(tmp_path: Path) -> None:
    """Not after everything was dropped, nor after a restart."""
    spool = spool_in(tmp_path)
    spool.add(samples(1, 3))
    spool.drop(3)
    spool.close()
    spool = spool_in(tmp_path)
    spool.add(samples(4, 1))
    batch = spool.batch_after(0, 10)
    assert batch is not None
    assert (batch.first, spool.id) == (4, "00112233445566aa")
    spool.close()


def test_a_spool_that_cannot_be_read_is_set_aside_under_a_new_name(tmp_path: Path) -> None:
    """Nothing is overwritten, and the new file says why there is one."""
    (tmp_path / SPOOL_FILE).write_bytes(b"no database at all" * 500)
    spool = spool_in(tmp_path)
    assert spool.lost
    assert len(list(tmp_path.glob("*.bad"))) == 1
    spool.close()


Begun = Callable[[Spool], tuple[Conditions, Sender, Journal]]


@pytest.fixture
def begin(tmp_path: Path) -> Any:
    journals: list[Journal] = []

    def make(spool: Spool) -> tuple[Conditions, Sender, Journal]:
        for journal in journals:
            journal.close()
        journal = Journal(tmp_path / "journal.sqlite3", box=BOX, signer=KEY, clock=StandingClock())
        journals[:] = [journal]
        if journal.head_seq == 0:
            journal.write_now(lambda: journal.do_found(unit_code=UNIT, dev=DEV))
        sender = Sender(spool, BOX, KEY, COLLECTOR.public())
        link = ModbusTcpLink(kind="modbus-tcp", host="127.0.0.1")
        source = TelemetrySource(id="fan", profile=FAN.id, link=link)
        clock = SystemClock.of_this_machine()
        made = Conditions(
            [(source, FAN)], spool=spool, sender=sender, journal=journal, clock=clock, dev=DEV, count_every_s=0
        )
        return made, sender, journal

    yield make
    for journal in journals:
        journal.close()


def records(folder: Path, kind: str) -> list[dict[str, Any]]:
    with sqlite3.connect(folder / "journal.sqlite3") as tx:
        found = [Record.decode(row[0]) for row in tx.execute("SELECT body FROM record ORDER BY seq")]
    tx.close()
    return [record.body for record in found if record.kind == kind]


async def test_the_time_between_two_starts_is_on_record(tmp_path: Path, begin: Begun) -> None:
    """The first start says that nothing is known before it; the next says since when nothing was taken."""
    spool = spool_in(tmp_path)
    made, _, _ = begin(spool)
    made._heard("fan", {"pressure": Taken(Decimal("452.5"))})
    await made.keep_now()
    assert [body["reason"] for body in records(tmp_path, "telemetry_gap")] == ["begun"]
    last = spool.points()["fan.pressure"][0]
    spool.close()
    spool = spool_in(tmp_path)
    made, _, _ = begin(spool)
    await made.keep_now()
    found = [body for body in records(tmp_path, "telemetry_gap") if body["reason"] == "not_running"]
    assert [(gap["point"], gap["from"]) for gap in found[0]["points"]] == [("fan.pressure", last)]
    spool.close()


@pytest.mark.parametrize("planted", [False, True], ids=["as_built", "record_fails"])
async def test_a_sample_is_dropped_only_when_its_loss_is_on_record(
    tmp_path: Path, begin: Begun, monkeypatch: pytest.MonkeyPatch, *, planted: bool
) -> None:
    """At the bound: first the record, then the samples go. Where the journal does not take the record, they stay."""
    spool = spool_in(tmp_path, held_max=40)
    made, sender, journal = begin(spool)
    await made.keep_now()
    spool.add(samples(1, 40))
    if planted:

        def full(*_: Any, **__: Any) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(journal, "do_append", full)
        with pytest.raises(sqlite3.OperationalError):
            await made.keep_now()
        assert (spool.waiting(), sender.settled) == (40, 0)
    else:
        await made.keep_now()
        (gap,) = [body for body in records(tmp_path, "telemetry_gap") if body["reason"] == "buffer_full"]
        assert (gap["spool"], gap["first"], gap["last"]) == (spool.id, 1, 2)
        assert [point["samples"] for point in gap["points"]] == [2]
        assert (spool.waiting(), sender.settled) == (38, 2)
    spool.close()


async def test_a_disk_that_takes_nothing_leaves_a_record_of_what_is_missing(
    tmp_path: Path, begin: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples wait in memory up to their bound; what fell out is counted, and said as soon as the disk takes again."""
    monkeypatch.setattr("hazgate_edge.telemetry.conditions.SAMPLES_WAITING_MAX", 3)
    spool = spool_in(tmp_path)
    made, _, _ = begin(spool)
    with monkeypatch.context() as full:

        def refuses(_: Any) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        full.setattr(spool, "add", refuses)
        for value in range(200, 300, 10):
            made._heard("fan", {"pressure": Taken(Decimal(value))})
        with pytest.raises(sqlite3.OperationalError):
            await made.keep_now()
    await made.keep_now()
    (gap,) = [body for body in records(tmp_path, "telemetry_gap") if body["reason"] == "disk"]
    assert gap["points"][0]["samples"] == 7
    assert spool.waiting() == 3
    spool.close()


def monitor() -> tuple[Source, list[dict[str, Taken]]]:
    heard: list[dict[str, Taken]] = []
    link = ListenLink(kind="tcp-listen", host="127.0.0.1", port=1024)
    source = TelemetrySource(id="voc", profile=VOC.id, link=link, mn=MN)
    return Source(source, VOC, lambda found: heard.append(dict(found)), SystemClock.of_this_machine()), heard


def local_now() -> datetime:
    return datetime.now(UTC) + timedelta(hours=8)


@pytest.mark.parametrize("pieces", [1, 7, 1000], ids=["byte_by_byte", "in_pieces", "whole"])
@pytest.mark.parametrize("fault", ["none", "crc", "length", "cut", "noise"])
def test_a_monitors_good_frames_count_and_damaged_ones_do_not(
    fault: str, pieces: int, caplog: pytest.LogCaptureFixture
) -> None:
    """However they arrive; a good frame after a bad one is heard; the password is in no log and in nothing heard."""
    caplog.set_level(logging.DEBUG)
    source, heard = monitor()
    one = real_time({"a24088": "12.50"}, local_now(), mn=MN, password=SECRET)
    sent = spoiled(one, fault) + one + one
    splitter, replies = Splitter(), b""
    for start in range(0, len(sent), pieces):
        replies += source.take(sent[start : start + pieces], splitter)
    values = [found["nmhc"].value for found in heard]
    assert set(values) == {Decimal("12.50")}
    assert len(values) >= 2 if fault != "cut" else len(values) >= 1
    assert replies.count(b"CN=9014") == len(values)
    assert SECRET not in caplog.text
    assert SECRET not in repr(heard)


def test_flagged_late_and_foreign_values_are_never_good(caplog: pytest.LogCaptureFixture) -> None:
    """A flag other than N takes the value away, an old date makes it late, another MN does not count."""
    source, heard = monitor()
    splitter = Splitter()
    source.take(real_time({"a24088": "1.0"}, local_now(), mn=MN, flag="D"), splitter)
    source.take(real_time({"a24088": "2.0"}, local_now() - timedelta(hours=2), mn=MN), splitter)
    assert source.take(real_time({"a24088": "3.0"}, local_now(), mn="X1", password=SECRET), splitter) == b""
    assert [(found["nmhc"].value, found["nmhc"].late) for found in heard] == [(None, False), (Decimal("2.0"), True)]
    assert "MN X1" in caplog.text
    assert SECRET not in caplog.text


async def test_a_monitor_that_calls_is_answered_and_its_reading_keeps_no_frame() -> None:
    """Over a real socket: values are heard, 9014 comes back; the source ends when it is told to."""
    port, heard = free_port(), list[dict[str, Taken]]()
    own = TelemetrySource(
        id="voc", profile=VOC.id, link=ListenLink(kind="tcp-listen", host="127.0.0.1", port=port), mn=MN
    )
    source = Source(own, VOC, lambda found: heard.append(dict(found)), SystemClock.of_this_machine())
    listening = asyncio.create_task(source.run())
    try:
        async with asyncio.timeout(10):
            while True:
                try:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                    break
                except OSError:
                    await asyncio.sleep(0.02)
            writer.write(real_time({"a24088": "70.0"}, local_now(), mn=MN, password=SECRET))
            answer = await reader.readline()
        assert b"CN=9014" in answer
        assert heard[0]["nmhc"].value == Decimal("70.0")
        assert heard[0]["nmhc"].raw == b""
        writer.close()
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


@pytest.mark.parametrize("before", [b"", bytes([1, 3, 0, 0, 0, 2, 0xC4, 0x0B]), b"\0\xff"])
def test_an_rtu_answer_is_found_behind_echo_and_noise(before: bytes) -> None:
    """The published frame of the Modbus guide's CRC; a damaged one and a part of one are no answer."""
    assert rtu.question(1, 3, 0, 2) == bytes([1, 3, 0, 0, 0, 2, 0xC4, 0x0B])
    whole = bytes.fromhex("0103040006000 5DA31".replace(" ", ""))
    assert rtu.answer(before + whole, 1, 3, 2) == [6, 5]
    assert rtu.answer(before + whole[:-1], 1, 3, 2) is None
    assert rtu.answer(before + whole[:-1] + b"\0", 1, 3, 2) is None
    assert rtu.answer(before + bytes.fromhex("0183 02C0F1"), 1, 3, 2) == rtu.Refused(2)


def test_the_operator_is_told_of_what_is_abnormal_and_of_nothing_else(begin: Begun, tmp_path: Path) -> None:
    """A crossed limit first, then points without a value; a new point and a good value say nothing."""
    spool = spool_in(tmp_path)
    made, _, _ = begin(spool)
    assert condition_notices(made, "") == ()
    made._heard("fan", {"pressure": Taken(Decimal(500)), "frequency": Taken(None)})
    (silent,) = condition_notices(made, "")
    made._heard("fan", {"pressure": Taken(Decimal(2000))})
    (beyond,) = condition_notices(made, "")
    (off,) = condition_notices(None, "no such file")
    said = [chip.say for chip in (silent, beyond, off) if chip.say is not None]
    assert [say.key for say in said] == ["COND-02", "COND-01", "COND-03"]
    assert "风机压差" in said[1].values["point"]
    spool.close()
