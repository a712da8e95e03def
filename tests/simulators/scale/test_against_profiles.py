"""Simulators and device profiles were written apart; here they must agree on every frame."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from hazgate_profiles import registry
from hazgate_protocols.scale.decoder import Decoder
from hazgate_protocols.scale.reading import Reading, Status
from hazgate_simulators.scale.families import FAMILIES
from hazgate_simulators.scale.faults import Fault, FaultyWire
from hazgate_simulators.scale.physics import Platform, PlatformSpec
from simulators.scale.situations import kg, platform

STREAMS = ["yaohua-tf0", "toledo-cont", "st-gs"]  # frames that carry all these divisions
WITH_CHECK = ["yaohua-tf0", "toledo-cont"]
DIVISIONS = ["0.0005", "0.01", "0.2", "5"]


def decoded(profile: str, chunks: list[bytes]) -> list[Reading]:
    decoder = Decoder(registry.load(profile))
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return [event for event in [*events, *decoder.finish()] if isinstance(event, Reading)]


@pytest.mark.parametrize("division", DIVISIONS)
@pytest.mark.parametrize("profile", STREAMS)
def test_every_frame_of_a_weighing_is_read_as_what_was_shown(profile: str, division: str) -> None:
    """Through swing, rest, tare and removal: same number, and motion and mode wherever the frame can say them."""
    encode = FAMILIES[profile].encoder
    assert encode is not None
    spec = PlatformSpec(capacity=10_000 * Decimal(division), division=Decimal(division))
    scale = Platform(spec, random.Random(4))
    shown, frames = [], []

    def watch(seconds: int) -> None:
        for _ in range(seconds * 10):
            scale.advance(0.1)
            frame = encode().encode(scale.indication)
            assert frame is not None
            shown.append(scale.indication)
            frames.append(frame)

    watch(1)
    scale.put(kg(str(2_468 * spec.division)))
    watch(4)
    scale.tare()
    scale.put(kg("0"))
    watch(4)
    readings = decoded(profile, frames)
    assert [reading.weight for reading in readings] == [moment.shown for moment in shown]
    assert {reading.unit for reading in readings} == {"kg"}
    if profile != "yaohua-tf0":
        assert [reading.stable for reading in readings] == [moment.stable for moment in shown]
        assert [reading.mode == "net" for reading in readings] == [moment.net_shown for moment in shown]


@pytest.mark.parametrize("profile", STREAMS)
def test_an_overload_is_never_read_as_a_weight(profile: str) -> None:
    """Silence or a status, but no number."""
    encode = FAMILIES[profile].encoder
    assert encode is not None
    frame = encode().encode(platform(load="151").indication)
    readings = decoded(profile, [frame or b""])
    assert {(reading.weight, reading.status) for reading in readings} <= {(None, Status.OVERLOAD)}


@pytest.mark.parametrize("fault", [Fault.BIT_FLIPS, Fault.DROPPED_BYTE, Fault.TORN_WRITES, Fault.JOINED])
@pytest.mark.parametrize("profile", WITH_CHECK)
def test_damaged_frames_never_become_a_weight_that_was_not_on_the_scale(profile: str, fault: Fault) -> None:
    """With a checksum, what is read is what lay there; torn and joined frames lose nothing at all."""
    encode = FAMILIES[profile].encoder
    assert encode is not None
    wire = FaultyWire(random.Random(9))
    wire.fault = fault
    frame = encode().encode(platform(load="48.6").indication)
    assert frame is not None
    chunks = [write.octets for _ in range(600) for write in wire.writes(frame)]
    readings = decoded(profile, chunks)
    assert {reading.weight for reading in readings} == {Decimal("48.60")}
    whole = fault in (Fault.TORN_WRITES, Fault.JOINED)
    assert len(readings) == 600 if whole else 300 < len(readings) < 500
