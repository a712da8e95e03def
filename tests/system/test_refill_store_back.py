"""A collector put back to an older copy names a branch again that a branch found again had merged.

The record that merges it lies in the other branch, which the box does not push: the box has to merge it itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from hazgate_cloud.store.verify import verify
from hazgate_edge.journal.witness import WITNESS_FILE
from hazgate_edge.sync.refill import Refill
from hazgate_protocols.journal import record as kinds
from hazgate_protocols.uplink.messages import Branch
from system.pair import Box, Cloud, copy_folder, put_back
from system.world import World, WorldError

DAY = "2026-11-23"

pytestmark = pytest.mark.system


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    opened = Cloud(tmp_path / "cloud")
    yield opened
    with opened.database.read() as tx:
        assert verify(tx).faults == []
    opened.database.close()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path / "box")
    yield made
    made.stop()


class Lost:
    """A box that was put back twice, and what a copy of the store holds: the first of its lost branches, not the
    second, which merges the first."""

    def __init__(self, box: Box, cloud: Cloud, folder: Path, *, second: int = 1) -> None:
        box.talk(cloud)
        old = copy_folder(box, folder / "old")
        self.first = {box.weigh(f"first-{i}") for i in range(20)}
        box.talk(cloud)
        self.store = copy_store(cloud, folder / "store")
        put_back(box, old)
        box.start()
        box.talk(cloud)
        self.second = {box.weigh(f"second-{i}") for i in range(second)}
        box.talk(cloud)
        put_back(box, old)
        box.start()


def copy_store(cloud: Cloud, target: Path) -> Path:
    with (
        contextlib.closing(sqlite3.connect(cloud.folder / "collector.db")) as source,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)
    return target


def held(cloud: Cloud) -> set[str]:
    """The labels in the store."""
    with cloud.database.read() as tx:
        return set(tx.exec_driver_sql("SELECT label FROM bags").scalars())


def merged(box: Box) -> int:
    return len(box.records(kinds.MERGE))


@pytest.mark.fault(27)
def test_a_store_put_back_while_the_box_waits_does_not_make_it_wait_for_ever(
    box: Box, cloud: Cloud, tmp_path: Path
) -> None:
    """The seed 21264252: both branches are back, and before the collector could say that there is no other, it went
    back to where it lacks the record that merges the first."""
    lost = Lost(box, cloud, tmp_path)

    async def until_merged() -> None:
        while not merged(box):
            assert await box.step(cloud)

    asyncio.run(until_merged())
    assert box.blocked() == "BACK-02"
    cloud.put_store_back(lost.store)
    box.talk(cloud)
    assert box.blocked() == ""
    assert merged(box) == 2
    assert {bag.label for bag in box.journal.found_bags(DAY, 100)} == lost.first | lost.second
    assert box.weigh("after") not in lost.first | lost.second
    box.talk(cloud)
    assert merged(box) == 2, "the collector knows it now"


@pytest.mark.fault(27)
def test_a_store_put_back_later_does_not_keep_a_moved_box_from_weighing(
    box: Box, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The collector must be able to say once more that there is no other branch: the next moved disk waits for it."""
    lost = Lost(box, cloud, tmp_path)
    box.talk(cloud)
    cloud.put_store_back(lost.store)
    box.talk(cloud)
    assert box.blocked() == ""
    machine = tmp_path / "machine-id"
    machine.write_text("f" * 32)
    monkeypatch.setattr("hazgate_edge.journal.place._MACHINE", {"machine": machine})
    box.restart()
    assert box.blocked() == "BACK-01"
    box.talk(cloud)
    assert box.blocked() == ""


@pytest.mark.fault(27)
def test_what_a_box_found_again_goes_out_again_when_the_store_has_lost_it(
    box: Box, cloud: Cloud, tmp_path: Path
) -> None:
    """The bag was saved and labelled, and only this box has it: it is held once more, also in several pushes."""
    lost = Lost(box, cloud, tmp_path, second=250)
    box.talk(cloud)
    assert lost.second <= held(cloud)
    cloud.put_store_back(lost.store)
    assert not lost.second & held(cloud)
    box.talk(cloud)
    box.talk(cloud)
    assert held(cloud) == lost.first | lost.second
    assert box.journal.unsent(1, 1) == []
    assert box.blocked() == ""


@pytest.mark.fault(27)
def test_a_branch_that_comes_back_with_the_right_copy_is_fetched_and_merged(
    box: Box, cloud: Cloud, tmp_path: Path
) -> None:
    """First a copy of the store that is too old, so that nobody holds what the box's lost branch has merged, and then
    the right one."""
    box.talk(cloud)
    old, too_old = copy_folder(box, tmp_path / "old"), copy_store(cloud, tmp_path / "too-old")
    first = {box.weigh(f"first-{i}") for i in range(20)}
    box.talk(cloud)
    right = copy_store(cloud, tmp_path / "right")
    put_back(box, old)
    box.start()
    box.talk(cloud)
    second = {box.weigh("second")}
    cloud.put_store_back(too_old)
    for _ in range(2):  # what it holds, and then all of the box's own chain; no more
        asyncio.run(box.step(cloud))
    assert second <= held(cloud)
    put_back(box, old)
    box.start()
    box.talk(cloud)
    assert {bag.label for bag in box.journal.found_bags(DAY, 100)} == second
    assert (box.blocked(), merged(box)) == ("", 1)
    cloud.put_store_back(right)
    box.talk(cloud)
    box.talk(cloud)  # with its next question it is told once more, now that it is whole
    assert {bag.label for bag in box.journal.found_bags(DAY, 100)} == first | second
    assert (box.blocked(), box.refill.idle) == ("", True)
    assert box.weigh("after") not in first | second


@pytest.mark.fault(27)
def test_a_branch_named_again_hides_no_shorter_one(box: Box, cloud: Cloud, tmp_path: Path) -> None:
    """The collector names one branch at a time, the longest first. While it names one that the box has, there may be
    another behind it: no number until it says that there is none."""
    lost = Lost(box, cloud, tmp_path)
    box.talk(cloud)
    image = copy_folder(box, tmp_path / "image")
    third = box.weigh("third")
    box.talk(cloud)
    cloud.put_store_back(lost.store)
    asyncio.run(box.step(cloud))  # "do you hold my head?", and it does not
    push = box.dialogue.next_push(box.seconds)
    assert push is not None
    assert cloud.collector.handle(box.journal.box, push) is not None  # all of its chain; the answer is lost
    put_back(box, image)
    (box.folder / WITNESS_FILE).unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(box.path)) as database, database:
        database.execute("UPDATE standing SET place = ''")
    box.start()
    asyncio.run(box.step(cloud))
    assert box.blocked() == "BACK-02"
    box.talk(cloud)
    assert box.blocked() == ""
    assert third in {bag.label for bag in box.journal.found_bags(DAY, 100)}
    assert box.weigh("after") != third


def test_records_that_are_not_sent_again_are_found(
    box: Box, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted mistake: only the own chain goes out again. The seed's world finds it as well."""

    async def nothing(_self: Refill) -> None:
        return

    monkeypatch.setattr(Refill, "store_went_back", nothing)
    with pytest.raises(AssertionError):
        test_what_a_box_found_again_goes_out_again_when_the_store_has_lost_it(box, cloud, tmp_path)
    with pytest.raises(WorldError, match="LOST: record 11, found again by box A"):
        World(21264252).run()


def test_a_box_that_does_not_wait_behind_a_branch_named_again_is_found(
    box: Box, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted mistake: what is whole here is taken for merged, whatever the collector says."""
    told_of = Refill._told_of

    async def trusting(self: Refill, other: Branch) -> None:
        if not any(branch.head == other.hash and branch.origin == "named" for branch in self._branches):
            await told_of(self, other)

    monkeypatch.setattr(Refill, "_told_of", trusting)
    with pytest.raises(AssertionError):
        test_a_branch_named_again_hides_no_shorter_one(box, cloud, tmp_path)
