"""Every device profile has a simulator written apart from it, and through a whole weighing the two agree."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from hazgate_profiles import registry
from hazgate_protocols.scale.reading import Reading
from hazgate_simulators.scale.families import FAMILIES
from hazgate_simulators.scale.faults import Fault, FaultyWire
from simulators.scale.courses import Device, Moment, crc, said_of, truth

PROFILES = sorted(FAMILIES)

# Frames with a check that no single changed bit passes: XOR, sum, digit XOR or CRC over all that makes the weight.
CHECKED = ["cas-pd", "toledo-cont", "yaohua-a12e", "yaohua-cmd", "yaohua-tf0", "dibal-98"] + [
    name for name in PROFILES if FAMILIES[name].registers
]
# 8217: frames of several lengths guarded by parity alone, which the port checks. HID: the bus loses whole reports only.
LENGTH_TELLS_NOTHING = ["toledo-8217", "usb-hid-scale"]
# Its question has no end, so an echo is glued to the answer's line, which is refused: no weight, but no wrong one.
ECHO_COSTS_THE_ANSWER = ["kern-tws"]


def test_there_is_a_simulator_for_every_profile() -> None:
    """A profile without one cannot be tried before it meets a customer's scale."""
    assert sorted(FAMILIES) == registry.available()


def readings(device: Device, moments: list[Moment], cut: int | None) -> list[Reading]:
    """What is read of each moment's bytes; a polled decoder is reset between two questions, as the box does."""
    decoder = device.decoder()
    found = []
    for moment in moments:
        if device.question:
            decoder.reset()
        pieces = (
            [moment.octets] if cut is None else [moment.octets[i : i + cut] for i in range(0, len(moment.octets), cut)]
        )
        for piece in pieces:
            found += decoder.feed(piece)
        found += decoder.finish() if device.question else []
    refused = [event for event in found if not isinstance(event, Reading)]
    assert not refused
    return [event for event in found if isinstance(event, Reading)]


@pytest.mark.parametrize("cut", [None, 1, 5], ids=["whole", "bytes", "torn"])
@pytest.mark.parametrize("profile", PROFILES)
def test_a_whole_weighing_is_read_as_what_lay_there(profile: str, cut: int | None) -> None:
    """Empty, ramp, rest, tare, negative, overload, power cycle: every number, rest, range and mode is the true one."""
    device = Device(profile)
    moments = list(device.course())
    told = [truth(device.family, moment.indication) for moment in moments]
    assert [bool(moment.octets) for moment in moments] == [item.said != "silence" for item in told]
    assert [said_of(reading) for reading in readings(device, moments, cut)] == [
        item for item in told if item.said != "silence"
    ]


def at_rest(profile: str) -> tuple[Device, list[Moment]]:
    """A device with a load at rest, and 120 looks at it."""
    device = Device(profile)
    device.put(device.spec.capacity_divisions // 7 * 3)
    device.platform.advance(10)
    return device, [device.look() for _ in range(120)]


def damaged(device: Device, moments: list[Moment], fault: Fault) -> list[Reading]:
    """What is read when a third of the frames is hurt; a polled decoder is reset between two questions."""
    wire = FaultyWire(random.Random(31))
    wire.fault = fault
    decoder = device.decoder()
    found = []
    for moment in moments:
        if device.question:
            decoder.reset()
        for write in wire.writes(moment.octets):
            found += decoder.feed(write.octets)
        found += decoder.finish() if device.question else []
    return [event for event in found if isinstance(event, Reading)]


@pytest.mark.parametrize("profile", CHECKED)
def test_a_flipped_bit_never_makes_a_weight_that_was_not_there(profile: str) -> None:
    """Where a check protects the frame, all that is read is true, and most frames are still read."""
    device, moments = at_rest(profile)
    told = truth(device.family, moments[0].indication)
    found = damaged(device, moments, Fault.BIT_FLIPS)
    assert {(item.weight, item.unit) for item in found if item.weight is not None} == {(told.weight, told.unit)}
    assert len(found) >= 60


@pytest.mark.parametrize("profile", [name for name in PROFILES if name not in LENGTH_TELLS_NOTHING])
def test_a_lost_byte_never_makes_a_weight_that_was_not_there(profile: str) -> None:
    """Whichever byte of a frame is lost; where the profile leaves the length to the site, it is pinned."""
    device, moments = at_rest(profile)
    frame = moments[0].octets
    told = truth(device.family, moments[0].indication)
    pinned = {"line_length": len(frame) - 2} if "line_length" in device.profile.options else {}
    for lost in range(len(frame)):
        decoder = device.decoder(pinned)
        found = []
        for octets in (frame, frame[:lost] + frame[lost + 1 :], frame, frame):
            if device.question:
                decoder.reset()
            found += decoder.feed(octets)
            found += decoder.finish() if device.question else []
        read = [event.weight for event in found if isinstance(event, Reading) and event.weight is not None]
        assert set(read) == {told.weight}
        assert len(read) >= 2


@pytest.mark.parametrize("profile", PROFILES)
def test_noise_before_a_frame_costs_at_most_that_frame(profile: str) -> None:
    """Boot noise, then frames: what is read from then on is what lay there, and it is read."""
    device, moments = at_rest(profile)
    told = truth(device.family, moments[0].indication)
    decoder = device.decoder()
    decoder.feed(FaultyWire(random.Random(3)).noise())
    found = [event for moment in moments for event in decoder.feed(moment.octets) if isinstance(event, Reading)]
    assert [item.weight for item in found[-100:]] == [told.weight] * 100


@pytest.mark.parametrize("profile", [name for name in PROFILES if FAMILIES[name].asked or FAMILIES[name].registers])
def test_an_echo_of_the_question_is_not_taken_for_the_answer(profile: str) -> None:
    """A half-duplex adapter sends our own bytes back before the answer; the answer is read all the same."""
    device, moments = at_rest(profile)
    told = truth(device.family, moments[0].indication)
    decoder = device.decoder()
    for moment in moments[:5]:
        decoder.reset()
        found = [*decoder.feed(device.question), *decoder.feed(moment.octets), *decoder.finish()]
        weights = [item.weight for item in found if isinstance(item, Reading) and item.weight is not None]
        assert weights == ([] if profile in ECHO_COSTS_THE_ANSWER else [told.weight])


MISTAKES: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("yaohua-eq-rev", lambda frame: b"=" + frame[-1:] + frame[1:8][::-1]),  # forward digits
    ("bcd-ff5", lambda frame: frame[:2] + frame[2:][::-1]),  # the first two digits first
    ("bcd-ff6", lambda frame: frame[:1] + bytes([frame[1] ^ 0x40]) + frame[2:]),  # rest the other way round
    ("usb-hid-scale", lambda frame: frame[:4] + frame[4:][::-1]),  # high byte first
    ("st-gs", lambda frame: frame.replace(b",NT,", b",GS,")),  # net called gross
    ("cas-22", lambda frame: frame.replace(b"OL,", b"ST,")),  # overload called stable
    ("dini-dgt", lambda frame: frame[:-4] + b"\x00\x00" + crc(frame[:-4] + b"\x00\x00")),  # the status left out
    ("toledo-8217", lambda frame: frame.replace(b"N\r", b"\r")),  # the net mark left out
]


@pytest.mark.parametrize(("profile", "mistake"), MISTAKES, ids=[name for name, _ in MISTAKES])
def test_a_planted_mistake_does_not_survive_the_course(profile: str, mistake: Callable[[bytes], bytes]) -> None:
    """A device that speaks wrongly is noticed by the comparison above: it is no comparison of a thing with itself."""
    device = Device(profile)
    moments = list(device.course())
    told = [item for item in (truth(device.family, moment.indication) for moment in moments) if item.said != "silence"]
    decoder = device.decoder()
    spoken = [mistake(moment.octets) for moment in moments if moment.octets]
    found = [event for octets in spoken for event in decoder.feed(octets)]
    assert [said_of(event) for event in found if isinstance(event, Reading)] != told
