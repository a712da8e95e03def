"""A profile survives the way through its canonical bytes, and reads every example as before."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

import pytest

from hazgate_profiles import registry
from hazgate_profiles.transcripts import read_transcript
from hazgate_protocols import canonical
from hazgate_protocols.evidence.replay import read_frames
from hazgate_protocols.scale.decoder import Decoder
from hazgate_protocols.scale.profile_json import ProfileBytesError, decode_profile, encode_profile, profile_digest
from hazgate_protocols.scale.reading import Reading

PROFILES = registry.available()


@pytest.mark.parametrize("profile_id", PROFILES)
def test_a_profile_read_back_is_the_same(profile_id: str) -> None:
    """Object, bytes and digest."""
    profile = registry.load(profile_id)
    data = encode_profile(profile)
    assert decode_profile(data) == profile
    assert profile_digest(decode_profile(data)) == registry.digest(profile)


@pytest.mark.parametrize("profile_id", PROFILES)
def test_raw_frames_replay_to_the_reading_they_came_from(profile_id: str) -> None:
    """What the box keeps as raw of every reading of every transcript is enough to get that reading again."""
    profile = registry.load(profile_id)
    again = decode_profile(encode_profile(profile))
    seen = 0
    for name in profile.transcripts:
        for case in read_transcript(files("hazgate_profiles") / "transcripts" / name).cases:
            decoder = Decoder(profile, case.options)
            events = [event for read in case.reads for event in decoder.feed(read)]
            for reading in (event for event in events if isinstance(event, Reading)):
                # Through a client library a register device's raw is the registers alone.
                raw = reading.raw[3:-2] if profile.registers is not None else reading.raw
                if reading.weight is None and profile.registers is not None:
                    continue  # an exception answer has no registers
                assert read_frames([raw.hex()], again, case.options) == [replace(reading, raw=raw)], case.id
                seen += 1
    assert seen > 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda tree: tree.pop("title"), "the key title is missing"),
        (lambda tree: tree.update(more=1), "more: unknown key"),
        (lambda tree: tree.pop("notes"), "something is left out"),  # has a default, but the canonical form says it
        (lambda tree: tree.update(revision="1"), "revision: '1' is not allowed"),
        (lambda tree: tree["frame"].update(length=1), "frame: "),
        (
            lambda tree: tree["frame"]["variants"][0]["fields"]["weight"]["sign"].update(map={"043": "+"}),
            "not allowed; allowed: a whole number",
        ),
    ],
)
def test_bytes_that_are_no_profile_are_refused_by_place(change: object, says: str) -> None:
    """Nothing is filled in, nothing ignored: the digest names exactly what is used."""
    assert callable(change)
    tree = json.loads(encode_profile(registry.load("yaohua-tf0")))
    change(tree)
    with pytest.raises(ProfileBytesError, match=says):
        decode_profile(canonical.encode(tree))


def test_bytes_that_are_not_canonical_are_refused() -> None:
    """One spelling only."""
    with pytest.raises(ProfileBytesError, match="not in canonical form"):
        decode_profile(encode_profile(registry.load("yaohua-tf0")) + b" ")
