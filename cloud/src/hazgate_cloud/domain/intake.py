"""What a push must be before anything of it is stored: sealed by its box, one unbroken chain of well-formed records.

A push that fails is refused whole, because its seal is over the whole. Whether a weighing makes sense is a question
for rules.py; such a record is stored all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hazgate_cloud.domain.box import RegisteredBox
from hazgate_protocols.journal.chain import ROOT
from hazgate_protocols.journal.record import GENESIS, Record, RecordError
from hazgate_protocols.journal.seal import chain_seal_holds
from hazgate_protocols.uplink import Push

NOTES_AFTER_MAX = 2**40  # far above any real count; keeps note numbers inside 53 bits whatever a box says


class PushRefusedError(Exception):
    """The push is not what its box may say: a stable code and the reason in words."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a push with its place in the chain."""

    hash: bytes
    prev: bytes
    body: bytes
    record: Record


def require_seal(push: Push, head: bytes, box: RegisteredBox) -> None:
    """Raises PushRefusedError unless this box's key sealed the push's last hash, which is push.head(box.suite)."""
    if not chain_seal_holds(box.public_key, box.box, head, push.seal):
        raise PushRefusedError("seal_wrong", f"the seal is not {box.box}'s seal over {head.hex()} ({box.suite.name})")
    if push.notes_after > NOTES_AFTER_MAX:
        raise PushRefusedError("notes_after_absurd", f"notes_after {push.notes_after}, at most {NOTES_AFTER_MAX}")


def entries(push: Push, hashes: Sequence[bytes], box: RegisteredBox, parent_seq: int) -> list[Entry]:
    """The records in order; hashes are push.hashes(), parent_seq is the seq of the record prev (0 for ROOT). Raises
    PushRefusedError."""
    out: list[Entry] = []
    prev, seq = push.prev, parent_seq
    for body, own in zip(push.bodies, hashes, strict=True):
        seq += 1
        try:
            record = Record.decode(body)
        except RecordError as exc:
            raise PushRefusedError("record_malformed", f"record {seq}: {exc}") from exc
        if record.box != box.box:
            raise PushRefusedError("box_wrong", f"record {seq} is of box {record.box}, the topic is {box.box}'s")
        if record.seq != seq:
            raise PushRefusedError("seq_wrong", f"record after {seq - 1} has seq {record.seq}")
        if seq == 1:
            _require_genesis(record, box)
        out.append(Entry(own, prev, body, record))
        prev = own
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
