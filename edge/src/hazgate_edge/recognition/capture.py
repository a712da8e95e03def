"""What was heard on a port, and at which settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

CAPTURE_BYTES_MAX = 16 * 1024  # of one capture; three seconds at 57600 baud, and far more frames than are needed
_HIGH = 0x80
_LOW_7_BITS = bytes(byte & 0x7F for byte in range(256))
PARITY_BYTES_MIN = 16  # fewer bytes could all have even parity by chance


@dataclass(frozen=True, slots=True)
class LineSettings:
    """How a serial port was open."""

    baud: int
    bits: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stop: Literal[1, 2] = 1

    def __str__(self) -> str:
        return f"{self.baud} {self.bits}{self.parity}{self.stop}"


@dataclass(frozen=True)
class Capture:
    """Bytes heard in a row. separate: each piece stands for itself (an answer, a HID report), else they are a stream.

    asked: the question they answer, empty when the device was only listened to. settings: None where the port has none
    or somebody else holds them (a serial server). span_s: how long it was listened to.
    """

    pieces: tuple[bytes, ...]
    asked: bytes = b""
    separate: bool = False
    settings: LineSettings | None = None
    span_s: float = 0.0

    @cached_property
    def received(self) -> bytes:
        return b"".join(self.pieces)

    @cached_property
    def parity(self) -> Literal["E", "O"] | None:
        """The parity that a port of 8 bits has received in bit 7; None when the bytes speak against it.

        A 7-bit character with its parity bit is as long as one of 8 bits without: listening at 8N1 loses nothing.
        """
        heard = self.received
        if len(heard) < PARITY_BYTES_MIN or not any(byte & _HIGH for byte in heard):
            return None
        odd = sum(byte.bit_count() & 1 for byte in heard)
        return "E" if odd == 0 else "O" if odd == len(heard) else None

    def stripped(self) -> Capture:
        """The same with bit 7 cleared, as a port of 7 bits gives it."""
        return replace(self, pieces=tuple(piece.translate(_LOW_7_BITS) for piece in self.pieces))

    def merged(self, other: Capture) -> Capture:
        """Both in a row; they must have been taken in the same way."""
        if (self.asked, self.separate, self.settings) != (other.asked, other.separate, other.settings):
            raise ValueError("captures of different settings or questions")
        return replace(self, pieces=self.pieces + other.pieces, span_s=self.span_s + other.span_s)
