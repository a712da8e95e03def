"""A checkpoint: the collector's signed word about everything it held at one moment. See docs/wire/checkpoint.md.

The statement is small, and is what is sealed and chained. The heads stand beside it; the root of a hash tree over them
stands in it. A head stands for all its ancestors: a store that later lacks one, or a record below it, has been cut or
rewritten.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hazgate_protocols import canonical
from hazgate_protocols.journal import merkle
from hazgate_protocols.journal.chain import HASH_BYTES, ROOT
from hazgate_protocols.journal.record import BOX_PATTERN
from hazgate_protocols.journal.seal import KEY_BYTES, SEAL_BYTES, Signer, checkpoint_seal_holds

VERSION = 1
FILE_BYTES_MAX = 64 << 20  # some 400,000 heads
STATEMENT_BYTES_MAX = 4_096
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_FILE_KEYS = {"v", "statement", "heads", "seal"}
_HEAD_KEYS = {"box", "seq", "hash"}


class CheckpointError(ValueError):
    """The bytes are no checkpoint; the text says why."""


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """The newest record of one branch of one box's chain."""

    box: str
    seq: int
    hash: bytes

    def leaf(self) -> bytes:
        """Its bytes in the tree: canonical JSON, as it stands in the file."""
        return canonical.encode(self.as_json())

    def as_json(self) -> dict[str, Any]:
        """As it stands in the file's list."""
        return {"box": self.box, "seq": self.seq, "hash": self.hash.hex()}

    @classmethod
    def from_json(cls, value: Any) -> Head:
        """Raises CheckpointError for anything but these three keys."""
        if not isinstance(value, dict) or value.keys() != _HEAD_KEYS:
            raise CheckpointError(f"a head has the keys {', '.join(sorted(_HEAD_KEYS))} and no others")
        return cls(_text(value, "box", BOX_PATTERN), _count(value, "seq", 1), _bytes(value, "hash", HASH_BYTES))


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Shows that one head stands under a root: the way through the tree, one hash a level. index is counted from 0."""

    head: Head
    index: int
    size: int
    path: tuple[bytes, ...]

    def root(self) -> bytes:
        """What must stand in the statement as `root`; raises CheckpointError for a way that no such tree has."""
        try:
            return merkle.root_of(self.head.leaf(), self.index, self.size, self.path)
        except ValueError as exc:
            raise CheckpointError(str(exc)) from exc

    def shown_by(self, said: Statement) -> bool:
        """Whether this statement names the head: same root, same number of heads."""
        try:
            return said.heads == self.size and said.root == self.root()
        except CheckpointError:
            return False


@dataclass(frozen=True, slots=True)
class Statement:
    """What is sealed. prev: hash of the statement before, ROOT for the first. root: of the tree over the heads, in
    order. records: how many were held. audit: hash of row audit_n of the log of people's acts, ROOT for row 0."""

    n: int
    date: str  # the collector's local day (Asia/Shanghai), 2026-03-10
    at: str  # RFC 3339, UTC, milliseconds
    prev: bytes
    records: int
    heads: int
    root: bytes
    audit_n: int
    audit: bytes
    collector: bytes  # the public key that seals

    def encode(self) -> bytes:
        """The canonical bytes that are hashed and sealed."""
        return canonical.encode(
            {
                "v": VERSION,
                "n": self.n,
                "date": self.date,
                "at": self.at,
                "prev": self.prev.hex(),
                "records": self.records,
                "heads": self.heads,
                "root": self.root.hex(),
                "audit_n": self.audit_n,
                "audit": self.audit.hex(),
                "collector": self.collector.hex(),
            }
        )


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A statement in its exact bytes, the heads in order, and the collector's seal over the statement."""

    statement: bytes
    heads: tuple[Head, ...]
    seal: bytes

    @property
    def hash(self) -> bytes:
        """What the next checkpoint names as `prev`: SHA-256 over the statement."""
        return hashlib.sha256(self.statement).digest()

    @property
    def said(self) -> Statement:
        """The statement's content; raises CheckpointError."""
        return decode_statement(self.statement)

    def encode(self) -> bytes:
        """The file: one canonical JSON object, so that a reader gets the exact bytes of every part back from it."""
        return canonical.encode(
            {
                "v": VERSION,
                "statement": canonical.decode(self.statement),
                "heads": [head.as_json() for head in self.heads],
                "seal": self.seal.hex(),
            }
        )

    def inclusion(self, box: str, record_hash: bytes) -> Inclusion | None:
        """The way from a head to the root; None when this record is no head here."""
        return inclusion(self.heads, box, record_hash)

    def faults(self, collector: bytes | None = None) -> list[str]:
        """What does not hold in itself, in words: the seal (under this key, else the one the statement names), and
        that the heads are those of the statement."""
        try:
            said = self.said
        except CheckpointError as exc:
            return [str(exc)]
        found = statement_faults(self.statement, self.seal, collector)
        if len(self.heads) != said.heads:
            found.append(f"it lists {len(self.heads)} heads, its statement says {said.heads}: the list was changed")
        elif head_root(self.heads) != said.root:
            found.append("the root over its heads is not that of its statement: the list was changed")
        return found


def make(signer: Signer, named: Iterable[Head], **said: Any) -> Checkpoint:
    """A sealed checkpoint over these heads; said: n, date, at, prev, records, audit_n, audit of Statement."""
    heads = tuple(sorted(named))
    statement = Statement(heads=len(heads), root=head_root(heads), collector=signer.public(), **said).encode()
    return Checkpoint(statement, heads, signer.seal_checkpoint(statement))


def head_root(heads: Sequence[Head]) -> bytes:
    """The root of the tree over heads in order."""
    return merkle.root([head.leaf() for head in heads])


def inclusion(heads: Sequence[Head], box: str, record_hash: bytes) -> Inclusion | None:
    """The way from a head to the root over these heads; None when this record is none of them."""
    for index, head in enumerate(heads):
        if (head.box, head.hash) == (box, record_hash):
            return Inclusion(head, index, len(heads), merkle.path([item.leaf() for item in heads], index))
    return None


def statement_faults(statement: bytes, seal: bytes, collector: bytes | None = None) -> list[str]:
    """What does not hold of a statement and its seal, in words. collector: the key that somebody vouches for."""
    try:
        said = decode_statement(statement)
    except CheckpointError as exc:
        return [str(exc)]
    found = []
    if collector is not None and said.collector != collector:
        found.append(f"it names the collector's key {said.collector.hex()}, not {collector.hex()}")
    if not checkpoint_seal_holds(said.collector, statement, seal):
        found.append(f"its seal is not of the key {said.collector.hex()}: statement or seal was changed, or forged")
    return found


def succession_faults(earlier: Checkpoint, later: Checkpoint) -> list[str]:
    """Why `later` cannot have followed `earlier` in one collector's chain, in words; both hold in themselves.

    Next to each other they must be linked by hash. Further apart, nothing that was held may be gone: every branch of a
    box still ends where it did, or a branch of that box is longer now."""
    before, after = earlier.said, later.said
    found = []
    if after.n == before.n and later.hash != earlier.hash:
        found.append(f"two different checkpoints {after.n}: the collector's chain was begun anew from an older copy")
    elif after.n == before.n + 1 and after.prev != earlier.hash:
        found.append(f"checkpoint {after.n} follows {after.prev.hex()}, not the checkpoint {before.n} shown here")
    if after.records < before.records or after.audit_n < before.audit_n:
        found.append(
            f"checkpoint {after.n} counts {after.records} records and {after.audit_n} acts of people, checkpoint "
            f"{before.n} had {before.records} and {before.audit_n}: some are gone"
        )
    if after.audit_n == before.audit_n and after.audit != before.audit:
        found.append(f"act {after.audit_n} of people is another one than at checkpoint {before.n}")
    found += [
        f"box {head.box}: record {head.seq} ({head.hash.hex()}) was held at checkpoint {before.n}, and no head of "
        f"checkpoint {after.n} can stand above it"
        for head in _cut_off(earlier.heads, later.heads)
    ]
    return found


def _cut_off(earlier: Iterable[Head], later: Iterable[Head]) -> list[Head]:
    """Earlier heads that no later head can be, or stand above. A branch only grows, and each new one is one more:
    the n-th longest of the changed branches of a box must be longer than the n-th longest was."""
    before, after = set(earlier), set(later)
    grown: dict[str, list[int]] = {}
    for head in sorted(after - before, key=lambda item: item.seq, reverse=True):
        grown.setdefault(head.box, []).append(head.seq)
    out = []
    for head in sorted(before - after, key=lambda item: item.seq, reverse=True):
        left = grown.get(head.box, [])
        if left and left[0] > head.seq:
            left.pop(0)
        else:
            out.append(head)
    return sorted(out)


def decode(data: bytes) -> Checkpoint:
    """The checkpoint in a file; raises CheckpointError. Whether it holds is for faults() to say."""
    if len(data) > FILE_BYTES_MAX:
        raise CheckpointError(f"{len(data)} bytes, a checkpoint has at most {FILE_BYTES_MAX}")
    value = _object(data)
    if value.keys() != _FILE_KEYS:
        raise CheckpointError(f"no checkpoint: its keys are not {', '.join(sorted(_FILE_KEYS))}")
    _version(value)
    listed = value["heads"]
    if not isinstance(listed, list):
        raise CheckpointError("heads: not a list")
    heads = tuple(Head.from_json(item) for item in listed)
    if any(after <= before for before, after in itertools.pairwise(heads)):
        raise CheckpointError("heads: not in order of box, seq and hash, or one twice")
    statement = canonical.encode(value["statement"])
    decode_statement(statement)
    return Checkpoint(statement, heads, _bytes(value, "seal", SEAL_BYTES))


def decode_statement(data: bytes) -> Statement:
    """Raises CheckpointError for what is none. Keys of later versions' additions are allowed; the seal covers them."""
    if len(data) > STATEMENT_BYTES_MAX:
        raise CheckpointError(f"{len(data)} bytes, a statement has at most {STATEMENT_BYTES_MAX}")
    value = _object(data)
    _version(value)
    said = Statement(
        n=_count(value, "n", 1),
        date=_text(value, "date", _DATE),
        at=_text(value, "at", _TIME),
        prev=_bytes(value, "prev", HASH_BYTES),
        records=_count(value, "records"),
        heads=_count(value, "heads"),
        root=_bytes(value, "root", HASH_BYTES),
        audit_n=_count(value, "audit_n"),
        audit=_bytes(value, "audit", HASH_BYTES),
        collector=_bytes(value, "collector", KEY_BYTES),
    )
    if (said.n == 1) != (said.prev == ROOT) or (said.audit_n == 0) != (said.audit == ROOT):
        raise CheckpointError("prev and audit are 32 zero bytes for the first checkpoint and no act, and only then")
    return said


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = canonical.decode(data)
    except canonical.NotCanonicalError as exc:
        raise CheckpointError(f"no checkpoint: {exc}") from exc
    if not isinstance(value, dict):
        raise CheckpointError("no checkpoint: no object")
    return value


def _version(value: dict[str, Any]) -> None:
    if type(value.get("v")) is not int or value["v"] != VERSION:  # true == 1 in Python
        raise CheckpointError(f"checkpoint of version {value.get('v')!r}, known is {VERSION}")


def _count(value: dict[str, Any], key: str, least: int = 0) -> int:
    found = value.get(key)
    if type(found) is not int or found < least:
        raise CheckpointError(f"{key}: no whole number from {least}")
    return found


def _text(value: dict[str, Any], key: str, pattern: re.Pattern[str]) -> str:
    found = value.get(key)
    if not isinstance(found, str) or not pattern.fullmatch(found):
        raise CheckpointError(f"{key}: does not match {pattern.pattern}")
    return found


def _bytes(value: dict[str, Any], key: str, length: int) -> bytes:
    found = value.get(key)
    try:
        raw = bytes.fromhex(found) if isinstance(found, str) else b""
    except ValueError:
        raw = b""
    if len(raw) != length or raw.hex() != found:  # fromhex takes capitals and spaces
        raise CheckpointError(f"{key}: not {length} bytes in lower-case hex")
    return raw
