"""Bytes to a device: the examples of every profile, ambiguity, and the known weight."""

from __future__ import annotations

import pytest

from edge.recognition.streams import BY_ID, PROFILES, capture_of, heard
from hazgate_edge.recognition.anatomy import parts
from hazgate_edge.recognition.capture import Capture, LineSettings
from hazgate_edge.recognition.plan import listening_settings, probes
from hazgate_edge.recognition.scoring import candidates, question_of
from hazgate_edge.recognition.verdict import Certainty, judge, settle, tell_apart
from hazgate_protocols.mass import Mass

TF0_20_35 = bytes.fromhex("02 2B 30 30 32 30 33 35 32 31 44 03")
TF0_ZERO = bytes.fromhex("02 2B 30 30 30 30 30 30 32 31 39 03")


@pytest.mark.parametrize("name", [profile.id for profile in PROFILES])
def test_the_examples_of_a_profile_are_recognised_as_it(name: str) -> None:
    """Of all profiles the right one explains its transcripts best."""
    found = candidates(capture_of(name), PROFILES)
    assert found[0].profile.id == name


@pytest.mark.parametrize("name", [profile.id for profile in PROFILES])
def test_every_reading_can_be_shown_byte_by_byte(name: str) -> None:
    """The parts lie inside the frame, and one of them is the weight."""
    best = candidates(capture_of(name), PROFILES)[0]
    for reading in best.weights:
        found = parts(best, reading)
        assert all(0 <= part.start < part.stop <= len(reading.raw) for part in found)
        assert {"weight", "net", "gross"} & {part.name for part in found}


def test_a_frame_without_a_unit_is_not_believed_before_a_known_weight() -> None:
    """tF=0 keeps its unit to itself: 20.35 may be kg, g or t, until 20.35 kg lie on the scale."""
    found = candidates(heard(*[TF0_20_35] * 6), PROFILES)
    assert judge(found).certainty is Certainty.WEIGH
    verdict = settle(found, Mass.of("20.3", "kg"))
    assert verdict.certainty is Certainty.SURE
    assert verdict.choice is not None
    assert (verdict.choice.candidate.profile.id, verdict.choice.options["default_unit"]) == ("yaohua-tf0", "kg")
    grams = settle(found, Mass.of("20.35", "g"))
    assert grams.choice is not None
    assert grams.choice.options["default_unit"] == "g"


def test_a_known_weight_ten_times_off_settles_nothing() -> None:
    """203.5 kg on a scale that says 20.35: no meaning fits, and none is taken."""
    verdict = settle(candidates(heard(*[TF0_20_35] * 6), PROFILES), Mass.of("203.5", "kg"))
    assert verdict.certainty is Certainty.WEIGH


def test_an_empty_scale_is_asked_for_a_weight() -> None:
    """Zero is zero in every unit and from behind."""
    assert judge(candidates(heard(*[TF0_ZERO] * 6), PROFILES)).certainty is Certainty.EMPTY


def test_a_weight_that_reads_the_same_from_behind_is_not_enough() -> None:
    """Packed digits of 20.02 read the same in both orders: another weight is asked for."""
    same = bytes.fromhex("FF 12 02 20 00")
    swapped = bytes.fromhex("FF 12 35 20 00")  # 20.35, low digits first
    palindrome = bytes.fromhex("FF 12 20 00 20")  # 20 00 20 either way: 2000.20
    assert settle(candidates(heard(*[palindrome] * 6), PROFILES), Mass.of("2000.2", "kg")).certainty is Certainty.WEIGH
    assert settle(candidates(heard(*[swapped] * 6), PROFILES), Mass.of("20.35", "kg")).certainty is Certainty.SURE
    assert settle(candidates(heard(*[same] * 6), PROFILES), Mass.of("20.02", "kg")).certainty is Certainty.SURE


def test_digits_in_the_other_order_are_found_by_the_known_weight() -> None:
    """A frame whose high digits come first is read with bcd_order high_first, written into its options."""
    frame = bytes.fromhex("FF 12 00 20 35")
    verdict = settle(candidates(heard(*[frame] * 6), PROFILES), Mass.of("20.35", "kg"))
    assert verdict.certainty is Certainty.SURE
    assert verdict.choice is not None
    assert verdict.choice.options["bcd_order"] == "high_first"


def test_registers_get_their_decimals_from_the_known_weight() -> None:
    """Each register example that says a weight is settled by it, with one number of decimals."""
    found = candidates(capture_of("modbus-dat400"), PROFILES)
    raw = found[0].weights[-1].weight
    assert raw is not None
    assert raw > 0
    assert judge(found).certainty is Certainty.WEIGH
    verdict = settle(found, Mass.of(raw / 100, "kg"))
    assert verdict.certainty is Certainty.SURE
    assert verdict.choice is not None
    assert verdict.choice.options["decimals"] == 2


def test_a_port_of_8_bits_finds_the_parity_in_bit_7() -> None:
    """7E1 heard at 8N1 is told by its parity bits, and its bytes are matched without them."""
    text = b"ST,GS,+0020.35kg\r" * 5
    even = bytes(byte | (byte.bit_count() & 1) << 7 for byte in text)
    capture = Capture((even,), settings=LineSettings(2400))
    assert capture.parity == "E"
    assert candidates(capture, PROFILES)[0].profile.id == "and-ad44xx"


def test_a_device_set_to_send_no_checksum_is_found_so() -> None:
    """Toledo frames without their last byte: checksum none is written, and the weight stays what it is."""
    frame = b"\x02,0   2035     0\r"
    verdict = judge(candidates(heard(*[frame] * 6), PROFILES))
    assert verdict.choice is not None
    assert verdict.choice.options["checksum"] == "none"
    assert verdict.choice.last is not None
    assert str(verdict.choice.last.weight) == "20.35"


def test_of_two_profiles_that_fit_the_narrower_one_is_taken() -> None:
    """A line that both read alike is the one's whose rules leave less room, here seven places for the number and
    two for the unit."""
    found = candidates(heard(b"ST,GS,+  20.35kg\r\n" * 6), PROFILES)
    assert [item.profile.id for item in found[:2]] == ["and-ad44xx", "st-gs"]
    assert judge(found).certainty is Certainty.SURE


def test_noise_is_nothing() -> None:
    """Bytes of a wrong rate are no device."""
    noise = bytes((n * 73 + n // 7 * 29) & 0xFF for n in range(600))
    assert candidates(heard(noise), PROFILES) == []
    assert judge([]).certainty is Certainty.NOTHING


def test_the_runner_up_is_named_with_what_tells_it_apart() -> None:
    """Once the parity bits are gone nothing tells the two Toledo profiles apart: same numbers, and it is said."""
    capture = capture_of("toledo-cont-7e1").stripped()
    found = candidates(capture, PROFILES)
    verdict = judge(found)
    assert verdict.certainty is Certainty.SURE
    assert verdict.runner_up is not None
    assert {found[0].profile.id, verdict.runner_up.profile.id} == {"toledo-cont", "toledo-cont-7e1"}
    assert "line settings" in tell_apart(found[0], verdict.runner_up)


@pytest.mark.parametrize("serial", [True, False])
def test_no_question_holds_a_command_that_changes_a_device(serial: bool) -> None:
    """All questions in a row contain no zero and no tare command of any profile, also across their borders."""
    row = b"".join(probe.question for probe in probes(PROFILES, serial=serial))
    changing = [
        (profile.id, name)
        for profile in PROFILES
        for name in ("zero", "tare")
        if name in profile.commands and bytes.fromhex(profile.commands[name].tx) in row
    ]
    assert changing == []


def test_every_polled_profile_is_asked_at_its_usual_settings_first() -> None:
    """The first round has one question for each, at what it is delivered with; listening begins at 9600."""
    asked = probes(PROFILES, serial=True)
    for profile in PROFILES:
        if question_of(profile):
            first = next(probe for probe in asked if profile.id in probe.profiles)
            assert first.settings is not None
            assert first.settings.baud == profile.link.baud[0]
    assert listening_settings(PROFILES)[0] == LineSettings(9600)
    assert BY_ID.keys() >= {name for probe in asked for name in probe.profiles}
