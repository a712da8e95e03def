"""Every profile's transcripts as one capture: what the device would say, in the order of the examples."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from hazgate_edge.recognition.capture import Capture, LineSettings
from hazgate_edge.recognition.scoring import question_of
from hazgate_profiles import registry
from hazgate_profiles.transcripts import read_transcript

PACKAGE = Path(str(files("hazgate_profiles")))
PROFILES = [registry.packaged().resolve(name) for name in registry.available()]
BY_ID = {profile.id: profile for profile in PROFILES}


def capture_of(profile_id: str) -> Capture:
    """The sound examples with a weight, as heard at the family's usual rate, or as answers to its question."""
    profile = BY_ID[profile_id]
    reads = [
        b"".join(case.reads)
        for name in profile.transcripts
        for case in read_transcript(PACKAGE / "transcripts" / name).cases
        if not case.rejects
        and case.options.get("word_order", "big") == "big"
        and any(reading.get("weight") is not None for reading in case.readings)
    ]
    if "hid" in profile.link.kinds:
        return Capture(tuple(reads), separate=True)
    settings = LineSettings(profile.link.baud[0])
    question = question_of(profile)
    if question:
        return Capture(tuple(reads), question, separate=True, settings=settings)
    return Capture((b"".join(reads),), settings=settings)


def heard(*frames: bytes, baud: int = 9600) -> Capture:
    """Frames in a row at 8N1."""
    return Capture((b"".join(frames),), settings=LineSettings(baud))
