"""An evidence file as bytes: canonical JSON lines, the last of which holds the digests of all before it.

No byte is outside: every line is canonical (one spelling), its digest stands in the last line, so does the digest of
all of them together, and the collector signs that one. So a changed byte is found and its line named without any key.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hazgate_protocols import canonical
from hazgate_protocols.journal.seal import Signer

VERSION = 3  # 1: without pictures, checkpoint and certificates; 2: without the claims
BUNDLE_BYTES_MAX = 256 << 20
LINES_MAX = 100_000
STEPS_A_LINE_MAX = 500  # a line of 34 kB: small enough to name where a file is damaged

BUNDLE, RECORD, STEPS, SEAL, RECEIPT, NOTES, FLAGS, CORE, PROFILE, PICTURE, CHECKPOINT, CERTIFICATES, END = (
    "bundle", "record", "steps", "seal", "receipt", "notes", "flags", "core", "profile", "picture", "checkpoint",
    "certificates", "end",
)  # fmt: skip

CLAIMS = "claims"  # other weighings of the same label number
SUITE = "suite"  # the collector's key for a box of another suite than the file's

# The order of the lines, one letter a part; ? = may be absent.
_LETTERS = {
    BUNDLE: "b", RECORD: "r", STEPS: "s", SEAL: "l", RECEIPT: "h", NOTES: "n", FLAGS: "f", CORE: "c", PROFILE: "p",
    PICTURE: "i", CHECKPOINT: "k", CERTIFICATES: "x", CLAIMS: "a", END: "e", SUITE: "u",
}  # fmt: skip
_ORDERS = {
    1: re.compile(r"br[rs]*lhnfc?p?e"),
    2: re.compile(r"br[rs]*lu?hnfc?p?i*k?x?e"),
    3: re.compile(r"br[rs]*lu?hnfc?p?i*k?x?ae"),
}

Shape = dict[str, Any]
_TEXT, _WHOLE, _HASH, _SEAL, _HEX = "text", "whole number", "32 bytes in hex", "64 bytes in hex", "bytes in hex"
_KEY = "public key in hex"
_WORDS: dict[str, re.Pattern[str]] = {
    _HASH: re.compile(r"[0-9a-f]{64}"),
    _SEAL: re.compile(r"[0-9a-f]{128}"),
    _KEY: re.compile(r"[0-9a-f]{64}|04[0-9a-f]{128}"),  # 32 bytes, or 65 of SM2
    _HEX: re.compile(r"(?:[0-9a-f]{2})*"),
}
_NOTE: Shape = {
    "n": _WHOLE, "hash": _HASH, "what": _TEXT, "at": _TEXT, "code": _TEXT, "text": _TEXT, "reference": _TEXT,
}  # fmt: skip
_ATTEMPT: Shape = {
    "method": _TEXT, "at": _TEXT, "took_ms": _WHOLE, "status": (_WHOLE,), "outcome": _TEXT, "detail": _TEXT,
    "reply": _HEX,
}  # fmt: skip
_CLAIM: Shape = {
    "hash": _HASH, "box": _TEXT, "seq": _WHOLE, "weight": _TEXT, "weighed_at": _TEXT, "stored_at": _TEXT,
    "state": _TEXT, "core": _TEXT, "why": _TEXT,
}  # fmt: skip
# Exactly these keys. A tuple: or null. A list: any number of them.
_SHAPES: dict[str, Shape] = {
    BUNDLE: {"v": _WHOLE, "label": _TEXT, "record": _HASH, "box": _TEXT, "made_at": _TEXT, "made_by": _TEXT},
    RECORD: {"seq": _WHOLE, "hash": _HASH, "bytes": _TEXT},
    STEPS: {"seq": _WHOLE, "hashes": [_HASH]},
    SEAL: {"seq": _WHOLE, "hash": _HASH, "seal": _SEAL},
    RECEIPT: {"have": _TEXT, "branches": _WHOLE},
    NOTES: {"notes": [_NOTE]},
    FLAGS: {"flags": [{"code": _TEXT, "text": _TEXT, "at": _TEXT}]},
    CORE: {
        "submission": _TEXT, "state": _TEXT, "queued_at": _TEXT, "settled_at": _TEXT, "attempts": [_ATTEMPT],
    },
    PROFILE: {"profile": _TEXT, "transcripts": [{"name": _TEXT, "sha256": _HASH}]},
    PICTURE: {"print": _HASH, "png": _HEX, "is": _TEXT, "drawn_by": _TEXT},
    CHECKPOINT: {
        "statement": _TEXT, "seal": _SEAL, "seq": _WHOLE, "hash": _HASH, "steps": [_HASH], "index": _WHOLE,
        "path": [_HASH],
    },
    CERTIFICATES: {"box": _HEX, "collector": _HEX, "root": _HEX},
    CLAIMS: {"count": _WHOLE, "claims": [_CLAIM]},
    END: {"lines": [_HASH], "sha256": _HASH, "collector": _HASH, "seal": _SEAL},
    SUITE: {"suite": _TEXT, "collector": _KEY},
}  # fmt: skip


CHANGED = "bytes were changed here after the file was made"


class NotABundleError(ValueError):
    """Bytes that never were an evidence file."""


class DamagedError(ValueError):
    """An evidence file with a changed, missing or added byte. line: the first wrong line, from 1."""

    def __init__(self, line: int, part: str, text: str) -> None:
        super().__init__(f"line {line} ({part}): {text}" if part else f"line {line}: {text}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Part:
    """One line: what it is, its place in the file from 1, and its values by key."""

    line: int
    name: str
    values: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.values[key]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A file whose bytes are whole; whether anybody sealed them is for the checks. digest: over all before the end."""

    parts: tuple[Part, ...]
    digest: bytes

    def one(self, name: str) -> Part | None:
        """The part of this name, None when it is absent."""
        return next((part for part in self.parts if part.name == name), None)

    def of(self, *names: str) -> list[Part]:
        """All parts of these names in order."""
        return [part for part in self.parts if part.name in names]


def encode_bundle(parts: Sequence[tuple[str, dict[str, Any]]], signer: Signer) -> bytes:
    """The file of these parts, ended and sealed. Raises ValueError for parts that decode_bundle() would refuse."""
    lines = [canonical.encode({"part": name, **values}) + b"\n" for name, values in parts]
    digest = hashlib.sha256(b"".join(lines)).digest()
    end = {
        "part": END,
        "lines": [hashlib.sha256(line).hexdigest() for line in lines],
        "sha256": digest.hex(),
        "collector": signer.public().hex(),
        "seal": signer.seal_evidence(digest).hex(),
    }
    data = b"".join(lines) + canonical.encode(end) + b"\n"
    decode_bundle(data)
    return data


def decode_bundle(data: bytes) -> Bundle:
    """The parts of a file whose every byte is covered by its last line. Raises NotABundleError or DamagedError."""
    if len(data) > BUNDLE_BYTES_MAX:
        raise NotABundleError(f"{len(data)} bytes; an evidence file has at most {BUNDLE_BYTES_MAX}")
    lines = data.split(b"\n", LINES_MAX + 1)
    # One changed byte can hurt the first line or the last, never both.
    if _name(_tree(lines[0])) != BUNDLE and not any(_name(_tree(line)) == END for line in lines[-2:]):
        raise NotABundleError("neither its first line nor its last is one of an evidence file")
    if len(lines) > LINES_MAX:
        raise DamagedError(LINES_MAX, "", f"an evidence file has at most {LINES_MAX} lines")
    end = _end(lines)
    *body, _ = lines[:-1]
    digest = _require_whole(body, end)
    _require_version(body)  # first: a part that only a later version has is no damage
    parts = [_part(number, _tree(line)) for number, line in enumerate(body, 1)]
    _require_order(parts)
    return Bundle((*parts, Part(len(lines) - 1, END, end)), digest)


def _end(lines: list[bytes]) -> dict[str, Any]:
    """The values of the last line. Raises DamagedError at the first line that cannot be read when there is none."""
    *before, rest = lines
    tree = _tree(before[-1]) if before and not rest else None
    if tree is not None and tree.pop("part", None) == END and _fits(_SHAPES[END], tree):
        return tree
    for number, line in enumerate(before, 1):
        name = _name(_tree(line))
        if name not in _SHAPES or name == END:
            raise DamagedError(number, name, CHANGED)
    raise DamagedError(len(lines), "", CHANGED if _tree(rest) is None and rest else "the file is cut short here")


def _require_whole(body: list[bytes], end: dict[str, Any]) -> bytes:
    """The digest of all lines before the last. Raises DamagedError at the first line that was changed."""
    digest = hashlib.sha256(b"".join(line + b"\n" for line in body)).digest()
    whole, last = digest.hex() == end["sha256"], len(body) + 1
    for number, (line, told) in enumerate(zip(body, end["lines"], strict=False), 1):
        if hashlib.sha256(line + b"\n").hexdigest() == told:
            continue
        if whole:
            raise DamagedError(last, END, f"{CHANGED}: its digest of line {number} is not that line's")
        raise DamagedError(number, _name(_tree(line)), CHANGED)
    if len(body) != len(end["lines"]):
        raise DamagedError(last, END, f"it speaks of {len(end['lines'])} lines, there are {len(body)}")
    if not whole:
        raise DamagedError(last, END, f"{CHANGED}: its digest of the whole is not that of the lines")
    return digest


def _require_version(body: list[bytes]) -> None:
    first = _tree(body[0]) if body else None
    version = first.get("v") if first is not None and _name(first) == BUNDLE else VERSION
    if type(version) is int and version not in _ORDERS:
        raise NotABundleError(f"evidence file of version {version}; this program reads the versions {list(_ORDERS)}")


def _require_order(parts: list[Part]) -> None:
    version = parts[0]["v"] if parts and parts[0].name == BUNDLE else VERSION
    letters = "".join(_LETTERS[part.name] for part in parts) + _LETTERS[END]
    if not _ORDERS[version].fullmatch(letters):
        raise DamagedError(len(parts), "", "a part is missing, stands twice or in another order")


def _part(number: int, tree: dict[str, Any] | None) -> Part:
    name = _name(tree)
    if tree is None or name not in _SHAPES or name == END:
        raise DamagedError(number, name, "this is no part of an evidence file")
    del tree["part"]
    if not _fits(_SHAPES[name], tree):
        raise DamagedError(number, name, "its keys or values are not those of its kind")
    return Part(number, name, tree)


def _name(tree: dict[str, Any] | None) -> str:
    name = tree.get("part") if tree is not None else None
    return name[:20] if isinstance(name, str) else ""


def _fits(shape: Any, value: Any) -> bool:
    if isinstance(shape, dict):
        return (
            isinstance(value, dict)
            and value.keys() == shape.keys()
            and all(_fits(inner, value[key]) for key, inner in shape.items())
        )
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(shape[0], item) for item in value)
    if isinstance(shape, tuple):
        return value is None or _fits(shape[0], value)
    if shape == _WHOLE:
        return type(value) is int and value >= 0
    return isinstance(value, str) and (shape == _TEXT or _WORDS[shape].fullmatch(value) is not None)


def _tree(line: bytes) -> dict[str, Any] | None:
    try:
        value = canonical.decode(line)
    except canonical.NotCanonicalError:
        return None
    return value if isinstance(value, dict) else None
