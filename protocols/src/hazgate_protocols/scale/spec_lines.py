"""The part of a profile's schema for frames that are lines: regular expressions and what their words say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from hazgate_protocols.scale.reading import Mode, Status
from hazgate_protocols.scale.spec_bytes import FRAME_BYTES_MAX, UNITS, Check, Test, check_regex, hex_bytes

_GROUP = re.compile(r"\(\?P<([a-z_]+)>")


@dataclass(frozen=True, slots=True)
class Says:
    """What a word of a line says of the reading; null = nothing."""

    stable: bool | None = None
    mode: Mode | None = None
    unit: str | None = None
    status: Status | None = None
    zero: bool | None = None


@dataclass(frozen=True, slots=True)
class BitsSay:
    """What a status character says when its masked bits equal a value."""

    mask: str
    equals: str
    says: Says

    def __post_init__(self) -> None:
        Test(0, self.mask, self.equals)


@dataclass(frozen=True, slots=True)
class LineVariant:
    """One meaning of a line: a regular expression for the whole line without its end.

    Groups: `sign` and `weight` make the number (a comma in it is a decimal point, a slash marks the auxiliary digit
    and is left out), or it is `number`, a field of fixed width with padding and sign in front of the digits, where
    brackets round the last digit say that it is not verified, and go. `places` is a digit that counts the decimals
    where the text has no point; `decimals` is their number where the device never says it. reverse: the number's text
    runs from the last digit to the first. The text of every other group must be a key in `maps` (a byte above 7Fh is
    written <83>), or it is one status character with its rules in `bits` (what is said later wins, bits after words).
    A variant of status hold may have a number: the held value, which is shown and never weighed.
    stable, unit ("option": default_unit) and mode hold for the variant as a whole. ignore: an answer that carries no
    reading. Expressions are anchored and linear: no quantifier on a group but "?", no look-around, no back-reference,
    since profiles come from the field.
    """

    name: str
    regex: str
    status: Status = Status.OK
    ignore: bool = False
    maps: dict[str, dict[str, Says]] = field(default_factory=dict)
    mode: Mode | None = None
    bits: dict[str, tuple[BitsSay, ...]] = field(default_factory=dict)
    stable: bool | None = None
    unit: str | None = None
    decimals: int | None = None
    reverse: bool = False

    def __post_init__(self) -> None:
        check_regex(self.regex)
        groups = set(_GROUP.findall(self.regex))
        if groups - {"sign", "weight", "number", "places"} != set(self.maps) | set(self.bits):
            raise ValueError(
                f"variant {self.name}: groups {sorted(groups)} but maps for {sorted({*self.maps, *self.bits})}"
            )
        if "places" in groups and self.decimals is not None:
            raise ValueError(f"variant {self.name}: places in the line, or decimals here, not both")
        if self.decimals is not None and not 0 <= self.decimals <= 9:
            raise ValueError(f"variant {self.name}: decimals {self.decimals}: 0 to 9 are allowed")
        if self.unit not in (*UNITS, "option", None):
            raise ValueError(f"variant {self.name}: unit {self.unit!r} is not allowed; allowed: {', '.join(UNITS)}")
        numbers = len(groups & {"weight", "number"})
        if numbers != (self.status is Status.OK and not self.ignore) and (numbers, self.status) != (1, Status.HOLD):
            raise ValueError(f"variant {self.name}: one group weight or number goes with status ok and with no other")
        if "number" in groups and (groups & {"sign", "places"} or self.decimals is not None or self.reverse):
            raise ValueError(f"variant {self.name}: a group number is the whole number")


@dataclass(frozen=True, slots=True)
class Line:
    """Frames that are lines. `ends`: accepted line ends, all with the same last byte; `head`: how a record begins.

    A line that does not begin so, or is shorter than min_length, is a framing fault (the tail of a line, noise), one
    that fits no variant a content fault. max_length counts the line's end. check: offsets in the line without its end,
    below 0 from its end. lead: a byte that is dropped in front of a line (the LF of a device that ends its lines with
    CR or with CR LF).
    """

    kind: Literal["line"]
    ends: tuple[str, ...]
    head: str
    max_length: int
    variants: tuple[LineVariant, ...]
    check: Check | None = None
    min_length: int = 0
    lead: str = ""

    def __post_init__(self) -> None:
        check_regex(self.head, whole=False)
        check_ends(self.ends, self.lead)
        if not 4 <= self.max_length <= FRAME_BYTES_MAX or not 0 <= self.min_length < self.max_length:
            raise ValueError(f"max_length {self.max_length}: 4 to {FRAME_BYTES_MAX}, and min_length below it")
        if not self.variants:
            raise ValueError("a frame has at least one variant")


def check_ends(ends: tuple[str, ...], lead: str) -> None:
    """Raises ValueError for line ends that the search for one last byte would not find."""
    if len({hex_bytes(end)[-1:] for end in ends}) != 1 or not all(hex_bytes(end) for end in ends):
        raise ValueError(f"ends {list(ends)}: at least one, all with the same last byte")
    if len(hex_bytes(lead)) > 1 or (lead and hex_bytes(lead) == hex_bytes(ends[0])[-1:]):
        raise ValueError(f"lead {lead!r}: one byte, and not the last one of a line")
