"""The part of a profile's schema for frames of several lengths between markers, and for who they are addressed to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hazgate_protocols.scale.reading import Status
from hazgate_protocols.scale.spec_bytes import FRAME_BYTES_MAX, Check, check_asides, check_marks, hex_bytes
from hazgate_protocols.scale.spec_lines import LineVariant


@dataclass(frozen=True, slots=True)
class Address:
    """The byte that names the device: `base` plus the number of the option, or the option's letter.

    A frame of another device on the same line is refused. An option that is null takes any device.
    """

    at: int
    option: Literal["address", "device_id"]
    base: str = "00"

    def __post_init__(self) -> None:
        if len(hex_bytes(self.base)) != 1:
            raise ValueError(f"base {self.base!r} is not one byte in hex")


@dataclass(frozen=True, slots=True)
class Repeat:
    """A byte of the question that its answer repeats. Another one is the answer to another question."""

    at: int
    asked_at: int
    reason: Literal["address", "content"] = "content"


@dataclass(frozen=True, slots=True)
class Delimited:
    """Frames from a start marker to an end marker; a start marker never stands inside one.

    Expressions are of the whole frame with its markers. lengths: the lengths there are, with markers; another one is
    a framing fault. early_ends: end markers of short answers, which also stand inside long ones: what stands before
    them is a frame only if a variant fits it. check: offsets in the frame, below 0 from its end. asides: see Fixed.
    """

    kind: Literal["delimited"]
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    max_length: int
    check: Check | None
    variants: tuple[LineVariant, ...]
    lengths: tuple[int, ...] = ()
    early_ends: tuple[str, ...] = ()
    address: Address | None = None
    repeats: tuple[Repeat, ...] = ()
    asides: dict[str, Status | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.starts or not self.ends or not all(map(hex_bytes, (*self.starts, *self.ends, *self.early_ends))):
            raise ValueError("a delimited frame has at least one start and one end, each of at least one byte")
        if not 3 <= self.max_length <= FRAME_BYTES_MAX or any(not 3 <= one <= self.max_length for one in self.lengths):
            raise ValueError(f"max_length {self.max_length}, lengths {list(self.lengths)}: 3 to {FRAME_BYTES_MAX}")
        if not self.variants:
            raise ValueError("a frame has at least one variant")
        check_asides(self.asides, self.starts)
        check_marks((*self.starts, *self.asides))
        check_marks((*self.ends, *self.early_ends))
        offsets = [item.at for item in (self.address, *self.repeats) if item is not None]
        if any(not 0 <= at < min(self.lengths, default=3) for at in offsets):
            raise ValueError(f"offsets {offsets}: inside the shortest frame")
