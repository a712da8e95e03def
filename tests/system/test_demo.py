"""What `tools/demo --folder DIR` does with a folder that is there already."""

from __future__ import annotations

from pathlib import Path

import pytest

from hazgate_edge.domain.view import SyncState
from hazgate_simulators.demo.stack import BOX, Stack
from system.operator import working

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


async def test_a_kept_folder_goes_on_with_the_same_keys_journal_and_store(tmp_path: Path) -> None:
    """A bag of the first start is in the trace of the second; the next bag follows it in the same chain."""
    async with working(Stack(tmp_path)) as operator:
        await operator.take_off()
        first = await operator.weigh("12.34")
        await operator.row(first.rid, lambda row: row.sync is SyncState.ACCEPTED, "first accepted")
    async with working(Stack(tmp_path)) as operator:
        cloud = operator.stack.cloud_url
        await operator.take_off()
        second = await operator.weigh("25.00")
        await operator.row(second.rid, lambda row: row.sync is SyncState.ACCEPTED, "second accepted")
        before, after = [await operator.ask(f"{cloud}/v1/trace/{bag.label}") for bag in (first, second)]
        (box,) = (await operator.ask(f"{cloud}/v1/boxes"))["boxes"]
        alarms = (await operator.ask(f"{cloud}/v1/alarms"))["alarms"]
    assert (before["state"], after["state"]) == ("accepted", "accepted")
    assert before["seq"] < after["seq"] <= box["seq"]
    assert (box["box"], box["branches"]) == (BOX, 1)
    assert alarms == []
