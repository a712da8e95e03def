"""Bytes that make a scanner look, and what belongs to them. Three families; nothing here is sent by itself.

gm65        Grow GM65, GM60, GM67, GM812, GM861 (GM65 user manual, serial command chapter; check recomputed):
            7E 00, type, length, address (2), data, check (2). Check = CRC-16, polynomial 1021h, start 0, from the
            type to the last data byte; AB CD instead means "not checked". The answer 02 00, result, length, data,
            check stands IN FRONT of the data that a trigger brings.
gm72        Grow GM72: length, command, 04, parameters, check: the two's complement of the sum, two bytes. Wake it with
            00 and wait 50 ms.
honeywell   SYN, a letter, CR (Honeywell hand scanners; from memory).
"""

from __future__ import annotations

import binascii

GM65_HEAD = b"\x7e\x00"
GM65_ANSWER_HEAD = b"\x02\x00"
GM65_UNCHECKED = b"\xab\xcd"
GM65_ANSWER_OVERHEAD = 6  # head 2, result 1, length 1, check 2
GM65_DONE = 0x00

GM72_WAKE = b"\x00"
GM72_WAKE_MS = 50

HONEYWELL_START = b"\x16T\r"
HONEYWELL_STOP = b"\x16U\r"


def crc_1021(octets: bytes) -> bytes:
    """CRC-16 with polynomial 1021h and start 0, high byte first."""
    return binascii.crc_hqx(octets, 0).to_bytes(2, "big")


def gm65_command(kind: int, address: int, data: bytes, *, checked: bool = True) -> bytes:
    """A command with its check. kind: 7 read, 8 write, 9 save. Raises ValueError for what its fields do not hold."""
    if kind not in (7, 8, 9) or not 0 <= address <= 0xFFFF or not 1 <= len(data) <= 255:
        raise ValueError(f"gm65 command {kind} at {address:#06x} with {len(data)} bytes: no such command")
    body = bytes([kind, len(data)]) + address.to_bytes(2, "big") + data
    return GM65_HEAD + body + (crc_1021(body) if checked else GM65_UNCHECKED)


def gm72_command(code: int, parameters: bytes) -> bytes:
    """A command with its check. Raises ValueError for more than a length byte counts."""
    if not 0 <= code <= 255 or len(parameters) > 250:
        raise ValueError(f"gm72 command {code:#04x} with {len(parameters)} bytes: no such command")
    body = bytes([len(parameters) + 3, code, 0x04]) + parameters
    return body + (-sum(body) & 0xFFFF).to_bytes(2, "big")


def is_checked_gm65(command: bytes) -> bool:
    """Whether these bytes are a whole gm65 command whose check is right or says that there is none."""
    if not command.startswith(GM65_HEAD) or len(command) < 9 or len(command) != command[3] + 8:
        return False
    return command[-2:] in (crc_1021(command[2:-2]), GM65_UNCHECKED)


def is_checked_gm72(command: bytes) -> bool:
    """Whether these bytes are a whole gm72 command whose check is right."""
    return len(command) >= 5 and len(command) == command[0] + 2 and command == gm72_command(command[1], command[3:-2])
