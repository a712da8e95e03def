"""The simulated measuring points: the standard's CRC by code of their own, and courses that say what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hazgate_protocols.hj212.frames import BadFrame, Frame, Splitter
from hazgate_simulators.conditions import monitor
from hazgate_simulators.conditions.command import load_course, sent


def test_the_check_is_the_standards_own() -> None:
    """The segment of the published example of HJ 212-2017 has 1C80; CRC-16/Modbus would give another."""
    segment = b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&"
    assert monitor.check(segment) == "1C80"


@pytest.mark.parametrize("fault", monitor.FAULTS)
def test_each_fault_is_what_it_is_called(fault: str) -> None:
    """A frame with a fault of the line is none to a reader; a doubled one is two; the others stay right."""
    now = datetime(2026, 3, 9, 1, 0, tzinfo=UTC)
    octets = sent({"a24088": "12.5"}, fault, now, "010000A8900016F000169DC0")
    events = list(Splitter().feed(octets))
    frames = [event for event in events if isinstance(event, Frame)]
    wanted = {"crc": 0, "length": 0, "cut": 0, "doubled": 2}.get(fault, 1)
    assert len(frames) == wanted
    if fault in ("crc", "length"):
        assert any(isinstance(event, BadFrame) for event in events)
    assert all((b"Flag=D" in frame.segment) == (fault == "flagged") for frame in frames)


def test_a_course_is_read_with_its_times_values_and_faults() -> None:
    """Steps in order, values as texts."""
    steps = load_course("- {for_s: 2, set: {0: 5000, 0x10: 7}}\n- {fault: silent}\n", ("none", "silent"))
    assert [(step.seconds, step.values, step.fault) for step in steps] == [
        (2.0, {"0": "5000", "16": "7"}, "none"),
        (1.0, {}, "silent"),
    ]


@pytest.mark.parametrize(
    "text",
    ["", "{}", "- {for_s: 0}", "- {for_s: true}", "- {fault: melted}", "- {wait: 1}", "- {set: 5}", "- [", "- 1"],
)
def test_a_course_that_cannot_be_played_is_refused(text: str) -> None:
    """With a sentence that names what is allowed."""
    with pytest.raises(ValueError, match=r"course|step"):
        load_course(text, ("none",))
