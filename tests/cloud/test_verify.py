"""Verify finds every byte that was changed in the store, and names the record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from cloud.fakebox import FakeBox, weighing_body
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.store import schema
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.verify import verify
from hazgate_protocols.journal.record import WEIGHING

records, seals, bags, outbox = schema.records, schema.seals, schema.bags, schema.outbox


def flip_body_byte(tx: Connection) -> None:
    body = bytearray(tx.execute(select(records.c.body).where(records.c.seq == 2)).scalar_one())
    at = body.index(b"12.34")
    body[at] ^= 1
    tx.execute(update(records).where(records.c.seq == 2).values(body=bytes(body)))


def change_seq(tx: Connection) -> None:
    tx.execute(update(records).where(records.c.seq == 5).values(seq=6))


def drop_record(tx: Connection) -> None:
    tx.execute(delete(records).where(records.c.seq == 3))


def drop_newest(tx: Connection) -> None:
    tx.execute(delete(records).where(records.c.seq == 5))


def flip_seal(tx: Connection) -> None:
    seal = bytearray(tx.execute(select(seals.c.seal)).scalar_one())
    seal[0] ^= 1
    tx.execute(update(seals).values(seal=bytes(seal)))


def drop_seal(tx: Connection) -> None:
    tx.execute(delete(seals))


def change_bag_weight(tx: Connection) -> None:
    tx.execute(update(bags).values(weight_mg=1))


def drop_bag(tx: Connection) -> None:
    tx.execute(delete(bags))


def change_submission(tx: Connection) -> None:
    sent = tx.execute(select(outbox.c.submission).limit(1)).scalar_one()
    tx.execute(update(outbox).values(submission=sent.replace(b"0.012340", b"0.002340")))


def drop_submission(tx: Connection) -> None:
    tx.execute(delete(outbox))


def lift_flag(tx: Connection) -> None:
    tx.execute(delete(schema.flags))


def drop_note(tx: Connection) -> None:
    tx.execute(delete(schema.notes))


def settle_untold(tx: Connection) -> None:
    tx.execute(update(outbox).values(state="accepted"))


def cut_trace_link(tx: Connection) -> None:
    tx.execute(delete(schema.mentions))


def swap_key(tx: Connection) -> None:
    tx.execute(update(schema.boxes).values(public_key=bytes(32)))


def insert_record(tx: Connection) -> None:
    row = dict(tx.execute(select(records).where(records.c.seq == 4)).mappings().one())
    row.pop("position")
    tx.execute(insert(records).values({**row, "hash": b"\7" * 32}))


def move_to_another_box(name: str) -> Callable[[Connection], None]:
    def move(tx: Connection) -> None:
        tx.execute(update(schema.metadata.tables[name]).values(box="box-of-nobody"))

    move.__name__ = f"move_{name}_to_another_box"
    return move


@pytest.mark.parametrize(
    "change",
    [
        flip_body_byte, change_seq, drop_record, drop_newest, flip_seal, drop_seal, change_bag_weight, drop_bag,
        change_submission, drop_submission, lift_flag, drop_note, settle_untold, cut_trace_link, swap_key,
        insert_record, *map(move_to_another_box, ("heads", "seals", "bags", "mentions", "outbox")),
    ],
    ids=lambda act: act.__name__,
)  # fmt: skip
def test_a_change_behind_the_collectors_back_is_found(
    change: Callable[[Connection], None], collector: Collector, box: FakeBox, database: Database
) -> None:
    """Whole before; after the change there is at least one fault, and it says which record."""
    box.weigh_and_print(1)
    box.write(WEIGHING, {**weighing_body(2), "produced_on": "2026-03-01"})
    box.write("login", {})
    assert collector.handle(box.name, box.push()) is not None
    with database.read() as tx:
        report = verify(tx)
    assert report.faults == []
    assert "5 records hashed again" in report.checked[0]
    tamper(database, change)
    with database.read() as tx:
        faults = verify(tx).faults
    names = [own.hex() for own in box.hashes]
    assert faults
    assert any(name in fault for name in [*names, box.name] for fault in faults)


def tamper(database: Database, change: Callable[[Connection], Any]) -> None:
    """As someone with the store in hand would do it: no rule of the schema stands in the way."""
    with database.engine.connect() as plain:
        if database.is_sqlite:
            raw = plain.connection.dbapi_connection
            assert raw is not None
            raw.cursor().execute("PRAGMA foreign_keys=OFF")
        with plain.begin():
            if not database.is_sqlite:
                plain.exec_driver_sql("SET LOCAL session_replication_role = replica")
            change(plain)
