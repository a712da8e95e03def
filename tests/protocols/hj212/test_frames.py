"""HJ 212 frames: the published sample, cuts anywhere, and the mistake everybody makes with the CRC."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from hazgate_profiles import telemetry_registry
from hazgate_protocols.hj212.frames import FRAME_BYTES_MAX, BadFrame, Frame, Splitter, crc
from hazgate_protocols.hj212.messages import Message, answer, decode
from hazgate_protocols.scale.checks import crc16_modbus

SEGMENT = b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&"
SAMPLE = b"##0101" + SEGMENT + b"1C80\r\n"  # HJ 212-2017, the standard's own example


def test_the_published_sample_is_read_and_asks_for_an_answer() -> None:
    """Length, CRC and fields as the standard prints them; the answer is a right frame itself."""
    assert list(Splitter().feed(SAMPLE)) == [Frame(SEGMENT)]
    message = decode(SEGMENT)
    assert isinstance(message, Message)
    assert (message.cn, message.version, message.wants_answer) == ("1062", 1, True)
    assert message.parameters == {"RtdInterval": "30"}
    assert "100000" not in repr(message)
    assert len([event for event in Splitter().feed(answer(message)) if isinstance(event, Frame)]) == 1


def test_the_crc_of_modbus_is_refused() -> None:
    """The planted mistake: CRC-16/Modbus over the sample is 0759h, and a frame that carries it is bad."""
    modbus = crc16_modbus(SEGMENT)[::-1].hex().upper().encode()
    assert (modbus, crc(SEGMENT)) == (b"0759", 0x1C80)
    events = list(Splitter().feed(SAMPLE.replace(b"1C80", modbus)))
    assert isinstance(events[0], BadFrame)
    assert not [event for event in events if isinstance(event, Frame)]


@given(st.binary(max_size=200), st.lists(st.integers(0, 400), max_size=6))
def test_a_frame_behind_noise_is_found_however_it_is_cut(noise: bytes, cuts: list[int]) -> None:
    """Noise without a head, then a frame: it comes out once, and no more than a frame is held."""
    whole = noise.replace(b"#", b"") + SAMPLE
    places = sorted({0, *(cut for cut in cuts if cut < len(whole)), len(whole)})
    splitter, found = Splitter(), []
    for start, end in itertools.pairwise(places):
        found += [event for event in splitter.feed(whole[start:end]) if isinstance(event, Frame)]
        assert splitter.held <= FRAME_BYTES_MAX
    assert found == [Frame(SEGMENT)]


def test_every_packaged_telemetry_profile_proves_its_examples() -> None:
    """Loading is the proof; there are examples of both protocols."""
    assert {telemetry_registry.load(name).protocol for name in telemetry_registry.available()} == {"modbus", "hj212"}
