"""The weighbridge as its terminal sees it: what blocks, which ticket a plate has, one press becomes one record.

As with bags the weight never comes from the page: a press names plate, ticket and operator, and what is settled on the
platform at that moment is booked. The whole vehicle must be known to stand on it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hazgate_edge.clock import Clock, local_date, moment, stamp, uuid7
from hazgate_edge.config import Scale
from hazgate_edge.domain import blocking
from hazgate_edge.domain.pan import Pan
from hazgate_edge.domain.stability import Settled
from hazgate_edge.domain.tickets import RECORDS_READ, Kept, Ticket, Tickets, first_named
from hazgate_edge.domain.vehicle_view import AxleKept, TicketCard, VehicleWeighed
from hazgate_edge.domain.view import BridgeLive, Refused, Say
from hazgate_edge.domain.weighbridge import (
    AXLE_SUM,
    NET_ZERO,
    TARE_AGED,
    TARE_OUTLIER,
    Bridge,
    Position,
    Stage,
    basis,
    is_green,
    judge_tare,
)
from hazgate_edge.journal.store import Journal, storage_failure
from hazgate_edge.journal.writer import WriterClosedError, WriterFullError
from hazgate_protocols.codes import manifest_number
from hazgate_protocols.codes import plate as plates
from hazgate_protocols.codes.plate import Plate, PlateError
from hazgate_protocols.journal import record as kinds
from hazgate_protocols.journal.bodies import BodyError
from hazgate_protocols.journal.vehicle import (
    AXLES_MAX,
    BY_OPERATOR,
    FIRST,
    FULLY_ON,
    NO_SENSORS,
    SECOND,
    MassText,
    VehicleBody,
)
from hazgate_protocols.mass import Mass

log = logging.getLogger(__name__)

NEW = "new"  # instead of a ticket: give the plate's open one up
AXLES_MIN = 2
LOOK_EVERY_S = 0.1
TICKETS_SHOWN_MAX = 200
_DIGITS = re.compile(r"[0-9]{0,20}")

# The pan's sentences speak of bags.
_SAID_OF_VEHICLES = {"PAN-01": "VEH-04", "SCALE-03": "VEH-07", "SCALE-05": "VEH-05", "SCALE-18": "VEH-06"}
_WARNINGS = {NET_ZERO: "VEH-22", plates.ODD: "VEH-23", AXLE_SUM: "VEH-24", manifest_number.OLD_FORM: "VEH-25"}


class WeighOffice:
    """Implements hazgate_edge.domain.vehicle_view.Office. One a box whose scale says `use: vehicle`.

    position: what the sensors said last, None when they say nothing; asked only where sensors are configured.
    on_record: called when a record was written.
    """

    def __init__(
        self,
        scale: Scale,
        *,
        operators: tuple[str, ...],
        clock: Clock,
        journal: Journal,
        pan: Pan,
        dev: dict[str, Any],
        disk: Callable[[], Say | None],
        position: Callable[[], Position | None] | None = None,
        on_record: Callable[[], None] = lambda: None,
    ) -> None:
        self._scale = scale
        self._operators = operators
        self._clock = clock
        self._journal = journal
        self._pan = pan
        self._dev = dev
        self._disk = disk
        self._position = position
        self._on_record = on_record
        self._by_axles = scale.vehicle is not None and scale.vehicle.weighing == "axles"
        self._bridge = Bridge(sensors=position is not None)
        self._axles: list[Settled] = []
        self._booking = asyncio.Lock()
        self._tickets = Tickets(_kept(journal))
        self._unsent = journal.vehicle_seqs_after(journal.sync_state().received_seq)

    # -- what is ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Look at the platform until cancelled, also while no page does: a vehicle must be seen to leave."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> Stage:
        """The vehicle's stage now."""
        now_ns = self._clock.mono_ns()
        phase, steady = self._pan.phase(now_ns), self._pan.steady(now_ns)
        return self._bridge.look(phase, steady=steady, position=self._where(), now_ns=now_ns)

    def reasons(self) -> tuple[Say, ...]:
        """Why nothing can be booked from the platform now, most important first; empty means it can."""
        now_ns = self._clock.mono_ns()
        stage, limits = self.look(), self._scale
        found = [
            Say(_SAID_OF_VEHICLES[say.key], say.values) if say.key in _SAID_OF_VEHICLES else say
            for say in blocking.reasons(
                self._pan.view(now_ns),
                minimum=limits.minimum,
                capacity=limits.capacity,
                printer=None,
                disk=self._disk(),
            )
        ]
        where = self._bridge.where(self._where(), now_ns)
        if where is not None and (where.key == "VEH-01" or stage in (Stage.COMING, Stage.POSITIONED, Stage.SETTLED)):
            found.insert(0, where)
        weight = self._pan.weight(now_ns)
        if stage is Stage.SETTLED and weight is not None and weight.mode == "net":
            found.append(Say("VEH-08"))
        if not found and stage is not Stage.SETTLED:
            found.append(Say("VEH-05" if stage in (Stage.BOOKED, Stage.LEAVING) else "VEH-07"))
        return tuple(found)

    def live(self) -> BridgeLive:
        """For the page, ten times a second."""
        return BridgeLive(
            stage=str(self.look()),
            green=self.green(),
            by_axles=self._by_axles,
            axles=len(self._axles),
            sum=self._sum_text() if self._axles else "",
        )

    def pending(self, received_seq: int) -> int:
        """How many vehicle weighings the collector is not known to hold."""
        self._unsent = [seq for seq in self._unsent if seq > received_seq]
        return len(self._unsent)

    def green(self) -> bool:
        """What the traffic light ought to show."""
        known = self._position is None or self._bridge_knows()
        return is_green(self._bridge.stage, sensors_known=known)

    async def tickets(self, limit: int = 50) -> list[TicketCard]:
        """Open tickets first, then the newest others."""
        now, limit = self._clock.wall(), min(limit, TICKETS_SHOWN_MAX)
        waiting = self._tickets.open()
        others = [ticket for ticket in self._tickets.newest(limit) if not ticket.is_open]
        return [self._card(ticket, now) for ticket in (*waiting, *others)[:limit]]

    # -- what can be done ------------------------------------------------------------------------------------------

    async def weigh_vehicle(
        self, *, plate: str, corrected: bool, ticket: str, manifest: str, operator: str, request: str
    ) -> VehicleWeighed | Refused:
        """As Office.weigh_vehicle."""
        async with self._booking:
            again = self._tickets.of_request(request)
            if again is not None:
                return self._answer(again)
            if operator not in self._operators:
                return Refused(Say("REQ-01"))
            try:
                read = Plate.parse(plate)
            except PlateError:
                return await self._refuse(Say("VEH-09"), operator)
            if _manifest_findings(manifest, self._clock.wall()) is None:
                return await self._refuse(Say("VEH-10"), operator)
            pair, refusal = self._pair(read, ticket)
            if refusal is None:
                refusal = self._not_now()
            if refusal is not None:
                return await self._refuse(refusal, operator)
            settled = self._axles or [self._settled_now()]
            return await self._book(read, corrected, pair, manifest, operator, request, settled)

    async def keep_axle(self, *, operator: str) -> AxleKept | Refused:
        """As Office.keep_axle."""
        async with self._booking:
            if not self._by_axles or operator not in self._operators:
                return Refused(Say("REQ-01"))
            blocked = self.reasons()
            if blocked:
                return Refused(blocked[0])
            if len(self._axles) >= AXLES_MAX:
                return Refused(Say("VEH-15", {"n": str(AXLES_MAX)}))
            settled = self._settled_now()
            if self._axles and settled.weight.unit != self._axles[0].weight.unit:
                return Refused(Say("VEH-16"))
            self._axles.append(settled)
            self._leave()
            return AxleKept(len(self._axles), self._sum_text())

    async def drop_axles(self) -> None:
        """As Office.drop_axles."""
        async with self._booking:
            self._axles.clear()

    # -- inside ----------------------------------------------------------------------------------------------------

    def _where(self) -> Position | None:
        return self._position() if self._position is not None else None

    def _bridge_knows(self) -> bool:
        where = self._bridge.where(self._where(), self._clock.mono_ns())
        return where is None or where.key != "VEH-01"

    def _not_now(self) -> Say | None:
        if self._by_axles:
            if len(self._axles) < AXLES_MIN:
                return Say("VEH-14", {"n": str(AXLES_MIN)})
            return self._disk()
        blocked = self.reasons()
        return blocked[0] if blocked else None

    def _settled_now(self) -> Settled:
        settled = self._pan.settled(self._clock.mono_ns())
        if settled is None:  # reasons() has just said that there is one
            raise RuntimeError("the platform is settled without a weight")
        return settled

    def _leave(self) -> None:
        self._pan.booked()
        self._bridge.booked()

    def _pair(self, plate: Plate, ticket: str) -> tuple[Ticket | None, Say | None]:
        """The open ticket that this weighing closes, None for a first weighing; or why it cannot be."""
        now = self._clock.wall()
        if ticket == NEW:
            return None, None
        if not ticket:
            waiting = self._tickets.open_of(plate.text)
            return (waiting if waiting is not None and waiting.pairs_at(now) else None), None
        named = self._tickets.ticket(ticket)
        if named is None or not named.is_open:
            return None, Say("VEH-11")
        if named.plate != plate.text:
            return None, Say("VEH-12", {"plate": named.plate})
        if not named.pairs_at(now):
            return None, Say("VEH-13")
        return named, None

    async def _book(
        self,
        plate: Plate,
        corrected: bool,
        pair: Ticket | None,
        manifest: str,
        operator: str,
        request: str,
        settled: list[Settled],
    ) -> VehicleWeighed | Refused:
        if pair is not None and pair.plate != plate.text:  # once more, right before it counts
            raise RuntimeError(f"weigh vehicle {plate}: ticket {pair.ticket} is of another plate, {pair.plate}")
        at = stamp(self._clock)
        body = self._body(plate, corrected, pair, manifest, settled)
        who = {"operator": operator, "shift": ""}
        raw = tuple(frame.hex() for one in settled for frame in one.frames)
        if not self._by_axles:
            self._leave()  # before the disk is waited for: while it writes, the vehicle may already move
        try:
            seq, rid, wall = await self._journal.write(
                lambda: self._journal.do_append(
                    kinds.VEHICLE_WEIGHING, body.as_json(), who=who, dev=self._dev, raw=raw, t=at, request=request
                )
            )
        except Exception as exc:
            if not storage_failure(exc) and not isinstance(exc, WriterFullError | WriterClosedError):
                raise
            log.error("weigh vehicle %s: not saved: %s", plate, exc)
            return Refused(Say("SAVE-01", {"why": str(exc)}) if self._journal.broken is None else Say("SAVE-03"))
        self._unsent.append(seq)
        self._axles.clear()
        ticket = self._tickets.fold(Kept(rid, moment(wall) or self._clock.wall(), body, request))
        self._on_record()
        log.info("weighed vehicle %s, %s: %s %s", plate, body.weighing, body.load.text, body.load.unit)
        if ticket is None:
            raise RuntimeError(f"ticket {body.ticket} was open and is gone")
        return self._answer(ticket)

    def _body(
        self, plate: Plate, corrected: bool, pair: Ticket | None, manifest: str, settled: list[Settled]
    ) -> VehicleBody:
        now = self._clock.wall()
        parts = tuple(_mass_text(one) for one in settled)
        load, axles = (_sum(parts), parts) if self._by_axles else (parts[0], ())
        findings = [found.key for found in plates.findings(plate.text)]
        findings += _manifest_findings(manifest, now) or []
        findings += [AXLE_SUM] if axles else []
        waiting = self._tickets.open_of(plate.text)
        body = VehicleBody(
            ticket=uuid7(now) if pair is None else pair.ticket,
            plate=plate.text,
            plate_by=BY_OPERATOR,
            plate_corrected=corrected,
            weighing=FIRST if pair is None else SECOND,
            load=load,
            axles=axles,
            sensors=NO_SENSORS if self._position is None else FULLY_ON,
            scale=self._scale.id,
            first=None if pair is None else first_named(pair),
            replaces=waiting.ticket if pair is None and waiting is not None else "",
            manifest=manifest,
        )
        if pair is not None and body.tare_mg is not None:
            history = basis(self._tickets.tares(plate.text))
            findings += judge_tare(body.tare_mg, history, division=self._scale.division, now=now)
            findings += [NET_ZERO] if body.net_mg == 0 else []
            body = body._replace(basis=history)
        return body._replace(findings=tuple(findings))

    def _answer(self, ticket: Ticket) -> VehicleWeighed:
        return VehicleWeighed(ticket.second_rid or ticket.first_rid, self._card(ticket, self._clock.wall()))

    def _card(self, ticket: Ticket, now: datetime) -> TicketCard:
        first, second = ticket.first, ticket.second
        unit = first.load.unit

        def text(mg: int | None) -> str:
            return "" if mg is None else f"{Mass(mg).to(unit):f}"

        state = "closed" if second else "given_up" if ticket.given_up else "open" if ticket.pairs_at(now) else "late"
        return TicketCard(
            ticket=ticket.ticket,
            plate=ticket.plate,
            state=state,
            opened_at=_utc(ticket.opened_at),
            closed_at=_utc(ticket.closed_at),
            unit=unit,
            first=text(first.load.mg),
            second=text(second.load.mg) if second else "",
            gross=text(second.gross_mg) if second else "",
            tare=text(second.tare_mg) if second else "",
            net=text(second.net_mg) if second else "",
            manifest=(second.manifest if second else "") or first.manifest,
            warnings=_warnings(second or first, text),
        )

    def _sum_text(self) -> str:
        total = _sum(tuple(_mass_text(one) for one in self._axles))
        return f"{total.text} {total.unit}"

    async def _refuse(self, say: Say, operator: str) -> Refused:
        """A refused press is a record too."""
        body = {"code": say.key, "values": dict(say.values), "waste_code": ""}
        who = {"operator": operator, "shift": ""}
        try:
            await self._journal.write(lambda: self._journal.do_append(kinds.REFUSAL, body, who=who, dev=self._dev))
        except Exception as exc:
            if not storage_failure(exc) and not isinstance(exc, WriterFullError | WriterClosedError):
                raise
            log.error("refusal %s: not saved: %s", say.key, exc)
        self._on_record()
        return Refused(say)


def _kept(journal: Journal) -> list[Kept]:
    """The journal's vehicle weighings, also those found again in other branches, in the order of their times."""
    found = []
    for record, request in journal.vehicle_weighings(RECORDS_READ):
        try:
            body = VehicleBody.from_json(record.body)
        except BodyError as exc:
            log.warning("record %d %s: %s; its ticket is not shown", record.seq, record.rid, exc)
            continue
        found.append(Kept(record.rid, moment(record.t["wall"]) or datetime.min.replace(tzinfo=UTC), body, request))
    return sorted(found, key=lambda kept: kept.at)


def _mass_text(settled: Settled) -> MassText:
    weight = settled.weight
    return MassText(weight.mass.mg, weight.text, weight.unit, settled.by)


def _sum(parts: tuple[MassText, ...]) -> MassText:
    total = Mass(sum(part.mg for part in parts))
    return MassText(total.mg, f"{total.to(parts[0].unit):f}", parts[0].unit)


def _manifest_findings(manifest: str, now: datetime) -> list[str] | None:
    """The warnings about a manifest's number; None when it is no number at all."""
    if not manifest:
        return []
    found = manifest_number.findings(manifest, local_date(now)) if _DIGITS.fullmatch(manifest) else None
    if found is None or any(finding.blocks for finding in found):
        return None
    return [finding.key for finding in found]


def _warnings(body: VehicleBody, text: Callable[[int | None], str]) -> tuple[Say, ...]:
    found = []
    for key in body.findings:
        if key == TARE_OUTLIER and body.basis is not None:
            values = {"tare": text(body.tare_mg), "usual": text(body.basis.median_mg), "unit": body.load.unit}
            found.append(Say("VEH-20", values))
        elif key == TARE_AGED:
            found.append(Say("VEH-21"))
        elif key in _WARNINGS:
            found.append(Say(_WARNINGS[key]))
    return tuple(found)


def _utc(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
