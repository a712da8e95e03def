"""Telemetry of hz/1: a batch of samples (tele), and what the collector took of it (took).

tele: zstd level 1 over lines: the box's seal in hex, a JSON header, then one canonical JSON list a sample. The seal is
over H(everything behind the seal's line). took: canonical JSON, sealed by the collector like every receipt.

Samples stand beside the chain: numbered in one spool of the box, but linked to nothing. What an auditor may believe of
them is said in docs/wire/telemetry.md.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

import zstandard

from hazgate_protocols import canonical
from hazgate_protocols.journal.seal import SEAL_BYTES, Signer, telemetry_seal_holds
from hazgate_protocols.journal.suite import Suite
from hazgate_protocols.text import one_line
from hazgate_protocols.uplink.messages import VERSION, MalformedError

BATCH_BYTES_MAX = 128 * 1024  # compressed
BATCH_PLAIN_BYTES_MAX = 512 * 1024
SAMPLES_MAX = 1000  # of one batch
BATCH_POINTS_MAX = 64  # of one batch
VALUE_CHARS_MAX = 40
NAME_CHARS_MAX = 40
UNIT_CHARS_MAX = 16
TOOK_BYTES_MAX = 1024
SPOOL_PATTERN = re.compile(r"[0-9a-f]{16}")
POINT_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\.[a-z0-9][a-z0-9-]{0,39}")  # source.point
TIME_PATTERN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")  # one length, so that text order is time order
VALUE_PATTERN = re.compile(r"-?\d{1,24}(\.\d{1,15})?")
DIGEST_PATTERN = re.compile(r"[0-9a-f]{64}")
PROFILE_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_SEAL_LINE = 2 * SEAL_BYTES
_LEVEL = 1


class Quality(StrEnum):
    """What is known of a value. Receivers keep qualities they do not know, as words of a-z and underscore."""

    OK = "ok"
    LIMITS = "limits"  # a good reading outside the profile's limits
    STALE = "stale"  # no new reading in time, or one the device itself dated long ago
    ERROR = "error"  # no value: device silent, refused, flagged by itself as not normal, not a number


_QUALITY_PATTERN = re.compile(r"[a-z][a-z_]{0,15}")


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one point. at: the box's time of taking it. value: exact decimal text, None for none.

    said_at: the device's own time where it says one, "" where not. note: a short word for people, such as a data flag.
    """

    point: str
    at: str
    value: str | None
    quality: str
    said_at: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class PointFacts:
    """What a value means: its unit, the names in both languages, and the profile it was read by."""

    unit: str
    zh: str
    en: str
    profile: str
    digest: str
    low: str | None = None
    high: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples first, first+1, ... of the spool. points: facts of every point that has a sample here."""

    spool: str
    first: int
    samples: tuple[Sample, ...]
    points: dict[str, PointFacts] = field(default_factory=dict)

    @property
    def last(self) -> int:
        """Number of the last sample."""
        return self.first + len(self.samples) - 1


@dataclass(frozen=True, slots=True)
class Took:
    """The collector durably holds the samples of this spool up to this number, or knows that they were given up."""

    spool: str
    upto: int
    at: str
    seal: bytes = b""

    def signed_bytes(self) -> bytes:
        """What the seal signs. Never the bytes of a receipt, which has no key `took`."""
        return canonical.encode({"v": VERSION, "took": {"spool": self.spool, "upto": self.upto}, "at": self.at})


def encode_tele(batch: Batch, box: str, signer: Signer) -> bytes:
    """Raises ValueError beyond the bounds or for what no receiver takes: our own misuse."""
    header = {
        "v": VERSION,
        "spool": batch.spool,
        "first": batch.first,
        "n": len(batch.samples),
        "points": {name: _facts_json(facts) for name, facts in batch.points.items()},
    }
    content = b"\n".join((canonical.encode(header), *[canonical.encode(_row(sample)) for sample in batch.samples]))
    seal = signer.seal_telemetry(box, signer.suite.hash(content))
    plain = seal.hex().encode() + b"\n" + content
    data = zstandard.ZstdCompressor(level=_LEVEL).compress(plain)
    try:
        read = _decoded(plain)
    except MalformedError as exc:
        raise ValueError(f"a batch that no collector takes: {exc}") from exc
    if read != batch or len(data) > BATCH_BYTES_MAX:
        raise ValueError(f"batch of {len(data)} bytes, at most {BATCH_BYTES_MAX}, or one that reads otherwise")
    return data


def decode_tele(data: bytes, box: str, public_key: bytes, suite: Suite) -> Batch:
    """The batch, its seal checked. Raises MalformedError; SuiteMissingError."""
    if len(data) > BATCH_BYTES_MAX:
        raise MalformedError(f"batch of {len(data)} bytes, at most {BATCH_BYTES_MAX}")
    try:
        # As for a push: a declared size would make the library allocate it, whatever max_output_size says.
        if zstandard.frame_content_size(data) > BATCH_PLAIN_BYTES_MAX:
            raise MalformedError(f"batch unpacks to more than {BATCH_PLAIN_BYTES_MAX} bytes")
        unpacker = zstandard.ZstdDecompressor(max_window_size=BATCH_PLAIN_BYTES_MAX)
        plain = unpacker.decompress(data, max_output_size=BATCH_PLAIN_BYTES_MAX, allow_extra_data=False)
    except zstandard.ZstdError as exc:
        raise MalformedError(f"not one whole zstd frame of at most {BATCH_PLAIN_BYTES_MAX} bytes: {exc}") from exc
    seal, content = _parts(plain)
    if not telemetry_seal_holds(public_key, box, suite.hash(content), seal):
        raise MalformedError(f"the seal is not {box}'s over this batch ({suite.name})")
    return _decoded(plain)


def encode_took(took: Took) -> bytes:
    """Raises ValueError without a seal: our own misuse."""
    if len(took.seal) != SEAL_BYTES:
        raise ValueError("a took needs a seal")
    return canonical.encode({**json.loads(took.signed_bytes()), "seal": took.seal.hex()})


def decode_took(data: bytes) -> Took:
    """Raises MalformedError. Whether the seal holds is for the caller to ask."""
    if len(data) > TOOK_BYTES_MAX:
        raise MalformedError(f"took of {len(data)} bytes, at most {TOOK_BYTES_MAX}")
    value = _object(data, "took")
    inner = value.get("took")
    if not isinstance(inner, dict):
        raise MalformedError("took is not an object")
    return Took(
        spool=_matching(inner, "spool", SPOOL_PATTERN),
        upto=_whole(inner, "upto"),
        at=_matching(value, "at", TIME_PATTERN),
        seal=_seal(value.get("seal")),
    )


def _parts(plain: bytes) -> tuple[bytes, bytes]:
    line, mark, content = plain.partition(b"\n")
    if len(line) != _SEAL_LINE or not mark:
        raise MalformedError(f"the first line is no seal of {_SEAL_LINE} hex digits")
    return _seal(line.decode("ascii", "replace")), content


def _decoded(plain: bytes) -> Batch:
    _, content = _parts(plain)
    if len(plain) > BATCH_PLAIN_BYTES_MAX:
        raise MalformedError(f"batch of {len(plain)} plain bytes, at most {BATCH_PLAIN_BYTES_MAX}")
    first, *lines = content.split(b"\n", SAMPLES_MAX + 1)
    header = _object(first, "header")
    count = _whole(header, "n")
    if not 1 <= count <= SAMPLES_MAX or count != len(lines):
        raise MalformedError(f"header says {count} samples, {len(lines)} came; 1 to {SAMPLES_MAX} are allowed")
    number = _whole(header, "first")
    if number < 1 or number + count > canonical.INTEGER_MAX:
        raise MalformedError("first is not a whole number from 1")
    listed = header.get("points")
    if not isinstance(listed, dict) or len(listed) > BATCH_POINTS_MAX:
        raise MalformedError(f"points is not an object of at most {BATCH_POINTS_MAX}")
    points = {name: _facts(name, facts) for name, facts in listed.items()}
    samples = tuple(_sample(line) for line in lines)
    if lacking := {sample.point for sample in samples} - points.keys():
        raise MalformedError(f"point {min(lacking)} has no facts in the header")
    return Batch(_matching(header, "spool", SPOOL_PATTERN), number, samples, points)


def _row(sample: Sample) -> list[Any]:
    return [sample.point, sample.at, sample.value, str(sample.quality), sample.said_at, sample.note]


def _sample(line: bytes) -> Sample:
    try:
        row = json.loads(line.decode())
    except (ValueError, RecursionError) as exc:
        raise MalformedError("a sample is not JSON") from exc
    # Longer rows come from a newer box; what stands behind is ignored.
    if not isinstance(row, list) or len(row) < 6:
        raise MalformedError("a sample is not a list of 6")
    point, at, value, quality, said_at, note = row[:6]
    for name, text, pattern in (("point", point, POINT_PATTERN), ("at", at, TIME_PATTERN)):
        _fits(name, text, pattern)
    _fits("quality", quality, _QUALITY_PATTERN)
    if value is not None:
        _fits("value", value, VALUE_PATTERN)
    if said_at != "":
        _fits("said_at", said_at, TIME_PATTERN)
    if not isinstance(note, str) or note != one_line(note, NAME_CHARS_MAX):
        raise MalformedError(f"note is not a printable text of at most {NAME_CHARS_MAX} characters")
    return Sample(point, at, value, quality, said_at, note)


def _facts_json(facts: PointFacts) -> dict[str, Any]:
    return {
        "unit": facts.unit,
        "zh": facts.zh,
        "en": facts.en,
        "profile": facts.profile,
        "digest": facts.digest,
        "low": facts.low,
        "high": facts.high,
    }


def _facts(name: str, value: Any) -> PointFacts:
    _fits("point", name, POINT_PATTERN)
    if not isinstance(value, dict):
        raise MalformedError(f"the facts of {name} are not an object")
    texts = {}
    for key, most in (("unit", UNIT_CHARS_MAX), ("zh", NAME_CHARS_MAX), ("en", NAME_CHARS_MAX)):
        text = value.get(key)
        if not isinstance(text, str) or text != one_line(text, most):
            raise MalformedError(f"{key} of {name} is not a printable text of at most {most} characters")
        texts[key] = text
    for key in ("low", "high"):
        if value.get(key) is not None:
            _fits(key, value[key], VALUE_PATTERN)
    return PointFacts(
        **texts,
        profile=_matching(value, "profile", PROFILE_PATTERN),
        digest=_matching(value, "digest", DIGEST_PATTERN),
        low=value.get("low"),
        high=value.get("high"),
    )


def _object(data: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(data.decode())
    except (ValueError, RecursionError) as exc:
        raise MalformedError(f"{what} is not JSON") from exc
    if not isinstance(value, dict):
        raise MalformedError(f"{what} is not an object")
    if type(value.get("v")) is not int or value["v"] != VERSION:  # true == 1 in Python
        raise MalformedError(f"version {value.get('v')!r}, this is hz/{VERSION}")
    return value


def _whole(value: dict[str, Any], key: str) -> int:
    found = value.get(key)
    if type(found) is not int or not 0 <= found <= canonical.INTEGER_MAX:
        raise MalformedError(f"{key} is not a whole number from 0")
    return found


def _matching(value: dict[str, Any], key: str, pattern: re.Pattern[str]) -> str:
    found = value.get(key)
    _fits(key, found, pattern)
    return str(found)


def _fits(name: str, text: Any, pattern: re.Pattern[str]) -> None:
    if not isinstance(text, str) or not pattern.fullmatch(text) or not text.isascii():
        raise MalformedError(f"{name} {str(text)[:40]!r} does not match {pattern.pattern}")


def _seal(text: Any) -> bytes:
    try:
        seal = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        seal = b""
    if len(seal) != SEAL_BYTES or seal.hex() != text:
        raise MalformedError(f"seal is not {SEAL_BYTES} bytes in lower-case hex")
    return seal


def is_value(value: Decimal) -> bool:
    """Whether a batch may carry this value."""
    return value.is_finite() and VALUE_PATTERN.fullmatch(f"{value:f}") is not None
