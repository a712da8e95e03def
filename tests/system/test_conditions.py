"""Working conditions on the real way: a Modbus device's register through box, broker and collector to the API."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest

from edge.makers import BOX, DEV
from hazgate_cloud.api.app import Api, build
from hazgate_cloud.collector.presence import Presence
from hazgate_cloud.store.verify import verify
from hazgate_edge.clock import SystemClock
from hazgate_edge.config import ModbusTcpLink, TelemetrySource
from hazgate_edge.telemetry.conditions import Conditions
from hazgate_edge.telemetry.sending import Sender
from hazgate_edge.telemetry.spool import Spool
from hazgate_profiles import telemetry_registry
from hazgate_simulators.conditions.registers import RegisterDevice
from system.chain import BOX_KEY, COLLECTOR_KEY, Chain, running

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

PRESSURE, FREQUENCY, RUNNING = 0, 1, 2
POINT = "fan.pressure"


class Way:
    """A chain whose box reads a fan; its spool lives as long as the folder."""

    def __init__(self, folder: Path, *, held_max: int = 200_000) -> None:
        clock = SystemClock.of_this_machine()
        self.folder = folder
        self.spool = Spool(folder, new_id="00112233445566aa", now=clock.wall(), held_max=held_max)
        self.sender = Sender(self.spool, BOX, BOX_KEY, COLLECTOR_KEY.public())
        self.chain = Chain(folder / "chain", telemetry=self.sender)
        self.device = RegisterDevice("127.0.0.1", 0)
        api = build(Api(self.chain.database, Presence(), "", lambda: "", lambda: ""))
        self.api = httpx.AsyncClient(transport=httpx.ASGITransport(app=api), base_url="http://collector")

    async def start(self) -> None:
        """The device listens, the box reads it."""
        await self.device.start()
        self.device.registers.update({PRESSURE: 5000, FREQUENCY: 4200, RUNNING: 1})
        link = ModbusTcpLink(kind="modbus-tcp", host="127.0.0.1", port=self.device.port)
        own = self.folder / "example-exhaust-fan.yaml"  # a site's own file: the packaged one, asked more often
        packaged = files("hazgate_profiles") / "telemetry" / own.name
        own.write_text(packaged.read_text("utf-8").replace("interval_ms: 1000", "interval_ms: 100"), "utf-8")
        source = TelemetrySource(id="fan", profile=str(own), link=link)
        self.conditions = Conditions(
            [(source, telemetry_registry.load(source.profile))],
            spool=self.spool,
            sender=self.sender,
            journal=self.chain.journal,
            clock=SystemClock.of_this_machine(),
            dev=DEV,
            count_every_s=0.2,
        )
        self.reading = asyncio.create_task(self.conditions.run())

    async def stop(self) -> None:
        """Box and device; the chain is ended by running()."""
        self.reading.cancel()
        await asyncio.gather(self.reading, return_exceptions=True)
        await self.device.stop()
        await self.api.aclose()
        self.spool.close()

    async def ask(self, path: str) -> Any:
        """The collector's answer."""
        got = await self.api.get(path)
        return got.json() if got.status_code == 200 else {}

    async def values(self) -> list[str]:
        """The pressure's values as the API gives them, page by page."""
        found: list[str] = []
        after = ""
        while True:
            page = await self.ask(f"/v1/conditions/{BOX}/{POINT}/series?limit=2&after={after}")
            found += [sample["value"] for sample in page.get("samples", [])]
            if not page.get("next"):
                return found
            after = page["next"]

    async def until_values(self, wanted: list[str]) -> None:
        """Waits until the collector holds these, in this order, and only these."""
        end = asyncio.get_running_loop().time() + 30
        while (got := await self.values()) != wanted:
            assert not self.reading.done(), self.reading
            assert asyncio.get_running_loop().time() < end, f"the API has {got}, wanted {wanted}"
            await asyncio.sleep(0.1)

    async def records(self) -> list[dict[str, Any]]:
        """What the chain says of conditions."""
        return list((await self.ask(f"/v1/conditions/{BOX}/records"))["records"])

    def shows(self, value: str) -> bool:
        """Whether the box reads this pressure now."""
        return self.conditions.standings()[0].value == value


async def test_a_registers_course_reaches_the_api_whole_though_the_link_is_cut(tmp_path: Path) -> None:
    """What is read during a cut comes behind it, once, in order; the crossed limit is in the chain, and it verifies."""
    way = Way(tmp_path)
    async with running(way.chain) as chain:
        await way.start()
        try:
            await way.until_values(["500.0"])
            await chain.play("refuse")
            for word, value in ((6000, "600.0"), (13000, "1300.0"), (7000, "700.0")):
                way.device.registers[PRESSURE] = word
                await chain.until(lambda value=value: way.shows(value), f"{value} read")  # type: ignore[misc]
            await chain.until(lambda: way.spool.newest() >= 7, "kept while nothing can be sent")
            assert await way.values() == ["500.0"]
            await chain.play("clear")
            await way.until_values(["500.0", "600.0", "1300.0", "700.0"])
            await chain.until_settled()
            begun = [record["body"] for record in await way.records() if record["kind"] == "condition"]
            assert [(body["what"], body["limit"], body["value"]) for body in begun] == [("begun", "high", "1300.0")]
            gaps = [record["body"]["reason"] for record in await way.records() if record["kind"] == "telemetry_gap"]
            assert gaps == ["begun"]
            assert (await way.ask(f"/v1/conditions/{BOX}/holes"))["holes"] == []
            await chain.until(lambda: way.spool.waiting() == 0, "dropped once they are held")
        finally:
            await way.stop()


async def test_samples_given_up_in_a_long_outage_are_accounted_for_in_the_chain(tmp_path: Path) -> None:
    """At the bound of the spool the oldest go, a record of the chain says which, and the API joins hole and record."""
    way = Way(tmp_path, held_max=10)
    async with running(way.chain) as chain:
        await chain.play("refuse")
        await way.start()
        try:
            for step in range(12):
                way.device.registers[PRESSURE] = 5000 + 100 * step
                await chain.until(lambda step=step: way.shows(f"{500 + 10 * step}.0"), "read")  # type: ignore[misc]
            await chain.until(lambda: way.sender.settled > 0, "the oldest given up")
            await chain.play("clear")
            await chain.until(lambda: way.spool.waiting() == 0, "the others are sent")
            await chain.until_settled()
            (hole,) = (await way.ask(f"/v1/conditions/{BOX}/holes"))["holes"]
            full = [record for record in await way.records() if record["body"].get("reason") == "buffer_full"]
            assert hole["first"] == 1
            assert hole["record"] in [record["hash"] for record in full]
            held = 0
            for name in ("pressure", "frequency", "flow", "running"):
                held += len((await way.ask(f"/v1/conditions/{BOX}/fan.{name}/series"))["samples"])
            # One that was on its way when it was given up may be held all the same; none may be neither.
            assert held + hole["last"] == way.spool.newest()
            assert hole["last"] <= max(record["body"]["last"] for record in full)
            with chain.database.read() as tx:
                assert verify(tx).faults == []
        finally:
            await way.stop()
