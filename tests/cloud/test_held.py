"""Held weighings: a person releases or rejects them, once, in the log, and the box is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, select, update

from cloud.fakebox import FakeBox, label_of, weighing_body
from cloud.test_verify import tamper
from hazgate_cloud.api.queries import newest_bags, way_of
from hazgate_cloud.api.resources import way_json
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.domain.acts import ActRefusedError, Person
from hazgate_cloud.store import audit, held, schema
from hazgate_cloud.store.boxes import notes_after
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.held import Done
from hazgate_cloud.store.verify import verify
from hazgate_protocols.journal.chain import link
from hazgate_protocols.journal.record import WEIGHING

AT = "2026-03-09T03:00:00.000Z"
LI = Person.of("李明", "核对了地磅单，日期跨夜")
BAD_DATE: dict[str, Any] = {**weighing_body(1), "produced_on": "2026-03-01"}


def take(collector: Collector, box: FakeBox) -> None:
    assert collector.handle(box.name, box.push()) is not None


def release(database: Database, record_hash: bytes, person: Person = LI) -> Done:
    return database.written(lambda tx: held.release(tx, record_hash, person, AT))


def reject(database: Database, record_hash: bytes) -> Done:
    return database.written(lambda tx: held.reject(tx, record_hash, LI, AT))


def queued(database: Database) -> list[bytes]:
    with database.read() as tx:
        return list(tx.execute(select(schema.outbox.c.hash).order_by(schema.outbox.c.number)).scalars())


def notes(database: Database, box: FakeBox) -> list[tuple[bytes, str, str]]:
    with database.read() as tx:
        return [(note.hash, note.what, note.text) for note in notes_after(tx, box.name, 0)]


def faults(database: Database) -> list[str]:
    with database.read() as tx:
        return verify(tx).faults


def test_a_released_weighing_is_queued_once_and_everyone_is_told(
    database: Database, collector: Collector, box: FakeBox
) -> None:
    """One submission that says what the record says, one note, one audit row; the second time changes nothing."""
    own = box.write(WEIGHING, BAD_DATE)
    take(collector, box)
    assert queued(database) == []
    first, again = release(database, own), release(database, own, Person.of("王", "again"))
    assert (first.fresh, again.fresh) == (True, False)
    assert again.ruled == first.ruled
    assert queued(database) == [own]
    with database.read() as tx:
        sent = json.loads(tx.execute(select(schema.outbox.c.submission)).scalar_one())
        acts = audit.about(tx, own.hex())
    assert (sent["digital_id"], sent["produced_on"], sent["record_hash"]) == (label_of(1), "2026-03-01", own.hex())
    assert [what for _, what, _ in notes(database, box)] == ["flagged", "released"]
    assert notes(database, box)[1][2] == "核对了地磅单，日期跨夜 (李明)"
    assert len(acts) == 1
    assert faults(database) == []


def test_a_rejected_weighing_is_settled_and_stays(database: Database, collector: Collector, box: FakeBox) -> None:
    """Nothing goes to the core, the record is still there, its box hears a word that every box knows."""
    own = box.write(WEIGHING, BAD_DATE)
    take(collector, box)
    assert [reject(database, own).fresh, reject(database, own).fresh] == [True, False]
    assert queued(database) == []
    assert notes(database, box)[1] == (own, "refused", "核对了地磅单，日期跨夜 (李明)")
    with database.read() as tx:
        assert held.held_records(tx, 10) == []
        (row,) = held.held_records(tx, 10, every=True)
        assert (row["label"], row["weight"], row["flags"][0]["code"]) == (label_of(1), "12.34 kg", "label_date_wrong")
        assert [row["ruling"]["what"] for row in held.held_records(tx, 10, every=True)] == ["rejected"]
    with pytest.raises(ActRefusedError, match="李明 rejected it at"):
        release(database, own)
    assert faults(database) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"label": 7}, "cannot be read as a weighing"),
        ({**weighing_body(1), "label": "none"}, "is none"),
        (weighing_body(1, kg="0.00"), "nothing in tonnes"),
        ({**weighing_body(1), "unit": {"code": "another", "name": ""}}, "no unit's"),
    ],
)
def test_what_the_core_could_not_read_is_not_released(
    body: dict[str, Any], said: str, database: Database, collector: Collector, box: FakeBox
) -> None:
    """Refused in words with the next step; nothing changes; it can still be rejected."""
    own = box.write(WEIGHING, body)
    take(collector, box)
    with pytest.raises(ActRefusedError, match=said) as caught:
        release(database, own)
    assert "weigh" in str(caught.value)
    assert (queued(database), [what for _, what, _ in notes(database, box)]) == ([], ["flagged"])
    assert reject(database, own).fresh
    assert faults(database) == []


def test_a_label_number_goes_to_the_core_for_one_weighing_only(
    database: Database, collector: Collector, box: FakeBox
) -> None:
    """The other weighing is on its way or accepted: refused. Once the core refused that one, the second may go, and the
    label's trace is then the second's."""
    first = box.weigh(1)
    second = box.weigh(1, kg="9.00")
    take(collector, box)
    with pytest.raises(ActRefusedError, match=f"already submitted for record {first.hex()}"):
        release(database, second)
    assert queued(database) == [first]
    database.written(lambda tx: tx.execute(update(schema.outbox).values(state="refused", settled_at=AT)))
    release(database, second)
    assert queued(database) == [first, second]
    with database.read() as tx:
        way = way_of(tx, label_of(1))
    assert way is not None
    assert (way.own.hash, way.weighing.weight_text) == (second, "9.00")
    assert [fault for fault in faults(database) if "never told" not in fault] == []  # no core spoke to the box here


def test_two_held_weighings_of_one_label_number_release_one(
    database: Database, collector: Collector, box: FakeBox
) -> None:
    """Whichever is first."""
    first = box.write(WEIGHING, BAD_DATE)
    second = box.weigh(1, kg="9.00")
    take(collector, box)
    release(database, second)
    with pytest.raises(ActRefusedError, match="already submitted"):
        release(database, first)
    assert queued(database) == [second]
    assert faults(database) == []


def test_a_repeated_id_is_not_released(database: Database, collector: Collector, box: FakeBox) -> None:
    """The core knows bags by the id: a second content under it would be taken for the first."""
    box.weigh(1)
    rid = box.record(WEIGHING, {}).rid
    twin = box.record(WEIGHING, weighing_body(2), rid=rid)
    box.write_bytes(box.record(WEIGHING, weighing_body(3), rid=rid).encode())
    own = box.write_bytes(box.record(WEIGHING, twin.body, rid=rid).encode())
    take(collector, box)
    with pytest.raises(ActRefusedError, match="id was already submitted"):
        release(database, own)
    assert faults(database) == []


def test_an_id_that_came_after_a_held_one_is_judged_in_its_own_time(
    database: Database, collector: Collector, box: FakeBox
) -> None:
    """Verify replays the order of records and releases: held, held again, released, and only then reused."""
    rid = box.record(WEIGHING, {}).rid
    own = box.write_bytes(box.record(WEIGHING, BAD_DATE, rid=rid).encode())
    box.write_bytes(box.record(WEIGHING, {**weighing_body(2), "produced_on": "2026-03-02"}, rid=rid).encode())
    take(collector, box)
    release(database, own)
    assert faults(database) == []
    box.write_bytes(box.record(WEIGHING, weighing_body(3), rid=rid).encode())
    take(collector, box)
    assert faults(database) == []
    assert queued(database) == [own]


def test_what_is_not_held_cannot_be_decided(database: Database, collector: Collector, box: FakeBox) -> None:
    """A good weighing, another kind, an unknown hash."""
    own = box.weigh(1)
    take(collector, box)
    for wanted, said in ((own, "breaks no rule"), (box.hashes[0], "breaks no rule"), (bytes(32), "no such record")):
        with pytest.raises(ActRefusedError, match=said):
            release(database, wanted)
    with pytest.raises(ActRefusedError, match="reason"):
        Person.of("李明", "  ")
    with pytest.raises(ActRefusedError, match="name"):
        Person.of("x" * 41, "why")


def test_the_trace_shows_who_decided_when_and_why(database: Database, collector: Collector, box: FakeBox) -> None:
    """Held, then released and queued; the box's word that it heard of the flag no longer counts as the outcome."""
    own = box.write(WEIGHING, BAD_DATE)
    take(collector, box)
    with database.read() as tx:
        kept = notes_after(tx, box.name, 0)
    box.keep_notes(kept, 0)
    take(collector, box)

    def shown() -> dict[str, Any]:
        with database.read() as tx:
            way = way_of(tx, label_of(1))
        assert way is not None
        return way_json(way)

    assert (shown()["state"], shown()["steps"][-1]["key"]) == ("flagged", "kept")
    release(database, own)
    said = shown()
    assert said["state"] == "under_way"
    assert said["decision"] == {"what": "released", "at": AT, "by": "李明", "reason": "核对了地磅单，日期跨夜"}
    assert [step["key"] for step in said["steps"]][-5:] == [
        "flagged", "released", "forward_missing", "core_missing", "kept_missing",
    ]  # fmt: skip
    assert next(step["at"] for step in said["steps"] if step["key"] == "released") == AT


def test_a_rejected_bag_says_so_in_list_and_trace(database: Database, collector: Collector, box: FakeBox) -> None:
    """No step is missing any more but the box's own word."""
    own = box.write(WEIGHING, BAD_DATE)
    take(collector, box)
    reject(database, own)
    with database.read() as tx:
        way = way_of(tx, label_of(1))
        assert [bag["state"] for bag in newest_bags(tx, 5)] == ["rejected"]
    assert way is not None
    assert way.state() == "rejected"
    assert [step.key for step in way.steps()][-3:] == ["flagged", "rejected", "kept_missing"]


def change_reason(tx: Connection) -> None:
    body = tx.execute(select(schema.audit.c.body).where(schema.audit.c.number == 1)).scalar_one()
    tx.execute(update(schema.audit).where(schema.audit.c.number == 1).values(body=body.replace("核".encode(), b"x")))


def change_result(tx: Connection) -> None:
    row = tx.execute(select(schema.audit).where(schema.audit.c.number == 1)).one()
    tx.execute(
        update(schema.audit).where(schema.audit.c.number == 1).values(body=row.body.replace(b"released", b"rewarded"))
    )


def rewrite_act(tx: Connection) -> None:
    row = tx.execute(select(schema.audit).where(schema.audit.c.number == 1)).one()
    body = row.body.replace(b"released", b"rewarded")
    tx.execute(update(schema.audit).where(schema.audit.c.number == 1).values(body=body, hash=link(row.prev, body)))


def drop_act(tx: Connection) -> None:
    tx.execute(delete(schema.audit).where(schema.audit.c.number == 1))


def drop_newest_act(tx: Connection) -> None:
    tx.execute(delete(schema.audit).where(schema.audit.c.number == 2))


def change_ruling(tx: Connection) -> None:
    tx.execute(update(schema.rulings).where(schema.rulings.c.what == "rejected").values(what="released"))


def drop_ruling(tx: Connection) -> None:
    tx.execute(delete(schema.rulings).where(schema.rulings.c.what == "rejected"))


def invent_ruling(tx: Connection) -> None:
    other = tx.execute(select(schema.records.c.hash).where(schema.records.c.seq == 1)).scalar_one()
    row = dict(tx.execute(select(schema.rulings).limit(1)).mappings().one())
    tx.execute(schema.rulings.insert().values({**row, "hash": other, "audit": 9}))


def untell(tx: Connection) -> None:
    tx.execute(delete(schema.notes).where(schema.notes.c.what == "released"))


def unqueue(tx: Connection) -> None:
    tx.execute(delete(schema.outbox))


@pytest.mark.parametrize(
    "change",
    [
        change_reason,
        change_result,
        rewrite_act,
        drop_act,
        drop_newest_act,
        change_ruling,
        drop_ruling,
        invent_ruling,
        untell,
        unqueue,
    ],
    ids=lambda act: act.__name__,
)
def test_a_change_to_what_people_did_is_found(
    change: Callable[[Connection], None], database: Database, collector: Collector, box: FakeBox
) -> None:
    """Log, decisions, notes and submissions must tell the same story."""
    one = box.write(WEIGHING, BAD_DATE)
    two = box.write(WEIGHING, {**weighing_body(2), "produced_on": "2026-03-01"})
    take(collector, box)
    release(database, one)
    reject(database, two)
    assert faults(database) == []
    tamper(database, change)
    assert faults(database) != []


def test_of_two_who_decide_at_once_both_acts_stand_in_one_chain(
    database: Database, collector: Collector, box: FakeBox
) -> None:
    """The database itself refuses a second row after the same one."""
    hashes = [box.write(WEIGHING, {**weighing_body(n), "produced_on": "2026-03-01"}) for n in (1, 2, 3)]
    take(collector, box)
    for own in hashes:
        release(database, own)
    with database.read() as tx:
        rows = tx.execute(select(schema.audit).order_by(schema.audit.c.number)).all()
        assert tx.execute(select(func.count(schema.audit.c.prev.distinct()))).scalar_one() == 3
    assert [rows[n + 1].prev for n in range(2)] == [rows[n].hash for n in range(2)]
