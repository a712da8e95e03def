"""The schema of a scanner profile: what differs from model to model. The YAML files of hazgate_profiles follow it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from hazgate_protocols.scan import commands

SILENCE_MS_MIN, SILENCE_MS_MAX = 20, 500
KEY_GAP_MS_MAX = 200
COMMAND_BYTES_MAX = 64


class Suffix(StrEnum):
    """What the scanner puts behind a code."""

    CR = "cr"
    LF = "lf"
    CRLF = "crlf"  # exactly both: a lone one belongs to the code
    LINE = "line"  # CR, LF or both, for a scanner nobody has set up
    TAB = "tab"
    NONE = "none"  # silence ends the code


@dataclass(frozen=True, slots=True)
class SerialTraffic:
    """Bytes over a serial line, a USB serial port or a serial server."""

    kind: Literal["serial"]
    baud: tuple[int, ...]  # the usual one first
    suffix: Suffix
    bits: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stop: Literal[1, 2] = 1
    silence_ms: int = 100  # suffix none: ends a code; any other: what has no end by then is dropped
    answers: Literal["none", "gm65"] = "none"  # what may stand in front of the data
    aim: bool = False  # whether an AIM identifier is expected; one that comes unasked is no part of our label either

    def __post_init__(self) -> None:
        if not self.baud:
            raise ValueError("baud: at least one rate is wanted")
        if not SILENCE_MS_MIN <= self.silence_ms <= SILENCE_MS_MAX:
            raise ValueError(f"silence_ms {self.silence_ms}; allowed: {SILENCE_MS_MIN} to {SILENCE_MS_MAX}")


@dataclass(frozen=True, slots=True)
class KeyTraffic:
    """Key strokes of a scanner that plays a US keyboard."""

    kind: Literal["keys"]
    ends: tuple[Literal["enter", "tab"], ...]
    gap_ms: int = 50  # a longer pause between two keys: no scanner sent this
    aim: bool = False

    def __post_init__(self) -> None:
        if not self.ends:
            raise ValueError("ends: enter, tab or both are wanted")
        if not 5 <= self.gap_ms <= KEY_GAP_MS_MAX:
            raise ValueError(f"gap_ms {self.gap_ms}; allowed: 5 to {KEY_GAP_MS_MAX}")


@dataclass(frozen=True, slots=True)
class ScanCommand:
    """Bytes to send, in hex. check: the family whose check they must carry."""

    tx: str
    check: Literal["none", "gm65", "gm72"] = "none"

    def __post_init__(self) -> None:
        try:
            octets = bytes.fromhex(self.tx)
        except ValueError as exc:
            raise ValueError(f"tx {self.tx[:40]!r} is no hex") from exc
        if not 0 < len(octets) <= COMMAND_BYTES_MAX:
            raise ValueError(f"tx has {len(octets)} bytes; allowed: 1 to {COMMAND_BYTES_MAX}")
        if self.check == "gm65" and not commands.is_checked_gm65(octets):
            raise ValueError(f"tx {self.tx} is no gm65 command with a right check")
        if self.check == "gm72" and not commands.is_checked_gm72(octets):
            raise ValueError(f"tx {self.tx} is no gm72 command with a right check")

    @property
    def octets(self) -> bytes:
        """What goes over the wire."""
        return bytes.fromhex(self.tx)


@dataclass(frozen=True, slots=True)
class ScannerProfile:
    """One family of scanners."""

    id: str
    title: dict[str, str]  # zh, en
    trust: Literal["assumed", "manual", "bench", "field"]
    source: tuple[str, ...]
    traffic: SerialTraffic | KeyTraffic
    transcripts: tuple[str, ...]
    commands: dict[str, ScanCommand] = field(default_factory=dict)  # start and stop of a look, and what the family has
    notes: str = ""

    def __post_init__(self) -> None:
        if missing := {"zh", "en"} - self.title.keys():
            raise ValueError(f"title: {', '.join(sorted(missing))} is missing")
        if not self.source or not self.transcripts:
            raise ValueError("source and transcripts: at least one of each is wanted")
        if self.commands and not isinstance(self.traffic, SerialTraffic):
            raise ValueError("commands: a keyboard takes none")
