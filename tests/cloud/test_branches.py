"""What the collector says of other branches, what it gives back, and what a merge record does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import insert

from cloud.fakebox import FakeBox
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.store import schema
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.verify import verify
from hazgate_protocols.journal.record import BOOT, MERGE
from hazgate_protocols.journal.seal import Signer, chain_seal_holds, receipt_seal_holds
from hazgate_protocols.uplink import Branch, Fetch, Have, Push, decode_answer, decode_push, encode_fetch, encode_push
from hazgate_protocols.uplink.messages import GIVE_PLAIN_BYTES


def ask(collector: Collector, box: FakeBox, *, other: bool = True) -> Have:
    """Push everything; the answer."""
    bodies = tuple(box.bodies)
    push = Push("t", bytes(32), bodies, box.signer.seal_chain(box.name, box.head), ask_other=other)
    answer = collector.handle(box.name, encode_push(push))
    assert answer is not None
    have = decode_answer(answer.payload)
    assert isinstance(have, Have)
    return have


def fetch(collector: Collector, box: str, upto: bytes, n: int = 200) -> Push:
    answer = collector.give(box, encode_fetch(Fetch("f", upto, n)))
    assert answer is not None
    assert answer.topic == f"hz/1/{box}/give"
    return decode_push(answer.payload)


def merge(box: FakeBox, head: bytes) -> None:
    box.write(MERGE, {"head": head.hex(), "seq": 3, "records": 2})


def test_only_a_push_that_asks_is_told_and_under_the_collectors_seal(
    collector: Collector, box: FakeBox, collector_key: Signer
) -> None:
    """The keys are absent otherwise; "none" is sealed like "this one"."""
    assert ask(collector, box, other=False).other_seal == b""
    alone = ask(collector, box)
    assert alone.other is None
    assert receipt_seal_holds(collector_key.public(), alone.other_bytes(), alone.other_seal)
    twin = box.copy(1)
    box.weigh(1)
    box.weigh(2)
    ask(collector, box)
    twin.write(BOOT, {})
    told = ask(collector, twin)
    assert told.other == Branch(box.head, 3)
    assert receipt_seal_holds(collector_key.public(), told.other_bytes(), told.other_seal)


def test_a_merged_head_is_named_no_more_and_one_that_grew_is(
    collector: Collector, box: FakeBox, database: Database
) -> None:
    """The merge record decides, whichever branch it stands in; verify computes it again."""
    twin = box.copy(1)
    box.weigh(1)
    ask(collector, box)
    twin.write(BOOT, {})
    merge(twin, box.head)
    assert ask(collector, twin).other is None
    box.weigh(2)
    ask(collector, box)
    assert ask(collector, twin).other == Branch(box.head, 3)
    with database.read() as tx:
        assert verify(tx).faults == []


@pytest.mark.parametrize("head", ["", "00", "zz" * 32, 7, None])
def test_a_merge_record_that_names_no_hash_says_nothing(
    collector: Collector, box: FakeBox, database: Database, head: object
) -> None:
    """It is stored like any record."""
    box.write(MERGE, {"head": head})
    ask(collector, box)
    with database.read() as tx:
        assert verify(tx).faults == []


def test_verify_finds_a_merge_that_no_record_says_and_one_that_is_not_heeded(
    collector: Collector, box: FakeBox, database: Database
) -> None:
    """Both would mislead the box about its lost records."""
    merge(box, b"m" * 32)
    ask(collector, box)
    row = {"box": box.name, "head": b"x" * 32, "hash": box.head}
    database.written(lambda tx: tx.execute(insert(schema.merges).values(**row)))
    with database.read() as tx:
        assert any("counts as merged" in fault for fault in verify(tx).faults)
    database.written(lambda tx: tx.execute(schema.merges.delete()))
    with database.read() as tx:
        assert any("is not heeded" in fault for fault in verify(tx).faults)


def test_a_page_ends_with_what_was_asked_for_and_carries_the_boxs_seal(collector: Collector, box: FakeBox) -> None:
    """At most n records, the branch that was meant, down to the first record."""
    for number in range(1, 8):
        box.weigh(number)
    twin = box.copy(1)
    ask(collector, box)
    twin.bodies, twin.hashes = twin.bodies[:4], twin.hashes[:4]
    twin.write(BOOT, {})
    ask(collector, twin)
    page = fetch(collector, box.name, box.head, 3)
    assert page.bodies == tuple(box.bodies[-3:])
    assert page.prev == box.hashes[-4]
    assert chain_seal_holds(box.signer.public(), box.name, box.head, page.seal)
    rest = fetch(collector, box.name, page.prev)
    assert (rest.prev, rest.bodies, rest.seal) == (bytes(32), tuple(box.bodies[:-3]), bytes(64))
    assert fetch(collector, box.name, twin.head, 2).bodies == tuple(twin.bodies[-2:])


def test_a_page_of_large_records_is_cut_and_one_alone_always_fits(collector: Collector, box: FakeBox) -> None:
    """The bound is of bytes, too."""
    for number in range(1, 13):
        box.weigh(number, padding="x" * 60_000)
    ask(collector, box)
    page = fetch(collector, box.name, box.head)
    assert 1 <= len(page.bodies) < 12
    assert sum(map(len, page.bodies)) <= GIVE_PLAIN_BYTES
    assert page.head() == box.head


def test_nothing_is_given_of_another_box_or_to_nobody(
    collector: Collector, box: FakeBox, register: Callable[[FakeBox], FakeBox]
) -> None:
    """What is not this box's is not held, as far as this box hears; bytes that are no fetch get no answer."""
    ask(collector, box)
    other = register(FakeBox("gate-02", Signer.generate()).begin())
    page = fetch(collector, other.name, box.head)
    assert (page.prev, page.bodies) == (box.head, ())
    assert collector.give("gate-99", encode_fetch(Fetch("f", box.head, 1))) is None
    for junk in (b"", b"{}", b'{"n":0,"token":"","upto":"%s","v":1}' % box.head.hex().encode(), b"x" * 2000):
        assert collector.give(box.name, junk) is None
