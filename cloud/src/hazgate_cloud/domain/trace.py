"""The way of one bag from the scale to the core and back, as steps with their times; a joint that is missing is a step.

Steps carry keys and values; the pages say them in the reader's language (api/sentences.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from hazgate_cloud.domain.times import moment
from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.journal.record import NOTES, PRINT, REPRINT, Record


class Mark(StrEnum):
    """How a step stands."""

    DONE = "done"
    WARN = "warn"  # happened, and someone should look
    BAD = "bad"
    MISSING = "missing"  # should follow and has not yet


@dataclass(frozen=True, slots=True)
class Step:
    """One row. at is "" for what has not happened; values fill the sentence `key`."""

    key: str
    mark: Mark
    at: str = ""
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record with what the collector adds to it."""

    hash: bytes
    record: Record
    stored_at: str


@dataclass(frozen=True, slots=True)
class Sending:
    """One try to hand the bag to the core."""

    method: str
    at: str
    status: int | None
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """The submission of a bag and its tries, oldest first."""

    state: str
    queued_at: str
    settled_at: str
    reference: str
    code: str
    text: str
    sendings: tuple[Sending, ...]


@dataclass(frozen=True, slots=True)
class Flag:
    """A rule the record breaks."""

    code: str
    text: str
    at: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about a held weighing: "released" or "rejected"."""

    what: str
    at: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Other:
    """Another weighing that claims the same label number. weight: text with unit, "" when it cannot be read."""

    own: StoredRecord
    weight: str
    box_name: str
    flags: tuple[Flag, ...]
    decision: Decision | None
    delivery: Delivery | None

    @property
    def at(self) -> str:
        """When it was weighed, by its box's clock."""
        return str(self.own.record.t["wall"])

    def state(self) -> str:
        """In one word, as of a Way."""
        return _state(self.flags, self.decision, self.delivery)


@dataclass(frozen=True, slots=True)
class Way:
    """Everything known about one bag. related: later records of the same box about it, in chain order."""

    label: str
    own: StoredRecord
    weighing: WeighingBody
    box_name: str
    flags: tuple[Flag, ...]
    related: tuple[StoredRecord, ...]
    delivery: Delivery | None
    same_label: tuple[Other, ...]  # a label number belongs to one bag; these claim it too
    decision: Decision | None = None

    def steps(self) -> list[Step]:
        """Oldest first, in the order things must happen."""
        wall = str(self.own.record.t["wall"])
        weight = {"weight": f"{self.weighing.weight_text} {self.weighing.weight_unit}"}
        return [
            Step("weighed", Mark.DONE, wall, weight | {"operator": str(self.own.record.who.get("operator") or "")}),
            Step("saved", Mark.DONE, wall, {"seq": str(self.own.record.seq), "box": self.own.record.box}),
            *self._print_steps(),
            Step("received", Mark.DONE, self.own.stored_at),
            *self._flag_steps(),
            *self._decision_steps(),
            *self._core_steps(),
            self._kept_step(),
        ]

    def newest_first(self) -> list[Step]:
        """As the pages show them: what has not happened yet, then the newest; of one time the later step."""
        far = datetime.max.replace(tzinfo=UTC)
        backwards = self.steps()[::-1]
        return sorted(backwards, key=lambda step: moment(step.at) or far, reverse=True)

    def state(self) -> str:
        """In one word: accepted, refused, rejected, flagged or under_way."""
        return _state(self.flags, self.decision, self.delivery)

    def _print_steps(self) -> list[Step]:
        out: list[Step] = []
        for item in self.related:
            record, body = item.record, item.record.body
            if record.kind not in (PRINT, REPRINT):
                continue
            values = {key: str(body.get(key, "")) for key in ("copy", "state", "by", "detail", "reason")}
            wall = str(record.t["wall"])
            if record.kind == REPRINT:
                out.append(Step("reprint_asked", Mark.DONE, wall, values))
            else:
                mark = {"printed": Mark.DONE, "failed": Mark.BAD}.get(values["state"], Mark.WARN)
                key = {Mark.DONE: "label_printed", Mark.BAD: "label_failed"}.get(mark, "label_unknown")
                out.append(Step(key, mark, wall, values))
        return out or [Step("label_missing", Mark.MISSING)]

    def _flag_steps(self) -> list[Step]:
        return [Step("flagged", Mark.BAD, flag.at, {"code": flag.code, "text": flag.text}) for flag in self.flags]

    def _decision_steps(self) -> list[Step]:
        said = self.decision
        if said is None:
            return []
        mark = Mark.DONE if said.what == "released" else Mark.BAD
        return [Step(said.what, mark, said.at, {"by": said.by, "reason": said.reason})]

    def _core_steps(self) -> list[Step]:
        sent = self.delivery
        if sent is None and self.decision is not None:
            return []
        if sent is None:
            return [Step("held_back" if self.flags else "forward_missing", Mark.MISSING)]
        out = [_sending_step(number, sending) for number, sending in enumerate(sent.sendings, 1)]
        if not out:
            out = [Step("forward_missing", Mark.MISSING)]
        values = {"reference": sent.reference, "code": sent.code, "text": sent.text}
        if sent.state in ("accepted", "duplicate"):
            out.append(Step(f"core_{sent.state}", Mark.DONE, sent.settled_at, values))
        elif sent.state == "refused":
            out.append(Step("core_refused", Mark.BAD, sent.settled_at, values))
        else:
            out.append(Step("core_missing", Mark.MISSING, values=values))
        return out

    def _kept_step(self) -> Step:
        mine = self.own.hash.hex()
        final = ("accepted", "duplicate", "refused", *(("flagged",) if self.decision is None else ()))
        for item in self.related:
            if item.record.kind != NOTES:
                continue
            for note in item.record.body.get("notes", []):
                if note.get("hash") == mine and note.get("what") in final:
                    return Step("kept", Mark.DONE, str(item.record.t["wall"]), {"seq": str(item.record.seq)})
        return Step("kept_missing", Mark.MISSING)


def _state(flags: tuple[Flag, ...], decision: Decision | None, delivery: Delivery | None) -> str:
    if decision is not None and decision.what == "rejected":
        return "rejected"
    if flags and decision is None:
        return "flagged"
    if delivery is None:
        return "under_way"
    if delivery.state in ("accepted", "duplicate"):
        return "accepted"
    return "refused" if delivery.state == "refused" else "under_way"


def _sending_step(number: int, sending: Sending) -> Step:
    plain = sending.outcome in ("accepted", "duplicate", "refused")
    values = {
        "number": str(number),
        "method": sending.method,
        "status": "" if sending.status is None else str(sending.status),
        "detail": sending.detail,
    }
    return Step("sent" if plain else "sent_unclear", Mark.DONE if plain else Mark.WARN, sending.at, values)
