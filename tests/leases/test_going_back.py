"""The collector, or a box, goes back to an old copy: grants are learned again, and nothing is granted over them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hazgate_cloud.store import leases as leases_of_store
from hazgate_edge.journal.store import NumbersUsedUpError
from leases.unit import OIL, RAGS, Unit


def use_up(unit: Unit, name: str) -> list[str]:
    """Every number of OIL that a box has today, without a talk."""
    labels = []
    while True:
        try:
            labels.append(unit.boxes[name].weigh())
        except NumbersUsedUpError:
            return labels


def test_a_collector_that_went_back_grants_nothing_until_every_box_was_heard(made: Callable[..., Unit]) -> None:
    """Two leases are lost with the store. The box that is heard first gets no new numbers of its unit (it has its own
    for weeks); when the other was heard too, both leases are on record again and grants go on beside them."""
    unit = made("gate-01", "gate-02")
    copy = unit.copy_store()
    unit.talk()
    before = unit.leases()
    unit.restore(copy)
    assert unit.leases() == []
    low = use_up(unit, "gate-01")
    unit.talk("gate-01")
    assert unit.boxes["gate-01"].said() == {OIL: "NUM-05"}
    assert {box for box, _, _ in unit.leases()} == {"gate-01"}
    unit.talk("gate-02")
    assert sorted(unit.leases()) == sorted(before)
    unit.clock.pass_days(1)
    labels = [*low, *use_up(unit, "gate-01"), *use_up(unit, "gate-02")]
    unit.talk("gate-01")
    labels += use_up(unit, "gate-01")
    unit.talk()
    assert len(set(labels)) == len(labels)
    assert unit.flags() == []
    assert unit.faults() == []
    assert unit.alarms() == {"store_went_back", "lease_learned"}


def test_a_person_may_let_a_unit_go_on_without_a_box_that_is_gone(made: Callable[..., Unit]) -> None:
    """A box that never comes back must not keep numbers from the others for ever."""
    unit = made("gate-01", "gate-02")
    unit.talk()
    copy = unit.copy_store()
    unit.clock.pass_days(20)
    unit.talk("gate-01")  # new leases, which the copy does not have
    unit.restore(copy)
    use_up(unit, "gate-01")
    unit.talk("gate-01")
    assert unit.boxes["gate-01"].said()[OIL] == "NUM-05"
    unit_code = unit.boxes["gate-01"].config.unit.code
    assert unit.database.written(lambda tx: leases_of_store.resume(tx, unit_code)) == ["gate-02"]
    unit.clock.pass_days(1)
    use_up(unit, "gate-01")
    unit.talk("gate-01")
    assert unit.boxes["gate-01"].said() == {}
    assert unit.faults() == []


def test_the_only_box_of_a_unit_needs_to_wait_for_nobody(made: Callable[..., Unit]) -> None:
    """Nobody else can have its numbers: it is granted more at once, and gives each number once."""
    unit = made("gate-01")
    copy = unit.copy_store()
    unit.talk()
    unit.restore(copy)
    labels = use_up(unit, "gate-01")
    unit.talk()
    assert unit.boxes["gate-01"].said() == {}
    labels += use_up(unit, "gate-01")
    unit.talk()
    assert len(set(labels)) == len(labels) == 200
    assert (unit.flags(), unit.faults()) == ([], [])


def test_a_grant_over_a_lost_lease_is_alarmed_and_the_second_bag_held(
    made: Callable[..., Unit], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What remains: the box with the lost lease is silent, and nothing tells the collector that it went back. Both have
    the numbers; the first bag of a number counts, the second is held back, and the overlap is an alarm."""
    unit = made("gate-01", "gate-02")
    copy = unit.copy_store()
    unit.talk("gate-01")
    unit.restore(copy)
    unit.talk("gate-02")  # has heard nothing before: it cannot know
    twice = {unit.boxes["gate-01"].weigh()[-3:] for _ in range(3)} & {
        unit.boxes["gate-02"].weigh()[-3:] for _ in range(3)
    }
    assert twice == {"001", "002", "003"}
    unit.talk()
    assert unit.flags() == ["label_reused"] * 3
    assert "lease_overlap" in unit.alarms()
    assert unit.faults() == []


def test_a_restored_box_takes_back_its_leases_and_a_copied_disks_are_not_its_own(
    made: Callable[..., Unit], tmp_path: Path
) -> None:
    """A box set back to before its asks asks anew and gets other numbers: the grants to the lost asks are of no chain
    of its own and are left alone."""
    unit = made("gate-01", "gate-02")
    box = unit.boxes["gate-01"]
    unit.talk("gate-01")
    first = use_up(unit, "gate-01")
    unit.talk("gate-01")
    box.journal.close()
    for part in box.folder.glob("journal.sqlite3*"):
        part.unlink()
    unit.clock.pass_days(1)
    box.start()
    assert box.said() == {OIL: "NUM-03", RAGS: "NUM-03"}
    unit.talk("gate-01")
    second = use_up(unit, "gate-01")
    assert not {label[-3:] for label in first} & {label[-3:] for label in second}
    unit.talk("gate-01")
    assert "label_reused" not in unit.flags()
    assert "number_not_leased" not in unit.flags()
    assert unit.faults() == []
