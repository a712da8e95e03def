"""Frames between markers: CAS, Rice Lake, Rinstrum, NCI, Toledo 8217, PROT F, Dibal; packed digits; HID reports."""

from __future__ import annotations

from typing import ClassVar

from hazgate_simulators.scale.encoders import StreamEncoder
from hazgate_simulators.scale.physics import Indication, Range
from hazgate_simulators.scale.text import blanks, counts, is_shown, magnitude, xor, zeros


class Cas22:
    """CAS CI-400 manual, appendix 1: ST US OL, GS NT, device 1, lamp byte, 8 characters, blank, unit of 2, CR LF.

    Lamp: bit 7 always, 6 stable, 5 as the CI-400 sets it, 2 gross, 1 tare, 0 zero. OL for either side, as the manual
    knows no other; silent before the zero.
    """

    def encode(self, indication: Indication) -> bytes | None:
        if not indication.ready:
            return None
        inside = indication.range is Range.INSIDE
        head = "OL" if not inside else "ST" if indication.stable else "US"
        negative = indication.shown < 0
        number = zeros(indication.shown, 8 - negative) if inside else " " * 8
        if number is None:
            return None
        text = ("-" if negative and inside else "") + number
        lamp = 0xA0 | (0x02 if indication.net_shown else 0x04)
        lamp |= 0x40 if indication.stable and inside else 0
        lamp |= 0x01 if indication.shown == 0 and inside else 0
        kind = b"NT" if indication.net_shown else b"GS"
        return head.encode() + b"," + kind + b",1" + bytes([lamp]) + f",{text} {indication.unit:<2}\r\n".encode()


class CasPd:
    """CAS SW-II and AP-1: 01 02, S or U, sign, 6 characters, unit of 2, BCC (XOR of the ten), 03 04.

    Sign F on overflow (Ohaus Aviator service manual); for underflow nothing is known: F as well, so that no weight
    is said.
    """

    def encode(self, indication: Indication) -> bytes | None:
        number = zeros(indication.shown, 6) if indication.range is Range.INSIDE else "00.000"
        if number is None:
            return None
        sign = "F" if indication.range is not Range.INSIDE else "-" if indication.shown < 0 else " "
        body = f"{'S' if indication.stable else 'U'}{sign}{number}{indication.unit:<2}".encode()
        return b"\x01\x02" + body + bytes([xor(body)]) + b"\x03\x04"


class RiceLake:
    """Rice Lake 480, 680, 880 stream format: 02, blank or '-', 7 characters, unit, G or N, status, CR LF.

    Status blank, M motion, Z zero, O out of range (either side), I invalid (before the zero).
    """

    UNITS: ClassVar = {"kg": "K", "lb": "L", "t": "T", "g": "G"}

    def encode(self, indication: Indication) -> bytes | None:
        number = blanks(indication.shown, 7)
        state = "M" if not indication.stable else "Z" if indication.shown == 0 else " "
        if indication.range is not Range.INSIDE:
            number, state = "  99999", "O"
        if not indication.ready:
            number, state = "      0", "I"
        if number is None:
            return None
        sign = "-" if indication.shown < 0 else " "
        kind = "N" if indication.net_shown else "G"
        return f"\x02{sign}{number}{self.UNITS[indication.unit]}{kind}{state}\r\n".encode()


class Rinstrum:
    """Rinstrum R300 and relatives: 02, sign or blank, 7 characters, G N at rest, M moving, U O E, 03. No unit."""

    def encode(self, indication: Indication) -> bytes | None:
        sign = "-" if indication.shown < 0 else " "
        if not indication.ready:
            return b"\x02 -------E\x03"
        number = blanks(indication.shown, 7)
        state = "M" if not indication.stable else "N" if indication.net_shown else "G"
        if indication.range is Range.OVER:
            number, state = "  99999", "O"
        elif indication.range is Range.UNDER:
            state = "U"
        return None if number is None else f"\x02{sign}{number}{state}\x03".encode()


class Nci:
    """NCI SCP-01 (Fairbanks PC2250 manual): LF, 7 characters, unit in capitals, CR, 2 status bytes, 03.

    Status 1: bit 0 motion, 1 zero; status 2: bit 0 under, 1 over; bits 4 and 5 set. Before the zero it reports its
    calibration fault bit (status 2, bit 3): our choice, the manual names no other.
    """

    def encode(self, indication: Indication) -> bytes | None:
        first = 0x30 | (0 if indication.stable else 0x01)
        second = 0x30
        number = blanks(indication.shown, 7, signed=True)
        if indication.range is Range.OVER:
            number, second = "^" * 7, 0x32
        elif indication.range is Range.UNDER:
            number, second = "_" * 7, 0x31
        elif indication.shown == 0:
            first |= 0x02
        if not indication.ready:
            number, second = "-" * 7, 0x38
        if number is None:
            return None
        return f"\n{number}{indication.unit.upper():>2}\r".encode() + bytes([first, second]) + b"\x03"


class Toledo8217:
    """Toledo 8217 (PSC Magellan 8500 manual, status table): 02, NN.NNN, N for net, CR; or 02 '?' status CR.

    A number only at rest and not below zero. Status: bit 0 motion, 1 over, 2 under zero, 3 outside the zero range,
    4 centre of zero, 5 net, 6 always. Needs decimals.
    """

    def encode(self, indication: Indication) -> bytes | None:
        status = 0x40 | (0 if indication.stable else 0x01)
        status |= 0x02 if indication.range is Range.OVER else 0
        status |= 0x04 if indication.shown < 0 else 0
        status |= 0x08 if not indication.ready else 0
        if status != 0x40:
            return b"\x02?" + bytes([status]) + b"\r"
        number = magnitude(indication.shown).rjust(6, "0")
        return f"\x02{number}{'N' if indication.net_shown else ''}\r".encode() if "." in number else None


class ProtF:
    """PROT F of scales made in Brazil (observed frames): 02, sign or blank, DD.DDD, 03; IIIIII while moving.

    SSSSSS for too much, as a test suite has it. Silent below the range, before the zero, and for any number that is
    not two digits and three.
    """

    def encode(self, indication: Indication) -> bytes | None:
        if not indication.ready or indication.range is Range.UNDER:
            return None
        if indication.range is Range.OVER:
            return b"\x02SSSSSS\x03"
        if not indication.stable:
            return b"\x02IIIIII\x03"
        number = zeros(indication.shown, 6)
        if number is None or indication.places != 3:
            return None
        return f"\x02{'-' if indication.shown < 0 else ' '}{number}\x03".encode()


class Dibal:
    """Dibal reply 99 (SBZ integration note): 99, status, 5 digits of grams, 0, 6 digits, XOR of the digits, CR LF.

    Status 0 with a weight; what the others mean is not known, so 1 stands for whatever cannot be said: below zero,
    out of range, not ready. It does not tell rest.
    """

    def encode(self, indication: Indication) -> bytes | None:
        grams = counts(indication.shown) * 10 ** max(0, 3 - indication.places)
        fits = is_shown(indication) and indication.shown >= 0 and indication.unit == "kg" and grams <= 99_999
        digits = f"99{0 if fits else 1}{grams if fits else 0:05d}0000000"
        return digits.encode() + bytes([0x30 + xor(bytes(int(digit) for digit in digits))]) + b"\r\n"

    @staticmethod
    def is_question(line: bytes) -> bool:
        """98, price of 5 digits, and the right check."""
        digits = line.removesuffix(b"\r\n")
        return (
            len(digits) == 8
            and digits.isdigit()
            and digits.startswith(b"98")
            and xor(bytes(digit - 0x30 for digit in digits[:7])) == digits[7] - 0x30
        )


class Bcd5:
    """HT9800 (comment in a public program): FF, flags, 3 bytes of packed digits, the last two digits first.

    Flags: bits 0-2 decimals, 4 stable, 5 negative, 7 overload. Silent below the range and before the zero.
    """

    STABLE, NEGATIVE, OVER = 0x10, 0x20, 0x80

    def encode(self, indication: Indication) -> bytes | None:
        if not indication.ready or indication.range is Range.UNDER:
            return None
        digits = f"{counts(indication.shown):06d}"
        if len(digits) > 6:
            return None
        flags = indication.places | (self.STABLE if indication.stable else 0)
        flags |= self.NEGATIVE if indication.shown < 0 else 0
        if indication.range is Range.OVER:
            digits, flags = "999999", flags | self.OVER
        return b"\xff" + bytes([flags]) + bytes.fromhex(digits)[::-1]


class Bcd6(Bcd5):
    """Yousheng JCS-B manual: the same with bit 6 stable and a unit byte behind (0 kg, 1 lb)."""

    STABLE = 0x40

    def encode(self, indication: Indication) -> bytes | None:
        frame = super().encode(indication)
        return None if frame is None else frame + bytes([1 if indication.unit == "lb" else 0])


class HidReport:
    """USB HID point-of-sale tables 1.02, weighing device: report 3, status, unit, exponent, value low byte first.

    Status 2 zero, 3 motion, 4 stable, 5 under zero, 6 over, 8 wants a new zero. The value is a magnitude: a weight
    below zero is only "under zero".
    """

    UNITS: ClassVar = {"g": 2, "kg": 3, "t": 4, "lb": 12}

    def encode(self, indication: Indication) -> bytes | None:
        status = 4 if indication.stable else 3
        if not indication.ready:
            status = 8
        elif indication.range is Range.OVER:
            status = 6
        elif indication.shown < 0:
            status = 5
        elif indication.stable and indication.shown == 0:
            status = 2
        value = min(counts(indication.shown), 0xFFFF) if status not in (3, 4) else counts(indication.shown)
        if value > 0xFFFF:
            return None
        exponent = -indication.places & 0xFF
        return bytes([3, status, self.UNITS[indication.unit], exponent]) + value.to_bytes(2, "little")


class EvenParity:
    """Another encoder's frames from a device set to 7 bits and even parity, behind a port left at 8N1."""

    def __init__(self, inner: StreamEncoder) -> None:
        self._inner = inner

    def encode(self, indication: Indication) -> bytes | None:
        frame = self._inner.encode(indication)
        return None if frame is None else bytes(byte | (byte.bit_count() & 1) << 7 for byte in frame)
