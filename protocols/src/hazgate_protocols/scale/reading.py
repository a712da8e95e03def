"""What comes out of a scale's bytes: a reading, or a rejection with its reason. Nothing in between."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Status(StrEnum):
    """What the indicator says of its weight; only OK carries one, HOLD a former one."""

    OK = "ok"
    IN_MOTION = "in_motion"
    OVERLOAD = "overload"
    UNDERLOAD = "underload"
    OUT_OF_RANGE = "out_of_range"
    NOT_READY = "not_ready"
    HOLD = "hold"
    ERROR = "error"


class Mode(StrEnum):
    """What the number is; None where the frame does not say."""

    GROSS = "gross"
    NET = "net"
    TARE = "tare"
    COUNT = "count"
    PERCENT = "percent"


class Reason(StrEnum):
    """Why bytes were refused."""

    CHECKSUM = "checksum"
    FRAMING = "framing"
    CONTENT = "content"
    ADDRESS = "address"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Reading:
    """One decoded frame.

    weight keeps the indicator's own digits (2.50 is not 2.5) and is None unless status is OK, or HOLD: the value the
    indicator holds, which is not what lies on the scale now.
    stable None means the device does not say: never to be taken for False or True.
    tare, gross, net: companions, only where the same frame carries them. raw: the frame's bytes.
    """

    weight: Decimal | None
    unit: str | None
    stable: bool | None
    mode: Mode | None
    status: Status
    zero: bool | None = None
    tare: Decimal | None = None
    gross: Decimal | None = None
    net: Decimal | None = None
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Reject:
    """Bytes that yield no reading, with the reason and the first of them (bounded)."""

    reason: Reason
    raw: bytes
    detail: str = ""
