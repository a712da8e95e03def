"""Frames of every profile, damaged; and what a wrong weight is.

Most of these protocols have no checksum, so a digit that was turned into another digit on the wire is a right frame of
another weight: no parser can tell. What can be promised, and what `wrong_weight` looks for, is

1. a weight comes only from bytes that were received, in one piece (`raw` stands in the stream);
2. its digits are the digits of those bytes, in the order the device writes them: none made up, skipped or joined from
   two frames (looked for in every order there is, as text, packed digits, integer or float);
3. where a frame has a checksum, it is right, by sums worked out here and not by the engine;
4. a weight comes only with status ok, and a number that is finite.

That one byte changed in a frame with a checksum never gives a weight at all is a test of its own.
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path

from hazgate_profiles import registry
from hazgate_profiles.transcripts import Case, read_transcript
from hazgate_protocols.scale.decoder import Decoder
from hazgate_protocols.scale.reading import Reading, Status
from hazgate_protocols.scale.spec import Check, Delimited, Fixed, Line, Profile, Registers, Report, Value

TRANSCRIPTS = Path(str(files("hazgate_profiles"))) / "transcripts"
MARKERS = b"\x00\x01\x02\x03\x04\x06\r\n\x15\x7f\x80\xff =+-.,;/ ?0123456789"


@dataclass(frozen=True)
class Family:
    """A profile, the settings its first example assumes, and the frames of all examples with these settings."""

    profile: Profile
    options: Mapping[str, Value]
    streams: tuple[bytes, ...]
    frames: tuple[bytes, ...]
    """Whole frames that carry a weight, each alone."""

    def decoder(self) -> Decoder:
        return Decoder(self.profile, self.options)


@cache
def family(name: str) -> Family:
    """The frames of a profile."""
    profile = registry.load(name)
    cases: list[Case] = [c for file in profile.transcripts for c in read_transcript(TRANSCRIPTS / file).cases]
    options = dict(cases[0].options)
    decoder = Decoder(profile, cases[0].options)
    streams = tuple([b"".join(case.reads) for case in cases])
    frames = []
    for stream in streams:
        decoder.reset()
        frames += [
            event.raw for event in decoder.feed(stream) if isinstance(event, Reading) and event.weight is not None
        ]
    return Family(profile, options, streams, tuple(dict.fromkeys(frames)))


def damaged(dice: random.Random, streams: Sequence[bytes], pieces: int) -> tuple[bytes, int]:
    """So many examples one after the other, most of them damaged once or twice; and how many were."""
    joined: list[bytes] = []
    hurt = 0
    for _ in range(pieces):
        piece = bytearray(dice.choice(streams))
        for _ in range(dice.choice((0, 1, 1, 1, 2, 3))):
            if not piece:
                break
            place = int(dice.random() * len(piece))
            match int(dice.random() * 6):
                case 0:
                    piece[place] ^= 1 << int(dice.random() * 8)
                case 1:
                    del piece[place]
                case 2:
                    piece.insert(place, int(dice.random() * 256))
                case 3:
                    piece[place] = dice.choice(MARKERS)
                case 4:
                    other = int(dice.random() * len(piece))
                    piece[place], piece[other] = piece[other], piece[place]
                case _:
                    del piece[: place // 2]
        hurt += bytes(piece) not in streams
        joined.append(bytes(piece))
    return b"".join(joined), hurt


def wrong_weight(family_of: Family, reading: Reading, stream: bytes) -> str:
    """Empty, or what is wrong with a reading that came out of the stream."""
    held = reading.status is Status.HOLD  # a value that is shown and never weighed
    if not held and (reading.weight is not None) != (reading.status is Status.OK):
        return "a weight without status ok, or ok without a weight"
    if reading.raw not in stream:
        return "bytes that were never received"
    if reading.weight is None:
        return ""
    if not reading.weight.is_finite():
        return "no number"
    raw = reading.raw
    if family_of.options.get("strip_high_bit", family_of.profile.options.get("strip_high_bit")):
        raw = bytes(byte & 0x7F for byte in raw)
    if isinstance(family_of.profile.frame, Report):
        return "" if _report_says(reading.weight, raw) else f"{reading.weight} does not stand in the report"
    if not _digits_stand_in(abs(reading.weight), raw):
        return f"{reading.weight} does not stand in the bytes"
    if not _is_intact(family_of.profile, family_of.options, raw):
        return "the checksum is wrong"
    return ""


def _digits_stand_in(weight: Decimal, raw: bytes) -> bool:
    digits = "".join(map(str, weight.as_tuple().digits)).lstrip("0")
    text = "".join(chr(byte) for byte in raw if chr(byte) in "0123456789")
    packed, packed_back = raw.hex(), raw[::-1].hex()
    if any(digits in row for row in (text, text[::-1], packed, packed_back)):
        return True
    whole = int(digits)
    if any(
        abs(int.from_bytes(raw[at : at + width], order, signed=True)) == whole
        or int.from_bytes(raw[at : at + width], order) == whole
        for width in (2, 4)
        for at in range(len(raw) - width + 1)
        for order in ("big", "little")
    ):
        return True
    words = [raw[at : at + 4] for at in range(len(raw) - 3)]
    floats = [struct.unpack(">f", word)[0] for four in words for word in (four, four[2:] + four[:2], four[::-1])]
    half = Decimal((0, (5,), int(weight.as_tuple().exponent) - 1))  # of the last place: a float is rounded to it
    return any(abs(abs(Decimal(number)) - weight) <= half for number in floats if math.isfinite(number))


def _report_says(weight: Decimal, raw: bytes) -> bool:
    """A HID report by its definition: value times ten to the signed exponent."""
    exponent, value = struct.unpack_from("<bH", raw, 3)
    return weight == Decimal(value).scaleb(exponent)


def _is_intact(profile: Profile, options: Mapping[str, Value], raw: bytes) -> bool:
    frame = profile.frame
    if isinstance(frame, Registers):
        return sum_of("crc16-modbus", raw[:-2]) == raw[-2:]
    check: Check | None = getattr(frame, "check", None)
    if check is None or options.get("checksum") == "none":
        return True
    if isinstance(frame, Line):
        raw = raw.rstrip(b"\r\n")
    assert isinstance(frame, Fixed | Line | Delimited)
    at = check.at % len(raw)
    wanted = sum_of(check.algo, raw[slice(*check.over)])
    return raw[at : at + len(wanted)] == wanted


def sum_of(algo: str, covered: bytes) -> bytes:
    """The checksum, worked out without the engine's functions."""
    both = 0
    for byte in covered:
        both ^= byte
    match algo:
        case "xor":
            return bytes([both])
        case "xor-hex":
            return f"{both:02X}".encode()
        case "digit-xor":
            return chr(0x30 + both % 16).encode()
        case "sum8":
            return bytes([sum(covered) % 256])
        case "lrc":
            return bytes([(256 - sum(covered) % 256) % 256])
        case "sum7-neg":
            return bytes([(128 - sum(covered) % 128) % 128])
        case "crc16-modbus":
            register = 0xFFFF
            for byte in covered:
                for bit in range(8):
                    carry = (register ^ byte >> bit) & 1
                    register = register >> 1 ^ (0xA001 if carry else 0)
            return register.to_bytes(2, "little")
        case "crc16-xmodem":  # the remainder of a long division, bit by bit
            bits = int.from_bytes(covered + b"\0\0")
            for place in range(len(covered) * 8 + 15, 15, -1):
                if bits >> place & 1:
                    bits ^= 0x11021 << (place - 16)
            return bits.to_bytes(2)
    raise AssertionError(f"no sum for {algo}: add it here, by hand")


def is_protected(profile: Profile) -> bool:
    """Whether its frames carry a checksum."""
    return profile.registers is not None or getattr(profile.frame, "check", None) is not None
