"""Frames of an HJ 212 monitor, made by hand: length, data segment, CRC, CR LF; and frames with faults."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

FAULTS = ("none", "crc", "length", "cut", "noise", "doubled", "flagged")


def check(segment: bytes) -> str:
    """HJ 212-2017, appendix A: each byte goes into the register's lower half after that was moved down by eight."""
    register = 0xFFFF
    for octet in segment:
        register = (register >> 8) ^ octet
        for _ in range(8):
            carry = register % 2
            register //= 2
            if carry:
                register ^= 0xA001
    return format(register, "04X")


def frame(segment: str) -> bytes:
    """A right frame around a segment."""
    octets = segment.encode("ascii")
    return f"##{len(octets):04d}".encode() + octets + check(octets).encode() + b"\r\n"


def real_time(
    values: Mapping[str, str],
    at: datetime,
    *,
    mn: str,
    password: str = "123456",  # noqa: S107 the one of the standard's example
    flag: str = "N",
    wants_answer: bool = True,
    st: str = "31",
) -> bytes:
    """A frame of real-time values (2011) of factor codes, dated by a local time."""
    factors = ";".join(f"{code}-Rtd={value},{code}-Flag={flag}" for code, value in values.items())
    qn = at.strftime("%Y%m%d%H%M%S") + f"{at.microsecond // 1000:03d}"
    head = f"QN={qn};ST={st};CN=2011;PW={password};MN={mn};Flag={5 if wants_answer else 4}"
    return frame(f"{head};CP=&&DataTime={at:%Y%m%d%H%M%S};{factors}&&")


def spoiled(octets: bytes, fault: str) -> bytes:
    """The same frame as a broken line or device would send it. `flagged` is made by real_time's flag, not here."""
    match fault:
        case "crc":
            return octets[:-6] + (b"0000" if octets[-6:-2] != b"0000" else b"FFFF") + octets[-2:]
        case "length":
            return octets[:2] + b"0001" + octets[6:]
        case "cut":
            return octets[: len(octets) // 2]
        case "noise":
            return b"\x00\xff#" + octets
        case "doubled":
            return octets + octets
        case _:
            return octets
