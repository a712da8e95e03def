"""Checkpoints on their way to the core: until it has answered, and not for ever to one that knows none."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from cloud.fakebox import Clock
from hazgate_cloud.domain.delivery import BACKOFF_S_MAX
from hazgate_cloud.forwarder.checkpoints import CheckpointCourier
from hazgate_cloud.forwarder.core_client import CoreClient
from hazgate_cloud.keeper.checkpointer import Checkpointer
from hazgate_cloud.keeper.folder import Folder
from hazgate_cloud.store.alarms import listed
from hazgate_cloud.store.checkpoints import listing
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.writer import Writer
from hazgate_protocols.journal import checkpoint
from hazgate_protocols.journal.seal import Signer
from servers.core import Core, serving


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with serving(tmp_path / "core") as running:
        yield running


class Desk:
    """A courier, what makes checkpoints, and what a test wants to know."""

    def __init__(self, database: Database, key: Signer, clock: Clock, folder: Path, client: CoreClient) -> None:
        self.database, self.clock, self.writer = database, clock, Writer()
        self.maker = Checkpointer(database, key, Folder(folder), clock)
        self.courier = CheckpointCourier(database, self.writer, client, clock, random.Random(1))

    async def steps(self) -> None:
        """All that is due now, then the longest pause."""
        while await self.courier.step():
            pass
        self.clock.pass_s(BACKOFF_S_MAX)

    def states(self) -> list[str]:
        """What the core said of each, the oldest first."""
        with self.database.read() as tx:
            return [row["core_state"] for row in reversed(listing(tx, 100))]

    def alarms(self) -> list[str]:
        """Kinds of the open ones."""
        with self.database.read() as tx:
            return [alarm["kind"] for alarm in listed(tx, 100)]


async def filed(core: Core) -> list[dict[str, object]]:
    """The checkpoints the core holds."""
    async with httpx.AsyncClient(trust_env=False) as http:
        return list((await http.get(f"{core.url}/sim/checkpoints")).json()["checkpoints"])


@pytest.fixture
async def desk(
    database: Database, collector_key: Signer, clock: Clock, core: Core, tmp_path: Path
) -> AsyncIterator[Desk]:
    async with CoreClient(core.url, 0.5) as client:
        made = Desk(database, collector_key, clock, tmp_path / "files", client)
        yield made
        made.writer.close()


async def test_every_checkpoint_reaches_the_core_in_order_with_its_exact_bytes(desk: Desk, core: Core) -> None:
    """Statement and seal as they were made: what the core holds proves itself."""
    kept = [desk.maker.make(), desk.maker.make()]
    await desk.steps()
    assert desk.states() == ["accepted", "accepted"]
    held = await filed(core)
    for item, one in zip(held, kept, strict=True):
        assert one is not None
        assert (item["hash"], item["posts"]) == (one.checkpoint.hash.hex(), 1)
        assert checkpoint.statement_faults(str(item["statement"]).encode(), bytes.fromhex(str(item["seal"]))) == []
    assert desk.courier.trouble == ""
    await desk.steps()
    assert [item["posts"] for item in await filed(core)] == [1, 1]


@pytest.mark.parametrize("mode", ["lose", "drop", "error", "html", "nonsense", "envelope"])
async def test_whatever_goes_wrong_it_is_tried_until_the_core_holds_it(mode: str, desk: Desk, core: Core) -> None:
    """Unclear answers wait; then it is filed once."""
    await core.set_mode(mode, remaining=3)
    desk.maker.make()
    for _ in range(3):
        await desk.steps()
    assert desk.states() == ["waiting"]
    assert desk.courier.trouble != ""
    for _ in range(5):  # a busy machine may be slower than the client's half second
        await desk.steps()
        if desk.states() != ["waiting"]:
            break
    assert desk.states() == ["accepted"]
    assert desk.courier.trouble == ""
    assert len(await filed(core)) == 1


async def test_a_core_that_knows_none_is_remembered_and_asked_again_with_the_next(desk: Desk, core: Core) -> None:
    """404: said, not repeated; the next day's is tried."""
    await core.set_mode("accept", takes_checkpoints=False)
    desk.maker.make()
    for _ in range(3):
        await desk.steps()
    assert desk.states() == ["unsupported"]
    assert desk.courier.trouble == "the core takes no checkpoints (HTTP status 404)"
    await core.set_mode("accept")
    desk.maker.make()
    await desk.steps()
    assert desk.states() == ["unsupported", "accepted"]
    assert desk.alarms() == []


async def test_a_core_that_holds_another_one_of_the_number_raises_the_alarm(
    desk: Desk, core: Core, collector_key: Signer, clock: Clock, tmp_path: Path
) -> None:
    """A store put back without its files makes number 1 anew: the core's copy tells."""
    desk.maker.make()
    await desk.steps()
    with desk.database.write() as tx:
        tx.exec_driver_sql("DELETE FROM checkpoints")
    desk.maker.make()
    await desk.steps()
    assert desk.states() == ["refused"]
    assert desk.alarms() == ["checkpoint_refused"]
    assert desk.courier.trouble.startswith("refused: C-002 another checkpoint 1 is held")
