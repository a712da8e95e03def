"""The demo's reviving loop, with parts that end when told and a clock that moves when told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hazgate_simulators.demo.reviver import REVIVE_S, REVIVE_S_MAX, Reviver
from hazgate_simulators.demo.stack import READY_S_MAX, Part, StackError


class Process:
    """A part: `comes_up` says what becomes of a start."""

    def __init__(self) -> None:
        self.pid = 1
        self.running = True
        self.ready = True
        self.comes_up = True
        self.starts = 0

    def start(self, *, wait: bool) -> None:
        assert not wait, "waiting would hold up the others"
        assert not self.running
        self.starts += 1
        self.pid += 1
        self.running = self.ready = self.comes_up

    def kill(self) -> None:
        self.running = self.ready = False

    def last_words(self) -> str:
        return f"words of start {self.starts}"


class Watch:
    """Parts under a reviver; a second passes between looks."""

    def __init__(self) -> None:
        self.parts = {"broker": Process(), "cloud": Process()}
        self.told: list[str] = []
        self.at = 0.0
        self.reviver = Reviver(self.parts, lambda: self.at, self.told.append)

    def pass_s(self, seconds: float) -> None:
        end = self.at + seconds
        while self.at < end:
            self.reviver.look()
            self.at += 1


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_what_ended_is_back_after_the_pause(watch: Watch) -> None:
    """Once, with its new number, and not before the loss could be watched."""
    cloud = watch.parts["cloud"]
    cloud.kill()
    watch.pass_s(REVIVE_S)
    assert cloud.starts == 0
    watch.pass_s(3)
    assert (cloud.starts, cloud.running) == (1, True)
    assert watch.told == ["cloud has ended; starting it again in 5 s", "cloud is back: kill -9 2"]
    assert watch.parts["broker"].starts == 0


def test_a_part_that_does_not_come_up_is_tried_for_ever_with_a_bounded_pause(watch: Watch) -> None:
    """An hour of failing starts; then it may start, and is back within the longest pause."""
    cloud = watch.parts["cloud"]
    cloud.comes_up = False
    cloud.kill()
    watch.pass_s(3600)
    assert cloud.starts >= 3600 / (REVIVE_S_MAX + 3)
    assert "cloud did not come up; trying again in 30 s. It said:\nwords of start 5" in watch.told
    cloud.comes_up = True
    watch.pass_s(REVIVE_S_MAX + 3)
    assert cloud.running


def test_a_kill_while_it_comes_up_is_only_another_try(watch: Watch) -> None:
    """Killed between start and readiness: said, and started again."""
    cloud = watch.parts["cloud"]
    cloud.kill()
    watch.pass_s(REVIVE_S + 1)
    assert cloud.starts == 1
    cloud.kill()
    watch.pass_s(2 * REVIVE_S + 4)
    assert (cloud.starts, cloud.running) == (2, True)
    assert watch.told[-1].startswith("cloud is back")


def test_a_part_that_runs_and_never_answers_is_killed_and_tried_again(watch: Watch) -> None:
    """After the time a start may take."""
    cloud = watch.parts["cloud"]
    cloud.kill()
    watch.pass_s(REVIVE_S + 1)
    cloud.ready = False
    watch.pass_s(READY_S_MAX + 2 * REVIVE_S + 4)
    assert (cloud.starts, cloud.ready) == (2, True)


def test_one_that_does_not_come_up_keeps_no_other_waiting(watch: Watch) -> None:
    """The collector is not ready before the broker is there: the broker comes back all the same."""
    cloud, broker = watch.parts["cloud"], watch.parts["broker"]
    cloud.comes_up = False
    cloud.kill()
    watch.pass_s(REVIVE_S + 2)
    broker.kill()
    watch.pass_s(REVIVE_S + 3)
    assert (broker.starts, broker.running) == (1, True)


def test_a_failed_start_quotes_its_own_log_only(tmp_path: Path) -> None:
    """What an earlier start wrote is kept in the file and not quoted."""
    part = Part("cloud", [sys.executable, "-c", "raise SystemExit('of today')"], tmp_path, lambda: False)
    part.log.write_text("of yesterday\n")
    with pytest.raises(StackError, match="of today") as said:
        part.start()
    part.stop()
    assert "yesterday" not in str(said.value)
    assert part.log.read_text() == "of yesterday\nof today\n"
