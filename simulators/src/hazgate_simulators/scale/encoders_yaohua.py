"""Yaohua XK3190 outputs beside tF=0, and their relatives, written from the manuals named in each class.

Those without a status field say neither overload nor "not ready"; the manuals give digits only, so an overload cannot
be put into a frame that keeps their rules: these simulators then send nothing. That is our choice, not a capture.
"""

from __future__ import annotations

from decimal import Decimal

from hazgate_simulators.scale.physics import Indication, Range
from hazgate_simulators.scale.text import is_shown, xor_hex, zeros

NUMBER_CHARS = 7
ADDRESS = b"A"
NO_PRICE = ";0000.00;0000.00"


class EqualsReversed:
    """XK3190-A26 and A23p, reversed format: '=', 7 characters from the last digit to the first, then '0' or '-'."""

    def encode(self, indication: Indication) -> bytes | None:
        number = zeros(indication.shown, NUMBER_CHARS)
        if number is None or not is_shown(indication):
            return None
        return f"={number[::-1]}{_sign(indication.shown)}".encode()


class EqualsForward:
    """XK3190-A26 and A23p, forward format: '=', '0' or '-', 7 characters with the high digit first."""

    def encode(self, indication: Indication) -> bytes | None:
        number = zeros(indication.shown, NUMBER_CHARS)
        if number is None or not is_shown(indication):
            return None
        return f"={_sign(indication.shown)}{number}".encode()


class EqualsPrice:
    """XK3190-A23p format 4: the forward form, unit, then unit price and amount (none is set: zeros)."""

    def encode(self, indication: Indication) -> bytes | None:
        forward = EqualsForward().encode(indication)
        return None if forward is None else forward + f"{indication.unit}{NO_PRICE}".encode()


class TrailingEquals:
    """What Chinese weighbridge programs expect: 7 characters reversed, then '='; the point first in an integer.

    A minus stands where the first character of the number does, so it comes last (recalled, not captured).
    """

    def encode(self, indication: Indication) -> bytes | None:
        if not is_shown(indication):
            return None
        negative = indication.shown < 0
        point = "" if indication.places or negative else "."
        number = zeros(indication.shown, NUMBER_CHARS - len(point) - negative)
        if number is None:
            return None
        return (("-" if negative else "") + number + point)[::-1].encode() + b"="


class A12E:
    """XK3190-A12(E): W, G or N, 7 characters, unit, XOR of the first 11 bytes, CR LF; 9 blanks and OL or LO.

    An integer has a blank in the place of the point. Silent before the zero after power-up, which the manual does not
    describe.
    """

    def encode(self, indication: Indication) -> bytes | None:
        if not indication.ready:
            return None
        if indication.range is not Range.INSIDE:
            body = b" " * 9 + (b"OL" if indication.range is Range.OVER else b"LO")
        else:
            negative = indication.shown < 0
            point = "" if indication.places else " "
            number = zeros(indication.shown, NUMBER_CHARS - len(point) - negative)
            if number is None:
                return None
            kind = "N" if indication.net_shown else "G"
            body = f"W{kind}{'-' if negative else ''}{number}{point}{indication.unit}".encode()
        return body + xor_hex(body) + b"\r\n"


class WnLine:
    """A12-type short line: ww gross or wn net, sign place, 7 characters, kg or lb, CR LF. Says nothing of the range."""

    def encode(self, indication: Indication) -> bytes | None:
        number = zeros(indication.shown, NUMBER_CHARS)
        if number is None or not is_shown(indication):
            return None
        kind = "wn" if indication.net_shown else "ww"
        return f"{kind}{'-' if indication.shown < 0 else ' '}{number}{indication.unit}\r\n".encode()


class CommandAnswers:
    """XK3190 command mode tF=1 (A9+, DS3, A23p manuals): the answers of the device with the address A.

    A handshake, B gross, C tare, D net: 02, address, command, sign, 6 digits, decimals, check, 03. Questions with a
    wrong check or another address are not answered. Zero and tare cannot be set from outside.
    """

    def answer(self, command: bytes, indication: Indication) -> bytes | None:
        if command == b"A":
            return self._framed(command)
        number = {b"B": indication.gross, b"C": indication.tare, b"D": indication.net}.get(command)
        if number is None or not is_shown(indication):
            return None
        digits = zeros(abs(Decimal(number)).scaleb(indication.places).quantize(Decimal(1)), 6)
        if digits is None:
            return None
        return self._framed(command + f"{'-' if number < 0 else '+'}{digits}{indication.places}".encode())

    @staticmethod
    def question(command: bytes) -> bytes:
        """What the host asks: 02, address, command, check, 03."""
        return CommandAnswers._framed(command)

    @staticmethod
    def _framed(text: bytes) -> bytes:
        return b"\x02" + ADDRESS + text + xor_hex(ADDRESS + text) + b"\x03"


def _sign(number: Decimal) -> str:
    return "-" if number < 0 else "0"
