"""The collector: a push in, an answer out. Persist, then tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy import Connection

from hazgate_cloud.domain import intake
from hazgate_cloud.domain.acts import ActRefusedError, Person
from hazgate_cloud.domain.box import RegisteredBox
from hazgate_cloud.domain.intake import Entry, PushRefusedError, Reading
from hazgate_cloud.domain.times import stamp
from hazgate_cloud.store import alarms, boxes, branches, chain, leases, projection, quarantined
from hazgate_cloud.store.chain import Place, Stand
from hazgate_cloud.store.engine import Database, StoreUnavailableError
from hazgate_protocols.journal.chain import ROOT
from hazgate_protocols.journal.record import BOOT, GENESIS
from hazgate_protocols.journal.seal import SEAL_BYTES, Signer
from hazgate_protocols.journal.suite import DEFAULT, Suite
from hazgate_protocols.uplink import (
    Branch,
    Have,
    MalformedError,
    Need,
    Push,
    decode_fetch,
    encode_have,
    encode_need,
    encode_push,
    topics,
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """What to publish where."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """A push that waits for its transaction; reading None: to be read there."""

    box: str
    payload: bytes
    reading: Reading | None


@dataclass(frozen=True, slots=True)
class _Taken:
    """What one push led to; to be told only after the commit."""

    answer: Have | Need | None
    forward: bool = False
    suite: Suite = DEFAULT  # of the box that is answered


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a push that was fed to the collector again; text: in words."""

    taken: bool
    text: str


class Collector:
    """Handles the pushes of all boxes. Blocks on the store; any number of collectors may share one store."""

    def __init__(
        self,
        database: Database,
        signer: Signer,
        now: Callable[[], datetime],
        on_forward: Callable[[], None] = lambda: None,
        signer_of: Callable[[Suite], Signer] | None = None,
    ) -> None:
        """on_forward is called after a commit that queued a submission. signer_of: the key for boxes of another suite
        than signer's; without it their pushes end in quarantine as a collector's error."""
        self._database = database
        self._signer = signer
        self._signer_of = signer_of
        self._now = now
        self._on_forward = on_forward
        self._registered: dict[str, RegisteredBox] = {}  # as last seen in a transaction; each one looks again

    def handle(self, box: str, payload: bytes) -> Answer | None:
        """The answer to one push; None when it deserves none. Raises StoreUnavailableError: then nothing was stored."""
        return self.handle_many([(box, payload)])[0]

    def handle_many(self, pushes: Sequence[tuple[str, bytes]]) -> list[Answer | None]:
        """The answers to pushes that came together, stored in one transaction. A push that cannot be handled is kept in
        quarantine and does not touch the others."""
        return self.store(self.prepare(pushes))

    def prepare(self, pushes: Sequence[tuple[str, bytes]]) -> list[Prepared]:
        """The first half of handle_many(), for any thread: reads the pushes of boxes that were heard before. Does not
        touch the store, and never raises."""
        return [self._prepare(box, payload) for box, payload in pushes]

    def store(self, pushes: Sequence[Prepared]) -> list[Answer | None]:
        """The second half of handle_many()."""
        try:
            taken = self._database.written(lambda tx: [self._take(tx, push) for push in pushes])
        except StoreUnavailableError:
            raise
        except Exception as exc:  # the root of handling: one poisonous push must not stop the others
            if len(pushes) > 1:
                return [self.handle(push.box, push.payload) for push in pushes]
            box, payload = pushes[0].box, pushes[0].payload
            log.exception("push not handled; kept in quarantine", box=box)
            reason = f"{type(exc).__name__} in the collector: {exc}"
            self._database.written(lambda tx: self._refuse(tx, box, payload, "collector_error", reason))
            return [None]
        if any(item.forward for item in taken):
            self._on_forward()
        return [self._answer(push.box, item.answer, item.suite) for push, item in zip(pushes, taken, strict=True)]

    def replay(self, digest: bytes, person: Person) -> Replayed:
        """Feeds a push of the quarantine to handle() again. Raises ActRefusedError for a push
        that is not there or was dealt with, StoreUnavailableError."""
        with self._database.read() as tx:
            kept = quarantined.find(tx, digest)
        if kept.outcome:
            raise ActRefusedError(
                f"replay {digest.hex()}: it was {kept.outcome} at {kept.outcome_at}; nothing was done"
            )
        answer = self.handle(kept.box, kept.raw)
        taken = answer is not None and answer.topic == topics.have(kept.box)
        if taken:
            result = "taken: what it carries is stored"
        elif answer is not None:
            result = "not taken: the record it follows is not held; its box is asked for it, and sends both by itself"
        else:
            with self._database.read() as tx:
                still = quarantined.find(tx, digest)
            result = f"refused again ({still.code}): {still.reason}"
        at = stamp(self._now())
        self._database.written(lambda tx: quarantined.note_replay(tx, digest, person, at, result, taken=taken))
        return Replayed(taken, result)

    def suspect_clock(self, text: str) -> None:
        """Raises the alarm that our own clock may be wrong. Raises StoreUnavailableError."""
        at = stamp(self._now())
        self._database.written(lambda tx: alarms.raise_alarm(tx, "clock_suspect", "", "", text, at))

    def announcement(self, box: str) -> Answer | None:
        """A receipt nobody asked for: the box's last one again with the notes it has not taken yet. None when the box
        has no receipt or no such notes. A lost one does no harm: the next push brings the notes again."""
        with self._database.read() as tx:
            row = boxes.find_box(tx, box)
            if row is None or row.receipt_hash is None:
                return None
            notes = boxes.notes_after(tx, box, row.notes_after)
            place = chain.place_of(tx, box, row.receipt_hash)
        if not notes or place is None:
            return None
        have = Have("", row.receipt_hash, place.seq, place.stored_at, notes)
        return self._answer(box, have, row.registered.suite)

    def give(self, box: str, payload: bytes) -> Answer | None:
        """Records of its own that a box asks for; None for a question that deserves no answer."""
        try:
            fetch = decode_fetch(payload)
        except MalformedError as exc:
            log.warning("fetch refused", box=box, reason=str(exc))
            return None
        with self._database.read() as tx:
            if boxes.find_box(tx, box) is None:
                return None
            prev, bodies, seal = branches.page(tx, box, fetch.upto, fetch.n)
        page = Push(fetch.token, prev, tuple(bodies), seal or bytes(SEAL_BYTES))
        return Answer(topics.give(box), encode_push(page))

    def _prepare(self, box: str, payload: bytes) -> Prepared:
        registered = self._registered.get(box)
        try:
            return Prepared(box, payload, None if registered is None else intake.read(payload, registered))
        except Exception:  # noqa: BLE001 - read again in the transaction, where it is told and kept in quarantine
            return Prepared(box, payload, None)

    def _take(self, tx: Connection, given: Prepared) -> _Taken:
        box, reading = given.box, given.reading
        prev = ROOT if reading is None else reading.push.prev
        stand = chain.stand(tx, box, prev)
        if stand is None:
            return self._refuse(tx, box, given.payload, "box_unknown", f"no box {box} is registered")
        row = stand.row
        self._key_of(row.registered.suite)  # a receipt that could not be sealed must fail before the commit
        self._registered[box] = row.registered
        try:
            if reading is None or reading.box != row.registered:
                reading = intake.read(given.payload, row.registered)
                if reading.push.prev != prev:
                    stand = chain.stand(tx, box, reading.push.prev) or stand
            return self._append(tx, stand, reading)
        except PushRefusedError as exc:
            return self._refuse(tx, box, given.payload, exc.code, exc.text)

    def _append(self, tx: Connection, stand: Stand, reading: Reading) -> _Taken:
        row, parent = stand.row, stand.parent
        box, push = row.registered.box, reading.push
        if parent is None:
            boxes.note_need(tx, row, row.need_since or stamp(self._now()))
            return _Taken(Need(push.token, chain.ladder(tx, box)))
        entries = intake.entries(reading, parent.seq)
        # A record is held only where its parent is, so behind a childless parent nothing can be held.
        known = bool(entries) and stand.has_child
        held = chain.held(tx, [entry.hash for entry in entries]) if known else set()
        fresh = [entry for entry in entries if entry.hash not in held]
        if boxes.hear_notes_after(tx, row, push.notes_after):
            row = leases.store_went_back(tx, row, stamp(self._now()))
        if row.relearning_since is not None:
            leases.stop_relearning(tx, box, push.notes_after, fresh)
        boxes.note_need(tx, row, None)
        forward = False
        if fresh:
            # Whatever the clock says now, a record is not stored before its parent was.
            at = max(stamp(self._now()), parent.stored_at)
            if known and chain.has_child(tx, box, fresh[0].prev):
                text = (
                    f"two records follow {fresh[0].prev.hex()} (seq {fresh[0].record.seq}): a copied or restored disk"
                )
                alarms.raise_alarm(tx, "fork", box, fresh[0].prev.hex(), text, at)
                if fresh[0].record.kind in (GENESIS, BOOT):
                    self._say_rolled_back(tx, box, fresh[0], at)
            chain.append(tx, box, fresh, at)
            forward = projection.project(tx, row, fresh, at)
        head = entries[-1].hash if entries else push.prev
        if fresh:  # then the newest entry is fresh too
            place: Place | None = Place(fresh[-1].record.seq, at)
        else:
            place = chain.place_of(tx, box, head) if entries else parent
        if place is None:
            raise AssertionError(f"record {head.hex()} was appended and is not there")
        if entries:
            chain.keep_seal(tx, box, head, push.seal, place.stored_at, fresh=bool(fresh))
        newest = boxes.remember_receipt(tx, row, head) if head != ROOT else None
        is_told = newest is not None and newest <= push.notes_after
        notes = () if is_told else boxes.notes_after(tx, box, push.notes_after)
        have = Have(push.token, head, place.seq, place.stored_at, notes)
        suite = row.registered.suite
        if push.ask_other:
            have = self._with_other(have, branches.other_head(tx, box, head), suite)
        return _Taken(have, forward, suite)

    def _with_other(self, have: Have, other: Branch | None, suite: Suite) -> Have:
        said = replace(have, other=other)
        return replace(said, other_seal=self._key_of(suite).seal_receipt(said.other_bytes()))

    @staticmethod
    def _say_rolled_back(tx: Connection, box: str, first: Entry, at: str) -> None:
        """The box started, and its newest record was not the newest it had sent. Asking after an old record, or sending
        one again, shows nothing of the kind: late and repeated pushes do that daily."""
        newest = chain.highest_seq(tx, box)
        text = (
            f"box {box}: it started after record {first.record.seq - 1}, though {newest - first.record.seq + 1} later "
            "records of it are held: an older image was put back, its journal was set aside, or a copy runs beside it"
        )
        alarms.raise_alarm(tx, "box_rollback", box, first.hash.hex(), text, at)

    def _refuse(self, tx: Connection, box: str, payload: bytes, code: str, reason: str) -> _Taken:
        alarms.keep_quarantined(tx, box, payload, code, reason, stamp(self._now()))
        log.warning("push refused and kept in quarantine", box=box, code=code, reason=reason)
        return _Taken(None)

    def _key_of(self, suite: Suite) -> Signer:
        if suite is self._signer.suite:
            return self._signer
        if self._signer_of is None:
            raise KeyError(f"this collector has no key of suite {suite.name}")
        return self._signer_of(suite)

    def _answer(self, box: str, answer: Have | Need | None, suite: Suite = DEFAULT) -> Answer | None:
        if answer is None:
            return None
        if isinstance(answer, Need):
            return Answer(topics.need(box), encode_need(answer))
        sealed = replace(answer, seal=self._key_of(suite).seal_receipt(answer.signed_bytes()))
        return Answer(topics.have(box), encode_have(sealed))
