"""The live stream: an old weight never leaves, an unchanged picture is repeated in time, streams are bounded."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from hazgate_edge.domain.view import Chip, Light, Live, Phase, Say
from hazgate_edge.terminal.live import STREAMS_MAX, Streams, frame
from hazgate_edge.terminal.words import Language
from terminal.conftest import NOON
from terminal.scripted_box import START, ScriptedBox


class Played(ScriptedBox):
    """Plays a list of snapshots, one a look."""

    def play(self, *snapshots: Live) -> Played:
        self.script = iter(snapshots)
        return self

    def live(self) -> Live:
        return next(self.script)


def streams(box: ScriptedBox, clock: Iterable[float]) -> Streams:
    """Streams that look without pausing, at the times of `clock`."""
    return Streams(box, boot="b", now=lambda: NOON, steady=iter(clock).__next__, tick_s=0)


async def frames(source: Streams, count: int) -> list[dict[str, Any]]:
    """The next `count` frames."""
    found: list[dict[str, Any]] = []
    async for event in source.events(Language.ZH):
        if event.startswith("data: "):
            found.append(json.loads(event.removeprefix("data: ")))
        if len(found) == count:
            source.close()
    return found


@pytest.mark.parametrize("age_ms", [None, 1001, 60_000])
def test_a_weight_that_is_too_old_is_left_out(age_ms: int | None) -> None:
    """Even if the box should send it; and the button is dead with a reason."""
    drawn = frame(replace(START, age_ms=age_ms), Language.ZH, NOON)
    assert drawn["weight"] == ""
    assert drawn["unit"] == ""
    assert [said["key"] for said in drawn["blocked"]] == ["PAN-03"]


def test_a_fresh_settled_weight_blocks_nothing() -> None:
    """The indicator's own digits pass unchanged."""
    drawn = frame(START, Language.ZH, NOON)
    assert (drawn["weight"], drawn["unit"], drawn["mode"], drawn["blocked"]) == ("12.50", "kg", "毛重", [])
    assert drawn["sync"] == {"pending": 37, "refused": 1, "confirmed": "10:42"}
    assert drawn["clock"] == "12:00"


@pytest.mark.parametrize(
    ("phase", "key"),
    [
        (Phase.NO_WEIGHT, "PAN-03"),
        (Phase.EMPTY, "PAN-01"),
        (Phase.MOVING, "SCALE-03"),
        (Phase.BOOKED, "PAN-02"),
        (Phase.REFUSED, "PAN-03"),
    ],
)
def test_only_a_settled_pan_lets_the_button_live(phase: Phase, key: str) -> None:
    """In every other phase there is a reason, also when the box gives none."""
    assert [said["key"] for said in frame(replace(START, phase=phase), Language.ZH, NOON)["blocked"]] == [key]


def test_a_device_in_trouble_is_a_notice_unless_the_button_says_it() -> None:
    """The network's sentence is shown once; what is on the button is not repeated beside it."""
    paper, offline = Say("PRN-01"), Say("NET-01")
    chips = (Chip("printer", Light.BAD, paper), Chip("network", Light.WARN, offline))
    drawn = frame(replace(START, chips=chips, blocked=(paper,)), Language.EN, NOON)
    assert [said["key"] for said in drawn["notices"]] == ["NET-01"]
    assert [chip["word"] for chip in drawn["chips"]] == ["Fault", "Check"]


def test_the_sentences_are_spoken_in_the_language_of_the_page() -> None:
    """One snapshot, two languages."""
    pounds = replace(START, blocked=(Say("SCALE-08", {"unit": "lb"}),))
    assert frame(pounds, Language.ZH, NOON)["blocked"][0]["what"] == "秤的单位是 lb，不是公制"
    assert frame(pounds, Language.EN, NOON)["blocked"][0]["what"] == "The scale shows lb, not a metric unit"


async def test_an_unchanged_picture_is_repeated_every_half_second(box: ScriptedBox) -> None:
    """Looks every 125 ms give frames at 0, 500 and 1000 ms: often enough for the page, no more."""
    found = await frames(streams(box, itertools.count(0, 0.125)), 3)
    assert [one["sent_ms"] for one in found] == [0, 500, 1000]
    assert len({one["number"] for one in found}) == 3


async def test_a_change_leaves_at_once() -> None:
    """A new weight does not wait for the half second; the same one does."""
    weights = ("12.50", "12.52", "12.54", "12.54", "12.60", "12.60")
    box = Played().play(*(replace(START, weight=weight) for weight in weights))
    found = await frames(streams(box, itertools.count(0, 0.125)), 4)
    assert [(one["sent_ms"], one["weight"]) for one in found] == [
        (0, "12.50"),
        (125, "12.52"),
        (250, "12.54"),
        (500, "12.60"),
    ]


async def test_a_newer_reading_leaves_before_the_page_thinks_it_old() -> None:
    """A slow indicator: same digits, first read 900 ms ago, then anew. The page hears of it at the next look."""
    box = Played().play(*(replace(START, age_ms=age_ms) for age_ms in (900, 20, 145)))
    found = await frames(streams(box, itertools.count(0, 0.125)), 2)
    assert [(one["sent_ms"], one["age_ms"]) for one in found] == [(0, 900), (125, 20)]


async def test_streams_are_bounded_and_end_when_told(box: ScriptedBox) -> None:
    """The 17th finds no room; close ends them all and gives the room back."""
    source = streams(box, itertools.count(0, 0.1))
    opened = [source.events(Language.ZH) for _ in range(STREAMS_MAX)]
    for one in opened:
        await anext(one)
    assert source.full
    source.close()
    for one in opened:
        assert [event async for event in one if event.startswith("data: ")] == []
    assert not source.full
