"""`hazgate-cloud leases`, as a person types it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from cloud.test_config_and_commands import GOOD, run, written
from edge.makers import UNIT
from hazgate_cloud.config import load
from hazgate_cloud.store import schema
from leases.unit import OIL, Unit

WHO = ["--by", "李明", "--reason", "二号终端已报废"]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return written(tmp_path, GOOD)


def desk(unit: Unit, config: Path) -> Callable[..., str]:
    """The commands on the unit's store."""
    folder = load(config).data_folder
    folder.mkdir(mode=0o700, exist_ok=True)
    unit.restore_to(folder / "collector.db")
    return lambda *words, code=0: run("leases", *words, "-c", str(config), code=code)


def test_the_list_shows_who_holds_what_until_when(made: Callable[..., Unit], config: Path) -> None:
    """Box, waste, numbers, days; nothing of another unit."""
    unit = made("gate-01", "gate-02")
    unit.talk()
    said = desk(unit, config)
    lines = [line for line in said("list", UNIT, "--all").splitlines() if OIL in line]
    assert [("gate-01" in line, "gate-02" in line) for line in lines] == [(True, False), (False, True)]
    assert all("2026-11-23" in line and "2027-01-22" in line for line in lines)
    assert OIL not in said("list", "91310000MA1FL5G08P", "--all")


def test_a_unit_goes_on_without_a_box_that_is_gone_and_it_is_written_down(
    made: Callable[..., Unit], config: Path
) -> None:
    """The list names the box that is waited for; a name and a reason let the unit go on and stay as an alarm; a second
    time there is nothing to do."""
    unit = made("gate-01", "gate-02")
    copy = unit.copy_store()
    unit.talk()
    unit.restore(copy)
    unit.talk("gate-01")
    said = desk(unit, config)
    assert "no grants until gate-02 was heard" in said("list", UNIT)
    assert "grants go on without gate-02" in said("resume", UNIT, *WHO)
    assert "no grants until" not in said("list", UNIT)
    assert "nothing was changed" in said("resume", UNIT, *WHO, code=1)
    with unit.database.read() as tx:
        rows = tx.execute(select(schema.alarms).where(schema.alarms.c.kind == "leases_resumed")).all()
    assert [(row.box, "二号终端已报废 (李明)" in row.text) for row in rows] == [("gate-02", True)]
