"""Checksums of scale frames: bytes in, the check as it stands in the frame out. A new one is one function here."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import xor

CheckFunction = Callable[[bytes], bytes]


def xor_hex(covered: bytes) -> bytes:
    """XOR of all bytes as two capital hex characters, high half first (Yaohua XK3190 A9+ manual, tF=0)."""
    return b"%02X" % reduce(xor, covered, 0)


def xor_byte(covered: bytes) -> bytes:
    """XOR of all bytes as one byte (BCC of the CAS AP-1 exchange)."""
    return bytes([reduce(xor, covered, 0)])


def sum8(covered: bytes) -> bytes:
    """Low 8 bits of the sum."""
    return bytes([sum(covered) & 0xFF])


def lrc(covered: bytes) -> bytes:
    """Two's complement of the low 8 bits of the sum (Modbus over serial line 1.02, 2.5.2.2, before its hex form)."""
    return bytes([-sum(covered) & 0xFF])


def digit_xor(covered: bytes) -> bytes:
    """XOR of the values of ASCII digits as one character from 30h (Dibal's reply 99; its note calls it a sum)."""
    return bytes([0x30 | reduce(xor, covered, 0) & 0x0F])


def sum7_neg(covered: bytes) -> bytes:
    """Two's complement of the low 7 bits of the sum (Mettler-Toledo Wildcat technical manual, table 6-8, note 6)."""
    return bytes([-sum(covered) & 0x7F])


def crc16_modbus(covered: bytes) -> bytes:
    """CRC-16, reflected polynomial A001h, start FFFFh, low byte first (Modbus over serial line 1.02, 2.5.1.2)."""
    crc = 0xFFFF
    for byte in covered:
        crc = (crc >> 8) ^ _CRC16_TABLE[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


def crc16_xmodem(covered: bytes) -> bytes:
    """CRC-16, polynomial 1021h, start 0, high byte first (XMODEM-CRC)."""
    crc = 0
    for byte in covered:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021) & 0xFFFF if crc & 0x8000 else crc << 1
    return crc.to_bytes(2, "big")


def _crc16_entry(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (0xA001 if byte & 1 else 0)
    return byte


_CRC16_TABLE = tuple(_crc16_entry(byte) for byte in range(256))

CHECKS: dict[str, CheckFunction] = {
    "xor": xor_byte,
    "xor-hex": xor_hex,
    "sum8": sum8,
    "lrc": lrc,
    "digit-xor": digit_xor,
    "crc16-xmodem": crc16_xmodem,
    "sum7-neg": sum7_neg,
    "crc16-modbus": crc16_modbus,
}
WIDTHS = {name: len(function(b"\0")) for name, function in CHECKS.items()}


def compile_check(algo: str, over: tuple[int, int], at: int) -> Callable[[bytes], bool]:
    """Whether the check of a frame is right; offsets below 0 count from its end, and a frame too short is not."""
    compute, width = CHECKS[algo], WIDTHS[algo]
    start, stop = over
    if start >= 0 and stop >= 0 and at >= 0:
        return lambda frame: frame[at : at + width] == compute(frame[start:stop])

    def intact(frame: bytes) -> bool:
        place = at if at >= 0 else len(frame) + at
        return place >= 0 and frame[place : place + width] == compute(frame[start:stop])

    return intact
