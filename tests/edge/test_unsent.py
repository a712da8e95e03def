"""The way up in the operator's words: honest about what has no receipt, however good the connection looks."""

from __future__ import annotations

import itertools
import random

import pytest

from hazgate_edge.domain.unsent import ALARM_MIN, BACKLOG_TOLD, Unsent
from hazgate_edge.domain.view import Say
from hazgate_edge.sync.mqtt import RECONNECT_S, RECONNECT_S_MAX, pause_s

MINUTE_NS = 60_000_000_000


@pytest.mark.fault(63, 74)
def test_a_silent_collector_is_a_warning_first_and_an_alarm_after_a_quarter_of_an_hour() -> None:
    """Counted from the last receipt; the number that waits is said."""
    unsent = Unsent()
    assert unsent.say(1, 10, 0) is None
    assert unsent.say(3, 10, MINUTE_NS) == Say("NET-02", {"n": "3"})
    assert unsent.say(3, 10, ALARM_MIN * MINUTE_NS - 1) == Say("NET-02", {"n": "3"})
    assert unsent.say(5, 10, ALARM_MIN * MINUTE_NS) == Say("NET-07", {"n": "5", "m": "15"})
    assert unsent.say(5, 11, ALARM_MIN * MINUTE_NS + 1) is None, "a receipt came: it is answering"
    assert unsent.say(0, 12, 40 * MINUTE_NS) is None
    assert unsent.say(1, 12, 90 * MINUTE_NS) is None, "what waits now waits since now"


@pytest.mark.fault(72)
def test_a_backlog_that_drains_is_catching_up_and_never_silent() -> None:
    """An hour of receipts with always more to come raises no alarm."""
    unsent = Unsent()
    for minute in range(60):
        pending = 6000 - minute
        assert unsent.say(pending, minute, minute * MINUTE_NS) == Say("NET-10", {"n": str(pending)})
    assert unsent.say(BACKLOG_TOLD, 60, 60 * MINUTE_NS) is None


@pytest.mark.fault(61, 73)
def test_boxes_that_lost_one_broker_do_not_come_back_together() -> None:
    """4,200 boxes whose broker fails for ten minutes: the tries spread; no second sees more than 10 % of them, and each
    tries at least every 45 s, at most twice in its first second."""
    rng = random.Random(73)
    seconds: dict[int, int] = {}
    for _ in range(4200):
        at, tries, times = 0.0, 0, []
        while at < 600:
            at += pause_s(tries, rng.random())
            times.append(at)
            tries += 1
        assert max(later - sooner for sooner, later in itertools.pairwise(times)) <= RECONNECT_S_MAX * 1.5
        assert sum(time < 1 for time in times) <= 2
        for time in times:
            seconds[int(time)] = seconds.get(int(time), 0) + 1
    late = [count for second, count in seconds.items() if 60 <= second < 590]
    assert max(late) < 4200 * 0.1
    assert pause_s(0, 0.0) == RECONNECT_S
    assert pause_s(10**6, 1.0) == RECONNECT_S_MAX * 1.5
