"""Parsers written by hand for one protocol each: what the decoding engine is measured against.

They do the same work for well-formed streams (find the frame, check it, exact decimals, unit, sign, mode, stability,
keep the frame's bytes) with nothing left to a profile, as someone who needs one indicator would write them.
"""

from __future__ import annotations

import re
from decimal import Decimal

from hazgate_protocols.scale.reading import Mode, Reading, Status


def yaohua_tf0(received: bytes, readings: list[Reading]) -> bytes:
    """Readings of 02, sign, 6 digits, decimals, 2 hex digits of XOR, 03; returns what is left."""
    at = 0
    while True:
        at = received.find(b"\x02", at)
        if at < 0:
            return b""
        frame = received[at : at + 12]
        if len(frame) < 12:
            return frame
        check = 0
        for byte in frame[1:9]:
            check ^= byte
        digits = frame[2:8]
        places = frame[8] - 0x30
        if frame[11] != 3 or frame[9:11] != b"%02X" % check or not digits.isdigit() or not 0 <= places <= 4:
            at += 1
            continue
        sign = frame[1]
        if sign == 0x2D:
            weight = Decimal(-int(digits)).scaleb(-places)
        elif sign == 0x2B:
            weight = Decimal(int(digits)).scaleb(-places)
        else:
            at += 1
            continue
        readings.append(Reading(weight, "kg", None, None, Status.OK, raw=frame))
        at += 12


_POINT = {0x30: 0, 0x31: 0, 0x32: 0, 0x33: 1, 0x34: 2, 0x35: 3, 0x36: 4, 0x37: 5}
_UNIT = {1: "g", 2: "t", 3: "oz"}


def toledo_cont(received: bytes, readings: list[Reading]) -> bytes:
    """Readings of the 17 bytes with CHK; returns what is left."""
    at = 0
    while True:
        at = received.find(b"\x02", at)
        if at < 0:
            return b""
        frame = received[at : at + 18]
        if len(frame) < 18:
            return frame
        a, b, c = frame[1], frame[2], frame[3]
        if (
            frame[16] != 13
            or sum(frame) & 0x7F
            or frame[17] > 0x7F
            or a & 0xE0 != 0x20
            or b & 0xA0 != 0x20
            or c & 0xE0 != 0x20
        ):
            at += 1
            continue
        unit = _UNIT.get(c & 7) or ("kg" if b & 0x10 else "lb")
        mode = Mode.NET if b & 1 else Mode.GROSS
        if b & 4:
            status = Status.UNDERLOAD if b & 2 else Status.OVERLOAD
            readings.append(Reading(None, unit, None, mode, status, raw=frame))
        elif b & 0x40 or c & 0x10:
            readings.append(Reading(None, unit, None, mode, Status.NOT_READY, raw=frame))
        else:
            digits, tare = frame[4:10].lstrip(b" "), frame[10:16].lstrip(b" ")
            if not digits.isdigit() or not tare.isdigit():
                at += 1
                continue
            places = -_POINT[a & 0x17 | 0x30]
            weight = Decimal(-int(digits) if b & 2 else int(digits)).scaleb(places)
            readings.append(
                Reading(weight, unit, not b & 8, mode, Status.OK, tare=Decimal(int(tare)).scaleb(places), raw=frame)
            )
        at += 18


_LINE = re.compile(rb"(ST|US),(GS|NT|TR),? *([+-]?) *([0-9]+(?:[.,][0-9]+)?) *(kg|g|t|lb) *")
_MODE = {b"GS": Mode.GROSS, b"NT": Mode.NET, b"TR": Mode.TARE}


def st_gs(received: bytes, readings: list[Reading]) -> bytes:
    """Readings of ST,GS lines; returns what is left."""
    *lines, rest = received.split(b"\n")
    for line in lines:
        match = _LINE.fullmatch(line.rstrip(b"\r"))
        if match is None:
            continue
        state, kind, sign, digits, unit = match.groups()
        weight = Decimal((sign + digits.replace(b",", b".")).decode())
        readings.append(Reading(weight, unit.decode(), state == b"ST", _MODE[kind], Status.OK, raw=line + b"\n"))
    return rest


_RINSTRUM = re.compile(rb"([ +-]) *([0-9]+(?:\.[0-9]+)?)([GNM])")


def rinstrum_11(received: bytes, readings: list[Reading]) -> bytes:
    """Readings of 02, sign, 7 characters, state, 03; returns what is left."""
    at = 0
    while True:
        at = received.find(b"\x02", at)
        if at < 0:
            return b""
        frame = received[at : at + 11]
        if len(frame) < 11:
            return frame
        match = _RINSTRUM.fullmatch(frame[1:10]) if frame[10] == 3 else None
        if match is None:
            at += 1
            continue
        sign, digits, state = match.groups()
        mode = Mode.GROSS if state == b"G" else Mode.NET if state == b"N" else None
        readings.append(Reading(Decimal((sign + digits).decode()), "kg", state != b"M", mode, Status.OK, raw=frame))
        at += 11
