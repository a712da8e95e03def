"""The collector as a process, over a real broker with accounts, to a real HTTP core: thin, killed, and put back."""

from __future__ import annotations

import asyncio
import stat
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import aiomqtt
import httpx
import pytest
from typer.testing import CliRunner

from cloud.fakebox import UNIT, FakeBox, label_of
from hazgate_cloud.cli import app
from hazgate_protocols.journal.checkpoint import decode as decode_checkpoint
from hazgate_protocols.journal.seal import receipt_seal_holds
from hazgate_protocols.uplink import Have, decode_answer, decode_push, topics
from hazgate_simulators.demo.broker import Mosquitto, free_port
from servers.core import Core, serving
from servers.programs import Program

pytestmark = pytest.mark.system

ACL = """
user collector
topic read hz/1/+/push
topic read hz/1/+/fetch
topic read hz/1/+/live
topic write hz/1/+/have
topic write hz/1/+/need
topic write hz/1/+/give
pattern write hz/1/%u/push
pattern write hz/1/%u/fetch
pattern write hz/1/%u/live
pattern read hz/1/%u/have
pattern read hz/1/%u/give
pattern read hz/1/%u/need
"""
WAIT_S_MAX = 30.0
T = TypeVar("T")


async def until(question: Callable[[], Awaitable[T | None]], world: World) -> T:
    """The first answer that is not None."""
    deadline = time.monotonic() + WAIT_S_MAX
    while time.monotonic() < deadline:
        found = await question()
        if found is not None:
            return found
        world.collector.require_alive()
        await asyncio.sleep(0.05)
    raise AssertionError(f"nothing within {WAIT_S_MAX} s; collector log: {world.collector.log.read_text()[-2000:]}")


class World:
    """A broker, a core, a collector and one box."""

    def __init__(self, folder: Path, core: Core, settings: str = "") -> None:
        """settings: more lines of the collector's configuration."""
        self.folder = folder
        self.core = core
        self.box = FakeBox().begin()
        self.broker = Mosquitto(folder / "broker", accounts={"collector": "pw-c", self.box.name: "pw-b"}, acl=ACL)
        self.port = free_port()
        self.config = folder / "cloud.yaml"
        (folder / "password").write_text("pw-c\n")
        self.config.write_text(
            f"data_folder: store\nbroker:\n  host: 127.0.0.1\n  port: {self.broker.port}\n  username: collector\n"
            f"  password_file: password\nlisten: {{port: {self.port}}}\ncore: {{url: '{core.url}', timeout_s: 2}}\n"
            f"{settings}"
        )
        self.key = bytes.fromhex(self.command("identity"))
        key = self.box.signer.public().hex()
        self.command("box", "add", self.box.name, "--public-key", key, "--unit-code", UNIT, "--name", "东门称重点")
        self.collector = Program("hazgate_cloud.cli", ["run", "-c", str(self.config)], folder)

    def command(self, *words: str, code: int = 0) -> str:
        """Runs hazgate-cloud; what it printed."""
        done = CliRunner().invoke(app, [*words, "-c", str(self.config)])
        assert done.exit_code == code, done.output
        return done.output.strip()

    async def get(self, path: str) -> httpx.Response | None:
        """What the collector's API says; None when nobody answers."""
        async with httpx.AsyncClient(trust_env=False) as http:
            try:
                return await http.get(f"http://127.0.0.1:{self.port}{path}")
            except httpx.TransportError:
                return None

    async def healthy(self) -> bool | None:
        """True once database and broker are there."""
        answer = await self.get("/health")
        return True if answer is not None and answer.status_code == 200 else None

    async def trace(self, number: int) -> dict[str, Any] | None:
        """The way of the bag once it is held."""
        answer = await self.get(f"/v1/trace/{label_of(number).lower()}")
        return dict(answer.json()) if answer is not None and answer.status_code == 200 else None

    async def accepted(self, number: int) -> dict[str, Any] | None:
        """The way of the bag once the core accepted it."""
        way = await self.trace(number)
        return way if way is not None and way["state"] == "accepted" else None

    async def push(self, payload: bytes, until_note: bytes | None = None) -> Have:
        """Sends a push until a receipt covers it (and, if asked for, brings a note about this record). A receipt that
        only brings notes may come first: it says nothing of this push."""
        deadline = time.monotonic() + WAIT_S_MAX
        name = self.box.name
        head = decode_push(payload).head()
        while time.monotonic() < deadline:
            try:
                async with (
                    asyncio.timeout(3),
                    aiomqtt.Client(
                        "127.0.0.1",
                        self.broker.port,
                        username=name,
                        password="pw-b",
                        protocol=aiomqtt.ProtocolVersion.V5,
                        clean_start=True,
                    ) as client,
                ):
                    await client.subscribe(topics.have(name), qos=1)
                    await client.publish(topics.push(name), payload, qos=1)
                    async for message in client.messages:
                        assert isinstance(message.payload, bytes)
                        said = decode_answer(message.payload)
                        assert isinstance(said, Have)
                        assert receipt_seal_holds(self.key, said.signed_bytes(), said.seal)
                        noted = until_note is None or any(note.hash == until_note for note in said.notes)
                        if said.hash == head and noted:
                            return said
            except (TimeoutError, aiomqtt.MqttError):
                await asyncio.sleep(0.05)
        raise AssertionError(f"no receipt; collector log: {self.collector.log.read_text()[-2000:]}")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with serving(tmp_path / "core") as core:
        made = World(tmp_path, core)
        made.broker.start()
        made.collector.start()
        try:
            await until(made.healthy, made)
            yield made
        finally:
            made.collector.kill()
            made.broker.stop()


async def test_a_pushed_bag_is_stored_forwarded_and_told_of_without_being_asked(world: World) -> None:
    """Push -> receipt; core accepts; an unsolicited receipt carries the note; the trace shows the whole way."""
    own = world.box.weigh_and_print(1)
    said = await world.push(world.box.push(), until_note=own)
    assert (said.token, said.hash) in {("", world.box.head), ("t1", world.box.head)}
    assert [note.what for note in said.notes] == ["accepted"]
    before = await until(lambda: world.accepted(1), world)
    assert before["steps"][-1]["key"] == "kept_missing"
    world.box.keep_notes(said.notes, 0)
    await world.push(world.box.push(3, notes_after=1))
    way = await world.trace(1)
    assert way is not None
    assert [step["key"] for step in way["steps"]] == [
        "weighed", "saved", "label_printed", "received", "sent", "core_accepted", "kept",
    ]  # fmt: skip
    assert all(step["mark"] == "done" and step["at"] for step in way["steps"])
    page = await world.get(f"/t/{label_of(1)}")
    assert page is not None
    assert "监管平台已接收" in page.text
    assert "CORE-00000001" in page.text
    assert world.collector.stop() == 0
    assert "whole and unaltered" in world.command("verify")


@pytest.mark.fault(66, 75, 76)
async def test_kills_of_collector_and_broker_lose_and_double_nothing(world: World) -> None:
    """kill -9 of either between and during pushes: every bag is held once and filed once, with its own weight."""
    for number in range(1, 9):
        world.box.weigh(number, kg=f"{number}.50")
    size = len(world.box.bodies)
    for at in range(0, size, 2):
        sending = asyncio.create_task(world.push(world.box.push(0, min(at + 2, size))))
        if at % 4 == 0:
            world.collector.kill()
            world.collector.start()
        else:
            world.broker.restart()
        await sending
    for number in range(1, 9):
        await until(lambda n=number: world.accepted(n), world)  # type: ignore[misc] # a default binds the loop's value
    filed = await world.core.filed()
    assert sorted(item["submission"]["digital_id"] for item in filed) == [label_of(number) for number in range(1, 9)]
    assert {item["submission"]["digital_id"]: item["submission"]["quantity_t"] for item in filed} == {
        label_of(number): f"0.00{number}500" for number in range(1, 9)
    }
    assert world.collector.stop() == 0
    world.command("verify")


async def test_health_says_what_is_gone_and_comes_back(world: World) -> None:
    """503 naming the broker while it is away."""

    async def down() -> dict[str, Any] | None:
        answer = await world.get("/health")
        return dict(answer.json()) if answer is not None and answer.status_code == 503 else None

    world.broker.kill()
    said = await until(down, world)
    assert said["database"] == "ok"
    assert said["broker"] != "ok"
    world.broker.start()
    assert await until(world.healthy, world)


async def test_the_running_collector_makes_a_checkpoint_and_the_core_gets_it(world: World) -> None:
    """At the start, since none was made this day: file, core, and by hand the next, of which the box is told."""

    async def held_by_core() -> list[dict[str, Any]] | None:
        async with httpx.AsyncClient(trust_env=False) as http:
            listed = (await http.get(f"{world.core.url}/sim/checkpoints")).json()["checkpoints"]
        return listed or None

    (first,) = await until(held_by_core, world)
    (path,) = (world.folder / "store" / "checkpoints").iterdir()
    made = decode_checkpoint(path.read_bytes())
    assert (made.hash.hex(), made.said.n, made.faults(world.key)) == (first["hash"], 1, [])
    head = world.box.weigh(1)
    await world.push(world.box.push())
    assert "checkpoint 2: 2 records under 1 heads" in world.command("checkpoint", "make")
    have = await world.push(world.box.push(2), until_note=head)
    assert "anchored" in [note.what for note in have.notes]
    assert "2 checkpoints: sealed" in world.command("verify")


async def test_presence_shows_with_the_boxes(world: World) -> None:
    """What the box, or the broker in its name, said last."""

    async def seen(online: bool) -> bool | None:
        answer = await world.get("/v1/boxes")
        return True if answer is not None and answer.json()["boxes"][0]["online"] is online else None

    async with aiomqtt.Client(
        "127.0.0.1", world.broker.port, username=world.box.name, password="pw-b", protocol=aiomqtt.ProtocolVersion.V5
    ) as client:
        await client.publish(topics.live(world.box.name), b'{"online": true}')
        await until(lambda: seen(True), world)
        await client.publish(topics.live(world.box.name), b'{"online": false}')
        await until(lambda: seen(False), world)


async def test_what_the_collector_keeps_is_its_owners_alone(world: World) -> None:
    """Folder 0700; database, its companions and the key 0600."""
    await world.push(world.box.push())
    folder = world.folder / "store"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert set(modes) >= {"collector.db", "collector.db-wal", "collector.key"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((folder / "checkpoints").stat().st_mode) == 0o700
