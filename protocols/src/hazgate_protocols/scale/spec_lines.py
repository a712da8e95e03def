"""The part of a profile's schema for frames of text: lines, and blocks of several lines that are one record."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from hazgate_protocols.scale.reading import Mode, Status
from hazgate_protocols.scale.spec_bytes import FRAME_BYTES_MAX, UNITS, hex_bytes

_GROUP = re.compile(r"\(\?P<([a-z_]+)>")
COMPANIONS = ("gross", "net", "tare")


@dataclass(frozen=True, slots=True)
class Says:
    """What a word of a line says of the reading; null = nothing."""

    stable: bool | None = None
    mode: Mode | None = None
    unit: str | None = None
    status: Status | None = None


@dataclass(frozen=True, slots=True)
class LineVariant:
    """One meaning of a line: a regular expression for the whole line without its end.

    The number is the group `number`, a field of fixed width with sign and padding in front of the digits, or the
    groups `sign` and `weight`. A comma in it is a decimal point; brackets round its last digit say that the digit is
    not verified, and go. `gross`, `net`, `tare` are companions, written like `number`. The text of every other group
    must be a key in `maps` (later maps win). unit: for lines that name none; "option" takes default_unit. ignore: an
    answer that carries no reading. Expressions are anchored and linear: no quantifier on a group but "?", no
    look-around, no back-reference, since profiles come from the field.
    """

    name: str
    regex: str
    status: Status = Status.OK
    ignore: bool = False
    maps: dict[str, dict[str, Says]] = field(default_factory=dict)
    mode: Mode | None = None
    unit: str | None = None

    def __post_init__(self) -> None:
        check_regex(self.regex)
        groups = set(_GROUP.findall(self.regex))
        if groups - {"sign", "weight", "number", *COMPANIONS} != set(self.maps):
            raise ValueError(f"variant {self.name}: groups {sorted(groups)} but maps for {sorted(self.maps)}")
        carries = len(groups & {"weight", "number"})
        if carries != (1 if self.status is Status.OK and not self.ignore else 0):
            raise ValueError(f"variant {self.name}: one group weight or number goes with status ok and with no other")
        if "sign" in groups and "weight" not in groups:
            raise ValueError(f"variant {self.name}: a group sign goes with a group weight")
        _check_unit(self.unit, f"variant {self.name}")


@dataclass(frozen=True, slots=True)
class Line:
    """Frames that are lines. `ends`: accepted line ends, all with the same last byte; `head`: how a record begins.

    A line that does not begin so, or is shorter than min_length, is a framing fault (the tail of a line, noise); one
    that does and fits no variant a content fault. max_length counts the line's end. lead: a byte that is dropped in
    front of a line (the LF of a device that ends its lines with CR or with CR LF).
    """

    kind: Literal["line"]
    ends: tuple[str, ...]
    head: str
    max_length: int
    variants: tuple[LineVariant, ...]
    min_length: int = 0
    lead: str = ""

    def __post_init__(self) -> None:
        check_regex(self.head, whole=False)
        _check_ends(self.ends, self.lead)
        if not 4 <= self.max_length <= FRAME_BYTES_MAX or not 0 <= self.min_length < self.max_length:
            raise ValueError(f"max_length {self.max_length}: 4 to {FRAME_BYTES_MAX}, and min_length below it")
        if not self.variants:
            raise ValueError("a frame has at least one variant")


@dataclass(frozen=True, slots=True)
class BlockLine:
    """One line that every record has exactly once: the one with the number `at` (from 1), or the one that fits.

    Groups as in LineVariant: `gross`, `net` and `tare` are numbers, every other has its words in `maps`.
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
        _check_ends(self.ends, self.lead)
        _check_unit(self.unit, "block")
        if not 8 <= self.max_length <= FRAME_BYTES_MAX:
            raise ValueError(f"max_length {self.max_length}: 8 to {FRAME_BYTES_MAX}")
        most = FRAME_BYTES_MAX if self.count is None else self.count
        places = [line.at for line in self.lines if line.at is not None]
        if len(set(places)) != len(places) or not all(1 <= place <= most for place in places):
            raise ValueError(f"lines at {places}: each number once, from 1 to {most}")
        numbers = [name for line in self.lines for name in _GROUP.findall(line.regex) if name in COMPANIONS]
        if len(set(numbers)) != len(numbers) or self.weight not in numbers:
            raise ValueError(f"numbers {numbers}: each once, and among them the weight, {self.weight}")


def check_regex(pattern: str, *, whole: bool = True) -> None:
    """Raises ValueError unless an expression is ASCII, anchored, without parts that can take exponential time."""
    if not pattern.isascii() or not pattern.startswith("^") or (whole and not pattern.endswith("$")):
        raise ValueError(f"regex {pattern!r}: ASCII, beginning with ^" + (" and ending with $" if whole else ""))
    bare = re.sub(r"\\[^0-9]", "", pattern)  # escaped brackets are only characters
    if re.search(r"\)[*+{]|\\[0-9]|\(\?(?!P<|:)", bare):
        raise ValueError(f"regex {pattern!r}: no repeated group, look-around or back-reference")
    try:
        re.compile(pattern.encode("ascii"))
    except re.error as exc:
        raise ValueError(f"regex {pattern!r}: {exc}") from exc


def _check_ends(ends: tuple[str, ...], lead: str) -> None:
    if len({hex_bytes(end)[-1:] for end in ends}) != 1 or not all(hex_bytes(end) for end in ends):
        raise ValueError(f"ends {list(ends)}: at least one, all with the same last byte")
    if len(hex_bytes(lead)) > 1 or (lead and hex_bytes(lead) == hex_bytes(ends[0])[-1:]):
        raise ValueError(f"lead {lead!r}: one byte, and not the last one of a line")


def _check_unit(unit: str | None, where: str) -> None:
    if unit not in (*UNITS, "option", None):
        raise ValueError(f"{where}: unit {unit!r} is not allowed; allowed: option, {', '.join(UNITS)}")
