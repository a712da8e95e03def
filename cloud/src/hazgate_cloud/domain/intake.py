"""What a push must be before anything of it is stored: sealed by its box, one unbroken chain of well-formed records.

A push that fails is refused whole, because its seal is over the whole. Whether a weighing makes sense is a question
for rules.py; such a record is stored all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hazgate_cloud.domain.box import RegisteredBox
from hazgate_cloud.domain.rules import Verdict, judge
from hazgate_protocols.journal.chain import ROOT
from hazgate_protocols.journal.record import GENESIS, WEIGHING, Record, RecordError
from hazgate_protocols.journal.seal import chain_seal_holds
from hazgate_protocols.uplink import MalformedError, Push, decode_push

NOTES_AFTER_MAX = 2**40  # far above any real count; keeps note numbers inside 53 bits whatever a box says


class PushRefusedError(Exception):
    """The push is not what its box may say: a stable code and the reason in words."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a push with its place in the chain. verdict: of a weighing."""

    hash: bytes
    prev: bytes
    body: bytes
    record: Record
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a push says, as far as it can be told without the store. box: the registration that it was held against.
    records may be fewer than the push's bodies: then `malformed` says what is wrong with the next."""

    box: RegisteredBox
    push: Push
    hashes: list[bytes]
    records: list[Record]
    verdicts: list[Verdict | None]  # of the weighings among the records
    malformed: str

    @property
    def head(self) -> bytes:
        """What the push's seal is over: the last hash, or prev."""
        return self.hashes[-1] if self.hashes else self.push.prev


def read(payload: bytes, box: RegisteredBox) -> Reading:
    """The push, its seal checked, its records decoded and its weighings judged. Raises PushRefusedError."""
    try:
        push = decode_push(payload)
    except MalformedError as exc:
        raise PushRefusedError("malformed", str(exc)) from exc
    reading = Reading(box, push, push.hashes(box.suite), [], [], "")
    _require_seal(reading)
    for body in push.bodies:
        try:
            record = Record.decode(body)
        except RecordError as exc:
            return replace(reading, malformed=str(exc))
        reading.records.append(record)
        reading.verdicts.append(judge(record, box.unit_code) if record.kind == WEIGHING else None)
    return reading


def _require_seal(reading: Reading) -> None:
    box, push = reading.box, reading.push
    if not chain_seal_holds(box.public_key, box.box, reading.head, push.seal):
        text = f"the seal is not {box.box}'s seal over {reading.head.hex()} ({box.suite.name})"
        raise PushRefusedError("seal_wrong", text)
    if push.notes_after > NOTES_AFTER_MAX:
        raise PushRefusedError("notes_after_absurd", f"notes_after {push.notes_after}, at most {NOTES_AFTER_MAX}")


def entries(reading: Reading, parent_seq: int) -> list[Entry]:
    """The records in order; parent_seq is the seq of the record prev (0 for ROOT). Raises PushRefusedError."""
    box, push = reading.box, reading.push
    out: list[Entry] = []
    prev, seq = push.prev, parent_seq
    # A malformed record is the last that was read, and ends the shorter lists.
    for body, own, record, verdict in zip(push.bodies, reading.hashes, reading.records, reading.verdicts, strict=False):
        seq += 1
        if record.box != box.box:
            raise PushRefusedError("box_wrong", f"record {seq} is of box {record.box}, the topic is {box.box}'s")
        if record.seq != seq:
            raise PushRefusedError("seq_wrong", f"record after {seq - 1} has seq {record.seq}")
        if seq == 1:
            _require_genesis(record, box)
        out.append(Entry(own, prev, body, record, verdict))
        prev = own
    if reading.malformed:
        raise PushRefusedError("record_malformed", f"record {seq + 1}: {reading.malformed}")
    return out


def _require_genesis(record: Record, box: RegisteredBox) -> None:
    if record.kind != GENESIS:
        raise PushRefusedError("genesis_wrong", f"the first record is {record.kind}, not {GENESIS}")
    if record.body.get("suite") != box.suite.name:
        told = record.body.get("suite")
        raise PushRefusedError("genesis_wrong", f"suite {told!r}, the registered key is one of {box.suite.name}")
    if record.body.get("public_key") != box.public_key.hex():
        raise PushRefusedError("genesis_wrong", "the first record names another public key than the registered one")


def is_root(prev: bytes) -> bool:
    """Whether a push starts a chain."""
    return prev == ROOT
