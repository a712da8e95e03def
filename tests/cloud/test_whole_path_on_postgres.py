"""The collector as a process over PostgreSQL: killed, its server killed, its server away, told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.fakebox import label_of
from cloud.test_whole_path import World, until
from servers.core import serving
from servers.postgres import Cluster, running_cluster

pytestmark = pytest.mark.system

SECRET = "guarded-7f3a"


@pytest.fixture
def server() -> Iterator[Cluster]:
    """A server of this test alone: it is killed."""
    with running_cluster() as cluster:
        with cluster.connect("postgres") as own:
            own.execute(f"CREATE ROLE guarded LOGIN PASSWORD '{SECRET}'")
            own.execute("CREATE DATABASE hazgate OWNER guarded")
        yield cluster


@pytest.fixture
async def world(tmp_path: Path, server: Cluster) -> AsyncIterator[World]:
    """A collector that reaches its database with a password from a file."""
    (tmp_path / "database-password").write_text(f"{SECRET}\n")
    settings = f"database: {server.url('hazgate', 'guarded')}\ndatabase_password_file: database-password\n"
    async with serving(tmp_path / "core") as core:
        made = World(tmp_path, core, settings)
        made.broker.start()
        made.collector.start()
        try:
            await until(made.healthy, made)
            yield made
        finally:
            made.collector.kill()
            made.broker.stop()


@pytest.mark.fault(75, 76)
async def test_kills_of_collector_and_server_lose_and_double_nothing(world: World, server: Cluster) -> None:
    """kill -9 of either between and during pushes: every bag is held once, filed once, and the secret is in no log."""
    for number in range(1, 9):
        world.box.weigh(number, kg=f"{number}.50")
    size = len(world.box.bodies)
    for at in range(0, size, 2):
        sending = asyncio.create_task(world.push(world.box.push(0, min(at + 2, size))))
        if at % 4 == 0:
            world.collector.kill()
            world.collector.start()
        else:
            server.kill()
            server.start()
        await sending
    for number in range(1, 9):
        await until(lambda n=number: world.accepted(n), world)  # type: ignore[misc] # a default binds the loop's value
    filed = await world.core.filed()
    assert sorted(item["submission"]["digital_id"] for item in filed) == [label_of(number) for number in range(1, 9)]
    assert world.collector.stop() == 0
    assert "whole and unaltered" in world.command("verify")
    assert SECRET not in world.collector.log.read_text()
    assert SECRET not in world.command("check-config")


@pytest.mark.fault(77)
async def test_without_its_server_there_are_no_receipts_until_it_is_back(world: World, server: Cluster) -> None:
    """Health turns red and names the database, the push is answered by nobody; both come back by themselves."""

    async def down() -> dict[str, Any] | None:
        answer = await world.get("/health")
        return dict(answer.json()) if answer is not None and answer.status_code == 503 else None

    server.stop()
    said = await until(down, world)
    assert said["broker"] == "ok"
    assert said["database"] != "ok"
    world.box.weigh(1)
    sending = asyncio.create_task(world.push(world.box.push()))

    async def unanswered() -> bool | None:
        return True if "no receipts: the store does not write" in world.collector.log.read_text() else None

    await until(unanswered, world)
    assert not sending.done()
    assert (await world.get("/v1/boxes")).json()["code"] == "store_unavailable"  # type: ignore[union-attr] # it answers
    server.start()
    assert (await sending).hash == world.box.head
    assert await until(world.healthy, world)
    await until(lambda: world.accepted(1), world)
    assert world.collector.stop() == 0


async def test_a_start_without_its_server_ends_in_words(world: World, server: Cluster) -> None:
    """One line that says what cannot be opened, and no secret; the service manager starts it again."""
    assert world.collector.stop() == 0
    server.stop()
    for words in (("verify",), ("box", "list"), ("held", "list")):
        said = world.command(*words, code=1)
        assert said.startswith("open the store postgresql+psycopg://guarded@/hazgate"), said
        assert "\n" not in said
        assert SECRET not in said
    world.collector.start()
    assert await asyncio.to_thread(world.collector.wait) == 1
    assert "open the store postgresql+psycopg://guarded@/hazgate" in world.collector.log.read_text()
    assert SECRET not in world.collector.log.read_text()
