"""The box as its terminal sees it: snapshots of everything, and the acts an operator can take.

Weighing is one call: what is on the pan, settled and current, becomes one durable record with its number and its
print job, or a refusal with its reason. The weight never comes from the page.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hazgate_edge.clock import Clock, local_date, stamp
from hazgate_edge.config import Config
from hazgate_edge.domain import blocking
from hazgate_edge.domain.pan import Pan
from hazgate_edge.domain.stability import Settled
from hazgate_edge.domain.unsent import Unsent
from hazgate_edge.domain.view import (
    Chip,
    Container,
    Light,
    Live,
    Numbers,
    Phase,
    PrintState,
    Refused,
    Row,
    Say,
    Scanned,
    SyncState,
    Waste,
    Weighed,
)
from hazgate_edge.journal.recovered import FoundBag
from hazgate_edge.journal.rows import Bag
from hazgate_edge.journal.store import Journal, NewWeighing, NumbersUsedUpError, storage_failure
from hazgate_edge.journal.writer import WriterClosedError, WriterFullError
from hazgate_edge.numbers import LabelNumbers
from hazgate_edge.printing.drawing import CannotDrawError, Drawing, document_of
from hazgate_edge.printing.spooler import Spooler
from hazgate_edge.scanning.scans import Scans
from hazgate_edge.sync.dialogue import Dialogue
from hazgate_edge.sync.mqtt import Uplink
from hazgate_edge.wastes import KnownWaste
from hazgate_protocols.codes.label_number import SEQUENCE_CHARS, SEQUENCE_MAX, label_stem
from hazgate_protocols.journal import record as kinds
from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.label.document import label_side_mm, labels_needed

log = logging.getLogger(__name__)

COUNTS_EVERY_S = 0.5  # how often the numbers in the top bar are read anew without a known change


@dataclass(slots=True)
class _Counts:
    pending: int = 0
    refused: int = 0
    received_seq: int = 0
    received_at: str = ""
    unanswered: int = 0  # labels of which only the operator can say whether they came out


class Agent:
    """Implements hazgate_edge.domain.view.Box."""

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock,
        journal: Journal,
        pan: Pan,
        spooler: Spooler,
        drawing: Drawing,
        dialogue: Dialogue,
        uplink: Uplink,
        wastes: dict[str, KnownWaste],
        dev: dict[str, Any],
        disk: Callable[[], Say | None],
        numbers: LabelNumbers,
        scans: Scans,
        notices: Callable[[], tuple[Chip, ...]] = tuple,
    ) -> None:
        """notices: further things in the top bar (clock, room on the disk), only when there is something to say."""
        self._config = config
        self._clock = clock
        self._journal = journal
        self._pan = pan
        self._spooler = spooler
        self._drawing = drawing
        self._dialogue = dialogue
        self._uplink = uplink
        self._wastes = wastes
        self._dev = dev
        self._disk = disk
        self._label_numbers = numbers
        self._notices = notices
        self._scans = scans
        self._weighing = asyncio.Lock()
        self._number = 0
        self._counts = _Counts()
        self._numbers: tuple[Numbers, ...] = ()
        self._counted_at = (-1, 0)
        self._unsent = Unsent()

    # -- who it is -------------------------------------------------------------------------------------------------

    @property
    def box_id(self) -> str:
        return self._config.box

    @property
    def site_name(self) -> str:
        return self._config.site

    @property
    def unit_name(self) -> str:
        return self._config.unit.name

    @property
    def operators(self) -> tuple[str, ...]:
        return self._config.operators

    @property
    def trace_url(self) -> str:
        return self._config.collector.trace_url

    def wastes(self) -> tuple[Waste, ...]:
        """As configured, with category and hazards from the catalogue."""
        return tuple(known.offer for known in self._wastes.values())

    def containers(self) -> tuple[Container, ...]:
        """As configured."""
        return tuple(Container(item.id, item.name, item.volume_l) for item in self._config.containers)

    # -- what is ---------------------------------------------------------------------------------------------------

    def live(self) -> Live:
        """The current snapshot. Reads memory, and the journal's counts when something may have changed."""
        now_ns = self._clock.mono_ns()
        self._count(now_ns)
        self._number += 1
        view = self._pan.view(now_ns)
        weight = self._pan.weight(now_ns)
        limits = self._config.scale
        return Live(
            number=self._number,
            phase=view.phase,
            weight=weight.text if weight else "",
            unit=weight.unit if weight else "",
            mode=weight.mode if weight else "",
            stable=self._stable(view.phase, weight.stable if weight else None, now_ns),
            age_ms=(now_ns - weight.at_ns) // 1_000_000 if weight else None,
            blocked=blocking.reasons(
                view,
                minimum=limits.minimum,
                capacity=limits.capacity,
                printer=self._spooler.say,
                disk=self._disk() or self._dialogue.refill.blocks(),
            ),
            chips=self._chips(view),
            pending=self._counts.pending,
            refused=self._counts.refused,
            confirmed_at=self._counts.received_at,
            records_version=self._journal.changes,
            numbers=self._numbers,
            scanned=self._scans.last,
        )

    async def rows(self, limit: int = 200) -> list[Row]:
        """Today's weighings, newest first."""
        today = local_date(self._clock.wall()).isoformat()
        received = self._journal.sync_state()
        own = [self._row(bag, received.received_seq, received.received_at) for bag in self._journal.bags(today, limit)]
        again = [_found_row(bag) for bag in self._journal.found_bags(today, limit)]
        return sorted((*own, *again), key=lambda row: row.weighed_at, reverse=True)[:limit] if again else own

    async def row(self, rid: str) -> Row | None:
        """One weighing."""
        bag = self._journal.bag(rid=rid)
        if bag is None:
            again = self._journal.found_bag(rid=rid)
            return None if again is None else _found_row(again)
        received = self._journal.sync_state()
        return self._row(bag, received.received_seq, received.received_at)

    async def label_png(self, rid: str) -> bytes | None:
        """The label as it looks in full colour; None for an unknown weighing or a label that cannot be drawn."""
        record = self._journal.weighing(rid)
        if record is None:
            return None
        body = WeighingBody.from_json(record.body)
        job = self._journal.last_job(rid)
        document = document_of(body, self._config, job.copy if job else 0)
        try:
            return await self._drawing.draw_png(document, side_mm=body.label_side_mm)
        except CannotDrawError as exc:
            log.warning("preview label %s: %s", body.label, exc)
            return None

    # -- what can be done ------------------------------------------------------------------------------------------

    async def weigh(self, *, waste_code: str, container: str, operator: str, request: str) -> Weighed | Refused:
        """Book what is settled on the pan. One press, one record: the same request answers the same."""
        async with self._weighing:
            again = self._journal.bag_of_request(request)
            if again is not None:
                return Weighed(again.rid, again.label, again.weight)
            settled, refusal = self._settled(waste_code, container, operator)
            if settled is None or refusal is not None:
                return await self._refuse(refusal or Say("SCALE-03"), waste_code, operator)
            return await self._book(settled, waste_code, container, operator, request)

    async def answer_print(self, *, rid: str, printed: bool, operator: str) -> Refused | None:
        """The operator's word on a label whose fate is unknown."""
        job = self._journal.last_job(rid)
        if job is None or job.state is not PrintState.UNKNOWN:
            return Refused(Say("REQ-07"))
        await self._spooler.answer(job, printed=printed, who=self._who(operator))
        return None

    async def print_again(self, *, rid: str, reason: str, operator: str) -> Refused | None:
        """A failed label is tried again as what it was; a printed one becomes a numbered copy."""
        job = self._journal.last_job(rid)
        if job is None and self._journal.found_bag(rid=rid) is not None:
            return Refused(Say("BACK-07"))
        if job is None or job.state in (PrintState.UNKNOWN, PrintState.QUEUED, PrintState.PRINTING):
            return Refused(Say("REQ-01"))
        if job.state is PrintState.FAILED:
            await self._spooler.retry(job)
            return None
        who = self._who(operator)
        await self._journal.write(lambda: self._journal.do_reprint(rid, reason[:200], who=who, dev=self._dev))
        self._spooler.again()
        self._uplink.wake()
        return None

    async def scan(self, *, text: str, scanner: str) -> Scanned | None:
        """As if a scanner of the box had read it."""
        return self._scans.take(scanner[:40], text.encode())

    # -- inside ----------------------------------------------------------------------------------------------------

    def _settled(self, waste_code: str, container: str, operator: str) -> tuple[Settled | None, Say | None]:
        now_ns = self._clock.mono_ns()
        waste = self._wastes.get(waste_code)
        if waste is None:
            return None, Say("WASTE-01", {"code": waste_code})
        if container not in waste.offer.containers or operator not in self._config.operators:
            return None, Say("REQ-01")
        limits = self._config.scale
        blocked = blocking.reasons(
            self._pan.view(now_ns),
            minimum=limits.minimum,
            capacity=limits.capacity,
            printer=self._spooler.say,
            disk=self._disk() or self._dialogue.refill.blocks(),
        )
        return self._pan.settled(now_ns), blocked[0] if blocked else None

    async def _book(
        self, settled: Settled, waste_code: str, container_id: str, operator: str, request: str
    ) -> Weighed | Refused:
        new = self._new_weighing(settled, waste_code, container_id, operator, request)
        try:
            rid, label = await self._journal.write(lambda: self._journal.do_weigh(new))
        except NumbersUsedUpError as exc:
            log.warning("weigh %s: %s", waste_code, exc)
            return await self._refuse(self._label_numbers.none_left(waste_code), waste_code, operator)
        except Exception as exc:
            if not storage_failure(exc) and not isinstance(exc, WriterFullError | WriterClosedError):
                raise
            log.error("weigh %s: not saved: %s", waste_code, exc)
            # A broken disk may yet hold what it failed to confirm: today's records decide after the start.
            return Refused(Say("SAVE-01", {"why": str(exc)}) if self._journal.broken is None else Say("SAVE-03"))
        self._pan.booked()
        self._uplink.wake()  # first: a record goes before its label
        self._spooler.wake()
        self._label_numbers.wake()
        weight = f"{settled.weight.text} {settled.weight.unit}"
        log.info("weighed %s %s", label, weight)
        return Weighed(rid, label, weight)

    def _new_weighing(
        self, settled: Settled, waste_code: str, container_id: str, operator: str, request: str
    ) -> NewWeighing:
        config, waste = self._config, self._wastes[waste_code]
        weight = settled.weight
        container = config.container(container_id)
        volume_l = container.volume_l if container else 0
        # One moment for the record and for the date on its label, also at midnight.
        at = stamp(self._clock)
        day = local_date(datetime.fromisoformat(at["wall"]))

        stem = label_stem(config.unit.code, waste_code, day)
        first, last = config.numbers.fixed or (1, SEQUENCE_MAX)

        def body(number: int) -> WeighingBody:
            return WeighingBody(
                label=f"{stem}{number:0{SEQUENCE_CHARS}d}",
                unit_code=config.unit.code,
                unit_name=config.unit.name,
                waste_code=waste_code,
                waste_name=waste.offer.name,
                category=waste.offer.category,
                hazards=waste.offer.hazards,
                hazards_raw=waste.hazards_raw,
                produced_on=day.isoformat(),
                container=container_id,
                volume_l=volume_l,
                weight_mg=weight.mass.mg,
                weight_text=weight.text,
                weight_unit=weight.unit,
                mode=weight.mode,
                tare_mg=weight.tare.mg if weight.tare else None,
                stable_by=settled.by,
                scale=config.scale.id,
                label_side_mm=label_side_mm(volume_l),
                labels=labels_needed(volume_l),
                findings=waste.findings,
            )

        return NewWeighing(
            request=request,
            waste_code=waste_code,
            produced_on=day.isoformat(),
            label_stem=stem,
            first=first,
            last=last,
            leased=config.numbers.fixed is None,
            body=body,
            who=self._who(operator),
            dev=self._dev,
            raw=tuple(frame.hex() for frame in settled.frames),
            t=at,
        )

    async def _refuse(self, say: Say, waste_code: str, operator: str) -> Refused:
        """A refused press is a record too: it shows what the scale said when somebody tried."""
        body = {"code": say.key, "values": dict(say.values), "waste_code": waste_code}
        who = self._who(operator)
        try:
            await self._journal.write(
                lambda: self._journal.do_append(kinds.REFUSAL, body, who=who, dev=dict(self._dev))
            )
        except Exception as exc:
            if not storage_failure(exc):
                raise
            log.error("refusal %s: not saved: %s", say.key, exc)
        self._uplink.wake()
        log.info("refused %s %s", say.key, dict(say.values))
        return Refused(say)

    def _who(self, operator: str) -> dict[str, str]:
        return {"operator": operator, "shift": ""}

    def _stable(self, phase: Phase, said: bool | None, now_ns: int) -> bool | None:
        if self._pan.steady(now_ns):
            return True
        return said if said is not None else (False if phase is Phase.MOVING else None)

    def _chips(self, view: blocking.PanView) -> tuple[Chip, ...]:
        if view.silent:
            scale = Chip("scale", Light.BAD, view.refusal)
        elif view.phase is Phase.REFUSED:
            scale = Chip("scale", Light.WARN, view.refusal)
        else:
            scale = Chip("scale", Light.GOOD)
        network = (
            self._dialogue.refill.notice()
            or self._uplink.say()
            or self._unsent.say(self._counts.pending, self._counts.received_seq, self._clock.mono_ns())
        )
        light = self._uplink.light
        if network is not None and light is Light.GOOD:
            light = Light.WARN
        return (
            scale,
            self._printer_chip(),
            Chip("network", light, network),
            *self._scans.chips(),
            *self._notices(),
        )

    def _printer_chip(self) -> Chip:
        if self._spooler.say is None and self._counts.unanswered:
            return Chip("printer", Light.WARN, Say("PRN-11", {"n": str(self._counts.unanswered)}))
        if self._spooler.say is None and self._config.printer.proof_slips:
            return Chip("printer", Light.WARN, Say("PRN-16"))
        return Chip("printer", self._spooler.light, self._spooler.say)

    def _count(self, now_ns: int) -> None:
        changes, counted_ns = self._counted_at
        if changes == self._journal.changes and now_ns - counted_ns < COUNTS_EVERY_S * 1e9:
            return
        state = self._journal.sync_state()
        self._counts = _Counts(
            pending=self._journal.bags_after(state.received_seq),
            refused=self._journal.refused(),
            received_seq=state.received_seq,
            received_at=state.received_at,
            unanswered=self._journal.unanswered(),
        )
        self._numbers = self._label_numbers.notices()
        self._counted_at = (self._journal.changes, now_ns)

    def _row(self, bag: Bag, received_seq: int, received_at: str) -> Row:
        sync, at, text = _told(bag) or (
            (SyncState.RECEIVED, received_at, "") if bag.seq <= received_seq else (SyncState.KEPT, "", "")
        )
        waiting = bag.print_state is PrintState.QUEUED
        return Row(
            rid=bag.rid,
            label=bag.label,
            waste_code=bag.waste_code,
            waste_name=bag.waste_name,
            weight=bag.weight,
            weighed_at=bag.weighed_at,
            print_state=bag.print_state,
            print_say=self._spooler.say if waiting else bag.print_say,
            copies=bag.copies,
            sync=sync,
            sync_at=at,
            sync_text=text,
        )


def _told(bag: Bag | FoundBag) -> tuple[SyncState, str, str] | None:
    """How far a weighing is by the core's word, since when, and why not; None without such a word."""
    if bag.core in ("accepted", "duplicate"):
        return SyncState.ACCEPTED, bag.core_at, ""
    return (SyncState.REFUSED, bag.core_at, bag.core_text) if bag.core in ("refused", "flagged") else None


def _found_row(bag: FoundBag) -> Row:
    """A weighing that was found again: the collector holds it, and this box prints nothing for it."""
    sync, at, text = _told(bag) or (SyncState.RECEIVED, "", "")
    return Row(
        rid=bag.rid,
        label=bag.label,
        waste_code=bag.waste_code,
        waste_name=bag.waste_name,
        weight=bag.weight,
        weighed_at=bag.weighed_at,
        print_state=PrintState.PRINTED if bag.printed else PrintState.QUEUED,
        print_say=Say("BACK-08"),
        copies=0,
        sync=sync,
        sync_at=at,
        sync_text=text,
    )
