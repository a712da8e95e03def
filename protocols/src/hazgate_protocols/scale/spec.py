"""The shape of a device profile: how one family of indicators writes a reading.

These dataclasses are the schema of `firmware_profiles/*.yaml`; hazgate_profiles validates the files against them. The
frames stand in spec_bytes.py, spec_lines.py, spec_block.py and spec_delimited.py, the profile around them here. What
the types cannot say is checked in `__post_init__` and raises ValueError, so a profile object that exists is complete.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Literal

from hazgate_protocols.scale.spec_block import Block, BlockLine
from hazgate_protocols.scale.spec_bytes import (
    FRAME_BYTES_MAX,
    REGISTERS_MAX,
    UNITS,
    Check,
    EndAt,
    Fields,
    Fixed,
    Lookup,
    Number,
    Registers,
    Report,
    Test,
    Value,
    Variant,
    check_regex,
    check_write,
    hex_bytes,
)
from hazgate_protocols.scale.spec_delimited import Address, Delimited, Repeat
from hazgate_protocols.scale.spec_lines import BitsSay, Line, LineVariant, Says

# The whole schema under one name, for those who read or build profiles.
__all__ = [
    "FRAME_BYTES_MAX",
    "REGISTERS_MAX",
    "UNITS",
    "Address",
    "BitsSay",
    "Block",
    "BlockLine",
    "Check",
    "Command",
    "CrossCheck",
    "Delimited",
    "EndAt",
    "Fields",
    "Fixed",
    "Limits",
    "Line",
    "LineVariant",
    "Link",
    "Lookup",
    "Match",
    "Number",
    "Open",
    "Poll",
    "Profile",
    "Registers",
    "Repeat",
    "Report",
    "Says",
    "StabilityWindow",
    "Step",
    "Stream",
    "Test",
    "Value",
    "Variant",
    "check_regex",
]


@dataclass(frozen=True, slots=True)
class Open:
    """What opening the port must do: line levels, time to settle, whether bytes of before are thrown away."""

    dtr: bool = False
    rts: bool = False
    settle_ms: int = 0
    drain: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """Ways to reach the device; of `baud` the first is the default, the wizard tries the rest.

    A register device on "tcp" stands behind a serial server: Modbus RTU bytes in a raw connection. hid has no line
    settings, every other kind names them.
    """

    kinds: tuple[Literal["serial", "tcp", "modbus-rtu", "modbus-tcp", "hid"], ...]
    baud: tuple[int, ...] = ()
    bits: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stop: Literal[1, 2] = 1
    open: Open = field(default_factory=Open)

    def __post_init__(self) -> None:
        if ("hid" in self.kinds) == bool(self.baud) or ("hid" in self.kinds and len(self.kinds) > 1):
            raise ValueError("baud: at least one rate is wanted, and none with hid, which stands alone")


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
class Step:
    """The next bytes of a handshake, sent when the device has answered `after`."""

    after: str
    tx: str

    def __post_init__(self) -> None:
        if not hex_bytes(self.after) or not hex_bytes(self.tx):
            raise ValueError("a step has bytes to wait for and bytes to send")


@dataclass(frozen=True, slots=True)
class Command:
    """Bytes to send and the answers that mean done; no acks = the weight itself is the answer.

    Of a register device both stand without address and CRC, which belong to the link.
    tx is for the profile's default address; address_at and check say where the site's address and the checksum over
    the new bytes go (see commands.py).
    """

    tx: str
    acks: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    address_at: int | None = None
    check: Check | None = None

    def __post_init__(self) -> None:
        for text in (self.tx, *self.acks):
            hex_bytes(text)
        if self.address_at is not None and not 0 <= self.address_at < len(hex_bytes(self.tx)):
            raise ValueError(f"address_at {self.address_at}: inside the command")


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """Numbers of one record that must agree, where it carries them; a reading that breaks this is refused.

    A division is limits.division; without it one unit in the last place of the coarsest of the numbers.
    """

    expr: Literal["gross == net + tare"]
    tolerance_divisions: int

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance_divisions <= 10:
            raise ValueError(f"tolerance_divisions {self.tolerance_divisions}: 0 to 10")


@dataclass(frozen=True, slots=True)
class Match:
    """What the finder may go by. usb: vendor and product as four hex digits each, "0eb8:f000"."""

    vendors: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    usb: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for text in self.usb:
            if not re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{4}", text):
                raise ValueError(f"usb {text!r}: four small hex digits, a colon, four more")


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
    frame: Fixed | Line | Block | Delimited | Registers | Report
    transcripts: tuple[str, ...]
    stability_window: StabilityWindow
    options: dict[str, Value] = field(default_factory=dict)
    match: Match = field(default_factory=Match)
    limits: Limits = field(default_factory=Limits)
    commands: dict[Literal["zero", "tare", "read"], Command] = field(default_factory=dict)
    notes: str = ""
    cross_checks: tuple[CrossCheck, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,38}", self.id):
            raise ValueError(f"id {self.id!r}: small letters, digits and dashes")
        if not self.source or not self.transcripts:
            raise ValueError("a profile names its sources and at least one transcript")
        if isinstance(self.traffic, Poll) and self.registers is None and "read" not in self.commands:
            raise ValueError("a polled device needs commands.read")
        if self.registers is not None:
            for command in (self.commands[name] for name in self.commands if name != "read"):
                check_write(command.tx, command.acks)
        if isinstance(self.frame, Report) != ("hid" in self.link.kinds):
            raise ValueError("frames of kind report come over hid and over nothing else")

    @property
    def registers(self) -> Registers | None:
        """The Modbus request, None for any other kind of frame."""
        return self.frame if isinstance(self.frame, Registers) else None
