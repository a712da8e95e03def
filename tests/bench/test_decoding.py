"""The decoding benchmark compares like with like: both sides read the same. Nothing here is timed."""

from __future__ import annotations

import pytest

from benchmarks.decoding import PARSERS, engine_readings, example_frames, hand_readings, reads_of, stream_of
from hazgate_profiles import registry


@pytest.mark.parametrize("name", PARSERS)
def test_the_parser_written_by_hand_reads_what_the_engine_reads(name: str) -> None:
    """The benchmark's stream, with a frame lost in the middle and torn reads, gives the same readings on both sides."""
    stream = stream_of(name, 50)
    damaged = stream[: len(stream) // 2] + stream[len(stream) // 2 + 3 :]
    for reads in (reads_of(stream), reads_of(damaged)):
        assert engine_readings(name, reads) == hand_readings(PARSERS[name], reads)
    assert len(engine_readings(name, reads_of(stream))) == 50
    assert len(engine_readings(name, reads_of(damaged))) in (48, 49)


@pytest.mark.parametrize("name", registry.available())
def test_every_profile_has_frames_to_be_measured_with(name: str) -> None:
    """A profile without one would drop out of the figure unseen."""
    assert example_frames(name)
