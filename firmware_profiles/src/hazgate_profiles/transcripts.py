"""Worked examples: bytes of a device and the readings they must give. They are the proof of a profile.

A transcript file has `profile`, `options` and `cases`; a case has `id`, `rx` (hex, one text a read), `readings`, and
may have `options`, `rejects` (why bytes are refused; advice) and `may_also` (readings that are tolerated besides).
Of an expected reading only the keys that are present are compared; null = must be unknown; numbers as decimals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hazgate_protocols.scale.decoder import Decoder, Event
from hazgate_protocols.scale.options import OptionError
from hazgate_protocols.scale.reading import Reading, Reject
from hazgate_protocols.scale.registers import RegisterMap
from hazgate_protocols.scale.spec import Profile, Value

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from hazgate_profiles.registry import Registry

FILE_BYTES_MAX = 1024 * 1024
CHUNK_BYTES = 4096
_NUMBERS = ("weight", "tare", "gross", "net")
KEYS = ("weight", "unit", "stable", "mode", "status", "zero", "tare", "gross", "net")


class TranscriptError(ValueError):
    """A file that is no transcript; the message names file, case and key."""


@dataclass(frozen=True, slots=True)
class Case:
    """One example. reads: the bytes as they arrived."""

    profile: str
    id: str
    origin: str
    reads: tuple[bytes, ...]
    readings: tuple[dict[str, Any], ...]
    rejects: tuple[str, ...] = ()
    may_also: tuple[dict[str, Any], ...] = ()
    options: Mapping[str, Value] = field(default_factory=dict)
    tx: bytes = b""


@dataclass(frozen=True, slots=True)
class Transcript:
    """A file of examples for one profile."""

    profile: str
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What a case gave as it was sent, and whether it is right however the bytes arrive; problem is empty then."""

    profile: str
    id: str
    readings: tuple[dict[str, Any], ...]
    rejects: tuple[str, ...]
    problem: str = ""

    @property
    def passed(self) -> bool:
        return not self.problem

    def as_json(self) -> dict[str, Any]:
        """{profile, id, readings, rejects}: decimals are text, unknown is null."""
        return {"profile": self.profile, "id": self.id, "readings": list(self.readings), "rejects": list(self.rejects)}


def run_file(path: Path, registry: Registry | None = None) -> list[CaseResult]:
    """Runs the cases of a file; raises TranscriptError, ProfileError (the profile cannot be used), OSError."""
    from hazgate_profiles.registry import packaged

    transcript = read_transcript(path)
    profile = (registry or packaged()).load(transcript.profile)
    return [run_case(profile, case) for case in transcript.cases]


def run_case(profile: Profile, case: Case) -> CaseResult:
    """One case as sent, whole, byte by byte and cut in two at every place."""
    try:
        decoder = Decoder(profile, case.options)
    except OptionError as exc:
        return CaseResult(case.profile, case.id, (), (), str(exc))
    asked = RegisterMap(profile, case.options).request() if case.tx and profile.registers else case.tx
    if asked != case.tx:
        return CaseResult(case.profile, case.id, (), (), f"asks {asked.hex(' ')} instead of {case.tx.hex(' ')}")
    if case.tx:
        decoder.asked(case.tx)
    events = _events(decoder, case.reads)
    readings = tuple(reading_json(event) for event in events if isinstance(event, Reading))
    rejects = tuple(str(event.reason) for event in events if isinstance(event, Reject))
    problem = _difference(case, readings)
    if not problem:
        for name, reads in _arrivals(b"".join(case.reads)):
            if _events(decoder, reads) != events:
                problem = f"other events when the bytes arrive {name}"
                break
    return CaseResult(case.profile, case.id, readings, rejects, problem)


def readings_of(
    profile_id: str,
    received: bytes | Iterable[bytes],
    *,
    options: Mapping[str, Value] | None = None,
    registry: Registry | None = None,
) -> Iterator[dict[str, Any]]:
    """Captured bytes as JSON objects, one a reading or rejection, each with its bytes in hex as `raw`.

    A reading has the keys of KEYS; a rejection has `reject` (the reason) and `detail`. Raises ProfileError and
    OptionError before the first of them.
    """
    from hazgate_profiles.registry import packaged

    decoder = Decoder((registry or packaged()).load(profile_id), options)
    pieces = [received] if isinstance(received, bytes) else received
    return _objects(decoder, pieces)


def _objects(decoder: Decoder, pieces: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for piece in pieces:
        for start in range(0, len(piece), CHUNK_BYTES):
            yield from map(event_json, decoder.feed(piece[start : start + CHUNK_BYTES]))
    yield from map(event_json, decoder.finish())


def event_json(event: Event) -> dict[str, Any]:
    """A reading or a rejection as a JSON object with its bytes."""
    if isinstance(event, Reading):
        return {**reading_json(event), "raw": event.raw.hex(" ")}
    return {"reject": str(event.reason), "detail": event.detail, "raw": event.raw.hex(" ")}


def reading_json(reading: Reading) -> dict[str, Any]:
    """A reading as a JSON object with the keys of KEYS."""
    values = {key: getattr(reading, key) for key in KEYS}
    for key in _NUMBERS:
        if values[key] is not None:
            values[key] = f"{values[key]:f}"
    values["mode"] = str(reading.mode) if reading.mode is not None else None
    values["status"] = str(reading.status)
    return values


def bytes_of_hex(text: str) -> bytes:
    """Bytes of a hex dump: "02 2B", "022b", "0x02,0x2B", over several lines. Raises ValueError."""
    bare = text.replace("0x", " ").replace("0X", " ").replace(",", " ").replace(":", " ")
    try:
        return bytes.fromhex(" ".join(bare.split()))
    except ValueError as exc:
        raise ValueError(f"not a hex dump: {exc}") from exc


def read_transcript(source: Path | Traversable) -> Transcript:
    """The examples of a file; raises TranscriptError, OSError."""
    import yaml

    text = source.read_bytes()
    if len(text) > FILE_BYTES_MAX:
        raise TranscriptError(f"{source}: {len(text)} bytes; allowed: {FILE_BYTES_MAX}")
    try:
        tree = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise TranscriptError(f"{source}: not YAML: {' '.join(str(exc).split())}") from exc
    if (
        not isinstance(tree, dict)
        or not isinstance(tree.get("profile"), str)
        or not isinstance(tree.get("cases"), list)
    ):
        raise TranscriptError(f"{source}: needs profile (text) and cases (list)")
    if not tree["cases"]:
        raise TranscriptError(f"{source}: has no case")
    shared = tree.get("options") or {}
    return Transcript(
        tree["profile"], tuple(_case(item, tree["profile"], shared, str(source)) for item in tree["cases"])
    )


def _case(item: Any, profile: str, shared: Any, source: str) -> Case:
    name = item.get("id", "?") if isinstance(item, dict) else "?"
    try:
        expected = [*item["readings"], *(item.get("may_also") or ())]
        for reading in expected:
            if unknown := set(reading) - set(KEYS):
                raise ValueError(f"readings have no key {sorted(unknown)}; allowed: {', '.join(KEYS)}")
            for key in _NUMBERS:
                if reading.get(key) is not None:
                    Decimal(str(reading[key]))
        reads = item["rx"] if isinstance(item["rx"], list) else [item["rx"]]
        return Case(
            profile=profile,
            id=str(item["id"]),
            origin=str(item.get("origin", "")),
            reads=tuple(bytes.fromhex(read) for read in reads),
            readings=tuple(item["readings"]),
            rejects=tuple(item.get("rejects") or ()),
            may_also=tuple(item.get("may_also") or ()),
            options={**shared, **(item.get("options") or {})},
            tx=bytes.fromhex(item.get("tx") or ""),
        )
    except KeyError as exc:
        raise TranscriptError(f"{source}: case {name}: key {exc} is missing") from exc
    except (TypeError, ValueError, AttributeError, InvalidOperation) as exc:
        raise TranscriptError(f"{source}: case {name}: {exc}") from exc


def _events(decoder: Decoder, reads: Sequence[bytes]) -> list[Event]:
    decoder.reset()
    return [event for read in reads for event in decoder.feed(read)] + decoder.finish()


def _arrivals(received: bytes) -> Iterator[tuple[str, list[bytes]]]:
    yield "whole", [received]
    yield "byte by byte", [received[place : place + 1] for place in range(len(received))]
    for place in range(1, len(received)):
        yield f"cut after {place} bytes", [received[:place], received[place:]]


def _difference(case: Case, readings: Sequence[dict[str, Any]]) -> str:
    """Empty, or what is wrong: the expected readings in order, between them only tolerated ones."""
    reached = {0}  # how many expected readings may be behind us
    for reading in readings:
        tolerated = any(_agrees(reading, wanted) for wanted in case.may_also)
        reached = {step for step in reached if tolerated} | {
            step + 1 for step in reached if step < len(case.readings) and _agrees(reading, case.readings[step])
        }
    if len(case.readings) in reached:
        return ""
    return f"expected {list(case.readings)}, got {list(readings)}"


def _agrees(reading: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    for key, value in wanted.items():
        got = reading[key]
        if key in _NUMBERS and value is not None and got is not None:
            if Decimal(str(value)) != Decimal(got):
                return False
        elif got != value or isinstance(got, bool) is not isinstance(value, bool):
            return False
    return True
