"""Register images of Modbus weight transmitters, written from the manuals; each says what its map cannot express.

An image is the registers of one moment; status and weights belong together. Addresses are 0-based.
"""

from __future__ import annotations

import struct
from decimal import Decimal
from typing import Protocol

from hazgate_simulators.scale.physics import Indication, Platform, Range
from hazgate_simulators.scale.text import counts

REGISTERS = 32  # at most 32 registers a request (manual), and no more are mapped
COMMAND, STATUS, GROSS, NET, PEAK, DIVISION_UNIT = (
    number - 40001 for number in (40006, 40007, 40008, 40010, 40012, 40014)
)

# Command register: from memory of the transmitter's manual, low confidence.
COMMAND_TARE, COMMAND_ZERO, COMMAND_GROSS = 7, 8, 9

UNIT_CODES = {"kg": 0, "g": 1, "t": 2, "lb": 3}
# Low byte of 40014: 0 = 100, 1 = 50, 2 = 20, 3 = 10 ... 18 = 0.0001.
DIVISION_CODES = {Decimal((1, 5, 2)[code % 3]).scaleb(2 - (code + 2) // 3).normalize(): code for code in range(19)}
MAGNITUDE_MAX = 999_999

TARE_NOW = [0x7FFF, 0xFFFF]


class RegisterImage(Protocol):
    """A transmitter's registers from `first` on, `count` of them."""

    first: int
    count: int

    def image(self, indication: Indication) -> list[int]: ...

    def write(self, register: int, values: list[int], platform: Platform) -> bool:
        """Do what was written to a command register; False when there is none of this address or value."""


class LaumasRegisters:
    """The register image of a Laumas transmitter (TLU and LCB manuals; CAS CI-600D manual p. 83).

    Weights are magnitudes without decimals, high word first; signs stand in the status word. It cannot say the decimals
    in the weight itself (40014 tells the division), an underload, nor that no zero was set after power-up.
    """

    first, count = 0, REGISTERS

    def image(self, indication: Indication) -> list[int]:
        """Registers 40001 to 40032 at one moment."""
        net = indication.gross_divisions - indication.tare_divisions
        over = indication.range is Range.OVER
        status = 0
        status |= 1 << 2 if over else 0
        status |= 1 << 7 if indication.gross_divisions < 0 else 0
        status |= 1 << 8 if net < 0 else 0
        status |= 1 << 10 if indication.net_shown else 0
        status |= 1 << 11 if indication.stable and not over else 0
        status |= 1 << 12 if indication.near_zero else 0
        registers = [0] * REGISTERS
        registers[STATUS] = status
        for at, number in ((GROSS, indication.gross), (NET, indication.net), (PEAK, indication.peak)):
            counts = MAGNITUDE_MAX if over else min(MAGNITUDE_MAX, abs(int(number.scaleb(indication.places))))
            registers[at], registers[at + 1] = counts >> 16, counts & 0xFFFF
        registers[DIVISION_UNIT] = UNIT_CODES[indication.unit] << 8 | DIVISION_CODES[indication.division.normalize()]
        return registers

    def write(self, register: int, values: list[int], platform: Platform) -> bool:
        if register != COMMAND or len(values) != 1:
            return False
        match values[0]:
            case 0:
                pass
            case n if n == COMMAND_TARE:
                platform.tare()
            case n if n == COMMAND_ZERO:
                platform.zero()
            case n if n == COMMAND_GROSS:
                platform.preset_tare(0)
            case _:
                return False
        return True


class Dat400:
    """Pavone DAT 100 manual p. 32, DAT-400 table A: 40001 status, 40002-3 gross, 40004-5 net; signed.

    Status: b0 centre of zero, b1 stable, b2 zero band, b3 tare, b4 under, b5 over, b7 no calibration (here: no zero
    was set after power-up). Command register 40503: 1 zero.
    """

    first, count = 0, 503
    command = 502

    def image(self, indication: Indication) -> list[int]:
        status = 0x03 & (indication.near_zero | indication.stable << 1)
        status |= 0x04 if indication.near_zero else 0
        status |= 0x08 if indication.net_shown else 0
        status |= 0x10 if indication.range is Range.UNDER else 0
        status |= 0x20 if indication.range is Range.OVER else 0
        status |= 0x80 if not indication.ready else 0
        words = [status, *signed(indication.gross), *signed(indication.net)]
        return words + [0] * (self.count - len(words))

    def write(self, register: int, values: list[int], platform: Platform) -> bool:
        if register != self.command or values != [1]:
            return False
        platform.zero()
        return True


class Kpr:
    """KPR module (public code of a user): 0050h gross, 0052h net, 0054h tare, signed, high word first.

    It has no status that anybody knows: rest, overload and a missing zero cannot be seen. Writing 1 to 005Eh sets
    zero, 7FFFFFFFh to 0054h takes the tare.
    """

    first, count = 0x50, 0x10
    tare, zero = 0x54, 0x5E

    def image(self, indication: Indication) -> list[int]:
        words = [*signed(indication.gross), *signed(indication.net), *signed(indication.tare)]
        return words + [0] * (self.count - len(words))

    def write(self, register: int, values: list[int], platform: Platform) -> bool:
        if register == self.zero and values == [1]:
            platform.zero()
        elif register == self.tare and values == TARE_NOW:
            platform.tare()
        else:
            return False
        return True


class OneFloat:
    """IND570 map: gross as float32 at 8, net at 12, high word first. No status in the same request."""

    first, count = 0, 16

    def image(self, indication: Indication) -> list[int]:
        words = [0] * self.count
        words[8:10] = float32(indication.gross)
        words[12:14] = float32(indication.net)
        return words

    def write(self, register: int, values: list[int], platform: Platform) -> bool:  # noqa: ARG002 the map is read only
        return False


class Flintec:
    """Flintec DAD 141.1 manual, pp. 3, 4, 10: 3300h gross, 3302h net, 3304h qualifier; signed, high word first.

    Qualifier: 0001h under, 0002h over, 0010h no motion, 0020h tare set. No bit says that no zero was set. 2061h: 02h
    zero, 08h tare; it lies outside this block, so only the reading is simulated.
    """

    first, count = 0x3300, 5

    def image(self, indication: Indication) -> list[int]:
        qualifier = 0x01 if indication.range is Range.UNDER else 0
        qualifier |= 0x02 if indication.range is Range.OVER else 0
        qualifier |= 0x10 if indication.stable else 0
        qualifier |= 0x20 if indication.net_shown else 0
        return [*signed(indication.gross), *signed(indication.net), qualifier]

    def write(self, register: int, values: list[int], platform: Platform) -> bool:  # noqa: ARG002 the map is read only
        return False


class DiniDgt:
    """Dini Argeo DGT1S quick start manual, p. 10: input registers 30001-2 gross, 30003-4 net, 30005 status.

    Magnitudes; b0 net negative, b1 gross negative, b2 stable, b3 under, b4 over, b5 tare, b7 unloaded (zero zone).
    """

    first, count = 0, 5

    def image(self, indication: Indication) -> list[int]:
        status = 0x01 if indication.net < 0 else 0
        status |= 0x02 if indication.gross < 0 else 0
        status |= 0x04 if indication.stable else 0
        status |= 0x08 if indication.range is Range.UNDER else 0
        status |= 0x10 if indication.range is Range.OVER else 0
        status |= 0x20 if indication.net_shown else 0
        status |= 0x80 if indication.near_zero else 0
        return [*unsigned(indication.gross), *unsigned(indication.net), status]

    def write(self, register: int, values: list[int], platform: Platform) -> bool:  # noqa: ARG002 the map is read only
        return False


class DiniDgtMulti:
    """Dini Argeo DGT4X manual, p. 58 (several scales): 40202 status, 40203-4 gross, 40214-15 net of scale 1.

    b0 gross negative, b1 stable, b2 under, b3 over, b4 zero zone, b5 net negative, b6 tare.
    """

    first, count = 201, 14

    def image(self, indication: Indication) -> list[int]:
        status = 0x01 if indication.gross < 0 else 0
        status |= 0x02 if indication.stable else 0
        status |= 0x04 if indication.range is Range.UNDER else 0
        status |= 0x08 if indication.range is Range.OVER else 0
        status |= 0x10 if indication.near_zero else 0
        status |= 0x20 if indication.net < 0 else 0
        status |= 0x40 if indication.net_shown else 0
        words = [0] * self.count
        words[0] = status
        words[1:3] = unsigned(indication.gross)
        words[12:14] = unsigned(indication.net)
        return words

    def write(self, register: int, values: list[int], platform: Platform) -> bool:  # noqa: ARG002 the map is read only
        return False


def unsigned(number: Decimal) -> list[int]:
    """The magnitude without its point in two words, high word first."""
    value = counts(number)
    return [value >> 16, value & 0xFFFF]


def signed(number: Decimal) -> list[int]:
    """The same as two's complement."""
    value = (-counts(number) if number < 0 else counts(number)) & 0xFFFF_FFFF
    return [value >> 16, value & 0xFFFF]


def float32(number: Decimal) -> list[int]:
    """The nearest IEEE 754 single as two words, high word first: what such a device does to its own digits."""
    return list(struct.unpack(">HH", struct.pack(">f", number)))
