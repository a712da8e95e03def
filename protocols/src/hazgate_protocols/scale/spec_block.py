"""The part of a profile's schema for records of several lines."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from hazgate_protocols.scale.spec_bytes import FRAME_BYTES_MAX, UNITS, check_regex
from hazgate_protocols.scale.spec_lines import Says, check_ends

_GROUP = re.compile(r"\(\?P<([a-z_]+)>")
COMPANIONS = ("gross", "net", "tare")


@dataclass(frozen=True, slots=True)
class BlockLine:
    """One line that every record has exactly once: the one with the number `at` (from 1), or the one that fits.

    Groups: `gross`, `net` and `tare` are numbers, written like the group `number` of a LineVariant; the text of every
    other must be a key in `maps`.
    """

    name: str
    regex: str
    at: int | None = None
    maps: dict[str, dict[str, Says]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_regex(self.regex)
        groups = set(_GROUP.findall(self.regex))
        if groups - set(COMPANIONS) != set(self.maps):
            raise ValueError(f"line {self.name}: groups {sorted(groups)} but maps for {sorted(self.maps)}")


@dataclass(frozen=True, slots=True)
class Block:
    """Records of several lines, from one that fits `begin` to one that fits `finish`.

    `skip`: lines that may stand between and say nothing. Any other line, a line that is missing or comes twice, and
    a second begin before the finish refuse the record. count: lines of every record, null = not fixed. weight: which
    of its numbers is the reading's weight, and so its mode. unit: see LineVariant; units that are named must agree.
    ends, lead: see Line. max_length: bytes of a whole record.
    """

    kind: Literal["block"]
    ends: tuple[str, ...]
    begin: str
    finish: str
    max_length: int
    lines: tuple[BlockLine, ...]
    weight: Literal["gross", "net"]
    unit: str | None = None
    skip: str | None = None
    count: int | None = None
    lead: str = ""

    def __post_init__(self) -> None:
        for pattern in (self.begin, self.finish, self.skip):
            if pattern is not None:
                check_regex(pattern)
        check_ends(self.ends, self.lead)
        if self.unit not in (*UNITS, "option", None):
            raise ValueError(f"unit {self.unit!r} is not allowed; allowed: option, {', '.join(UNITS)}")
        if not 8 <= self.max_length <= FRAME_BYTES_MAX:
            raise ValueError(f"max_length {self.max_length}: 8 to {FRAME_BYTES_MAX}")
        most = FRAME_BYTES_MAX if self.count is None else self.count
        places = [line.at for line in self.lines if line.at is not None]
        if len(set(places)) != len(places) or not all(1 <= place <= most for place in places):
            raise ValueError(f"lines at {places}: each number once, from 1 to {most}")
        numbers = [name for line in self.lines for name in _GROUP.findall(line.regex) if name in COMPANIONS]
        if len(set(numbers)) != len(numbers) or self.weight not in numbers:
            raise ValueError(f"numbers {numbers}: each once, and among them the weight, {self.weight}")
