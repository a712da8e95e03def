"""The scanner profiles there are. Like the scales' (registry.py): a profile is given out only when its file is well
formed and its own examples pass, whole, byte by byte and cut in two at every place.

A transcript holds `profile` and `cases`, each with `id`, `origin`, `rx` (a list of reads in hex; a whole number between
them is a pause in ms) or `keys` (a list of [ms, key code, 0 or 1]), and what must come out: `scans` (texts), `answers`
(how many) and `bad` (flaws).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

from hazgate_profiles.registry import ProfileError, UnknownProfileError
from hazgate_protocols.scale.building import Builder
from hazgate_protocols.scan.events import Answer, BadScan, Flaw, Scan, ScanEvent
from hazgate_protocols.scan.framing import Framer
from hazgate_protocols.scan.keyboard import EV_KEY, LAYOUT_64, KeyReader
from hazgate_protocols.scan.spec import ScannerProfile, SerialTraffic

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

ERRORS_SHOWN = 5
MS = 1_000_000

Loc = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ScanCase:
    """One example."""

    id: str
    origin: str  # capture | manual | constructed | mutated
    rx: tuple[str | int, ...] = ()
    keys: tuple[tuple[int, int, int], ...] = ()
    scans: tuple[str, ...] = ()
    answers: int = 0
    bad: tuple[Flaw, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class ScanTranscript:
    """A file of examples."""

    profile: str
    cases: tuple[ScanCase, ...]


def available() -> list[str]:
    """The ids of all scanner profiles, sorted."""
    return sorted(item.name.removesuffix(".yaml") for item in _folder().iterdir() if item.name.endswith(".yaml"))


@cache
def load(profile_id: str) -> ScannerProfile:
    """The proven profile; raises UnknownProfileError or ProfileError."""
    if profile_id not in available():
        raise UnknownProfileError(f"scanner profile {profile_id!r} does not exist; there are: {', '.join(available())}")
    profile = read_profile(_folder() / f"{profile_id}.yaml")
    if profile.id != profile_id:
        raise ProfileError(f"{profile_id}.yaml: id is {profile.id!r}; allowed: {profile_id!r}, the name of the file")
    for name in profile.transcripts:
        verify(profile, read_transcript(_folder() / "transcripts" / name), name)
    return profile


def read_profile(source: Traversable) -> ScannerProfile:
    """The profile of a file, not yet proven. Raises ProfileError with file, line, key and what is allowed."""
    return cast(ScannerProfile, _built(ScannerProfile, source))


def read_transcript(source: Traversable) -> ScanTranscript:
    """The examples of a file. Raises ProfileError."""
    return cast(ScanTranscript, _built(ScanTranscript, source))


def verify(profile: ScannerProfile, transcript: ScanTranscript, name: str) -> None:
    """Raises ProfileError unless every case comes out as written, however its bytes arrive."""
    if transcript.profile != profile.id:
        raise ProfileError(f"profile {profile.id}: {name} is for profile {transcript.profile!r}")
    failed = [f"{case.id}: {problem}" for case in transcript.cases if (problem := problem_of(profile, case))]
    if not transcript.cases:
        failed = ["it has no case"]
    if failed:
        raise ProfileError(f"profile {profile.id}: {name}: {'; '.join(failed[:ERRORS_SHOWN])}; so it is not used")


def problem_of(profile: ScannerProfile, case: ScanCase) -> str:
    """What is wrong with a case under this profile, "" for nothing."""
    try:
        arrivals = list(_arrivals(profile, case))
    except ValueError as exc:
        return str(exc)
    for how, events in arrivals:
        scans = tuple(event.content.decode("utf-8", "replace") for event in events if isinstance(event, Scan))
        answers = sum(isinstance(event, Answer) for event in events)
        bad = tuple(event.flaw for event in events if isinstance(event, BadScan))
        if (scans, answers, bad) != (case.scans, case.answers, case.bad):
            return f"{how}: scans {scans}, answers {answers}, bad {bad}"
    return ""


def _arrivals(profile: ScannerProfile, case: ScanCase) -> Iterator[tuple[str, list[ScanEvent]]]:
    traffic = profile.traffic
    if isinstance(traffic, SerialTraffic):
        if case.keys or not case.rx:
            raise ValueError("rx is wanted, and no keys")
        reads = [item if isinstance(item, int) else bytes.fromhex(item) for item in case.rx]
        yield "as sent", _framed(traffic, reads, lambda read: [read])
        yield "byte by byte", _framed(traffic, reads, lambda read: [bytes([octet]) for octet in read])
        longest = max(len(read) for read in reads if isinstance(read, bytes))
        for at in range(1, longest):
            yield f"cut at {at}", _framed(traffic, reads, lambda read, at=at: [read[:at], read[at:]])  # type: ignore[misc]
        return
    if case.rx or not case.keys:
        raise ValueError("keys are wanted, and no rx")
    octets = _packed(case)
    yield "as sent", list(KeyReader(traffic, LAYOUT_64).feed(octets))
    for size in (1, 7, LAYOUT_64.size):
        reader = KeyReader(traffic, LAYOUT_64)
        pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
        yield f"{size} bytes at a time", [event for piece in pieces for event in reader.feed(piece)]


def _framed(traffic: SerialTraffic, reads: list[bytes | int], split: Callable[[bytes], list[bytes]]) -> list[ScanEvent]:
    framer, now_ns, events = Framer(traffic), MS, list[ScanEvent]()
    for read in reads:
        if isinstance(read, int):
            now_ns += read * MS
            events += framer.idle(now_ns)
            continue
        for piece in split(read):
            events += framer.feed(piece, now_ns)
    # In the end there is silence, as on every line.
    events += framer.idle(now_ns + traffic.silence_ms * MS)
    return events


def _packed(case: ScanCase) -> bytes:
    at_ms, out = 1_000_000, b""
    for ms, code, value in case.keys:
        at_ms += ms
        out += LAYOUT_64.pack(at_ms // 1000, at_ms % 1000 * 1000, EV_KEY, code, value)
    return out


def _folder() -> Traversable:
    return files("hazgate_profiles") / "scanners"


def _built(hint: Any, source: Traversable) -> Any:
    from hazgate_profiles.validation import read_yaml

    try:
        tree, lines = read_yaml(source)
    except OSError as exc:
        raise ProfileError(f"{source}: {exc.strerror}") from exc
    builder = Builder()
    made = builder.build(hint, tree, ())
    if not builder.mistakes:
        return made
    texts = [
        f"{source}:{_line(loc, lines)}: {'.'.join(map(str, loc)) or 'top'}: {sentence}"
        for loc, sentence in builder.mistakes[:ERRORS_SHOWN]
    ]
    raise ProfileError("\n".join(texts))


def _line(place: Loc, lines: dict[Loc, int]) -> int:
    """The line of a place, or of the nearest place around it that is written down."""
    return next((lines[place[:length]] for length in range(len(place), 0, -1) if place[:length] in lines), 1)
