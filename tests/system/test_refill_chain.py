"""The real chain with a box's folder put back: broker, rules of access, processes and page as they are."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest

from hazgate_edge.domain.view import Live, SyncState
from hazgate_simulators.demo.stack import Stack, command
from system.operator import working

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


def copy(source: Path, target: Path) -> None:
    """As an installer's backup does it; a stopped box's socket is nothing to keep."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.sock"))


@pytest.mark.fault(27)
async def test_a_box_put_back_to_an_older_folder_stops_asks_and_goes_on_above_its_lost_numbers(tmp_path: Path) -> None:
    """Weighing waits without the broker, and says so; with it the lost bag stands in today's list, its number is not
    given again, and the collector proves both branches."""
    stack = Stack(tmp_path)
    async with working(stack) as operator:
        folder, old = tmp_path / "box", tmp_path / "old"
        first = await operator.weigh("1.50")
        await operator.row(first.rid, lambda row: row.sync is not SyncState.KEPT, "received")
        await asyncio.to_thread(stack.edge.stop)
        await asyncio.to_thread(copy, folder, old)
        await asyncio.to_thread(stack.start_edge)
        operator.leave()
        lost = await operator.weigh("2.50")
        await operator.row(lost.rid, lambda row: row.sync is not SyncState.KEPT, "received")
        await asyncio.to_thread(stack.edge.stop)
        await asyncio.to_thread(stack.broker.kill)
        await asyncio.to_thread(shutil.rmtree, folder)
        await asyncio.to_thread(copy, old, folder)
        await asyncio.to_thread(stack.start_edge)
        operator.leave()

        def waits(live: Live) -> bool:
            return any(say.key == "BACK-01" for say in live.blocked)

        await operator.live(waits, "weighing waits")
        await asyncio.to_thread(stack.broker.start)
        await operator.live(lambda live: not any(say.key.startswith("BACK") for say in live.blocked), "free again", 90)
        box = await operator.box()
        rows = {row.label: row for row in await box.rows(100)}
        assert set(rows) == {first.label, lost.label}
        assert rows[lost.label].print_say is not None
        assert rows[lost.label].weight == lost.weight
        after = await operator.weigh("3.50")
        assert after.label not in rows
        await operator.row(after.rid, lambda row: row.sync is SyncState.ACCEPTED, "accepted")
        for name, config in (("hazgate-edge", stack.edge_config), ("hazgate-cloud", stack.cloud_config)):
            done = await asyncio.to_thread(
                subprocess.run,
                [command(name), "verify", "--config", str(config)],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
