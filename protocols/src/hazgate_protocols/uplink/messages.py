"""Messages of hz/1 as bytes and back.

push: zstd level 1 over lines: a JSON header, then each record's exact canonical bytes on a line of its own
(canonical JSON never holds a raw line feed). have, need: canonical JSON. Hashes and seals are lower-case hex.

The push's seal is the box's signature over the last hash of the push (over prev when it carries no records).
The have's seal is the collector's signature over the same message without its seal.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import zstandard

from hazgate_protocols import canonical
from hazgate_protocols.journal.chain import HASH_BYTES, link
from hazgate_protocols.journal.record import BODY_BYTES_MAX
from hazgate_protocols.journal.seal import SEAL_BYTES

VERSION = 1
RECORDS_MAX = 200
PUSH_BYTES_MAX = 1 << 20  # compressed
PUSH_PLAIN_BYTES_MAX = 4 << 20  # after decompression; a bound against a bomb
ANSWER_BYTES_MAX = 256 * 1024
NOTES_MAX = 100
LADDER_MAX = 512
TOKEN_CHARS_MAX = 64
_LEVEL = 1


class MalformedError(ValueError):
    """Bytes that are no message of hz/1: what is wrong, in words."""


@dataclass(frozen=True, slots=True)
class Push:
    """Append `bodies` after `prev`. No bodies: "do you hold prev?". notes_after: the last note the box holds."""

    token: str
    prev: bytes
    bodies: tuple[bytes, ...]
    seal: bytes
    notes_after: int = 0

    def hashes(self) -> list[bytes]:
        """The hash of each record, in order."""
        out, at = [], self.prev
        for body in self.bodies:
            at = link(at, body)
            out.append(at)
        return out

    def head(self) -> bytes:
        """What the seal signs: the last hash, or prev."""
        hashes = self.hashes()
        return hashes[-1] if hashes else self.prev


@dataclass(frozen=True, slots=True)
class Note:
    """Something the collector tells a box about one of its records; numbered per box from 1 without gaps.

    what: "accepted" | "duplicate" | "refused" | "unknown" (the core), "flagged" (held by the collector).
    """

    n: int
    hash: bytes
    what: str
    at: str
    code: str = ""
    text: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Have:
    """The receipt: the collector durably holds `hash` and so every ancestor of it."""

    token: str
    hash: bytes
    seq: int
    stored_at: str
    notes: tuple[Note, ...] = ()
    seal: bytes = b""

    def signed_bytes(self) -> bytes:
        """What the seal signs."""
        return canonical.encode(self._as_json())

    def _as_json(self) -> dict[str, Any]:
        notes = [
            {
                "n": note.n,
                "hash": note.hash.hex(),
                "what": note.what,
                "at": note.at,
                "code": note.code,
                "text": note.text,
                "reference": note.reference,
            }
            for note in self.notes
        ]
        return {
            "v": VERSION,
            "token": self.token,
            "hash": self.hash.hex(),
            "seq": self.seq,
            "stored_at": self.stored_at,
            "notes": notes,
        }


@dataclass(frozen=True, slots=True)
class Need:
    """The collector lacks the push's parent; it holds these of this box (heads, then ancestors ever further apart)."""

    token: str
    ladder: tuple[bytes, ...]


def encode_push(push: Push) -> bytes:
    """Raises ValueError beyond the bounds: our own misuse."""
    if len(push.bodies) > RECORDS_MAX:
        raise ValueError(f"{len(push.bodies)} records in one push, at most {RECORDS_MAX}")
    header = {
        "v": VERSION,
        "token": push.token,
        "prev": push.prev.hex(),
        "n": len(push.bodies),
        "notes_after": push.notes_after,
        "seal": push.seal.hex(),
    }
    plain = b"\n".join((canonical.encode(header), *push.bodies))
    if len(plain) > PUSH_PLAIN_BYTES_MAX:
        raise ValueError(f"push of {len(plain)} bytes, at most {PUSH_PLAIN_BYTES_MAX}")
    return zstandard.ZstdCompressor(level=_LEVEL).compress(plain)


def decode_push(data: bytes) -> Push:
    """Raises MalformedError; the records' contents are not looked into here."""
    if len(data) > PUSH_BYTES_MAX:
        raise MalformedError(f"push of {len(data)} bytes, at most {PUSH_BYTES_MAX}")
    try:
        reader = zstandard.ZstdDecompressor().stream_reader(data)
        plain = reader.read(PUSH_PLAIN_BYTES_MAX + 1)
    except zstandard.ZstdError as exc:
        raise MalformedError(f"not zstd: {exc}") from exc
    if len(plain) > PUSH_PLAIN_BYTES_MAX:
        raise MalformedError(f"push unpacks to more than {PUSH_PLAIN_BYTES_MAX} bytes")
    first, *bodies = plain.split(b"\n")
    header = _object(first, "push header")
    _version(header)
    count = _integer(header, "n", RECORDS_MAX)
    if count != len(bodies):
        raise MalformedError(f"header says {count} records, {len(bodies)} came")
    too_long = [len(body) for body in bodies if len(body) > BODY_BYTES_MAX]
    if too_long:
        raise MalformedError(f"a record of {too_long[0]} bytes, at most {BODY_BYTES_MAX}")
    return Push(
        token=_token(header),
        prev=_bytes(header, "prev", HASH_BYTES),
        bodies=tuple(bodies),
        seal=_bytes(header, "seal", SEAL_BYTES),
        notes_after=_integer(header, "notes_after", canonical.INTEGER_MAX) if "notes_after" in header else 0,
    )


def encode_have(have: Have) -> bytes:
    """Raises ValueError without a seal or beyond the bounds: our own misuse."""
    if len(have.seal) != SEAL_BYTES or len(have.notes) > NOTES_MAX:
        raise ValueError(f"a receipt needs a seal and at most {NOTES_MAX} notes")
    return canonical.encode({**have._as_json(), "seal": have.seal.hex()})


def encode_need(need: Need) -> bytes:
    """Raises ValueError beyond the bounds: our own misuse."""
    if len(need.ladder) > LADDER_MAX:
        raise ValueError(f"a ladder of {len(need.ladder)} steps, at most {LADDER_MAX}")
    return canonical.encode({"v": VERSION, "token": need.token, "ladder": [step.hex() for step in need.ladder]})


def decode_answer(data: bytes) -> Have | Need:
    """A have or a need; raises MalformedError. Whether a have's seal holds is for the caller to ask."""
    if len(data) > ANSWER_BYTES_MAX:
        raise MalformedError(f"answer of {len(data)} bytes, at most {ANSWER_BYTES_MAX}")
    value = _object(data, "answer")
    _version(value)
    if "ladder" in value:
        ladder = value["ladder"]
        if not isinstance(ladder, list) or len(ladder) > LADDER_MAX:
            raise MalformedError(f"ladder is not a list of at most {LADDER_MAX} hashes")
        return Need(_token(value), tuple(_bytes({"ladder": step}, "ladder", HASH_BYTES) for step in ladder))
    notes = value.get("notes", [])
    if not isinstance(notes, list) or len(notes) > NOTES_MAX:
        raise MalformedError(f"notes is not a list of at most {NOTES_MAX}")
    return Have(
        token=_token(value),
        hash=_bytes(value, "hash", HASH_BYTES),
        seq=_integer(value, "seq", canonical.INTEGER_MAX),
        stored_at=_text(value, "stored_at"),
        notes=tuple(_note(note) for note in notes),
        seal=_bytes(value, "seal", SEAL_BYTES),
    )


def _note(value: Any) -> Note:
    if not isinstance(value, dict):
        raise MalformedError("a note is not an object")
    return Note(
        n=_integer(value, "n", canonical.INTEGER_MAX),
        hash=_bytes(value, "hash", HASH_BYTES),
        what=_text(value, "what"),
        at=_text(value, "at"),
        code=_text(value, "code"),
        text=_text(value, "text"),
        reference=_text(value, "reference"),
    )


def _object(data: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise MalformedError(f"{what} is not JSON") from exc
    if not isinstance(value, dict):
        raise MalformedError(f"{what} is not an object")
    return value


def _version(value: dict[str, Any]) -> None:
    if value.get("v") != VERSION:
        raise MalformedError(f"version {value.get('v')!r}, this is hz/{VERSION}")


def _token(value: dict[str, Any]) -> str:
    token = _text(value, "token")
    if len(token) > TOKEN_CHARS_MAX:
        raise MalformedError(f"token of {len(token)} characters, at most {TOKEN_CHARS_MAX}")
    return token


def _text(value: dict[str, Any], key: str) -> str:
    found = value.get(key)
    if not isinstance(found, str):
        raise MalformedError(f"{key} is not a text")
    return found


def _integer(value: dict[str, Any], key: str, most: int) -> int:
    found = value.get(key)
    if type(found) is not int or not 0 <= found <= most:
        raise MalformedError(f"{key} is not a whole number from 0 to {most}")
    return found


def _bytes(value: dict[str, Any], key: str, length: int) -> bytes:
    found = value.get(key)
    try:
        data = bytes.fromhex(found) if isinstance(found, str) else b""
    except ValueError:
        data = b""
    if len(data) != length:
        raise MalformedError(f"{key} is not {length} bytes in hex")
    return data
