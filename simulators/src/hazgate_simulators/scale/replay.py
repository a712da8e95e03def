"""Captured streams of real devices, played again byte by byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from hazgate_protocols.mass import Mass

FILE_BYTES_MAX = 1_000_000
CASE_S = 2.0  # every case but the last is repeated for this long

# The captured bag: a live capture of an empty weighbridge, then of a load of 85 kg.
CAPTURED_BAG = "yaohua-tf0#empty-platform,person-85kg"


class ReplayError(ValueError):
    """A transcript cannot be replayed; the message says which, why, and what to use."""


@dataclass(frozen=True, slots=True)
class ReplayCase:
    """One captured piece: the reads as they arrived, and what lay on the scale (None if the file does not say)."""

    id: str
    origin: str
    reads: tuple[bytes, ...]
    load: Mass | None


@dataclass(frozen=True, slots=True)
class Replay:
    """Cases of one transcript, in the order they are played."""

    profile: str
    source: str
    cases: tuple[ReplayCase, ...]

    def frames(self, period_s: float) -> Iterator[ReplayCase]:
        """The cases, one item a period: each for CASE_S, the last without end."""
        for case in self.cases[:-1]:
            for _ in range(max(1, round(CASE_S / period_s))):
                yield case
        while True:
            yield self.cases[-1]


def load_replay(spec: str, profile: str) -> Replay:
    """The replay that FILE[#case,case] names; FILE is a path or the id of a transcript the profiles carry.

    Raises ReplayError: no such file, not a transcript, wrong profile, unknown case, a polled device.
    """
    name, _, wanted = spec.partition("#")
    try:
        transcript = yaml.safe_load(_text(name))
        if transcript["profile"] != profile:
            raise ReplayError(f"replay {spec}: it is of {transcript['profile']}, the simulator speaks {profile}")
        if transcript["mode"] != "stream":
            raise ReplayError(
                f"replay {spec}: a {transcript['mode']} device answers questions; only streams are replayed"
            )
        cases = {case["id"]: case for case in transcript["cases"]}
        chosen = [part.strip() for part in wanted.split(",")] if wanted else list(cases)
        for case_id in chosen:
            if case_id not in cases:
                raise ReplayError(f"replay {spec}: no case {case_id!r}; there are {', '.join(cases)}")
        return Replay(profile, spec, tuple(_case(cases[case_id]) for case_id in chosen))
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as exc:
        raise ReplayError(f"replay {spec}: {name} is not a transcript: {exc!r}") from exc


def _text(name: str) -> str:
    path = Path(name)
    try:
        if path.suffix in (".yaml", ".yml") and path.exists():
            with path.open("rb") as stream:
                return stream.read(FILE_BYTES_MAX).decode()
        carried = files("hazgate_profiles") / "transcripts" / f"{path.name.removesuffix('.yaml')}.yaml"
        return carried.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ReplayError(
            f"replay {name}: cannot read it: {exc}; give a file or the id of a carried transcript"
        ) from exc


def _case(case: dict[str, Any]) -> ReplayCase:
    try:
        reads = tuple(bytes.fromhex(read) for read in case["rx"])
    except ValueError as exc:
        raise ReplayError(f"replay case {case['id']}: rx is not hex: {exc}") from exc
    if not any(reads):
        raise ReplayError(f"replay case {case['id']}: it has no bytes")
    return ReplayCase(case["id"], case.get("origin", ""), reads, _load(case.get("readings") or []))


def _load(readings: list[dict[str, Any]]) -> Mass | None:
    if not readings or readings[-1].get("weight") is None or readings[-1].get("mode") not in (None, "gross"):
        return None
    try:
        return Mass.of(Decimal(readings[-1]["weight"]), readings[-1].get("unit") or "kg")
    except (ValueError, InvalidOperation):
        return None  # pounds and the like: played all the same, only the platform does not follow
