"""Each fault does to a frame what its name says, and nothing else."""

from __future__ import annotations

import random

import pytest

from hazgate_simulators.scale.faults import MEANING, Fault, FaultyWire

FRAME = bytes.fromhex("02 2B 30 30 30 30 38 35 30 31 36 03")


def sent(fault: Fault | None, frames: int = 300, seed: int = 1) -> list[bytes]:
    """The writes for as many frames, numbered in their second byte so that each is different."""
    wire = FaultyWire(random.Random(seed))
    wire.fault = fault
    return [write.octets for n in range(frames) for write in wire.writes(numbered(n))]


def numbered(n: int) -> bytes:
    return FRAME[:1] + n.to_bytes(2, "big") + FRAME[3:]


ALL = [numbered(n) for n in range(300)]


def test_without_a_fault_frames_pass_unchanged() -> None:
    """One frame, one write."""
    assert sent(None) == ALL


def test_bit_flips_change_exactly_one_bit_of_some_frames() -> None:
    """More would slip through an XOR check that no reader can help."""
    flips = [
        (int.from_bytes(a) ^ int.from_bytes(b)).bit_count() for a, b in zip(ALL, sent(Fault.BIT_FLIPS), strict=True)
    ]
    assert set(flips) == {0, 1}
    assert 50 < sum(flips) < 150


def test_torn_writes_lose_nothing() -> None:
    """Every frame comes in several writes which join to the frame."""
    pieces = sent(Fault.TORN_WRITES)
    assert b"".join(pieces) == b"".join(ALL)
    assert len(pieces) >= 2 * len(ALL)
    assert all(pieces)


def test_joined_frames_come_three_at_a_time() -> None:
    """A hundred writes of three frames."""
    assert sent(Fault.JOINED) == [b"".join(ALL[n : n + 3]) for n in range(0, 300, 3)]


def test_dropped_byte_takes_one_byte_from_some_frames() -> None:
    """Lengths are whole or one less."""
    lengths = [len(frame) for frame in sent(Fault.DROPPED_BYTE)]
    assert set(lengths) == {len(FRAME), len(FRAME) - 1}


def test_duplicated_frames_come_twice_in_a_row() -> None:
    """Removing repeats gives the stream back."""
    frames = sent(Fault.DUPLICATED_FRAME)
    assert len(frames) > 350
    assert list(dict.fromkeys(frames)) == ALL


def test_a_stuck_device_repeats_its_first_frame() -> None:
    """Whatever the load does; clearing the fault lets it move on."""
    assert sent(Fault.STUCK) == [ALL[0]] * 300


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.UNPLUG])
def test_silence_sends_nothing(fault: Fault) -> None:
    """No writes at all."""
    assert sent(fault) == []


def test_a_change_of_fault_forgets_what_was_held_back() -> None:
    """Frames held for joining are not sent under the next fault."""
    wire = FaultyWire(random.Random(1))
    wire.fault = Fault.JOINED
    assert wire.writes(ALL[0]) == []
    wire.fault = Fault.STUCK
    assert [write.octets for write in wire.writes(ALL[1])] == [ALL[1]]
    wire.fault = None
    assert [write.octets for write in wire.writes(ALL[2])] == [ALL[2]]


def test_every_fault_is_explained_in_both_languages() -> None:
    """The page and --list have words for all of them."""
    assert set(MEANING) == set(Fault)
    assert all(en and zh for en, zh in MEANING.values())
