"""Checkpoints: sealed, chained, every byte counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazgate_protocols import canonical
from hazgate_protocols.journal import checkpoint
from hazgate_protocols.journal.chain import ROOT
from hazgate_protocols.journal.checkpoint import Checkpoint, CheckpointError, Head, Inclusion, decode, make
from hazgate_protocols.journal.seal import Signer, evidence_seal_holds, receipt_seal_holds

KEY = Signer.from_secret(b"c" * 32)
HEADS = [Head("gate-02", 7, bytes([2]) * 32), Head("gate-01", 5, bytes([1]) * 32), Head("gate-03", 1, bytes([3]) * 32)]


def made(n: int = 1, named: list[Head] | None = None, **changes: Any) -> Checkpoint:
    said = {
        "n": n,
        "date": f"2026-03-{9 + n:02d}",
        "at": f"2026-03-{9 + n:02d}T16:00:05.000Z",
        "prev": ROOT if n == 1 else bytes([n]) * 32,
        "records": 13,
        "audit_n": 0,
        "audit": ROOT,
    }
    return make(KEY, HEADS if named is None else named, **{**said, **changes})


def test_a_checkpoint_says_what_was_put_in_and_comes_back_from_its_file() -> None:
    """Heads in order whatever the order they came in; nothing to fault; the same bytes again."""
    one = made()
    said = one.said
    assert (said.n, said.records, said.heads, said.collector) == (1, 13, 3, KEY.public())
    assert [head.box for head in one.heads] == ["gate-01", "gate-02", "gate-03"]
    assert one.faults() == one.faults(KEY.public()) == []
    again = decode(one.encode())
    assert again == one
    assert again.encode() == one.encode()
    assert made(named=[]).faults() == []


def test_every_changed_byte_of_the_file_is_found() -> None:
    """All positions, three changes each: unreadable as a checkpoint, or something does not hold."""
    data = made().encode()
    for at in range(len(data)):
        for change in (1, 2, 0x20):
            changed = data[:at] + bytes([data[at] ^ change]) + data[at + 1 :]
            try:
                faults = decode(changed).faults()
            except CheckpointError:
                continue
            assert faults, f"byte {at}: {changed[max(0, at - 20) : at + 20]!r}"


def test_every_cut_and_every_added_byte_is_found() -> None:
    """Shorter, longer, another key beside the others."""
    data = made().encode()
    for at in range(len(data)):
        with pytest.raises(CheckpointError):
            decode(data[:at])
    for odd in (data + b"\n", b" " + data, data[:-1] + b',"x":1}'):
        with pytest.raises(CheckpointError):
            decode(odd)


@given(st.sampled_from(["n", "date", "at", "prev", "records", "heads", "root", "audit_n", "audit", "collector"]))
def test_a_statement_made_anew_needs_the_collectors_key(key: str) -> None:
    """Whoever changes a value consistently still lacks the seal; with a key of his own he is another collector."""
    other = Signer.from_secret(b"o" * 32)
    forged = make(other, HEADS, n=1, date="2026-03-10", at="2026-03-10T16:00:05.000Z", prev=ROOT, records=13,
                  audit_n=0, audit=ROOT)  # fmt: skip
    assert forged.faults() == []
    assert "not " + KEY.public().hex() in forged.faults(KEY.public())[0]
    value = canonical.decode(made().statement)
    value[key] = value[key] + 1 if isinstance(value[key], int) else forged.said.collector.hex()
    changed = replace(made(), statement=canonical.encode(value))
    assert changed.faults()


def test_a_checkpoints_seal_passes_for_no_other() -> None:
    """Each kind of seal signs a text of its own."""
    one = made()
    assert not receipt_seal_holds(KEY.public(), one.statement, one.seal)
    assert not evidence_seal_holds(KEY.public(), one.statement, one.seal)
    assert replace(one, seal=KEY.seal_receipt(one.statement)).faults()


def test_one_head_among_many_is_shown_by_a_short_path() -> None:
    """Of 5,000 heads 13 hashes; another record, place or size does not pass."""
    named = [Head(f"box-{n:04d}", n + 1, n.to_bytes(32, "big")) for n in range(5_000)]
    one = made(named=named)
    way = one.inclusion("box-1234", (1234).to_bytes(32, "big"))
    assert way is not None
    assert len(way.path) == 13
    assert way.shown_by(one.said)
    for wrong in (
        replace(way, head=replace(way.head, seq=9)),
        replace(way, head=replace(way.head, hash=bytes(32))),
        replace(way, index=way.index + 1),
        replace(way, index=5_000),
        replace(way, size=4_999),
        replace(way, path=way.path[1:]),
    ):
        assert not wrong.shown_by(one.said)
    assert one.inclusion("box-1234", bytes(32)) is None
    assert Inclusion(Head("box-0001", 1, ROOT), 0, 1, ()).shown_by(made(named=[Head("box-0001", 1, ROOT)]).said)


def test_succession_finds_what_is_gone() -> None:
    """Linked by hash when next to each other; further apart nothing that was held may be missing."""
    first = made()
    grown = [Head("gate-02", 9, bytes([9]) * 32), *HEADS[1:]]
    second = made(2, grown, prev=first.hash, records=15)
    assert checkpoint.succession_faults(first, second) == []
    assert checkpoint.succession_faults(first, first) == []
    third = made(3, [*grown, Head("gate-02", 8, bytes([8]) * 32)], records=16)
    assert checkpoint.succession_faults(first, third) == []

    def only(later: Checkpoint, earlier: Checkpoint = first) -> str:
        (fault,) = checkpoint.succession_faults(earlier, later)
        return fault

    assert "not the checkpoint 1 shown here" in only(made(2, grown, records=15))
    assert "begun anew from an older copy" in only(made(1, records=14))
    assert "some are gone" in only(made(3, grown, records=12))
    assert "gate-03: record 1" in only(made(3, grown[:2], records=15))
    assert "gate-01: record 5" in only(made(3, [Head("gate-01", 5, bytes(32)), *HEADS[::2]], records=15))
    assert "gate-02: record 8" in only(made(5, grown, records=16), third), "a branch is gone"
    acted = made(2, grown, prev=first.hash, records=15, audit_n=1, audit=bytes([7]) * 32)
    assert "another one" in only(made(4, grown, records=15, audit_n=1, audit=bytes([8]) * 32), acted)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("v", 2), ("v", True), ("n", 0), ("n", True), ("n", "1"), ("date", "2026-3-1"), ("date", "٢٠٢٦-03-10"),
        ("at", "2026-03-10"), ("prev", "AA" * 32), ("prev", "00" * 31), ("records", -1), ("audit", "01" * 32),
    ],
)  # fmt: skip
def test_a_statement_with_an_odd_value_is_none(key: str, value: object) -> None:
    """Refused with the key, and not judged further."""
    odd = canonical.encode({**canonical.decode(made().statement), key: value})
    with pytest.raises(CheckpointError):
        checkpoint.decode_statement(odd)


def test_an_added_key_of_a_later_statement_is_read_and_stays_under_the_seal() -> None:
    """Within version 1 there are only additions."""
    statement = canonical.encode({**canonical.decode(made().statement), "more": "x"})
    later = Checkpoint(statement, made().heads, KEY.seal_checkpoint(statement))
    assert decode(later.encode()).faults() == []
    assert replace(later, statement=statement.replace(b'"x"', b'"y"')).faults()


@pytest.mark.parametrize(
    "heads",
    [
        [HEADS[0], HEADS[1]],
        [HEADS[1], HEADS[1]],
    ],
    ids=["out of order", "twice"],
)
def test_heads_stand_in_order_and_once(heads: list[Head]) -> None:
    """One set of heads has one spelling."""
    value = canonical.decode(made().encode())
    value["heads"] = [head.as_json() for head in heads]
    with pytest.raises(CheckpointError, match="not in order"):
        decode(canonical.encode(value))
    value["heads"] = [{**HEADS[0].as_json(), "more": 1}]
    with pytest.raises(CheckpointError, match="no others"):
        decode(canonical.encode(value))
