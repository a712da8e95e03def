"""Messages of hz/1 as bytes and back.

push: zstd level 1 over lines: a JSON header, then each record's exact canonical bytes on a line of its own
(canonical JSON never holds a raw line feed). have, need: canonical JSON. Hashes and seals are lower-case hex.

The push's seal is the box's signature over the last hash of the push (over prev when it carries no records).
The have's seal is the collector's signature over the canonical JSON of the fields named in Have and Note, without
the seal. Fields that a later collector adds are outside the seal, so that an older box still finds it right.
fetch: canonical JSON. give: as a push; its seal is the box's own over the last record, zeros where none is held.
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
from hazgate_protocols.journal.suite import DEFAULT, Suite
from hazgate_protocols.text import one_line

VERSION = 1
RECORDS_MAX = 200
PUSH_BYTES_MAX = 1 << 20  # compressed
PUSH_PLAIN_BYTES_MAX = 4 << 20  # after decompression, and of zstd's window; a bound against a bomb
ANSWER_BYTES_MAX = 256 * 1024
NOTES_MAX = 40  # with the bounds below: whatever the core says, the box can keep all notes of a have in one record
NOTE_TEXT_CHARS_MAX = 200
NOTE_CODE_CHARS_MAX = 64  # code and reference
WORD_CHARS_MAX = 40  # times, what
LADDER_MAX = 512
TOKEN_CHARS_MAX = 64
FETCH_BYTES_MAX = 1024
GIVE_PLAIN_BYTES = 512 * 1024  # of records in a give; one record alone always fits
NOT_ABOUT_CORE = frozenset({"lease", "anchored"})  # notes that say nothing of a weighing's way to the core
_LEVEL = 1


class MalformedError(ValueError):
    """Bytes that are no message of hz/1: what is wrong, in words."""


@dataclass(frozen=True, slots=True)
class Push:
    """Append `bodies` after `prev`. No bodies: "do you hold prev?". notes_after: the last note the box holds.

    ask_other: the have shall say whether another branch of this box is held.
    The bytes do not say of which suite the chain is: the box knows its own, the collector that of the registered key.
    """

    token: str
    prev: bytes
    bodies: tuple[bytes, ...]
    seal: bytes
    notes_after: int = 0
    ask_other: bool = False

    def hashes(self, suite: Suite = DEFAULT) -> list[bytes]:
        """The hash of each record, in order, in a chain of this suite."""
        out, at = [], self.prev
        for body in self.bodies:
            at = link(at, body, suite)
            out.append(at)
        return out

    def head(self, suite: Suite = DEFAULT) -> bytes:
        """What the seal signs: the last hash, or prev."""
        hashes = self.hashes(suite)
        return hashes[-1] if hashes else self.prev


@dataclass(frozen=True, slots=True)
class Note:
    """Something the collector tells a box about one of its records; numbered per box from 1 without gaps.

    what: "accepted" | "duplicate" | "refused" | "unknown" (the core), "flagged" | "released" (the collector and its
    people), or one of NOT_ABOUT_CORE: "lease" (label numbers granted or not, to an asking record), "anchored" (a signed
    checkpoint, named by reference, covers this record).
    code, text and reference travel as one printable line, cut at their bound: a core's long complaint must not make a
    receipt that no box can take.
    """

    n: int
    hash: bytes
    what: str
    at: str
    code: str = ""
    text: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    """The newest record of a branch of a box's chain."""

    hash: bytes
    seq: int


@dataclass(frozen=True, slots=True)
class Have:
    """The receipt: the collector durably holds `hash` and so every ancestor of it.

    other: only where the push asked, which other_seal shows: the newest head of this box that is neither `hash` nor
    merged, None for none. It may be a newer head of the asking box itself. Has a seal of its own, since boxes that do
    not know it must still find the receipt's seal right.
    """

    token: str
    hash: bytes
    seq: int
    stored_at: str
    notes: tuple[Note, ...] = ()
    seal: bytes = b""
    other: Branch | None = None
    other_seal: bytes = b""

    def signed_bytes(self) -> bytes:
        """What the seal signs."""
        return canonical.encode(self._as_json())

    def other_bytes(self) -> bytes:
        """What other_seal signs. Never the bytes of a receipt, which has no key `other`."""
        return canonical.encode(
            {"v": VERSION, "token": self.token, "hash": self.hash.hex(), "other": self._other_as_json()}
        )

    def _other_as_json(self) -> dict[str, Any] | None:
        return None if self.other is None else {"hash": self.other.hash.hex(), "seq": self.other.seq}

    def _as_json(self) -> dict[str, Any]:
        notes = [
            {
                "n": note.n,
                "hash": note.hash.hex(),
                "what": note.what,
                "at": note.at,
                "code": one_line(note.code, NOTE_CODE_CHARS_MAX),
                "text": one_line(note.text, NOTE_TEXT_CHARS_MAX),
                "reference": one_line(note.reference, NOTE_CODE_CHARS_MAX),
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
class Fetch:
    """The box asks for its own records: the `n` that end with `upto`, or fewer."""

    token: str
    upto: bytes
    n: int


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
        **({"ask_other": True} if push.ask_other else {}),
    }
    for body in push.bodies:
        if b"\n" in body or len(body) > BODY_BYTES_MAX:
            raise ValueError(f"a record is one line of at most {BODY_BYTES_MAX} bytes, got {body[:60]!r}")
    plain = b"\n".join((canonical.encode(header), *push.bodies))
    if len(plain) > PUSH_PLAIN_BYTES_MAX:
        raise ValueError(f"push of {len(plain)} bytes, at most {PUSH_PLAIN_BYTES_MAX}")
    data = zstandard.ZstdCompressor(level=_LEVEL).compress(plain)
    if len(data) > PUSH_BYTES_MAX:
        raise ValueError(f"push of {len(data)} compressed bytes, at most {PUSH_BYTES_MAX}: send fewer records")
    return data


def decode_push(data: bytes) -> Push:
    """Raises MalformedError; the records' contents are not looked into here."""
    if len(data) > PUSH_BYTES_MAX:
        raise MalformedError(f"push of {len(data)} bytes, at most {PUSH_BYTES_MAX}")
    try:
        # The declared size comes first: with one, the library allocates that much and ignores max_output_size.
        if zstandard.frame_content_size(data) > PUSH_PLAIN_BYTES_MAX:
            raise MalformedError(f"push unpacks to more than {PUSH_PLAIN_BYTES_MAX} bytes")
        unpacker = zstandard.ZstdDecompressor(max_window_size=PUSH_PLAIN_BYTES_MAX)
        # Unlike a stream reader this refuses a frame that is cut short and bytes behind it.
        plain = unpacker.decompress(data, max_output_size=PUSH_PLAIN_BYTES_MAX, allow_extra_data=False)
    except zstandard.ZstdError as exc:
        raise MalformedError(f"not one whole zstd frame of at most {PUSH_PLAIN_BYTES_MAX} bytes: {exc}") from exc
    first, *bodies = plain.split(b"\n", RECORDS_MAX + 1)
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
        ask_other=header.get("ask_other") is True,
    )


def encode_have(have: Have) -> bytes:
    """Raises ValueError without a seal or beyond the bounds: our own misuse."""
    if len(have.seal) != SEAL_BYTES or len(have.notes) > NOTES_MAX:
        raise ValueError(f"a receipt needs a seal and at most {NOTES_MAX} notes")
    for word in (have.stored_at, *(word for note in have.notes for word in (note.what, note.at))):
        if word != one_line(word, WORD_CHARS_MAX):
            raise ValueError(f"{word!r} is no printable word of at most {WORD_CHARS_MAX} characters")
    value = {**have._as_json(), "seal": have.seal.hex()}
    if have.other_seal:
        value |= {"other": have._other_as_json(), "other_seal": have.other_seal.hex()}
    return canonical.encode(value)


def encode_need(need: Need) -> bytes:
    """Raises ValueError beyond the bounds: our own misuse."""
    if len(need.ladder) > LADDER_MAX:
        raise ValueError(f"a ladder of {len(need.ladder)} steps, at most {LADDER_MAX}")
    return canonical.encode({"v": VERSION, "token": need.token, "ladder": [step.hex() for step in need.ladder]})


def encode_fetch(fetch: Fetch) -> bytes:
    """Raises ValueError beyond the bounds: our own misuse."""
    if not 1 <= fetch.n <= RECORDS_MAX:
        raise ValueError(f"a fetch of {fetch.n} records, allowed are 1 to {RECORDS_MAX}")
    return canonical.encode({"v": VERSION, "token": fetch.token, "upto": fetch.upto.hex(), "n": fetch.n})


def decode_fetch(data: bytes) -> Fetch:
    """Raises MalformedError."""
    if len(data) > FETCH_BYTES_MAX:
        raise MalformedError(f"fetch of {len(data)} bytes, at most {FETCH_BYTES_MAX}")
    value = _object(data, "fetch")
    _version(value)
    fetch = Fetch(_token(value), _bytes(value, "upto", HASH_BYTES), _integer(value, "n", RECORDS_MAX))
    if fetch.n == 0:
        raise MalformedError("n is not a whole number from 1")
    return fetch


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
        stored_at=_text(value, "stored_at", WORD_CHARS_MAX),
        notes=tuple(_note(note) for note in notes),
        seal=_bytes(value, "seal", SEAL_BYTES),
        **_other(value),
    )


def _other(value: dict[str, Any]) -> dict[str, Any]:
    if "other_seal" not in value:
        return {}
    seal, other = _bytes(value, "other_seal", SEAL_BYTES), value.get("other")
    if other is None:
        return {"other_seal": seal}
    if not isinstance(other, dict):
        raise MalformedError("other is not an object")
    branch = Branch(_bytes(other, "hash", HASH_BYTES), _integer(other, "seq", canonical.INTEGER_MAX))
    return {"other": branch, "other_seal": seal}


def _note(value: Any) -> Note:
    if not isinstance(value, dict):
        raise MalformedError("a note is not an object")
    return Note(
        n=_integer(value, "n", canonical.INTEGER_MAX),
        hash=_bytes(value, "hash", HASH_BYTES),
        what=_text(value, "what", WORD_CHARS_MAX),
        at=_text(value, "at", WORD_CHARS_MAX),
        code=_text(value, "code", NOTE_CODE_CHARS_MAX),
        text=_text(value, "text", NOTE_TEXT_CHARS_MAX),
        reference=_text(value, "reference", NOTE_CODE_CHARS_MAX),
    )


def _object(data: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(data.decode())  # UTF-8 only; bytes would be searched for other encodings
    except (ValueError, RecursionError) as exc:
        raise MalformedError(f"{what} is not JSON") from exc
    if not isinstance(value, dict):
        raise MalformedError(f"{what} is not an object")
    return value


def _version(value: dict[str, Any]) -> None:
    if type(value.get("v")) is not int or value["v"] != VERSION:  # true == 1 in Python
        raise MalformedError(f"version {value.get('v')!r}, this is hz/{VERSION}")


def _token(value: dict[str, Any]) -> str:
    return _text(value, "token", TOKEN_CHARS_MAX)


def _text(value: dict[str, Any], key: str, chars_max: int) -> str:
    found = value.get(key)
    if not isinstance(found, str) or found != one_line(found, chars_max):
        raise MalformedError(f"{key} is not a printable text of at most {chars_max} characters")
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
    if len(data) != length or data.hex() != found:  # fromhex takes capitals and spaces
        raise MalformedError(f"{key} is not {length} bytes in lower-case hex")
    return data
