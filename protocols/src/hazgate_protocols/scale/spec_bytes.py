"""The part of a profile's schema for frames of bytes: tests, tables, numbers, variants, checks, and their frames.

Byte strings are hex text ("02 2B"). Offsets count from the frame's first byte (registers: from the first register's
high byte); ranges are [from, to) like slices. What the types cannot say is checked in `__post_init__` (ValueError).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from hazgate_protocols.scale.reading import Mode, Status

FRAME_BYTES_MAX = 512  # no weight record in the trade is longer; the decoder never holds more unread bytes
REPORT_BYTES_MAX = 64  # an input report of a full-speed device
REGISTERS_MAX = 125  # one Modbus request; many transmitters allow fewer

UNITS = ("kg", "g", "mg", "t", "lb", "oz", "gn", "pcs", "percent")

BINARY_WIDTHS = {"uint16": 2, "int16": 2, "uint16-le": 2, "uint32": 4, "int32": 4, "float32": 4}

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
            if text is not None and len(hex_bytes(text)) != 1:
                raise ValueError(f"{text!r} is not one byte in hex")


@dataclass(frozen=True, slots=True)
class Lookup:
    """A value read from one byte: the masked bits, shifted down, are the key. A missing key refuses the frame.

    A mask of two bytes (FFFF) reads two, the first one high: a unit of two letters. A mapped value may be another
    lookup (a unit code that says "see the bit over there").
    """

    at: int
    map: dict[int, Lookup | Value]
    mask: str = "FF"

    def __post_init__(self) -> None:
        if not 1 <= len(hex_bytes(self.mask)) <= 2 or not any(hex_bytes(self.mask)):
            raise ValueError(f"mask {self.mask!r} is not one byte or two in hex with a bit set")

    @property
    def width(self) -> int:
        """How many bytes are read."""
        return len(hex_bytes(self.mask))


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal number in a range of bytes.

    form ascii-int: digits, in front of them any of `pad`; ascii-decimal: the same with a point in place (behind the
    last digit it means an integer), so `decimals` says how many places there are at most; bcd: two digits a byte; the
    others are big-endian integers. decimals: places after the point; "option" takes the site's setting; below 0 =
    fixed zeros, see the option dummy_zeros. sign: a lookup with "+" and "-". max: a larger magnitude refuses the
    frame. reverse: the last character, of bcd the last byte, stands first; "option": see the option bcd_order.
    uint16-le has its low byte first. float32 is rounded to its decimals (scale/ieee.py says how), and max counts in the
    last place. The option word_order turns the words of 4 binary bytes.
    """

    span: tuple[int, int]
    form: Literal["ascii-int", "ascii-decimal", "bcd", "uint16", "int16", "uint32", "int32", "uint16-le", "float32"]
    decimals: Lookup | int | Literal["option"]
    pad: Literal["", " "] = ""
    sign: Lookup | None = None
    max: int | None = None
    reverse: bool | Literal["option"] = False

    def __post_init__(self) -> None:
        start, stop = self.span
        width = BINARY_WIDTHS.get(self.form, stop - start)
        if not 0 <= start < stop or stop - start != width:
            raise ValueError(f"span {list(self.span)} does not fit form {self.form}")
        if self.form == "float32" and isinstance(self.decimals, Lookup):
            raise ValueError("a float32 has its decimals from the profile or the site, not from a table")
        if self.pad and not self.form.startswith("ascii"):
            raise ValueError("pad goes with ascii forms only")
        if self.form == "ascii-decimal" and type(self.decimals) is not int:
            raise ValueError("ascii-decimal has its point in place: decimals is the most there can be")
        if self.reverse and self.form not in ("ascii-int", "ascii-decimal", "bcd"):
            raise ValueError("reverse goes with ascii forms and bcd only")
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

    algo: Literal["xor", "xor-hex", "sum8", "sum7-neg", "lrc", "crc16-modbus", "crc16-xmodem", "digit-xor"]
    over: tuple[int, int]
    at: int


@dataclass(frozen=True, slots=True)
class EndAt:
    """A byte that must stand at an offset."""

    offset: int
    byte: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """Frames of one length. `check: null` must be written out: leaving a checksum away is a decision.

    start_inside false: the start marker never stands inside a frame, so one that does is the beginning of the next and
    what came before it a framing fault. pattern: what the whole frame must look like, beside the guards. asides: bytes
    between frames that mean something by themselves, a status, or nothing (null: the ACK of a handshake).
    """

    kind: Literal["fixed"]
    start: str
    length: int
    end_at: tuple[EndAt, ...]
    check: Check | None
    variants: tuple[Variant, ...]
    guards: tuple[Test, ...] = ()
    start_inside: bool = True
    pattern: str | None = None
    asides: dict[str, Status | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_asides(self.asides, (self.start,))
        check_marks((self.start, *self.asides))
        if self.pattern is not None:
            check_regex(self.pattern)
        if not 2 <= self.length <= FRAME_BYTES_MAX or not 1 <= len(hex_bytes(self.start)) < self.length:
            raise ValueError(
                f"start {self.start!r}, length {self.length}: 1 byte of start, 2 to {FRAME_BYTES_MAX} bytes"
            )
        for end in self.end_at:
            if not 0 <= end.offset < self.length or len(hex_bytes(end.byte)) != 1:
                raise ValueError(f"end_at {end}: one byte inside the frame")
        if self.check is not None and not 0 <= self.check.over[0] < self.check.over[1] <= self.check.at < self.length:
            raise ValueError(f"check {self.check}: a range and after it the check, inside {self.length} bytes")
        _check_variants(self.variants, self.guards, self.length)


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
class Report:
    """HID input reports of one length; `ids`: the report numbers, each report's first byte, that carry the reading."""

    kind: Literal["report"]
    ids: tuple[int, ...]
    length: int
    variants: tuple[Variant, ...]

    def __post_init__(self) -> None:
        if not self.ids or not all(1 <= number <= 0xFF for number in self.ids):
            raise ValueError(f"ids {list(self.ids)}: at least one report number, 1 to 255")
        if not 2 <= self.length <= REPORT_BYTES_MAX:
            raise ValueError(f"length {self.length}: 2 to {REPORT_BYTES_MAX}")
        _check_variants(self.variants, (), self.length)


def check_write(tx: str, acks: tuple[str, ...]) -> None:
    """Raises ValueError unless a command is a Modbus write without address and CRC, and its answer the standard's.

    Function 6: register, word; answered by the same bytes. Function 16: first register, count, bytes, words; answered
    by its first five bytes (Modbus application protocol 1.1b3, 6.6 and 6.12).
    """
    sent = hex_bytes(tx)
    if len(sent) == 5 and sent[0] == 6:
        answer = sent
    elif len(sent) > 6 and sent[0] == 16 and sent[5] == len(sent) - 6 == 2 * int.from_bytes(sent[3:5], "big"):
        answer = sent[:5]
    else:
        raise ValueError(f"command {tx!r}: a Modbus write (06 or 10) without address and CRC is wanted")
    if [hex_bytes(ack) for ack in acks] != [answer]:
        raise ValueError(f"command {tx!r}: the one answer to it is {answer.hex(' ').upper()}")


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


def check_marks(marks: tuple[str, ...]) -> None:
    """Raises ValueError when a marker stands inside another: which one is meant would depend on how bytes arrive."""
    for mark in marks:
        if sum(hex_bytes(mark) in hex_bytes(other) for other in marks) != 1:
            raise ValueError(f"marker {mark!r} stands inside another or twice")


def check_asides(asides: dict[str, Status | None], starts: tuple[str, ...]) -> None:
    """Raises ValueError for an aside that is empty, carries a weight, or could be taken for the start of a frame."""
    for text, status in asides.items():
        aside = hex_bytes(text)
        if not aside or any(aside[:1] == hex_bytes(start)[:1] for start in starts):
            raise ValueError(f"aside {text!r}: at least one byte, and not as a frame begins")
        if status is Status.OK:
            raise ValueError(f"aside {text!r}: ok needs a weight")


def hex_bytes(text: str) -> bytes:
    """The bytes of hex text; raises ValueError."""
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
        _check_inside(rule.at + rule.width - 1, length)
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
