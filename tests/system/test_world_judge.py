"""What the seeded world's judge takes a box to know: what the collector held when it gave the answer the box heard.

A push that arrives twice is answered twice under one token, and what the collector holds may change in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from system.world import Machine, World, WorldError

pytestmark = pytest.mark.system


class Twins:
    """A box and its copy behind the first bag. The copy gives the second number while the box's question is on its way:
    early is an answer to that question from before the collector heard of it, late one from behind that."""

    def __init__(self, folder: Path) -> None:
        self.world = world = World(0, folder)
        world._open_store(world._new_store())
        self.box = Machine("A", world._new_folder(), world.clock, world.rng)
        world.machines = [self.box]
        world._press(self.box)
        copied = world._new_folder()
        world._copy_database(self.box.folder / "journal.sqlite3", copied / "journal.sqlite3")
        twin = Machine("B", copied, world.clock, world.rng)
        world.machines.append(twin)

        self.question = self._push(self.box)
        world._collect(self.question)
        world._copy_store()
        world._press(twin)
        world._collect(self._push(twin))
        world._collect(self.question)
        self.early, _, self.late = self.box.inbox

    def _push(self, machine: Machine) -> bytes:
        push = machine.dialogue.next_push(self.world.clock.seconds)
        assert push is not None
        return push

    def close(self) -> None:
        for machine in self.world.machines:
            machine.stop()
        self.world.database.close()
        self.world.loop.close()


@pytest.fixture
def twins(tmp_path: Path) -> Iterator[Twins]:
    made = Twins(tmp_path)
    yield made
    made.close()


def test_a_box_is_not_blamed_for_what_a_lost_answer_knew(twins: Twins) -> None:
    """The seed 1002225: of two answers to one question the box heard the older one alone, which said that there is no
    other branch; that its copy had given the next number stood in the other, which was lost."""
    twins.world._hear(twins.box, twins.early)
    assert twins.box.refill.blocks() is None
    twins.world._press(twins.box)


def test_a_box_is_blamed_for_what_it_was_told(twins: Twins) -> None:
    """The later answer tells of the copy's branch: the box must stop, and is caught when it gives the number."""
    twins.world._hear(twins.box, twins.late)
    assert twins.box.refill.blocks() is not None
    with pytest.raises(WorldError, match="NUMBER TWICE"):
        twins.world._press(twins.box)


def test_a_third_answer_from_an_older_store_excuses_nobody(twins: Twins) -> None:
    """The collector went back and answered the question once more; the box heard what it had said before that."""
    twins.world._restore_store()
    twins.world._collect(twins.question)
    twins.world._hear(twins.box, twins.late)
    with pytest.raises(WorldError, match="NUMBER TWICE"):
        twins.world._press(twins.box)
