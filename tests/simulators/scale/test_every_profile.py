"""Every device profile has a simulator written apart from it, and through a whole weighing the two agree."""

from __future__ import annotations

import pytest

from hazgate_profiles import registry
from hazgate_protocols.scale.reading import Reading
from hazgate_simulators.scale.families import FAMILIES
from simulators.scale.courses import Device, Moment, said_of, truth

PROFILES = sorted(FAMILIES)


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
