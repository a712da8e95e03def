"""MT-SICS questions and answers, byte for byte."""

from __future__ import annotations

import pytest

from hazgate_simulators.scale.physics import Indication, Range
from hazgate_simulators.scale.sics import LINE_BYTES_MAX, STABLE_WAIT_S, SicsIndicator
from simulators.scale.situations import indication, kg, platform


def answers(seen: Indication, *questions: bytes) -> list[bytes]:
    """What an indicator in this state answers."""
    sics = SicsIndicator(platform(), lambda: seen)
    return [answer for question in questions for answer in sics.receive(question, 0.0)]


@pytest.mark.parametrize(
    ("seen", "question", "answer"),
    [
        (indication("2.168", "0.001"), "53 0D 0A", "53 20 53 20 20 20 20 20 20 32 2E 31 36 38 20 6B 67 0D 0A"),
        (
            indication("-12.345", "0.001", stable=False),
            "53 49 0D 0A",
            "53 20 44 20 20 20 20 2D 31 32 2E 33 34 35 20 6B 67 0D 0A",
        ),
        (indication("0", "0.01", ready=False), "53 49 0D 0A", "53 20 49 0D 0A"),
        (indication("200", "0.01", within=Range.OVER), "53 0D 0A", "53 20 2B 0D 0A"),
        (indication("-9", "0.01", within=Range.UNDER), "53 0D 0A", "53 20 2D 0D 0A"),
        (indication("0", "0.01"), "3F 53 49 0D 0A", "45 53 0D 0A"),
        (indication("0", "0.01"), "D3 49 0D 0A", "45 54 0D 0A"),
        (indication("0", "0.01"), "53 49 20 35 0D 0A", "45 4C 0D 0A"),
        (indication("0", "0.01", ready=False), "5A 0D 0A", "45 4C 0D 0A"),
        (indication("0", "0.01"), "5A 0D 0A", "5A 20 41 0D 0A"),
    ],
    ids=["stable", "dynamic", "not ready", "over", "under", "ES", "ET", "EL parameter", "EL not now", "zero"],
)
def test_answers_are_those_of_the_manual(seen: Indication, question: str, answer: str) -> None:
    """One question, one answer, as bytes."""
    assert [line.hex(" ").upper() for line in answers(seen, bytes.fromhex(question))] == [answer]


def test_tare_answers_with_the_tared_weight() -> None:
    """T on 20 kg at rest answers T S and the weight in ten characters."""
    scale = platform(load="20")
    sics = SicsIndicator(scale, lambda: scale.indication)
    assert sics.receive(b"T\r\n", 0.0) == [b"T S      20.00 kg\r\n"]
    assert sics.receive(b"SI\r\n", 0.0) == [b"S S       0.00 kg\r\n"]
    assert sics.receive(b"TA 1.50 kg\r\n", 0.0) == [b"TA A       1.50 kg\r\n"]
    assert sics.receive(b"TA 1.505 kg\r\nTA x kg\r\nTA 1 lb\r\n", 0.0) == [b"TA L\r\n"] * 3
    assert sics.receive(b"TAC\r\nSI\r\n", 0.0) == [b"TAC A\r\n", b"S S      20.00 kg\r\n"]


def test_s_waits_for_rest_and_gives_up_in_time() -> None:
    """S answers with the settled weight when the load rests, and S I when it does not."""
    scale = platform()
    sics = SicsIndicator(scale, lambda: scale.indication)
    scale.put(kg("12.34"))
    scale.advance(0.2)
    assert sics.receive(b"S\r\n", 0.0) == []
    assert sics.tick(0.1) == []
    scale.advance(15)
    assert sics.tick(0.2) == [b"S S      12.34 kg\r\n"]
    scale.restless = True
    scale.advance(1)
    assert sics.receive(b"S\r\n", 1.0) == []
    assert sics.tick(1.0 + STABLE_WAIT_S) == [b"S I\r\n"]
    assert sics.tick(9.0) == []


def test_sir_repeats_until_the_next_weight_command() -> None:
    """SIR makes a stream; @ ends it."""
    scale = platform(load="1")
    sics = SicsIndicator(scale, lambda: scale.indication)
    line = b"S S       1.00 kg\r\n"
    assert sics.receive(b"SIR\r\n", 0.0) == [line]
    assert [sics.tick(t) for t in (0.05, 0.1, 0.15, 0.2)] == [[], [line], [], [line]]
    assert sics.receive(b"@\r\n", 0.3) == [b'I4 A "0123456789"\r\n']
    assert sics.tick(5.0) == []


def test_a_question_may_arrive_in_pieces_and_an_endless_line_is_dropped() -> None:
    """Bytes are kept until the line ends, but never more than LINE_BYTES_MAX."""
    seen = indication("1", "0.01")
    assert answers(seen, b"S", b"I", b"\r", b"\nSI\r\n") == [b"S S       1.00 kg\r\n"] * 2
    assert answers(seen, b"x" * (LINE_BYTES_MAX + 1), b"SI\r\n")[0] == b"EL\r\n"


def test_i0_lists_every_command_once() -> None:
    """B lines and a last A line, so that a reader knows the end."""
    lines = answers(indication("0", "0.01"), b"I0\r\n")
    assert [line[:4] for line in lines] == [b"I0 B"] * (len(lines) - 1) + [b"I0 A"]
    assert len({line[7:] for line in lines}) == len(lines) == 15
