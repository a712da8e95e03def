"""A simulated lorry on a simulated scale behind a pty, its sensors on a Modbus module: the whole way to a ticket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from edge.makers import DEV, journal_in
from edge.scale.bench import until
from edge.vehicle.bridge import PLATE, bridge_scale
from hazgate_edge.app import rule_of
from hazgate_edge.clock import SystemClock
from hazgate_edge.domain.pan import Limits, Pan
from hazgate_edge.domain.vehicle_view import VehicleWeighed
from hazgate_edge.domain.view import Light, Refused
from hazgate_edge.domain.weighbridge import Stage
from hazgate_edge.scale.reader import ScaleReader
from hazgate_edge.vehicle.office import WeighOffice
from hazgate_edge.vehicle.switches import Switches
from hazgate_profiles import registry
from hazgate_protocols.mass import Mass
from hazgate_simulators.scale.physics import PlatformSpec
from hazgate_simulators.scale.simulator import ScaleSimulator
from hazgate_simulators.vehicle.lorry import Axle, Lorry
from hazgate_simulators.vehicle.switches import SwitchModule

FRONT, REAR, RED, GREEN = 0, 1, 2, 3
PROFILE = "yaohua-tf0"


def kg(amount: int) -> Mass:
    return Mass.of(str(amount), "kg")


def lorry(*axles: int) -> Lorry:
    return Lorry(tuple(Axle(1_200 + 3_600 * n, kg(load)) for n, load in enumerate(axles)), length_mm=10_000)


class Site:
    """Scale, sensors, light and office."""

    def __init__(self, folder: Path, scale: ScaleSimulator, module: SwitchModule) -> None:
        self.clock = SystemClock.of_this_machine()
        self.scale, self.module = scale, module
        switches = {"host": "127.0.0.1", "port": module.port, "front": FRONT, "rear": REAR, "red": RED, "green": GREEN}
        config = bridge_scale(str(folder / "scale"), switches=switches)
        assert config.vehicle is not None
        assert config.vehicle.switches is not None
        profile = registry.load(PROFILE)
        limits = Limits(config.minimum, config.capacity, config.empty_below)
        self.pan = Pan(rule_of(profile, config.division), limits, self.clock.mono_ns())
        self.reader = ScaleReader(config, profile, self.pan, self.clock)
        self.switches = Switches(config.vehicle.switches, self.clock)
        self.journal = journal_in(folder)
        self.office = WeighOffice(
            config,
            operators=("张三",),
            clock=self.clock,
            journal=self.journal,
            pan=self.pan,
            dev=DEV,
            disk=lambda: None,
            position=self.switches.position,
        )
        self.presses = 0

    def place(self, vehicle: Lorry) -> None:
        self.module.inputs[FRONT], self.module.inputs[REAR] = vehicle.front_on, vehicle.rear_on
        self.scale.put(vehicle.load())

    def blocked(self) -> list[str]:
        return [say.key for say in self.office.reasons()]

    def lamps(self) -> tuple[bool, bool]:
        return self.module.coils[RED], self.module.coils[GREEN]

    async def press(self) -> VehicleWeighed | Refused:
        self.presses += 1
        return await self.office.weigh_vehicle(
            plate=PLATE, corrected=False, ticket="", manifest="", operator="张三", request=f"press-{self.presses}"
        )

    async def through(self, vehicle: Lorry) -> VehicleWeighed:
        """On, weighed, off."""
        vehicle.stop_in_the_middle()
        self.place(vehicle)
        await until(lambda: self.office.look() is Stage.SETTLED, "the lorry at rest")
        await until(lambda: self.lamps() == (True, False), "red")
        answer = await self.press()
        assert isinstance(answer, VehicleWeighed), answer
        await until(lambda: self.lamps() == (False, True), "green to leave")
        vehicle.drive_to(vehicle.platform_mm + vehicle.length_mm + 1)
        self.place(vehicle)
        await until(lambda: self.office.look() is Stage.EMPTY, "the lorry off")
        return answer


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    spec = PlatformSpec(capacity=Decimal(60_000), division=Decimal(20))
    scale = ScaleSimulator(PROFILE, f"pty:{tmp_path / 'scale'}", spec=spec, seed=5, rate_hz=20)
    module = SwitchModule()
    await scale.start()
    await module.start()
    made = Site(tmp_path, scale, module)
    made.place(lorry(1_000))
    tasks = [
        asyncio.create_task(made.reader.run()),
        asyncio.create_task(made.office.run()),
        asyncio.create_task(made.switches.run(made.office.green)),
    ]
    try:
        await until(lambda: made.office.look() is Stage.EMPTY and made.blocked() == ["VEH-04"], "an empty platform")
        yield made
        scale.check_alive()
        assert not any(task.done() for task in tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert made.lamps() == (True, False) or module.silent, "the agent has gone and the light is not red"
        await module.stop()
        await scale.stop()
        made.journal.close()


async def test_a_lorry_comes_empty_and_leaves_full(site: Site) -> None:
    """Half on the platform nothing is booked whatever the scale says; whole, two weighings give the exact net."""
    empty = lorry(4_020, 3_000, 2_000)
    empty.drive_to(6_000)  # two axles on, the rear in the air before the platform
    site.place(empty)
    await until(lambda: site.pan.steady(site.clock.mono_ns()) and "VEH-03" in site.blocked(), "half a lorry at rest")
    answer = await site.press()
    assert isinstance(answer, Refused)
    assert answer.say.key == "VEH-03"
    first = await site.through(empty)
    assert (first.card.state, first.card.first) == ("open", "9020")
    second = await site.through(lorry(5_020, 6_000, 4_220))
    assert (second.card.gross, second.card.tare, second.card.net) == ("15240", "9020", "6220")


async def test_sensors_that_fall_silent_block_in_words_and_come_back_by_themselves(site: Site) -> None:
    """A module that takes requests and answers none is not a lorry in place."""
    vehicle = lorry(4_020, 5_000)
    vehicle.stop_in_the_middle()
    site.place(vehicle)
    await until(lambda: site.office.look() is Stage.SETTLED, "the lorry at rest")
    site.module.silent = True
    await until(lambda: site.blocked()[:1] == ["VEH-01"], "silence told")
    answer = await site.press()
    assert isinstance(answer, Refused)
    assert not site.office.green()
    await until(lambda: site.switches.chip().light is Light.BAD, "a red chip")
    site.module.silent = False
    await until(lambda: site.blocked() == [], "sensors back")
    assert isinstance(await site.press(), VehicleWeighed)
