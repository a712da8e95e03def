"""Damaged streams against every profile: no exception, a bounded buffer, and no weight that was not on the scale.

The references below are written from the manuals, on their own, and share nothing with the decoder.
"""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hazgate_profiles import registry
from hazgate_profiles.transcripts import read_transcript
from hazgate_protocols.scale.decoder import Decoder
from hazgate_protocols.scale.reading import Reading, Reject, Status
from hazgate_protocols.scale.spec import Value

TRANSCRIPTS = Path(str(files("hazgate_profiles"))) / "transcripts"
PROFILES = registry.available()
# Where the device keeps the decimals to itself the site must say them: as the profile's own transcript does.
SETTINGS: dict[str, dict[str, Value]] = {
    name: {"decimals": 2} for name in PROFILES if registry.load(name).options.get("decimals", 0) is None
}
FRAMES = {
    name: [
        b"".join(case.reads)
        for file in registry.load(name).transcripts
        for case in read_transcript(TRANSCRIPTS / file).cases
    ]
    for name in PROFILES
}


@st.composite
def damaged_streams(draw: st.DrawFn, name: str) -> bytes:
    """Frames of the profile with bytes lost, turned, added, doubled and cut, and noise between them."""
    pieces = draw(st.lists(st.one_of(st.sampled_from(FRAMES[name]), st.binary(max_size=6)), min_size=1, max_size=5))
    stream = bytearray(b"".join(pieces))
    for _ in range(draw(st.integers(0, 4))):
        if not stream:
            break
        place = draw(st.integers(0, len(stream) - 1))
        match draw(st.sampled_from(["turn", "lose", "add", "set", "cut"])):
            case "turn":
                stream[place] ^= 1 << draw(st.integers(0, 7))
            case "lose":
                del stream[place]
            case "add":
                stream.insert(place, draw(st.integers(0, 255)))
            case "set":
                stream[place] = draw(st.sampled_from(b"\x02\x03\r\n +-0123456789"))
            case _:
                del stream[: place // 2]
    return bytes(stream)


@pytest.mark.parametrize("name", PROFILES)
@settings(max_examples=60, deadline=None)
@given(drawn=st.data())
def test_damage_never_raises_and_arrival_never_matters(name: str, drawn: st.DataObject) -> None:
    """The same events whole and in random pieces; fewer than max_length bytes kept; a weight only if ok, or on hold."""
    stream = drawn.draw(damaged_streams(name))
    cuts = sorted(drawn.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    whole, pieces = (Decoder(registry.load(name), SETTINGS.get(name)) for _ in range(2))
    expected = whole.feed(stream) + whole.finish()
    events: list[Reading | Reject] = []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        events += pieces.feed(stream[start:stop])
        assert pieces.unread < pieces.max_length
    assert events + pieces.finish() == expected
    for event in expected:
        assert event.raw in stream
        assert len(event.raw) <= whole.max_length
        if isinstance(event, Reading):
            assert event.weight is None or event.status in (Status.OK, Status.HOLD)
            assert event.weight is not None or event.status is not Status.OK


@settings(max_examples=200, deadline=None)
@given(stream=damaged_streams("yaohua-tf0"))
def test_damaged_tf0_frames_never_give_another_weight(stream: bytes) -> None:
    """Exactly the weights that a plain reading of the manual finds, from the left."""
    assert _weights("yaohua-tf0", stream) == _tf0_by_the_manual(stream)


def _tf0_by_the_manual(stream: bytes) -> list[Decimal | None]:
    found: list[Decimal | None] = []
    place = 0
    while place + 12 <= len(stream):
        stx, sign, *rest = stream[place : place + 12]
        digits, point, high, low, etx = rest[:6], rest[6], rest[7], rest[8], rest[9]
        check = sign ^ point
        for digit in digits:
            check ^= digit
        halves = "0123456789ABCDEF"
        if (
            (stx, etx) == (2, 3)
            and (chr(high), chr(low)) == (halves[check >> 4], halves[check & 15])
            and chr(sign) in "+-"
            and all(0x30 <= digit <= 0x39 for digit in digits)
            and 0x30 <= point <= 0x34
        ):
            text = "".join(map(chr, digits))
            places = point - 0x30
            found.append(Decimal(f"{chr(sign)}{text[: 6 - places]}.{text[6 - places :]}"))
            place += 12
        else:
            place += 1
    return found


@settings(max_examples=200, deadline=None)
@given(stream=damaged_streams("toledo-cont"))
def test_damaged_toledo_frames_never_give_another_weight(stream: bytes) -> None:
    """Exactly the weights that a plain reading of the manual's tables finds, from the left."""
    assert _weights("toledo-cont", stream) == _toledo_by_the_manual(stream)


def _toledo_by_the_manual(stream: bytes) -> list[Decimal | None]:
    found: list[Decimal | None] = []
    place = 0
    while place + 18 <= len(stream):
        frame = stream[place : place + 18]
        a, b, c = frame[1:4]
        weight, tare = (frame[start : start + 6].decode("latin1") for start in (4, 10))
        plain = all(text.strip(" ") == text.lstrip(" ") and _digits(text.lstrip(" ")) for text in (weight, tare))
        sound = frame[0] == 2 and frame[16] == 13 and (sum(frame[:17]) + frame[17]) % 128 == 0 and frame[17] < 128
        sound = sound and all(byte & 0x20 and not byte & 0x80 for byte in (a, b, c)) and not (a | c) & 0x40
        unit = (c & 7) in (0, 1, 2, 3)
        if sound and unit and (b & 0x44 or c & 0x10):  # out of range, not zeroed, expanded
            found.append(None)
            place += 18
        elif sound and unit and plain:
            places = max((a & 7) - 2, 0)
            number = Decimal(weight.lstrip(" ")) / 10**places
            found.append(-number if b & 2 else number)
            place += 18
        else:
            place += 1
    return found


def _digits(text: str) -> bool:
    return text != "" and all(letter in "0123456789" for letter in text)


@settings(max_examples=200, deadline=None)
@given(stream=damaged_streams("modbus-laumas"))
def test_damaged_modbus_answers_never_give_another_weight(stream: bytes) -> None:
    """Exactly the weights that a plain reading of the register map finds, from the left."""
    assert _weights("modbus-laumas", stream) == _laumas_by_the_manual(stream)


def _laumas_by_the_manual(stream: bytes) -> list[Decimal | None]:
    request = bytes.fromhex("01 03 00 06 00 05 65 C8")
    found: list[Decimal | None] = []
    place = 0
    while place < len(stream):
        answer, exception = stream[place : place + 15], stream[place : place + 5]
        begun = len(answer) < 3 or (len(answer) < 15 and answer[1:3] == b"\x03\x0a")
        if begun or (len(exception) < 5 and exception[1] == 0x83) or (len(answer) < 8 and request.startswith(answer)):
            break  # what has begun may still be completed
        if len(answer) == 15 and answer[1:3] == b"\x03\x0a" and _crc_by_division(answer) == 0:
            place += 15
            status = answer[3] << 8 | answer[4]
            net = status >> 10 & 1
            gross_magnitude, net_magnitude = int.from_bytes(answer[5:9]), int.from_bytes(answer[9:13])
            if answer[0] != 1:
                continue
            if status & 0b111111:
                found.append(None)
            elif max(gross_magnitude, net_magnitude) <= 999999:
                magnitude = net_magnitude if net else gross_magnitude
                negative = status >> (8 if net else 7) & 1
                found.append(Decimal(-magnitude if negative else magnitude) / 100)
            else:
                place -= 14
        elif len(exception) == 5 and exception[1] == 0x83 and _crc_by_division(exception) == 0:
            place += 5
            found += [None] if exception[0] == 1 else []
        elif answer[:8] == request:
            place += 8
        else:
            place += 1
    return found


def _crc_by_division(message: bytes) -> int:
    """Remainder of the message with its CRC: 0 when nothing is damaged. Bit by bit, as the standard draws it."""
    register = 0xFFFF
    for byte in message:
        for bit in range(8):
            carry = (register ^ byte >> bit) & 1
            register = register >> 1 ^ (0xA001 if carry else 0)
    return register


@pytest.mark.parametrize("name", ["st-gs", "mt-sics"])
@settings(max_examples=150, deadline=None)
@given(drawn=st.data())
def test_a_weight_of_a_line_is_all_the_digits_of_that_line(name: str, drawn: st.DataObject) -> None:
    """Lines have no checksum; what can be promised: digits, sign and place of the point are those of one whole line."""
    stream = drawn.draw(damaged_streams(name))
    for event in Decoder(registry.load(name)).feed(stream):
        if isinstance(event, Reading) and event.weight is not None:
            line = event.raw.rstrip(b"\r\n").decode("ascii")
            assert b"\n" + event.raw in b"\n" + stream
            kept = "".join(letter for letter in line[5 if name == "st-gs" else 3 :] if letter in "0123456789.,-")
            assert event.weight == Decimal(kept.lstrip(",").replace(",", "."))


def _weights(name: str, stream: bytes) -> list[Decimal | None]:
    events = Decoder(registry.load(name), SETTINGS.get(name)).feed(stream)
    return [event.weight for event in events if isinstance(event, Reading)]
