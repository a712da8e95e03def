"""A collector whose own clock is wrong is told so by its boxes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from cloud.fakebox import Clock
from hazgate_cloud.api import queries
from hazgate_cloud.collector.clocks import AGAIN, HEARD, Clocks
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.domain.times import stamp
from hazgate_cloud.store.engine import Database

pytestmark = pytest.mark.fault(36)


def heard(clocks: Clocks, now: datetime, *off_s: float, source: str = "ntp") -> None:
    for number, seconds in enumerate(off_s):
        wall = stamp(now + timedelta(seconds=seconds))
        clocks.hear(f"box-{number}", {"online": True, "wall": wall, "source": source}, now)


@pytest.mark.parametrize(("off_s", "way"), [(3600, "behind"), (-3600, "ahead of")])
def test_a_collector_off_by_an_hour_is_told_once_an_hour(off_s: float, way: str) -> None:
    """By the boxes' median, whatever a single box says; again only after a while."""
    clocks, now = Clocks(), Clock().at
    heard(clocks, now, off_s, off_s + 1, off_s - 1, 0.0, off_s)
    assert clocks.suspicion(now) == (
        f"the collector's clock is 3600 s {way} the median of its boxes; set it by a time server"
    )
    assert clocks.suspicion(now) == ""
    later = now + AGAIN
    heard(clocks, later, off_s, off_s, off_s)
    assert clocks.suspicion(later) != ""


@pytest.mark.parametrize(
    ("off_s", "source"),
    [((0.4, -0.2, 7200.0), "ntp"), ((7200.0, 7200.0), "ntp"), ((7200.0, 7200.0, 7200.0, 7200.0), "untrusted")],
    ids=["one-box-is-wrong", "too-few", "untrusted"],
)
def test_a_few_or_untrusted_boxes_raise_no_suspicion(off_s: tuple[float, ...], source: str) -> None:
    """One wrong box, two boxes, or boxes that do not believe themselves are no majority."""
    clocks, now = Clocks(), Clock().at
    heard(clocks, now, *off_s, source=source)
    assert clocks.suspicion(now) == ""


@pytest.mark.parametrize(
    "live", [None, [], {"online": True}, {"wall": 5, "source": "ntp"}, {"wall": "soon", "source": "ntp"}]
)
def test_what_carries_no_time_is_passed_over(live: object) -> None:
    """Older boxes say only that they are there; others may say anything."""
    clocks, now = Clocks(), Clock().at
    for number in range(5):
        clocks.hear(f"box-{number}", live, now)
    assert clocks.off_s(now) is None


def test_an_old_word_says_nothing_about_now() -> None:
    """Boxes that have been gone for a while have no voice."""
    clocks, now = Clocks(), Clock().at
    heard(clocks, now, 500.0, 500.0, 500.0)
    assert clocks.off_s(now + HEARD) == 500.0
    assert clocks.off_s(now + HEARD + timedelta(seconds=1)) is None


def test_the_suspicion_is_an_alarm(collector: Collector, database: Database) -> None:
    """People see it in the list; a repetition counts up."""
    collector.suspect_clock("an hour behind")
    collector.suspect_clock("an hour behind")
    with database.read() as tx:
        (alarm,) = queries.newest_alarms(tx, 10)
    assert (alarm["kind"], alarm["count"], alarm["text"]) == ("clock_suspect", 2, "an hour behind")
