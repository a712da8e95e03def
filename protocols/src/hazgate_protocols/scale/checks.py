"""Checksums of scale frames: bytes in, the check as it stands in the frame out. A new one is one function here."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import xor

CheckFunction = Callable[[bytes], bytes]


def xor_hex(covered: bytes) -> bytes:
    """XOR of all bytes as two capital hex characters, high half first (Yaohua XK3190 A9+ manual, tF=0)."""
    return b"%02X" % reduce(xor, covered, 0)


def sum7_neg(covered: bytes) -> bytes:
    """Two's complement of the low 7 bits of the sum (Mettler-Toledo Wildcat technical manual, table 6-8, note 6)."""
    return bytes([-sum(covered) & 0x7F])


def crc16_modbus(covered: bytes) -> bytes:
    """CRC-16, reflected polynomial A001h, start FFFFh, low byte first (Modbus over serial line 1.02, 2.5.1.2)."""
    crc = 0xFFFF
    for byte in covered:
        crc = (crc >> 8) ^ _CRC16_TABLE[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


def _crc16_entry(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (0xA001 if byte & 1 else 0)
    return byte


_CRC16_TABLE = tuple(_crc16_entry(byte) for byte in range(256))

CHECKS: dict[str, CheckFunction] = {
    "xor-hex": xor_hex,
    "sum7-neg": sum7_neg,
    "crc16-modbus": crc16_modbus,
}
WIDTHS = {name: len(function(b"\0")) for name, function in CHECKS.items()}
