"""Frames of the simulated indicator families, written from the devices' documents.

Independent of hazgate_protocols.scale on purpose. Each class says what its frame cannot express. An encoder gives None
where the device would be silent.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from hazgate_simulators.scale.physics import Indication, Range


class StreamEncoder(Protocol):
    """One moment of an indicator as the bytes it sends unasked, or None for silence."""

    def encode(self, indication: Indication) -> bytes | None: ...


class YaohuaTf0:
    """Yaohua XK3190 continuous output, tF=0 (A9+, DS1, DS3, D10 manuals): 12 bytes.

    STX, sign, six digits high to low, decimals digit '0'..'4', two check characters, ETX. It cannot say unit,
    stability, gross or net, overload or "not ready". The manuals give digits only ('0'..'9', never blank) and no status
    field, so an overload cannot be put into a frame that keeps their rules: this simulator sends nothing until the load
    is back in range, and nothing before the zero after power-up. It sends the displayed number (net while a tare is
    set).
    """

    def encode(self, indication: Indication) -> bytes | None:
        if indication.range is not Range.INSIDE or not indication.ready:
            return None
        digits = _digits(indication.shown)
        if len(digits) > 6:
            return None
        sign = b"-" if indication.shown < 0 else b"+"
        checked = sign + digits.rjust(6, b"0") + str(indication.places).encode()
        check = 0
        for byte in checked:
            check ^= byte
        return b"\x02" + checked + bytes([self._half(check >> 4), self._half(check & 0x0F)]) + b"\x03"

    @staticmethod
    def _half(nibble: int) -> int:
        """0-9 + 30h, A-F + 37h (manual)."""
        return nibble + (0x30 if nibble < 10 else 0x37)


class ToledoContinuous:
    """Mettler-Toledo standard continuous output (Wildcat technical manual, tables 6-8 to 6-11): 17 bytes and CHK.

    It cannot carry an error other than out of range and "not zeroed", nor a number above six digits. With a division of
    10 and more, the fixed zeros stand inside the six characters, as field captures show.
    """

    def __init__(self, *, check: bool = True) -> None:
        self.check = check

    def encode(self, indication: Indication) -> bytes | None:
        lead = int(indication.division.normalize().as_tuple().digits[0])
        # Point code: 2 = no decimals, 3..6 = one to four; 1 = one fixed zero, 0 = two.
        point = indication.places + 2
        if indication.division >= 100:
            point = 0
        elif indication.division >= 10:
            point = 1
        status_a = 0x20 | point | {1: 0x08, 2: 0x10, 5: 0x18}[lead]
        status_b = 0x20
        status_b |= 0x01 if indication.net_shown else 0
        status_b |= 0x02 if indication.shown < 0 else 0
        status_b |= 0x04 if indication.range is not Range.INSIDE else 0
        status_b |= 0x08 if not indication.stable else 0
        status_b |= 0x10 if indication.unit != "lb" else 0
        status_b |= 0x40 if not indication.ready else 0
        status_c = 0x20 | {"kg": 0, "lb": 0, "g": 1, "t": 2}[indication.unit]
        # Out of range the digits mean nothing; a sign tells over from under.
        weight = b"999999" if indication.range is Range.OVER else self._field(indication.shown, point)
        frame = b"\x02" + bytes([status_a, status_b, status_c]) + weight + self._field(indication.tare, point) + b"\r"
        if self.check:
            # Two's complement of the low 7 bits of the sum from STX to CR: all 18 bytes sum to 0 modulo 128.
            frame += bytes([-sum(frame) & 0x7F])
        return frame

    @staticmethod
    def _field(number: Decimal, point: int) -> bytes:
        zeros = max(0, 2 - point)
        digits = _digits(number)
        if zeros:
            digits = str(int(digits) // 10**zeros).encode() + b"0" * zeros
        return digits.rjust(6, b" ")[-6:]


class StGs:
    """The 'ST,GS' line family; default spelling of the DIGI DS-166SS: comma, sign, seven characters, unit.

    Other spellings: nhb (T-Scale NHB, no comma, two blanks behind) and qhw (T-Scale QHW, blank before the unit). None
    has a check: a flipped digit is a valid line. There is no header for "not ready" in our documents, so then it is
    silent.
    """

    SPELLINGS = ("ds166", "nhb", "qhw")

    def __init__(self, spelling: str = "ds166") -> None:
        if spelling not in self.SPELLINGS:
            raise ValueError(f"st-gs spelling {spelling!r}: use one of {', '.join(self.SPELLINGS)}")
        self.spelling = spelling

    def encode(self, indication: Indication) -> bytes | None:
        if not indication.ready:
            return None
        header = {Range.OVER: "OL", Range.UNDER: "UL"}.get(indication.range, "ST" if indication.stable else "US")
        kind = "NT" if indication.net_shown else "GS"
        number = "999999" if indication.range is Range.OVER else f"{abs(indication.shown):f}"
        minus = indication.shown < 0
        if self.spelling == "ds166":
            return f"{header},{kind},{'-' if minus else '+'}{number:>7}{indication.unit}\r\n".encode()
        signed = f"-{number}" if minus else number
        if self.spelling == "nhb":
            return f"{header},{kind}{signed:>8}{indication.unit}  \r\n".encode()
        return f"{header},{kind},{signed:>8} {indication.unit}\r\n".encode()


def _digits(number: Decimal) -> bytes:
    """The digits of a number with its decimals, without point and sign: -2.50 is 250."""
    return str(abs(int(number.scaleb(-int(number.as_tuple().exponent))))).encode()
