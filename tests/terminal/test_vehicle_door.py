"""The weighbridge through the door: what the agent answers is what the terminal's process gets."""

from __future__ import annotations

import asyncio
from pathlib import Path

from edge.scale.bench import until
from edge.vehicle.bridge import PLATE, Gate
from hazgate_edge.domain.vehicle_view import AxleKept, VehicleWeighed
from hazgate_edge.domain.view import Refused
from hazgate_edge.door import Door
from hazgate_edge.terminal.remote import RemoteBox
from terminal.gate_box import GateBox
from terminal.scripted_box import ScriptedBox


async def _press(box: RemoteBox) -> VehicleWeighed | Refused:
    return await box.weigh_vehicle(
        plate=PLATE, corrected=True, ticket="", manifest="", operator="张三", request="through-the-door-1"
    )


async def test_an_office_is_the_same_on_both_sides_of_the_door(tmp_path: Path) -> None:
    """Axles, refusals, a ticket and the live picture arrive whole; the record has the mark of the hand."""
    gate = Gate(tmp_path, weighing="axles")
    door = Door(GateBox(gate=gate), tmp_path / "door", gate.office)
    await door.open()
    serving = asyncio.create_task(door.run())
    box = await RemoteBox.connect(tmp_path / "door")
    assert box.weighs_vehicles
    refused = await _press(box)
    assert isinstance(refused, Refused)
    assert refused.say.key == "VEH-14"
    for load in ("5020", "4000"):
        gate.stand(load)
        assert isinstance(await box.keep_axle(operator="张三"), AxleKept)
        assert isinstance(await box.keep_axle(operator="张三"), Refused)
        gate.drive_off()
    answer = await _press(box)
    assert isinstance(answer, VehicleWeighed)
    assert (answer.card.first, [say.key for say in answer.card.warnings]) == ("9020", ["VEH-24"])
    assert await box.tickets() == [answer.card]
    await box.drop_axles()
    assert gate.bodies()[0].plate_corrected
    wanted = gate.office.live()
    assert (wanted.stage, wanted.by_axles) == ("empty", True)
    await until(lambda: box.live().bridge == wanted, "the live picture")
    box.close()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_a_box_of_bags_offers_no_weighbridge(tmp_path: Path) -> None:
    """The terminal's process then shows the bag page."""
    door = Door(ScriptedBox(), tmp_path / "door")
    await door.open()
    serving = asyncio.create_task(door.run())
    box = await RemoteBox.connect(tmp_path / "door")
    assert not box.weighs_vehicles
    box.close()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
