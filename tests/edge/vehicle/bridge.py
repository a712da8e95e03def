"""A weighbridge without wires: an office on a journal in a folder, a lorry that drives on and off in test time."""

from __future__ import annotations

import itertools
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from edge.makers import DEV, StandingClock, journal_in
from hazgate_edge.config import Scale
from hazgate_edge.domain.pan import Limits, Pan
from hazgate_edge.domain.stability import Rule
from hazgate_edge.domain.vehicle_view import VehicleWeighed
from hazgate_edge.domain.view import Refused
from hazgate_edge.domain.weighbridge import Position
from hazgate_edge.journal.store import Journal
from hazgate_edge.vehicle.office import WeighOffice
from hazgate_protocols.journal.record import VEHICLE_WEIGHING, Record
from hazgate_protocols.journal.vehicle import VehicleBody
from hazgate_protocols.mass import Mass
from hazgate_protocols.scale.reading import Mode, Reading, Status

PLATE, OTHER_PLATE = "冀F12345", "冀F54321"
SWITCHES = {"host": "127.0.0.1", "front": 0, "rear": 1}


def bridge_scale(port: str = "/dev/ttyUSB0", **vehicle: Any) -> Scale:
    return Scale.model_validate(
        {
            "id": "bridge",
            "profile": "yaohua-tf0",
            "link": {"kind": "serial", "port": port},
            "capacity": "60000 kg",
            "minimum": "400 kg",
            "empty_below": "40 kg",
            "division": "20 kg",
            "use": "vehicle",
            "vehicle": vehicle or None,
        }
    )


class Gate:
    """An office with its platform; `again` is the same box after a restart."""

    def __init__(self, folder: Path, *, journal: Journal | None = None, **vehicle: Any) -> None:
        self.folder = folder
        self.vehicle = vehicle
        self.scale = bridge_scale(**vehicle)
        self.journal = journal or journal_in(folder)
        self.clock = StandingClock()
        rule = Rule(samples=5, span_ms=400, tolerance=self.scale.division, gap_ms=1000)
        limits = Limits(self.scale.minimum, self.scale.capacity, self.scale.empty_below)
        self.pan = Pan(rule, limits, self.clock.mono)
        self.pan.link(up=True, now_ns=self.clock.mono)
        self.front = self.rear = True
        self.sensors_answer = True
        self.seen: Position | None = None
        self.presses = itertools.count()
        self.office = WeighOffice(
            self.scale,
            operators=("张三",),
            clock=self.clock,
            journal=self.journal,
            pan=self.pan,
            dev=DEV,
            disk=lambda: None,
            position=(lambda: self.seen) if "switches" in vehicle else None,
        )

    def again(self) -> Gate:
        self.journal.close()
        gate = Gate(self.folder, **self.vehicle)
        gate.clock.now, gate.clock.mono = self.clock.now, self.clock.mono
        return gate

    def frame(self, kilograms: str, mode: Mode = Mode.GROSS) -> None:
        now = self.clock.pass_ms(100)
        if self.sensors_answer:
            self.seen = Position(self.front, self.rear, now)
        self.pan.bytes_came(now)
        self.pan.read(Reading(Decimal(kilograms), "kg", None, mode, Status.OK, raw=kilograms.encode()), now)
        self.office.look()

    def stand(self, kilograms: str, mode: Mode = Mode.GROSS) -> None:
        """Rolls on and comes to rest."""
        for part in ("0", str(int(kilograms) // 2), *[kilograms] * 6):
            self.frame(part, mode)

    def drive_off(self) -> None:
        self.frame("500")
        self.frame("0")

    async def press(
        self, plate: str = PLATE, *, ticket: str = "", request: str = "", manifest: str = ""
    ) -> VehicleWeighed | Refused:
        return await self.office.weigh_vehicle(
            plate=plate,
            corrected=False,
            ticket=ticket,
            manifest=manifest,
            operator="张三",
            request=request or f"press-{next(self.presses)}-{self.clock.mono}",
        )

    async def weigh(self, kilograms: str, plate: str = PLATE, *, ticket: str = "") -> VehicleWeighed:
        """On, at rest, booked, off."""
        self.stand(kilograms)
        answer = await self.press(plate, ticket=ticket)
        assert isinstance(answer, VehicleWeighed), answer
        self.drive_off()
        return answer

    async def trip(self, gross: str, tare: str, plate: str = PLATE) -> VehicleWeighed:
        """Both weighings of one ticket, then a day goes by."""
        await self.weigh(tare, plate)
        answer = await self.weigh(gross, plate)
        self.clock.now += timedelta(days=1)
        return answer

    async def refused(self, plate: str = PLATE, *, ticket: str = "", manifest: str = "") -> str:
        """The key of a press that must be refused, and nothing booked by it."""
        before = len(self.bodies())
        answer = await self.press(plate, ticket=ticket, manifest=manifest)
        assert isinstance(answer, Refused), answer
        assert len(self.bodies()) == before
        return answer.say.key

    def keys(self) -> list[str]:
        return [say.key for say in self.office.reasons()]

    def records(self) -> list[Record]:
        return [Record.decode(body) for _, _, _, body, _ in self.journal.chain()]

    def bodies(self) -> list[VehicleBody]:
        """Every vehicle weighing of the chain, each read by its contract."""
        return [VehicleBody.from_json(record.body) for record in self.records() if record.kind == VEHICLE_WEIGHING]


def kilograms(mg: int | None) -> str:
    assert mg is not None
    return f"{Mass(mg).to('kg'):f}"
