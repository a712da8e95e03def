"""Damaged frames of every family: never a wrong weight, never an exception, never more bytes held than the bound.

What a wrong weight is where no checksum can tell: see mutated_frames.py. CI takes a slice by hypothesis and by dice;
HAZGATE_SOAK=1 (`make soak`, part frames) throws ten million, or HAZGATE_FRAMES of them. Plain seeded dice: a
coverage-guided fuzzer spends its time in instrumentation, and the profiles' own frames already lead everywhere.
"""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hazgate_profiles import registry
from hazgate_protocols.scale.checks import CHECKS
from hazgate_protocols.scale.reading import Reading
from profiles.mutated_frames import damaged, family, is_protected, sum_of, wrong_weight
from storage.depth import SEED, SOAK, count

PROFILES = registry.available()
PROTECTED = [name for name in PROFILES if is_protected(registry.load(name))]
FRAMES = int(os.environ.get("HAZGATE_FRAMES", "10000000")) if SOAK else 300 * len(PROFILES)
BATCH = 40


@pytest.mark.parametrize("name", PROFILES)
def test_damaged_frames_never_give_a_wrong_weight(name: str) -> None:
    """Seeded dice; every reading is judged, and the buffer is looked at after every batch, cut at a random place."""
    mine = family(name)
    dice = random.Random(f"{SEED} {name}")
    decoder = mine.decoder()
    left, thrown, read = -(-FRAMES // len(PROFILES)), 0, 0
    while left > thrown:
        stream, hurt = damaged(dice, mine.streams, BATCH)
        thrown += hurt
        cut = int(dice.random() * len(stream))
        decoder.reset()
        for part in (stream[:cut], stream[cut:]):
            for event in decoder.feed(part):
                assert len(event.raw) <= decoder.max_length
                if isinstance(event, Reading):
                    read += 1
                    wrong = wrong_weight(mine, event, stream)
                    assert wrong == "", f"{wrong}: {event} of {stream.hex()}"
            assert decoder.unread < decoder.max_length
    assert read > 0
    count("mutated scale frames", thrown)


@pytest.mark.parametrize("name", PROTECTED)
def test_one_changed_byte_in_a_frame_with_a_checksum_gives_no_weight(name: str) -> None:
    """Every byte of a frame, in CI with a few other values, in a soak run with all 255 of them."""
    mine = family(name)
    dice = random.Random(f"{SEED} {name}")
    decoder = mine.decoder()
    kept = 0x7F if decoder.options.strip_high_bit else 0xFF  # a parity bit that is thrown away carries nothing
    changed = 0
    for frame in mine.frames:
        for place in range(len(frame)):
            values = range(256) if SOAK else [*(frame[place] ^ 1 << bit for bit in range(8)), dice.randrange(256)]
            for value in values:
                if value & kept == frame[place] & kept:
                    continue
                decoder.reset()
                events = decoder.feed(frame[:place] + bytes([value]) + frame[place + 1 :]) + decoder.finish()
                weights = [e for e in events if isinstance(e, Reading) and e.weight is not None]
                assert weights == [], f"byte {place} of {frame!r} set to {value:02X}"
                changed += 1
    count("bytes changed in frames with a checksum", changed)
    assert changed > 0


@pytest.mark.parametrize("name", PROFILES)
@settings(max_examples=25, deadline=None)
@given(drawn=st.data())
def test_anything_between_frames_is_read_the_same_in_pieces(name: str, drawn: st.DataObject) -> None:
    """Found by hypothesis, so shrunk to the smallest stream: no exception, no wrong weight, the same in any pieces."""
    mine = family(name)
    pieces = drawn.draw(st.lists(st.one_of(st.sampled_from(mine.streams), st.binary(max_size=9)), max_size=4))
    stream = b"".join(pieces)
    cuts = sorted(drawn.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    whole, parts = mine.decoder(), mine.decoder()
    expected = whole.feed(stream) + whole.finish()
    events = []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        events += parts.feed(stream[start:stop])
        assert parts.unread < parts.max_length
    assert events + parts.finish() == expected
    for event in expected:
        if isinstance(event, Reading):
            assert wrong_weight(mine, event, stream) == ""


@settings(max_examples=60, deadline=None)
@given(covered=st.binary(min_size=1, max_size=40))
@pytest.mark.parametrize("algo", sorted(CHECKS))
def test_every_checksum_is_what_its_definition_says(algo: str, covered: bytes) -> None:
    """Two implementations that share nothing agree on any bytes."""
    assert CHECKS[algo](covered) == sum_of(algo, covered)


def test_the_judge_sees_a_wrong_weight() -> None:
    """Planted: a digit made up, a weight ten times the digits' length, a check of other bytes, bytes never received."""
    mine = family("yaohua-tf0")
    (reading,) = mine.decoder().feed(b"\x02+000850016\x03")
    assert isinstance(reading, Reading)
    assert reading.weight is not None
    good = {"weight": reading.weight, "raw": reading.raw}

    def judged(stream: bytes = reading.raw, **change: object) -> str:
        fields = {**{n: getattr(reading, n) for n in ("unit", "stable", "mode", "status")}, **good, **change}
        return wrong_weight(mine, Reading(**fields), stream)

    assert judged() == ""
    assert "does not stand" in judged(weight=reading.weight + 1)
    assert "never received" in judged(stream=b"\x02+000850017\x03")
    assert "checksum" in judged(raw=b"\x02+000850017\x03", stream=b"\x02+000850017\x03")
    assert "status" in judged(weight=None)
