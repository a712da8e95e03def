"""A push in, an answer out: what is stored, what is refused, what is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from cloud.fakebox import UNIT, Clock, FakeBox, label_of, weighing_body
from hazgate_cloud.api import queries
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.store import schema
from hazgate_cloud.store.engine import Database, StoreUnavailableError
from hazgate_cloud.store.verify import verify
from hazgate_protocols import canonical
from hazgate_protocols.journal.chain import ROOT
from hazgate_protocols.journal.record import PRINT, WEIGHING, Record
from hazgate_protocols.journal.seal import Signer, receipt_seal_holds
from hazgate_protocols.uplink import Have, Need, decode_answer, decode_push, encode_push, topics


def have(collector: Collector, box: FakeBox, payload: bytes) -> Have:
    answer = collector.handle(box.name, payload)
    assert answer is not None
    assert answer.topic == topics.have(box.name)
    said = decode_answer(answer.payload)
    assert isinstance(said, Have)
    return said


def need(collector: Collector, box: FakeBox, payload: bytes) -> Need:
    answer = collector.handle(box.name, payload)
    assert answer is not None
    assert answer.topic == topics.need(box.name)
    said = decode_answer(answer.payload)
    assert isinstance(said, Need)
    return said


def count(database: Database, table: Any) -> int:
    with database.read() as tx:
        return int(tx.execute(select(func.count()).select_from(table)).scalar_one())


def alarm_kinds(database: Database) -> list[str]:
    with database.read() as tx:
        return [alarm["kind"] for alarm in queries.newest_alarms(tx, 100)]


def faults(database: Database) -> list[str]:
    with database.read() as tx:
        return verify(tx).faults


def test_a_receipt_names_the_last_record_and_carries_the_collectors_seal(
    collector: Collector, box: FakeBox, collector_key: Signer, database: Database
) -> None:
    """The receipt says hash, seq and time of the newest record, under the collector's key."""
    box.weigh(1)
    said = have(collector, box, box.push(ask="abc"))
    assert (said.token, said.hash, said.seq, said.stored_at) == ("abc", box.head, 2, "2026-03-09T02:00:00.000Z")
    assert receipt_seal_holds(collector_key.public(), said.signed_bytes(), said.seal)
    assert count(database, schema.records) == 2
    assert faults(database) == []


@pytest.mark.fault(76)
def test_the_receipt_is_made_only_after_the_commit(collector: Collector, box: FakeBox, database: Database) -> None:
    """When the commit fails there is no receipt, and nothing is stored."""

    def fail(_connection: Any) -> None:
        raise OSError("no space left on device")

    event.listen(database.engine, "commit", fail)
    with pytest.raises((StoreUnavailableError, OSError)):
        collector.handle(box.name, box.push())
    event.remove(database.engine, "commit", fail)
    assert count(database, schema.records) == 0
    assert have(collector, box, box.push()).hash == box.head


@pytest.mark.fault(70, 75)
def test_the_same_push_again_gives_the_same_receipt_and_stores_nothing(
    collector: Collector, box: FakeBox, database: Database, clock: Clock
) -> None:
    """A repetition, hours later, names the same hash, seq and time, and adds no row anywhere."""
    box.weigh(1)
    first = have(collector, box, box.push())
    rows = {table.name: count(database, table) for table in schema.metadata.sorted_tables}
    clock.pass_s(7200)
    assert have(collector, box, box.push()) == first
    assert {table.name: count(database, table) for table in schema.metadata.sorted_tables} == rows


def test_an_empty_push_asks_whether_a_record_is_held(collector: Collector, box: FakeBox) -> None:
    """For ROOT and for a held record the answer is a receipt; for another one a ladder."""
    assert have(collector, box, box.push(0, 0)).hash == ROOT
    have(collector, box, box.push())
    assert have(collector, box, box.push(1, 0)).seq == 1
    box.weigh(1)
    assert need(collector, box, box.push(2, 0)).ladder == (box.hashes[0],)


def test_the_ladder_shows_the_head_and_ancestors_ever_further_apart(collector: Collector, box: FakeBox) -> None:
    """A box that lost its place finds its newest held record or one at most twice as far back."""
    for number in range(1, 41):
        box.weigh(number)
    have(collector, box, box.push(0, 30))
    ladder = need(collector, box, box.push(35, 2)).ladder
    assert ladder[0] == box.hashes[29]
    assert [box.hashes.index(step) + 1 for step in ladder] == [30, 29, 28, 26, 22, 14]


def test_two_children_of_one_record_are_both_kept_and_raise_a_fork_alarm(
    collector: Collector, box: FakeBox, database: Database
) -> None:
    """A copied disk that goes on by itself shows; neither branch loses a record."""
    box.weigh(1)
    have(collector, box, box.push())
    clone = box.copy(start=9)
    box.weigh(2)
    clone.weigh(3)
    have(collector, box, box.push(2))
    assert "fork" not in alarm_kinds(database)
    have(collector, clone, clone.push(2))
    assert alarm_kinds(database) == ["fork"]
    assert count(database, schema.records) == 4
    lost = need(collector, box, replace_prev(box, b"\1" * 32))
    assert set(lost.ladder[:2]) == {box.head, clone.head}
    assert faults(database) == []


def replace_prev(box: FakeBox, prev: bytes) -> bytes:
    """An honest question about a parent nobody holds."""
    push = replace(decode_push(box.push(0, 0)), prev=prev, seal=box.signer.seal_chain(box.name, prev))
    return encode_push(push)


def bad_seal(box: FakeBox) -> bytes:
    return encode_push(replace(decode_push(box.push()), seal=bytes(64)))


def changed_record(box: FakeBox) -> bytes:
    push = decode_push(box.push())
    return encode_push(replace(push, bodies=(push.bodies[0].replace(b"test", b"tset"),)))


def not_zstd(_box: FakeBox) -> bytes:
    return b"hello"


def cut_short(box: FakeBox) -> bytes:
    return box.push()[:-5]


def foreign_box(box: FakeBox) -> bytes:
    box.write(WEIGHING, weighing_body(1), box="gate-99")
    return box.push()


def skipped_seq(box: FakeBox) -> bytes:
    box.write(WEIGHING, weighing_body(1), seq=3)
    return box.push()


def no_record(box: FakeBox) -> bytes:
    box.write_bytes(b'{"a":1}')
    return box.push()


def other_genesis_key(box: FakeBox) -> bytes:
    odd = FakeBox(box.name, box.signer)
    odd.write("genesis", {"suite": "sha256+ed25519", "public_key": "00" * 32})
    return odd.push()


def no_genesis(box: FakeBox) -> bytes:
    odd = FakeBox(box.name, box.signer)
    odd.weigh(1)
    return odd.push()


def other_suite(box: FakeBox) -> bytes:
    odd = FakeBox(box.name, box.signer)
    odd.write("genesis", {"suite": "md5", "public_key": box.signer.public().hex()})
    return odd.push()


def absurd_notes(box: FakeBox) -> bytes:
    return box.push(notes_after=canonical.INTEGER_MAX)


@pytest.mark.fault(71, 81)
@pytest.mark.parametrize(
    ("make", "code"),
    [
        (bad_seal, "seal_wrong"),
        (changed_record, "seal_wrong"),
        (not_zstd, "malformed"),
        (cut_short, "malformed"),
        (foreign_box, "box_wrong"),
        (skipped_seq, "seq_wrong"),
        (no_record, "record_malformed"),
        (other_genesis_key, "genesis_wrong"),
        (no_genesis, "genesis_wrong"),
        (other_suite, "genesis_wrong"),
        (absurd_notes, "notes_after_absurd"),
    ],
)
def test_a_push_that_does_not_hold_is_quarantined_once_and_gets_no_answer(
    make: Callable[[FakeBox], bytes], code: str, collector: Collector, box: FakeBox, database: Database
) -> None:
    """Refused whole, kept raw once however often it comes, alarmed; good pushes go on."""
    payload = make(box)
    for _ in range(3):
        assert collector.handle(box.name, payload) is None
    with database.read() as tx:
        (kept,) = queries.newest_quarantine(tx, 10)
        raw = tx.execute(select(schema.quarantine.c.raw)).scalar_one()
    assert (kept["code"], kept["count"], raw) == (code, 3, payload)
    assert alarm_kinds(database) == [f"push_{code}"]
    assert count(database, schema.records) == 0
    good = FakeBox(box.name, box.signer).begin()
    assert have(collector, good, good.push()).hash == good.head


def test_nobodys_box_is_quarantined(collector: Collector, database: Database) -> None:
    """A box nobody registered gets no answer, whatever it says."""
    stranger = FakeBox("gate-77").begin()
    assert collector.handle("gate-77", stranger.push()) is None
    assert alarm_kinds(database) == ["push_box_unknown"]


def test_one_bad_push_in_a_batch_touches_no_other(
    collector: Collector, box: FakeBox, register: Callable[[FakeBox], FakeBox]
) -> None:
    """Pushes stored together are answered one by one."""
    other = register(FakeBox("gate-02", Signer.from_secret(b"2" * 32)).begin())
    answers = collector.handle_many([(box.name, box.push()), (box.name, b"junk"), (other.name, other.push())])
    assert [answer is not None for answer in answers] == [True, False, True]


@pytest.mark.fault(81)
def test_a_push_that_breaks_the_collector_is_kept_and_the_others_go_on(
    collector: Collector,
    box: FakeBox,
    register: Callable[[FakeBox], FakeBox],
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A defect of ours in the face of one push costs that push alone."""
    other = register(FakeBox("gate-02", Signer.from_secret(b"2" * 32)).begin())
    poison = box.push()

    def decode(payload: bytes) -> Any:
        if payload == poison:
            raise KeyError("planted")
        return decode_push(payload)

    monkeypatch.setattr("hazgate_cloud.domain.intake.decode_push", decode)
    answers = collector.handle_many([(box.name, poison), (other.name, other.push())])
    assert [answer is not None for answer in answers] == [False, True]
    assert alarm_kinds(database) == ["push_collector_error"]


def test_a_key_that_changed_since_the_push_was_read_decides_anew(
    collector: Collector, box: FakeBox, database: Database
) -> None:
    """A push is read with the registration as last seen. The transaction looks again: the old key's seal no longer
    counts, and the new key's does."""
    have(collector, box, box.push())
    box.weigh_and_print(1)
    new = Signer.from_secret(b"n" * 32)

    def register_key(key: bytes) -> None:
        database.written(lambda tx: tx.execute(update(schema.boxes).values(public_key=key)))

    read_before = collector.prepare([(box.name, box.push(1))])
    register_key(new.public())
    assert collector.store(read_before) == [None]
    assert alarm_kinds(database) == ["push_seal_wrong"]
    box.signer = new
    have(collector, box, box.push(1))


@pytest.mark.fault(36)
def test_a_clock_that_goes_back_gives_no_receipt_before_the_parents(
    collector: Collector, box: FakeBox, clock: Clock
) -> None:
    """stored_at never falls along the chain."""
    first = have(collector, box, box.push())
    clock.pass_s(-3600)
    box.weigh(1)
    assert have(collector, box, box.push(1)).stored_at == first.stored_at


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"label": "not a label"}, "label_malformed"),
        ({"weight": {}}, "body_invalid"),
        ({"produced_on": "2026-03-10"}, "label_date_wrong"),
        ({"waste": {**weighing_body(1)["waste"], "code": "900-249-08"}}, "label_waste_wrong"),
        ({"weight": {**weighing_body(1)["weight"], "mg": 0, "text": "0.00"}}, "weight_not_positive"),
        ({"weight": {**weighing_body(1)["weight"], "mg": 400, "text": "0.4", "unit": "g"}}, "weight_below_gram"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_weighing_that_breaks_a_rule_is_stored_flagged_and_held_back(
    changes: dict[str, Any], code: str, collector: Collector, box: FakeBox, database: Database
) -> None:
    """It is held like any record, has its flag and a note to its box, never reaches the outbox; what follows does."""
    bad = box.write(WEIGHING, {**weighing_body(1), **changes})
    box.weigh(2)
    said = have(collector, box, box.push())
    assert said.hash == box.head
    assert [(note.n, note.hash, note.what, note.code) for note in said.notes] == [(1, bad, "flagged", code)]
    assert count(database, schema.outbox) == 1
    assert faults(database) == []


def test_a_weighing_for_another_unit_is_held_back(collector: Collector, box: FakeBox, database: Database) -> None:
    """A box weighs for the unit it is registered for, and for no other."""
    box.write(WEIGHING, weighing_body(1, unit="91310115MA1K3XYH1A"))
    assert [note.code for note in have(collector, box, box.push()).notes] == ["unit_wrong"]
    assert count(database, schema.outbox) == 0


def test_a_label_number_has_one_effect_only(collector: Collector, box: FakeBox, database: Database) -> None:
    """A second record with the number is kept and flagged; the first stays what the label means."""
    first = box.weigh(1)
    second = box.weigh(1, kg="55.00")
    said = have(collector, box, box.push())
    assert [(note.hash, note.code) for note in said.notes] == [(second, "label_reused")]
    assert count(database, schema.outbox) == 1
    with database.read() as tx:
        way = queries.way_of(tx, label_of(1))
    assert way is not None
    assert way.own.hash == first
    assert [other.own.hash for other in way.same_label] == [second]
    assert faults(database) == []


def test_a_record_id_goes_to_the_core_once(collector: Collector, box: FakeBox, database: Database) -> None:
    """A second record with the rid of a submission is held back: the core would take it for the same."""
    box.weigh(1)
    again = box.write(WEIGHING, weighing_body(2), rid=Record.decode(box.bodies[-1]).rid)
    assert [(note.hash, note.code) for note in have(collector, box, box.push()).notes] == [(again, "rid_reused")]
    assert faults(database) == []


def test_notes_come_until_the_box_says_it_has_them(collector: Collector, box: FakeBox) -> None:
    """A lost answer loses no note; a taken one is not sent again."""
    box.weigh(1)
    box.weigh(1)
    first = have(collector, box, box.push())
    assert have(collector, box, box.push(ask="again")).notes == first.notes
    assert have(collector, box, box.push(3, 0, notes_after=1)).notes == ()


def test_a_collector_that_went_back_numbers_fresh_notes_behind_the_boxs(
    collector: Collector, box: FakeBox, database: Database
) -> None:
    """A box that already holds note 7 gets what the restored collector found out since as note 8."""
    flagged = box.write(WEIGHING, {**weighing_body(1), "weight": {}})
    assert [note.n for note in have(collector, box, box.push()).notes] == [1]
    said = have(collector, box, box.push(2, 0, notes_after=7))
    assert [(note.n, note.hash) for note in said.notes] == [(8, flagged)]
    assert faults(database) == []


def test_a_note_whose_number_the_box_took_for_another_is_given_again(collector: Collector, box: FakeBox) -> None:
    """The box's own journal shows that it took number 1 with other content before the collector went back."""
    flagged = box.write(WEIGHING, {**weighing_body(1), "weight": {}})
    (note,) = have(collector, box, box.push()).notes
    box.keep_notes((replace(note, what="accepted", hash=box.hashes[0]),), 0)
    said = have(collector, box, box.push(2, notes_after=1))
    assert [(note.n, note.hash, note.what) for note in said.notes] == [(2, flagged, "flagged")]


def test_an_announcement_repeats_the_receipt_with_the_notes_not_yet_taken(collector: Collector, box: FakeBox) -> None:
    """Unsolicited, with an empty token; nothing to say when there is no receipt or no note."""
    assert collector.announcement(box.name) is None
    have(collector, box, box.push())
    assert collector.announcement(box.name) is None
    box.write(WEIGHING, {**weighing_body(1), "weight": {}})
    have(collector, box, box.push(1))
    answer = collector.announcement(box.name)
    assert answer is not None
    said = decode_answer(answer.payload)
    assert isinstance(said, Have)
    assert (said.token, said.hash, [note.n for note in said.notes]) == ("", box.head, [1])


@pytest.mark.fault(82)
def test_two_collectors_on_one_store_give_equal_receipts(
    collector: Collector, box: FakeBox, database: Database, collector_key: Signer, clock: Clock
) -> None:
    """Any worker may take any push; the store decides."""
    other = Database.open(str(database.engine.url))
    worker = Collector(other, collector_key, clock)
    box.weigh(1)
    payload = box.push()
    assert collector.handle(box.name, payload) == worker.handle(box.name, payload)
    other.close()
    assert count(database, schema.records) == 2


def test_the_quarantine_is_bounded_and_says_so(
    collector: Collector, box: FakeBox, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound nothing more is kept raw, and an alarm tells of it."""
    monkeypatch.setattr("hazgate_cloud.store.alarms.QUARANTINE_ROWS_A_BOX_MAX", 2)
    for number in range(5):
        collector.handle(box.name, f"junk {number}".encode())
    assert count(database, schema.quarantine) == 2
    assert sorted(alarm_kinds(database)) == ["push_malformed", "quarantine_full"]


@pytest.mark.parametrize(
    "change",
    [
        {"unit": {"code": UNIT + "\0 and so on", "name": "\0"}},
        {"waste": {"code": "900\0214-08 and on", "name": "\0", "category": "\0", "hazards": ["\0"]}},
        {"label": "\0" * 37},
        {"container": {"id": "\0", "volume_l": 2**53 - 1}},
    ],
    ids=["unit", "waste", "label", "container"],
)
def test_texts_no_database_holds_are_held_back_and_stop_nobody(
    collector: Collector, box: FakeBox, database: Database, change: dict[str, Any]
) -> None:
    """NUL and far too long texts in a well-formed record: stored as they came, and what follows goes on."""
    odd = {**weighing_body(1), **change}
    box.write(WEIGHING, odd, t={"wall": "\0", "mono_ns": 1, "boot": "b", "source": "ntp", "unc_ms": 5})
    box.write(PRINT, {"rid": "\0", "job": 1, "copy": 0, "state": "printed", "by": "printer", "detail": "\0"})
    box.weigh(2)
    assert have(collector, box, box.push()).hash == box.head
    assert count(database, schema.records) == 4
    with database.read() as tx:
        assert label_of(2) in tx.execute(select(schema.bags.c.label)).scalars().all()
    assert faults(database) == []
