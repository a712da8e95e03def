"""The decoder's own promises, with small frames made up for them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hazgate_protocols.scale.checks import crc16_modbus
from hazgate_protocols.scale.decoder import Decoder
from hazgate_protocols.scale.options import OptionError
from hazgate_protocols.scale.reading import Mode, Reading, Reason, Reject, Status
from hazgate_protocols.scale.registers import RegisterMap
from hazgate_protocols.scale.spec import (
    Check,
    Command,
    EndAt,
    Fields,
    Fixed,
    Line,
    LineVariant,
    Link,
    Lookup,
    Number,
    Poll,
    Profile,
    Registers,
    StabilityWindow,
    Value,
    Variant,
)


def profile_of(frame: Fixed | Line | Registers, **options: Value) -> Profile:
    return Profile(
        id="made-up",
        title={"en": "made up"},
        revision=1,
        trust="assumed",
        source=("this test",),
        link=Link(kinds=("serial",), baud=(9600,), bits=8, parity="N", stop=1),
        traffic=Poll(mode="poll", interval_ms=100, timeout_ms=300, retries=3),
        frame=frame,
        transcripts=("none.yaml",),
        stability_window=StabilityWindow("device-silent", 3, 300, 1),
        options=options,
        commands={"read": Command("3F")},
    )


LINE = Line(
    kind="line",
    ends=("0D 0A", "0A"),
    head="^W ",
    max_length=16,
    variants=(LineVariant(name="weight", regex="^W (?P<weight>[0-9]+)$"),),
)
THREE = Variant(name="weight", status=Status.OK, fields=Fields(weight=Number((2, 5), "ascii-int", 0)))
FIXED = Fixed(
    kind="fixed", start="02 02", length=6, end_at=(EndAt(5, "03"),), check=None, variants=(THREE,)
)  # two start bytes, three digits, 03


def outcomes(events: list[Reading | Reject]) -> list[str]:
    return [str(event.weight) if isinstance(event, Reading) else str(event.reason) for event in events]


def test_a_start_marker_of_two_bytes_may_arrive_in_halves() -> None:
    """Half a marker at the end of a read is kept, whatever came before it."""
    decoder = Decoder(profile_of(FIXED))
    stream = b"\x02\x01\x02\x02123\x03\x02"
    assert outcomes(decoder.feed(stream)) == ["framing", "123"]
    assert decoder.unread == 1
    single = Decoder(profile_of(FIXED))
    events = [event for byte in stream for event in single.feed(bytes([byte]))]
    assert outcomes(events) == ["framing", "123"]
    assert outcomes(decoder.feed(b"\x02456\x03")) == ["456"]


def test_endless_noise_costs_one_reject_each_frame_length_and_no_memory() -> None:
    """Ten thousand bytes without a frame: bounded rejects of bounded size, nothing held."""
    decoder = Decoder(profile_of(FIXED))
    events = decoder.feed(b"\xff" * 9999) + decoder.finish()
    assert len(events) == 9999 // 6 + 1
    assert b"".join(event.raw for event in events) == b"\xff" * 9999
    assert decoder.unread == 0


def test_a_line_without_an_end_is_dropped_up_to_the_next_end() -> None:
    """One reject for the long line however it arrives, and the next line is read again."""
    stream = b"W " + b"1" * 40 + b"\nW 7\r\n"
    for size in (1, 5, 16, 100):
        decoder = Decoder(profile_of(LINE))
        events: list[Reading | Reject] = []
        for start in range(0, len(stream), size):
            events += decoder.feed(stream[start : start + size])
            assert decoder.unread < decoder.max_length == 16
        assert outcomes(events) == ["framing", "7"]


def test_the_longest_line_is_still_read() -> None:
    """max_length counts the end of the line."""
    assert outcomes(Decoder(profile_of(LINE)).feed(b"W 123456789012\r\n")) == ["123456789012"]
    assert outcomes(Decoder(profile_of(LINE)).feed(b"W 1234567890123\r\n")) == ["framing"]


def test_empty_lines_say_nothing_and_foreign_lines_are_framing() -> None:
    """A record that begins right and fits no variant is content; one that does not begin right is framing."""
    assert outcomes(Decoder(profile_of(LINE)).feed(b"\r\n\nW x\nx\n")) == ["content", "framing"]


def test_reset_forgets_the_half_frame_of_the_old_link() -> None:
    """Bytes of before and after a reconnect are never joined to one frame."""
    for frame, before, after in ((FIXED, b"\x02\x0212", b"3\x03"), (LINE, b"W 12", b"3\r\n")):
        decoder = Decoder(profile_of(frame))
        decoder.feed(before)
        decoder.reset()
        assert decoder.unread == 0
        assert "123" not in outcomes(decoder.feed(after))


def test_the_reading_carries_the_bytes_as_they_were_on_the_wire() -> None:
    """Also with the high bit stripped, evidence is what arrived."""
    frame = bytes(byte | 0x80 for byte in b"\x02\x02123\x03")
    decoder = Decoder(profile_of(FIXED, strip_high_bit=True))
    (event,) = decoder.feed(frame)
    assert (outcomes([event]), event.raw) == (["123"], frame)
    assert outcomes(Decoder(profile_of(FIXED, strip_high_bit=False)).feed(frame)) == ["framing"]


def test_a_pinned_line_length_refuses_a_line_that_lost_a_character() -> None:
    """Where nothing else guards a line, its length does."""
    pinned = Decoder(profile_of(LINE, line_length=None), {"line_length": 5})
    assert outcomes(pinned.feed(b"W 123\r\nW 13\r\nW 1234\r\n")) == ["123", "content", "content"]


@pytest.mark.parametrize(
    ("offered", "settings", "sentence"),
    [
        ({}, {"decimals": 1}, "no option 'decimals'; it offers none"),
        ({"decimals": 1}, {"decimals": 9}, "option decimals has the value 9; allowed: a whole number from 0 to 6"),
        ({"decimals": 1}, {"decimals": True}, "allowed: a whole number"),
        ({"decimals": None}, {}, "option decimals must be set"),
        ({"default_unit": "kg"}, {"default_unit": "KG"}, "allowed: kg, g, mg, t"),
        ({"checksum": "required"}, {"checksum": "none"}, "its frames do not end with one"),
    ],
)
def test_a_wrong_setting_raises_and_says_what_is_allowed(
    offered: dict[str, Value], settings: dict[str, Value], sentence: str
) -> None:
    """Our own misuse raises when the decoder is made, not when the first frame comes."""
    with pytest.raises(OptionError) as caught:
        Decoder(profile_of(FIXED, **offered), settings)
    assert sentence in str(caught.value)


def test_without_its_checksum_a_frame_is_shorter() -> None:
    """The setting takes the check away and nothing else."""
    frame = Fixed("fixed", "02 02", 8, (EndAt(5, "03"),), Check("crc16-modbus", (0, 6), 6), (THREE,))
    body = b"\x02\x02123\x03"
    for checksum, stream in (("required", body + crc16_modbus(body)), ("none", body)):
        decoder = Decoder(profile_of(frame, checksum="required"), {"checksum": checksum})
        assert outcomes(decoder.feed(stream * 2)) == ["123", "123"]


@pytest.mark.parametrize(
    ("form", "text", "number"),
    [
        ("uint16", "FF FE", "6553.4"),
        ("int16", "FF FE", "-0.2"),
        ("uint32", "FF FF FF D4", "429496725.2"),
        ("int32", "FF FF FF D4", "-4.4"),
        ("ascii-int", "30 30 34 34", "4.4"),
    ],
)
def test_each_form_of_number_reads_its_bytes(form: str, text: str, number: str) -> None:
    """Two's complement only where the form says so; the places are kept."""
    payload = bytes.fromhex(text)
    weight = Number((0, len(payload)), form, 1)  # type: ignore[arg-type]  # the list above has the names
    variant = Variant("weight", Status.OK, fields=Fields(weight=weight))
    registers = Registers("registers", 3, 0, len(payload) // 2, (variant,))
    words = [int.from_bytes(payload[place : place + 2]) for place in range(0, len(payload), 2)]
    event = RegisterMap(profile_of(registers, unit_id=1)).decode(words)
    assert isinstance(event, Reading)
    assert str(event.weight) == number


WORDS = Registers(
    kind="registers",
    function=4,
    address=2,
    count=1,
    variants=(
        Variant(
            name="weight",
            status=Status.OK,
            fields=Fields(
                weight=Number((0, 2), "uint16", "option"), unit="option", mode=Lookup(0, {0: "gross", 1: "net"}, "80")
            ),
        ),
    ),
    exceptions={6: Status.NOT_READY},
)


def test_registers_read_by_a_client_library_mean_the_same_as_the_bytes() -> None:
    """pymodbus hands over words; the reading is that of the RTU answer, its evidence the registers' bytes."""
    profile = profile_of(WORDS, unit_id=5, decimals=1, default_unit="g")
    register_map = RegisterMap(profile)
    assert (register_map.registers.address, register_map.registers.count, register_map.unit_id) == (2, 1, 5)
    event = register_map.decode([250])
    assert event == Reading(Decimal("25.0"), "g", None, Mode.GROSS, Status.OK, raw=b"\x00\xfa")
    answer = b"\x05\x04\x02\x00\xfa"
    (read,) = Decoder(profile).feed(answer + crc16_modbus(answer))
    assert isinstance(read, Reading)
    assert (read.weight, read.unit, read.mode) == (Decimal("25.0"), "g", Mode.GROSS)
    assert register_map.request()[:6] == bytes.fromhex("05 04 00 02 00 01")


def test_a_wrong_number_of_words_is_refused_and_a_word_that_is_none_is_our_misuse() -> None:
    """The device may answer short; a word over 16 bits can only be a bug of ours."""
    register_map = RegisterMap(profile_of(WORDS, unit_id=5, decimals=1, default_unit="g"))
    refused = register_map.decode([1, 2])
    assert isinstance(refused, Reject)
    assert refused.reason is Reason.FRAMING
    with pytest.raises(ValueError, match="0 to 65535"):
        register_map.decode([70000])


def test_an_exception_is_a_status_and_never_a_weight() -> None:
    """The profile says which codes mean busy; all others are errors."""
    register_map = RegisterMap(profile_of(WORDS, unit_id=5, decimals=1, default_unit="g"))
    assert [register_map.exception(code).status for code in (2, 6)] == [Status.ERROR, Status.NOT_READY]
    assert register_map.exception(2).weight is None


def test_an_echo_longer_than_the_answer_is_passed_over() -> None:
    """A request has 8 bytes, the answer of one register 7; the buffer still has its bound."""
    profile = profile_of(WORDS, unit_id=5, decimals=1, default_unit="g")
    decoder, request = Decoder(profile), RegisterMap(profile).request()
    answer = b"\x05\x04\x02\x00\xfa"
    events = []
    for byte in request + answer + crc16_modbus(answer):
        events += decoder.feed(bytes([byte]))
        assert decoder.unread < decoder.max_length
    assert outcomes(events) == ["25.0"]
