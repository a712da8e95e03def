"""The shape of a telemetry profile: measuring points in Modbus registers or in HJ 212 factors, and their exact values.

These dataclasses are the schema of the telemetry files of hazgate_profiles. Numbers are texts ("0.1"), so that no
binary fraction ever stands for a decimal one. A profile object that exists is complete: what the types cannot say is
checked in `__post_init__` and raises ValueError.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Literal

from hazgate_protocols import canonical
from hazgate_protocols.hj212.messages import Message

POINTS_MAX = 32  # of one profile
REGISTERS_MAX = 125  # Modbus application protocol 1.1b3, 6.3: one request
INTERVAL_S_MAX = 86_400
POINT_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,9})?")
_FACTOR = re.compile(r"[A-Za-z0-9_]{1,20}")
_EXACT = Context(prec=60)  # 2^32 times any scale below fits without rounding
_WORDS = {"u16": 1, "i16": 1, "bit": 1, "u32": 2, "i32": 2, "f32": 2}


@dataclass(frozen=True, slots=True)
class Register:
    """Where a value stands in a Modbus device. address: as in the request, from 0. words: order of a value of two."""

    address: int
    type: Literal["u16", "i16", "u32", "i32", "f32", "bit"]
    function: Literal[3, 4] = 3
    words: Literal["high-first", "low-first"] = "high-first"
    bit: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.address <= 0xFFFF - (self.count - 1):
            raise ValueError(f"address {self.address} is not allowed; allowed: 0 to {0xFFFF - (self.count - 1)}")
        if (self.type == "bit") != (self.bit is not None):
            raise ValueError("bit goes with the type bit, and the type bit needs it")
        if self.bit is not None and not 0 <= self.bit <= 15:
            raise ValueError(f"bit {self.bit} is not allowed; allowed: 0 to 15")

    @property
    def count(self) -> int:
        """Registers of one value."""
        return _WORDS[self.type]


@dataclass(frozen=True, slots=True)
class Factor:
    """Where a value stands in an HJ 212 frame: the factor's code and which of its attributes, as in a01012-Rtd."""

    code: str
    attribute: Literal["Rtd", "Avg", "Min", "Max", "Cou"] = "Rtd"
    command: Literal["2011", "2051", "2061", "2031"] = "2011"

    def __post_init__(self) -> None:
        if not _FACTOR.fullmatch(self.code):
            raise ValueError(f"code {self.code!r} is not allowed; allowed: 1 to 20 letters and digits")


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond these the working condition is abnormal. hold_s: how long a value is back inside before it is over."""

    low: str | None = None
    high: str | None = None
    hold_s: int = 60

    def __post_init__(self) -> None:
        for text in (self.low, self.high):
            if text is not None:
                _number("limit", text)
        if self.low is None and self.high is None:
            raise ValueError("limits need low or high; leave limits out when there is none")
        if self.low is not None and self.high is not None and Decimal(self.low) >= Decimal(self.high):
            raise ValueError(f"low {self.low} must be below high {self.high}")
        if not 0 <= self.hold_s <= 3600:
            raise ValueError(f"hold_s {self.hold_s} is not allowed; allowed: 0 to 3600")


@dataclass(frozen=True, slots=True)
class Point:
    """One measuring point. value = raw * scale + offset.

    deadband: a value is sent when it differs from the one sent last by more than this. interval_s: and at least so
    often. stale_s: without a new reading for this long, the value is stale. places: decimals of a float32.
    """

    id: str
    name: dict[str, str]
    unit: str
    register: Register | None = None
    factor: Factor | None = None
    scale: str = "1"
    offset: str = "0"
    places: int | None = None
    limits: Limits | None = None
    deadband: str = "0"
    interval_s: int = 60
    stale_s: int = 30

    def __post_init__(self) -> None:
        if not POINT_ID.fullmatch(self.id):
            raise ValueError(f"id {self.id!r} is not allowed; allowed: 1 to 40 of a-z, 0-9 and hyphen")
        if set(self.name) != {"zh", "en"} or not all(0 < len(word) <= 40 for word in self.name.values()):
            raise ValueError("name needs zh and en, each of 1 to 40 characters")
        if len(self.unit) > 16:
            raise ValueError(f"unit {self.unit!r} is longer than 16 characters")
        if (self.register is None) == (self.factor is None):
            raise ValueError("a point has either a register or a factor")
        for key, text in (("scale", self.scale), ("offset", self.offset), ("deadband", self.deadband)):
            _number(key, text)
        if Decimal(self.scale) == 0:
            raise ValueError("scale 0 would make every value the same")
        if Decimal(self.deadband) < 0:
            raise ValueError("deadband must not be below 0")
        is_float = self.register is not None and self.register.type == "f32"
        if is_float != (self.places is not None):
            raise ValueError("places goes with the type f32, and f32 needs it: a binary fraction has no decimals")
        if self.places is not None and not 0 <= self.places <= 9:
            raise ValueError(f"places {self.places} is not allowed; allowed: 0 to 9")
        for key, seconds in (("interval_s", self.interval_s), ("stale_s", self.stale_s)):
            if not 1 <= seconds <= INTERVAL_S_MAX:
                raise ValueError(f"{key} {seconds} is not allowed; allowed: 1 to {INTERVAL_S_MAX}")
        if self.limits is not None and self.limits.low is not None and self.limits.high is not None:
            width = Decimal(self.limits.high) - Decimal(self.limits.low)
            if 2 * Decimal(self.deadband) >= width:
                raise ValueError(
                    "twice the deadband must be less than the limits are apart, or nothing ends a crossing"
                )

    def value(self, raw: Decimal) -> Decimal:
        """The value in the point's unit, exact."""
        return _EXACT.add(_EXACT.multiply(raw, Decimal(self.scale)), Decimal(self.offset))

    def of_words(self, words: Sequence[int]) -> Decimal | None:
        """The value of this point's own registers; None for a float that is no number."""
        if self.register is None:
            raise ValueError(f"point {self.id} is in no register")
        raw = _raw(self.register, words, self.places or 0)
        return None if raw is None else self.value(raw)


@dataclass(frozen=True, slots=True)
class Poll:
    """How a Modbus device is asked: the points' registers together, in as few requests as their addresses allow."""

    interval_ms: int = 1000
    timeout_ms: int = 500
    registers_max: int = 64

    def __post_init__(self) -> None:
        for key, given, low, high in (
            ("interval_ms", self.interval_ms, 100, 3_600_000),
            ("timeout_ms", self.timeout_ms, 20, 10_000),
            ("registers_max", self.registers_max, 2, REGISTERS_MAX),
        ):
            if not low <= given <= high:
                raise ValueError(f"{key} {given} is not allowed; allowed: {low} to {high}")


@dataclass(frozen=True, slots=True)
class Example:
    """What proves a profile: registers (address to word), or a whole frame as text, and the values it must give.

    A value "" stands for none (an error).
    """

    values: dict[str, str]
    registers: dict[int, int] = field(default_factory=dict)
    frame: str = ""


@dataclass(frozen=True, slots=True)
class TelemetryProfile:
    """Everything about one kind of device. trust: as of every profile; `assumed` is an example to copy."""

    id: str
    title: dict[str, str]
    trust: Literal["assumed", "manual", "bench", "field"]
    source: tuple[str, ...]
    protocol: Literal["modbus", "hj212"]
    points: tuple[Point, ...]
    examples: tuple[Example, ...]
    poll: Poll = field(default_factory=Poll)
    notes: str = ""

    def __post_init__(self) -> None:
        if set(self.title) != {"zh", "en"}:
            raise ValueError("title needs zh and en")
        if not 1 <= len(self.points) <= POINTS_MAX:
            raise ValueError(f"{len(self.points)} points; allowed: 1 to {POINTS_MAX}")
        ids = [point.id for point in self.points]
        if twice := sorted({name for name in ids if ids.count(name) > 1}):
            raise ValueError(f"point {', '.join(twice)} stands twice")
        for point in self.points:
            if (point.register is not None) != (self.protocol == "modbus"):
                wanted = "a register" if self.protocol == "modbus" else "a factor"
                raise ValueError(f"point {point.id}: protocol {self.protocol} needs {wanted}")
        if not self.source or not self.examples:
            raise ValueError("a profile names its source and has at least one example")

    def digest(self) -> str:
        """SHA-256 in hex of the canonical JSON of everything the profile says."""
        return hashlib.sha256(canonical.encode(_plain(asdict(self)))).hexdigest()

    def requests(self) -> list[tuple[int, int, int]]:
        """The Modbus requests that fetch every point: function, address, count. Small gaps are read along."""
        out: list[tuple[int, int, int]] = []
        spans = sorted({(r.function, r.address, r.count) for point in self.points if (r := point.register) is not None})
        for function, address, count in spans:
            if out and out[-1][0] == function:
                _, first, held = out[-1]
                whole = max(held, address + count - first)
                if whole <= self.poll.registers_max and address <= first + held + _GAP_READ:
                    out[-1] = (function, first, whole)
                    continue
            out.append((function, address, count))
        return out

    def of_registers(self, words: Mapping[tuple[int, int], int]) -> dict[str, Decimal | None]:
        """The values of the points whose registers are all there; words by (function, address)."""
        found: dict[str, Decimal | None] = {}
        for point in self.points:
            r = point.register
            if r is not None and all((r.function, r.address + step) in words for step in range(r.count)):
                found[point.id] = point.of_words([words[r.function, r.address + step] for step in range(r.count)])
        return found

    def of_message(self, message: Message) -> list[FactorReading]:
        """The values of the points whose factors stand in this message. A flag that is not normal takes the value away:
        what the device itself calls faulty is never shown as good."""
        found = []
        for point in self.points:
            wanted = point.factor
            if wanted is None or wanted.command != message.cn or wanted.code not in message.factors:
                continue
            factor = message.factors[wanted.code]
            raw = factor.values.get(wanted.attribute) if factor.is_normal else None
            found.append(FactorReading(point, None if raw is None else point.value(raw), factor.flag))
        return found


@dataclass(frozen=True, slots=True)
class FactorReading:
    """A point's value in a frame, None for none. flag: the device's own word, "" for none."""

    point: Point
    value: Decimal | None
    flag: str


_GAP_READ = 8  # registers nobody wants, read along to spare a request


def _raw(register: Register, words: Sequence[int], places: int) -> Decimal | None:
    if len(words) != register.count or not all(0 <= word <= 0xFFFF for word in words):
        raise ValueError(f"words {list(words)}: {register.count} of 0 to 65535 are wanted")
    ordered = words if register.words == "high-first" else list(reversed(words))
    octets = b"".join([word.to_bytes(2, "big") for word in ordered])
    if register.type == "bit":
        return Decimal(words[0] >> (register.bit or 0) & 1)
    if register.type == "f32":
        number = Decimal(struct.unpack(">f", octets)[0])  # exact: every float is a decimal fraction
        return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, _EXACT) if number.is_finite() else None
    return Decimal(int.from_bytes(octets, "big", signed=register.type.startswith("i")))


def number_text(value: Decimal) -> str:
    """A value as it is sent and kept: no exponent, the scale's own decimals."""
    return f"{value:f}"


def _number(key: str, text: str) -> None:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f'{key} {text!r} is not allowed; allowed: a decimal number in quotes, such as "0.1"')


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
