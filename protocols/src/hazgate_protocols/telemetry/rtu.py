"""Reading registers by Modbus RTU: the question's bytes, and the answer found among what the line brings.

Modbus application protocol 1.1b3, 6.3 and 6.4, and Modbus over serial line 1.02, 2.5.1.2 (CRC). An adapter's echo of
the question and noise before the answer are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass

from hazgate_protocols.scale.checks import crc16_modbus

ANSWER_BYTES_MAX = 3 + 2 * 125 + 2
_EXCEPTION_BYTES = 5


@dataclass(frozen=True, slots=True)
class Refused:
    """The device answered with an exception."""

    code: int


def question(unit_id: int, function: int, address: int, count: int) -> bytes:
    """The request for so many registers."""
    body = bytes([unit_id, function]) + address.to_bytes(2, "big") + count.to_bytes(2, "big")
    return body + crc16_modbus(body)


def answer(held: bytes, unit_id: int, function: int, count: int) -> list[int] | Refused | None:
    """The registers in what has come since the question, None while the answer is not whole."""
    start = bytes([unit_id, function, 2 * count])
    refusal = bytes([unit_id, function | 0x80])
    length = 3 + 2 * count + 2
    for at in range(len(held)):
        frame = held[at : at + length]
        if frame.startswith(start) and len(frame) == length and crc16_modbus(frame[:-2]) == frame[-2:]:
            return [int.from_bytes(frame[3 + 2 * n : 5 + 2 * n], "big") for n in range(count)]
        short = held[at : at + _EXCEPTION_BYTES]
        if short.startswith(refusal) and len(short) == _EXCEPTION_BYTES and crc16_modbus(short[:-2]) == short[-2:]:
            return Refused(short[2])
    return None
