"""Bytes to frames and back: "##", four digits of length, the data segment, four hex digits of CRC, CR LF.

The other side's nonsense is a BadFrame, never an exception.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hazgate_protocols.hj212.editions import CRC_DIGITS, HEAD, LENGTH_DIGITS, SEGMENT_BYTES_MAX, TAIL

FRAME_BYTES_MAX = len(HEAD) + LENGTH_DIGITS + SEGMENT_BYTES_MAX + CRC_DIGITS + len(TAIL)
NOISE_BYTES_SHOWN = 64
_START = len(HEAD) + LENGTH_DIGITS
_HEX = re.compile(rb"[0-9A-Fa-f]{4}")


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame whose CRC is right: its data segment."""

    segment: bytes


@dataclass(frozen=True, slots=True)
class BadFrame:
    """Bytes that are no frame: why ("noise", "length", "crc", "tail"), and the first of them."""

    why: str
    raw: bytes
    detail: str = ""


def crc(segment: bytes) -> int:
    """The check of HJ 212 over the data segment, 16 bits.

    The register is shifted down by a byte BEFORE the next byte is mixed in, which CRC-16/Modbus does not do, so the two
    differ. The standard's published example gives 1C80h here; Modbus would give 0759h.
    """
    register = 0xFFFF
    for byte in segment:
        register = (register >> 8) ^ byte
        for _ in range(8):
            register = register >> 1 ^ (0xA001 if register & 1 else 0)
    return register


def encode(segment: bytes) -> bytes:
    """The frame around a data segment. Raises ValueError for one that is too long: our own misuse."""
    if len(segment) > SEGMENT_BYTES_MAX:
        raise ValueError(f"data segment of {len(segment)} bytes, at most {SEGMENT_BYTES_MAX}")
    return b"%s%04d%s%04X%s" % (HEAD, len(segment), segment, crc(segment), TAIL)


class Splitter:
    """Bytes in, frames out, however they are cut. Holds at most FRAME_BYTES_MAX unread bytes.

    After damage it looks for the next "##" behind the one that led nowhere, so that a frame right behind a broken one
    is found even where the broken one's length pointed past it.
    """

    def __init__(self) -> None:
        self._held = bytearray()

    @property
    def held(self) -> int:
        """Unread bytes."""
        return len(self._held)

    def feed(self, octets: bytes) -> Iterator[Frame | BadFrame]:
        """Whatever these bytes complete."""
        for start in range(0, len(octets), FRAME_BYTES_MAX):
            self._held += octets[start : start + FRAME_BYTES_MAX]
            while (event := self._next()) is not None:
                yield event

    def _next(self) -> Frame | BadFrame | None:
        held = self._held
        at = held.find(HEAD)
        if at != 0:
            # A lone "#" at the end may be half of a head.
            keep = 1 if at < 0 and held.endswith(b"#") else 0
            noise = at if at > 0 else len(held) - keep
            if noise == 0:
                return None
            # The line's own ends are not worth an event.
            return self._drop(noise, "noise") or self._next()
        if len(held) < _START:
            return None
        length = held[len(HEAD) : _START]
        if not length.isdigit() or int(length) > SEGMENT_BYTES_MAX:
            # One "#" alone: of three, the last two may be the head.
            return self._drop(1, "length", f"length {bytes(length)!r}, at most {SEGMENT_BYTES_MAX}")
        end = _START + int(length)
        if len(held) < end + CRC_DIGITS + len(TAIL):
            return None
        said, tail = bytes(held[end : end + CRC_DIGITS]), bytes(held[end + CRC_DIGITS : end + CRC_DIGITS + len(TAIL)])
        segment = bytes(held[_START:end])
        wanted = b"%04X" % crc(segment)
        if not _HEX.fullmatch(said) or said.upper() != wanted:
            return self._drop(1, "crc", f"CRC {said!r}, the segment's is {wanted.decode()}")
        if tail != TAIL:
            return self._drop(1, "tail", f"{tail!r} where CR LF belongs")
        del held[: end + CRC_DIGITS + len(TAIL)]
        return Frame(segment)

    def _drop(self, count: int, why: str, detail: str = "") -> BadFrame | None:
        shown = bytes(self._held[: NOISE_BYTES_SHOWN if why != "noise" else min(count, NOISE_BYTES_SHOWN)])
        is_blank = why == "noise" and not self._held[:count].strip(b"\r\n#")
        del self._held[:count]
        return None if is_blank else BadFrame(why, shown, detail)
