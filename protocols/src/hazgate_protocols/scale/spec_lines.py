"""The part of a profile's schema for frames that are lines: regular expressions and what their words say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from hazgate_protocols.scale.reading import Mode, Status
from hazgate_protocols.scale.spec_bytes import FRAME_BYTES_MAX, hex_bytes

_GROUP = re.compile(r"\(\?P<([a-z_]+)>")


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

    Groups: `sign` and `weight` make the number (a comma in it is a decimal point); the text of every other group must
    be a key in `maps` (later maps win). ignore: an answer that carries no reading. Expressions are anchored and
    linear: no quantifier on a group but "?", no look-around, no back-reference, since profiles come from the field.
    """

    name: str
    regex: str
    status: Status = Status.OK
    ignore: bool = False
    maps: dict[str, dict[str, Says]] = field(default_factory=dict)
    mode: Mode | None = None

    def __post_init__(self) -> None:
        check_regex(self.regex)
        groups = set(_GROUP.findall(self.regex))
        if groups - {"sign", "weight"} != set(self.maps):
            raise ValueError(f"variant {self.name}: groups {sorted(groups)} but maps for {sorted(self.maps)}")
        if ("weight" in groups) != (self.status is Status.OK and not self.ignore):
            raise ValueError(f"variant {self.name}: a group weight goes with status ok and with no other")


@dataclass(frozen=True, slots=True)
class Line:
    """Frames that are lines. `ends`: accepted line ends, all with the same last byte; `head`: how a record begins.

    A line that does not begin so is a framing fault (the tail of a line, noise), one that does and fits no variant a
    content fault. max_length counts the line's end.
    """

    kind: Literal["line"]
    ends: tuple[str, ...]
    head: str
    max_length: int
    variants: tuple[LineVariant, ...]

    def __post_init__(self) -> None:
        check_regex(self.head, whole=False)
        if len({hex_bytes(end)[-1:] for end in self.ends}) != 1 or not all(hex_bytes(end) for end in self.ends):
            raise ValueError(f"ends {list(self.ends)}: at least one, all with the same last byte")
        if not 4 <= self.max_length <= FRAME_BYTES_MAX:
            raise ValueError(f"max_length {self.max_length}: 4 to {FRAME_BYTES_MAX}")
        if not self.variants:
            raise ValueError("a frame has at least one variant")


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
