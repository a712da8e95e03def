"""A box whose machine clock stands in 1970 and jumps, in the real chain: it weighs, says so, and nothing expires."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge.makers import StandingClock
from hazgate_edge.clock import local_date, moment
from hazgate_edge.domain.view import Live, SyncState
from hazgate_edge.journal.store import Journal
from hazgate_edge.timekeeper import PROGRAM_DATE
from hazgate_protocols.journal.record import CLOCK, Record
from hazgate_protocols.journal.seal import Signer
from hazgate_simulators.demo.stack import BOX, Stack
from system import shifted_box
from system.operator import Operator, working

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]
YEAR_1970 = (datetime(1970, 1, 1, tzinfo=UTC) - datetime.now(UTC)).total_seconds()


class Setting:
    """The box's machine clock."""

    def __init__(self, stack: Stack) -> None:
        self._file = stack.folder / "clock"
        stack.edge.arguments = [sys.executable, "-P", shifted_box.__file__, str(self._file), *stack.edge.arguments[1:]]

    def off_by(self, seconds: float) -> None:
        """From the box's next look on."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(repr(seconds), "ascii")
        fresh.rename(self._file)


def says(key: str) -> Any:
    def told(live: Live) -> bool:
        return any(chip.say is not None and chip.say.key == key for chip in live.chips)

    return told


async def record(operator: Operator, label: str) -> dict[str, Any]:
    """The weighing as the collector holds it, with the time of its receipt."""
    trace = await operator.ask(f"{operator.stack.cloud_url}/v1/trace/{label}")
    return dict(await operator.ask(f"{operator.stack.cloud_url}/v1/records/{trace['hash']}"))


@pytest.mark.fault(29, 30, 31, 33, 35)
async def test_a_box_in_1970_weighs_and_every_jump_is_told_and_kept(tmp_path: Path) -> None:
    """1970: the label's day is the record's, both from the least time there can be; the collector holds the bag for a
    person and keeps its own time. Set right, a day ahead, an hour back: told, recorded, and bags go to the core."""
    stack = Stack(tmp_path)
    setting = Setting(stack)
    setting.off_by(YEAR_1970)
    async with working(stack) as operator:
        await operator.take_off()
        await operator.live(says("CLK-01"), "CLK-01")
        first = await operator.weigh("12.34")
        await operator.row(first.rid, lambda row: row.sync is SyncState.REFUSED, "held by the collector")
        held = await record(operator, first.label)
        body = json.loads(held["body"])
        assert body["t"]["source"] == "untrusted"
        at = moment(body["t"]["wall"])
        assert at is not None
        assert PROGRAM_DATE <= at < datetime.now(UTC)
        day = local_date(at)
        assert (body["body"]["produced_on"], first.label[26:34]) == (day.isoformat(), f"{day:%Y%m%d}")
        assert held["stored_at"][:10] == datetime.now(UTC).date().isoformat(), "the collector's own time stands beside"
        for off_by, key in ((0, "CLK-03"), (86_400, "CLK-03"), (82_800, "CLK-02")):
            setting.off_by(off_by)
            await operator.live(says(key), f"{key} at {off_by}")
            done = await operator.weigh("25.00")
            await operator.row(done.rid, lambda row: row.sync is SyncState.ACCEPTED, f"accepted at {off_by}")
    changes = [record.body for record in journalled(stack) if record.kind == CLOCK]
    assert [change["reason"] for change in changes] == ["ahead", "ahead", "back"]
    assert changes[0]["before"].startswith("1970-01-01")
    assert [round(change["step_ms"], -4) for change in changes[1:]] == [86_400_000, -3_600_000]


def journalled(stack: Stack) -> list[Record]:
    """The stopped box's whole journal."""
    secret = (stack.folder / "box" / "box.key").read_bytes()
    path = stack.folder / "box" / "journal.sqlite3"
    journal = Journal(path, box=BOX, signer=Signer.from_secret(secret), clock=StandingClock())
    try:
        return [Record.decode(body) for _, _, _, body, _ in journal.chain()]
    finally:
        journal.close()
