"""Captured streams come out byte for byte, until somebody touches the scale."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from hazgate_simulators.scale.replay import CASE_S, ReplayError, load_replay
from hazgate_simulators.scale.simulator import ScaleSimulator
from simulators.scale.situations import kg, until

EMPTY = bytes.fromhex("02 2B 30 30 30 30 30 30 30 31 42 03")
TORN = (bytes.fromhex("02 2B 30 30"), bytes.fromhex("30 30 38 35 30 31 36 03"))


async def test_captured_frames_are_sent_as_they_arrived_and_physics_takes_over(transcript: Path) -> None:
    """Empty, then the torn frame in its two reads without end; removing the load lets the scale swing to zero."""
    scale = ScaleSimulator("yaohua-tf0", "tcp:127.0.0.1:0", rate_hz=50)
    await scale.start()
    try:
        scale.play(load_replay(f"{transcript}#empty,torn-85", "yaohua-tf0"))
        await until(lambda: scale.replayed is not None and scale.replayed.id == "empty")
        await until(lambda: scale.sent[-1].octets == EMPTY)
        await until(lambda: scale.replayed is not None and scale.replayed.id == "torn-85")
        assert scale.load == kg("85")
        await until(lambda: [sent.octets for sent in scale.sent][-4:] == [*TORN, *TORN])
        scale.remove()
        assert scale.replayed is None
        await until(lambda: scale.sent[-1].octets == bytes.fromhex("02 2B 30 30 30 30 30 30 32 31 39 03"))
        scale.check_alive()
    finally:
        await scale.stop()


def test_every_case_but_the_last_is_played_for_its_time(transcript: Path) -> None:
    """At ten frames a second the first case comes CASE_S times ten, then the last for ever."""
    replay = load_replay(f"{transcript}#empty,torn-85", "yaohua-tf0")
    played = [case.id for case in islice(replay.frames(0.1), 100)]
    assert played == ["empty"] * int(CASE_S * 10) + ["torn-85"] * (100 - int(CASE_S * 10))


@pytest.mark.parametrize(
    ("cases", "profile", "complaint"),
    [
        ("#nothing", "yaohua-tf0", "no case 'nothing'; there are empty"),
        ("#no-bytes", "yaohua-tf0", "it has no bytes"),
        ("#not-hex", "yaohua-tf0", "not hex"),
        ("", "toledo-cont", "it is of yaohua-tf0"),
    ],
)
def test_a_replay_that_cannot_be_played_says_why(transcript: Path, cases: str, profile: str, complaint: str) -> None:
    """Unknown case, empty case, damaged file, other device."""
    with pytest.raises(ReplayError, match=complaint):
        load_replay(f"{transcript}{cases}", profile)


@pytest.mark.parametrize("text", ["- a list", "profile: x", "a: [", "mode: stream\nprofile: yaohua-tf0\ncases: 5"])
def test_a_file_that_is_no_transcript_is_refused(tmp_path: Path, text: str) -> None:
    """Whatever YAML it is."""
    path = tmp_path / "other.yaml"
    path.write_text(text)
    with pytest.raises(ReplayError, match=r"transcript|it is of x"):
        load_replay(str(path), "yaohua-tf0")


def test_a_missing_transcript_is_named() -> None:
    """With what to give instead."""
    with pytest.raises(ReplayError, match=r"cannot read it.*give a file or the id"):
        load_replay("no-such-device", "yaohua-tf0")
