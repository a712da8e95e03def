"""The shape of a device profile: how one family of indicators writes a reading.

These dataclasses are the schema of `firmware_profiles/*.yaml`; hazgate_profiles validates the files against them.
Byte strings are hex text ("02 2B"). Offsets count from the frame's first byte (registers: from the first register's
high byte); ranges are [from, to) like slices. What the types cannot say is checked in `__post_init__` and raises
ValueError, so a profile object that exists is complete.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Literal, TypeAlias

from hazgate_protocols.scale.reading import Mode, Status

FRAME_BYTES_MAX = 512  # no weight record in the trade is longer; the decoder never holds more unread bytes
REGISTERS_MAX = 125  # one Modbus request; many transmitters allow fewer
_GROUP = re.compile(r"\(\?P<([a-z_]+)>")

UNITS = ("kg", "g", "mg", "t", "lb", "oz", "gn", "pcs", "percent")

Value: TypeAlias = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Test:
    """A fact about one byte: masked, it equals, or differs from, a value."""

    __test__ = False  # not a pytest class

    at: int
    mask: str = "FF"
    equals: str | None = None
    differs: str | None = None

    def __post_init__(self) -> None:
        if (self.equals is None) == (self.differs is None):
            raise ValueError("a test says either equals or differs")
        for text in (self.mask, self.equals, self.differs):
            if text is not None and len(_hex(text)) != 1:
                raise ValueError(f"{text!r} is not one byte in hex")


@dataclass(frozen=True, slots=True)
class Lookup:
    """A value read from one byte: the masked bits, shifted down, are the key. A missing key refuses the frame.

    A mapped value may be another lookup (a unit code that says "see the bit over there").
    """

    at: int
    map: dict[int, Lookup | Value]
    mask: str = "FF"

    def __post_init__(self) -> None:
        if len(_hex(self.mask)) != 1 or _hex(self.mask) == b"\0":
            raise ValueError(f"mask {self.mask!r} is not one byte in hex with a bit set")


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal number in a range of bytes.

    form ascii-int: digits, in front of them any of `pad`; the others are big-endian integers. decimals: places after
    the point; "option" takes the site's setting; below 0 = fixed zeros, see the option dummy_zeros. sign: a lookup
    with "+" and "-". max: a larger magnitude refuses the frame.
    """

    span: tuple[int, int]
    form: Literal["ascii-int", "uint16", "int16", "uint32", "int32"]
    decimals: Lookup | int | Literal["option"]
    pad: Literal["", " "] = ""
    sign: Lookup | None = None
    max: int | None = None

    def __post_init__(self) -> None:
        start, stop = self.span
        width = {"uint16": 2, "int16": 2, "uint32": 4, "int32": 4}.get(self.form, stop - start)
        if not 0 <= start < stop or stop - start != width:
            raise ValueError(f"span {list(self.span)} does not fit form {self.form}")
        if self.pad and self.form != "ascii-int":
            raise ValueError("pad goes with ascii-int only")
        if isinstance(self.decimals, int) and not 0 <= self.decimals <= 9:
            raise ValueError(f"decimals {self.decimals}: 0 to 9 are allowed")


@dataclass(frozen=True, slots=True)
class Fields:
    """Where the parts of a reading stand in the bytes; absent = the frame does not say. unit "option": default_unit."""

    weight: Number | None = None
    unit: Lookup | str | None = None
    stable: Lookup | bool | None = None
    mode: Lookup | Mode | None = None
    zero: Lookup | None = None
    tare: Number | None = None
    gross: Number | None = None
    net: Number | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """One meaning of a frame of bytes; the first variant whose tests all hold is taken."""

    name: str
    status: Status
    when: tuple[Test, ...] = ()
    fields: Fields = field(default_factory=Fields)

    def __post_init__(self) -> None:
        if (self.fields.weight is not None) != (self.status is Status.OK):
            raise ValueError(f"variant {self.name}: a weight goes with status ok and with no other")


@dataclass(frozen=True, slots=True)
class Check:
    """A checksum: the algorithm over a range of the frame stands, as it comes from the algorithm, at an offset."""

    algo: Literal["xor-hex", "sum7-neg", "crc16-modbus"]
    over: tuple[int, int]
    at: int


@dataclass(frozen=True, slots=True)
class EndAt:
    """A byte that must stand at an offset."""

    offset: int
    byte: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """Frames of one length. `check: null` must be written out: leaving a checksum away is a decision."""

    kind: Literal["fixed"]
    start: str
    length: int
    end_at: tuple[EndAt, ...]
    check: Check | None
    variants: tuple[Variant, ...]
    guards: tuple[Test, ...] = ()

    def __post_init__(self) -> None:
        if not 2 <= self.length <= FRAME_BYTES_MAX or not 1 <= len(_hex(self.start)) < self.length:
            raise ValueError(
                f"start {self.start!r}, length {self.length}: 1 byte of start, 2 to {FRAME_BYTES_MAX} bytes"
            )
        for end in self.end_at:
            if not 0 <= end.offset < self.length or len(_hex(end.byte)) != 1:
                raise ValueError(f"end_at {end}: one byte inside the frame")
        if self.check is not None and not 0 <= self.check.over[0] < self.check.over[1] <= self.check.at < self.length:
            raise ValueError(f"check {self.check}: a range and after it the check, inside {self.length} bytes")
        _check_variants(self.variants, self.guards, self.length)


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
        if len({_hex(end)[-1:] for end in self.ends}) != 1 or not all(_hex(end) for end in self.ends):
            raise ValueError(f"ends {list(self.ends)}: at least one, all with the same last byte")
        if not 4 <= self.max_length <= FRAME_BYTES_MAX:
            raise ValueError(f"max_length {self.max_length}: 4 to {FRAME_BYTES_MAX}")
        if not self.variants:
            raise ValueError("a frame has at least one variant")


@dataclass(frozen=True, slots=True)
class Registers:
    """One Modbus request whose answer holds status and weight of the same moment.

    address: 0-based, as on the wire. exceptions: exception codes that say more than error.
    """

    kind: Literal["registers"]
    function: Literal[3, 4]
    address: int
    count: int
    variants: tuple[Variant, ...]
    exceptions: dict[int, Status] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.address <= 0xFFFF or not 1 <= self.count <= REGISTERS_MAX:
            raise ValueError(f"address {self.address}, count {self.count}: 0 to 65535 and 1 to {REGISTERS_MAX}")
        if Status.OK in self.exceptions.values():
            raise ValueError("an exception is never ok")
        _check_variants(self.variants, (), 2 * self.count)


@dataclass(frozen=True, slots=True)
class Open:
    """What opening the port must do: line levels, time to settle, whether bytes of before are thrown away."""

    dtr: bool = False
    rts: bool = False
    settle_ms: int = 0
    drain: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """Ways to reach the device; of `baud` the first is the default, the wizard tries the rest."""

    kinds: tuple[Literal["serial", "tcp", "modbus-rtu", "modbus-tcp"], ...]
    baud: tuple[int, ...]
    bits: Literal[7, 8]
    parity: Literal["N", "E", "O"]
    stop: Literal[1, 2]
    open: Open = field(default_factory=Open)


@dataclass(frozen=True, slots=True)
class Stream:
    """The device talks by itself. silence_ms without a frame = link down."""

    mode: Literal["stream"]
    period_ms: int
    silence_ms: int


@dataclass(frozen=True, slots=True)
class Poll:
    """The device answers. One request each interval_ms; no answer in timeout_ms counts as a reject "timeout";
    after `retries` of them in a row the link is down. guard_ms: quiet time between an answer and the next request."""

    mode: Literal["poll"]
    interval_ms: int
    timeout_ms: int
    retries: int
    guard_ms: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """Outer bounds of what the family can say, as decimal text in the frame's unit; the site narrows them."""

    min: str | None = None
    max: str | None = None
    division: str | None = None

    def __post_init__(self) -> None:
        for text in (self.min, self.max, self.division):
            try:
                if text is not None and not Decimal(text).is_finite():
                    raise ValueError(f"limit {text!r} is not a finite decimal")
            except InvalidOperation:
                raise ValueError(f"limit {text!r} is not a decimal number") from None


@dataclass(frozen=True, slots=True)
class StabilityWindow:
    """The host's own rule: `samples` readings in a row over span_ms within tolerance_divisions.

    device-silent: only where the device says nothing of stability. always: also where it says stable, because
    nothing in the frame guards against a lost or changed digit. It never overrides a device that says moving.
    """

    when: Literal["device-silent", "always"]
    samples: int
    span_ms: int
    tolerance_divisions: int


@dataclass(frozen=True, slots=True)
class Command:
    """Bytes to send and the answers that mean done; no acks = the weight itself is the answer."""

    tx: str
    acks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for text in (self.tx, *self.acks):
            _hex(text)


@dataclass(frozen=True, slots=True)
class Match:
    """What the finder may go by."""

    vendors: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """One family of indicators. `options`: what a site may set, with the default (scale/options.py knows them).

    trust: assumed < manual < bench < field. revision is raised with every change.
    """

    id: str
    title: dict[Literal["zh", "en"], str]
    revision: int
    trust: Literal["assumed", "manual", "bench", "field"]
    source: tuple[str, ...]
    link: Link
    traffic: Stream | Poll
    frame: Fixed | Line | Registers
    transcripts: tuple[str, ...]
    stability_window: StabilityWindow
    options: dict[str, Value] = field(default_factory=dict)
    match: Match = field(default_factory=Match)
    limits: Limits = field(default_factory=Limits)
    commands: dict[Literal["zero", "tare", "read"], Command] = field(default_factory=dict)
    notes: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,38}", self.id):
            raise ValueError(f"id {self.id!r}: small letters, digits and dashes")
        if not self.source or not self.transcripts:
            raise ValueError("a profile names its sources and at least one transcript")
        if isinstance(self.traffic, Poll) and self.registers is None and "read" not in self.commands:
            raise ValueError("a polled device needs commands.read")

    @property
    def registers(self) -> Registers | None:
        """The Modbus request, None for any other kind of frame."""
        return self.frame if isinstance(self.frame, Registers) else None


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


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"{text!r} is not hex") from None


def _check_variants(variants: tuple[Variant, ...], guards: tuple[Test, ...], length: int) -> None:
    """Every offset lies inside the bytes there are, every table says only what its field can mean."""
    if not variants:
        raise ValueError("a frame has at least one variant")
    for guard in guards:
        _check_inside(guard.at, length)
    for variant in variants:
        for test in variant.when:
            _check_inside(test.at, length)
        parts = variant.fields
        for number in (parts.weight, parts.tare, parts.gross, parts.net):
            if number is not None:
                _check_inside(number.span[1] - 1, length)
                _check_rule(number.decimals, length, (*range(-2, 10), "option"))
                _check_rule(number.sign, length, ("+", "-", None))
        _check_rule(parts.unit, length, (*UNITS, "option", None))
        _check_rule(parts.stable, length, (True, False, None))
        _check_rule(parts.mode, length, (*(mode.value for mode in Mode), None))
        _check_rule(parts.zero, length, (True, False, None))


def _check_rule(rule: object, length: int, allowed: tuple[object, ...]) -> None:
    if isinstance(rule, Lookup):
        _check_inside(rule.at, length)
        mask = int(rule.mask, 16)
        most = mask // (mask & -mask)
        for key, value in rule.map.items():
            if not 0 <= key <= most:
                raise ValueError(f"lookup at {rule.at}: mask {rule.mask} never gives {key}, only 0 to {most}")
            _check_rule(value, length, allowed)
    elif not any(rule == value and isinstance(rule, bool) is isinstance(value, bool) for value in allowed):
        raise ValueError(f"{rule!r} is not allowed; allowed: {', '.join(map(str, allowed))}")


def _check_inside(offset: int, length: int) -> None:
    if not 0 <= offset < length:
        raise ValueError(f"offset {offset} is outside the {length} bytes of the frame")
