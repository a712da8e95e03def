"""The journal: append records to the chain and keep what follows from them in the same transaction.

Writes run on the writer's thread; reads on a second connection, which sees only what is committed.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hazgate_edge.clock import Clock, stamp, uuid7
from hazgate_edge.domain.view import PrintState, Say
from hazgate_edge.journal.database import connect, open_database
from hazgate_edge.journal.writer import Writer
from hazgate_protocols.journal import record as kinds
from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.journal.chain import ROOT, SUITE, link
from hazgate_protocols.journal.record import Record
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.uplink.messages import Note

T = TypeVar("T")


class NumbersUsedUpError(Exception):
    """The label numbers this box may give for a waste and a day are used up."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it lies in the chain."""

    seq: int
    hash: bytes
    prev: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Bag:
    """A weighing with all that is known of it since."""

    seq: int
    rid: str
    label: str
    waste_code: str
    waste_name: str
    weight: str
    weighed_at: str
    print_state: PrintState
    print_say: Say | None
    copies: int
    core: str  # "" until the cloud says accepted, duplicate, refused, unknown or flagged
    core_at: str
    core_text: str


@dataclass(frozen=True, slots=True)
class PrintJob:
    """One label to print."""

    bag: int  # the weighing's record number
    copy: int
    rid: str
    state: PrintState
    say: Say | None
    body: dict[str, Any]  # the weighing's body


@dataclass(frozen=True, slots=True)
class SyncState:
    """How far the collector is known to be."""

    received_seq: int
    received_at: str
    notes_upto: int


@dataclass(frozen=True, slots=True)
class NewWeighing:
    """A weighing before it has its number: `body` makes the body once the number is known."""

    request: str
    waste_code: str
    produced_on: str
    label_stem: str  # the label number without its sequence
    first: int  # the range of sequence numbers this box may give
    last: int
    body: Callable[[int], WeighingBody]
    who: dict[str, Any]
    dev: dict[str, Any]
    raw: tuple[str, ...]


def _say_text(say: Say | None) -> str:
    return "" if say is None else json.dumps([say.key, say.values], ensure_ascii=False)


def _say(text: str) -> Say | None:
    if not text:
        return None
    key, values = json.loads(text)
    return Say(key, values)


_BAG = """
SELECT b.seq, b.rid, b.label, b.waste_code, b.waste_name, b.weight, b.weighed_at, ifnull(j.state, 'queued'),
       ifnull(j.say, ''), ifnull(j.copy, 0), b.core, b.core_at, b.core_text
FROM bag b LEFT JOIN print_job j
  ON j.bag = b.seq AND j.copy = (SELECT max(copy) FROM print_job k WHERE k.bag = b.seq)
"""


class Journal:
    """Opens, or founds, the chain of one box. One instance per data folder (the agent's lock sees to that)."""

    def __init__(self, path: Path, *, box: str, signer: Signer, clock: Clock) -> None:
        self.path = path
        self.box = box
        self._signer = signer
        self._clock = clock
        self._db = open_database(path)
        self._reader = connect(path)
        self._reader.execute("PRAGMA query_only=ON")
        self._reading = threading.Lock()
        self._seq, self._head, self._sealed = 0, ROOT, 0
        self._awaiting_from = 0
        self._printing_from = 0
        self._load_head()
        self._changes = 0
        self._writer = Writer(self._db, on_idle=self._sealing, after_rollback=self._load_head)

    # -- writing ---------------------------------------------------------------------------------------------------

    async def write(self, call: Callable[[], T]) -> T:
        """Run one of the `do_` calls below in a transaction; returns when it is durable."""
        result = await self._writer.run(call)
        self._changes += 1
        return result

    def write_now(self, call: Callable[[], T]) -> T:
        """As write, for callers without an event loop."""
        result = self._writer.run_now(call)
        self._changes += 1
        return result

    def close(self) -> None:
        """Finish queued writes and close."""
        self._writer.close()
        self._reader.close()
        self._db.close()

    def do_append(
        self, kind: str, body: dict[str, Any], *, who: dict[str, Any], dev: dict[str, Any], raw: tuple[str, ...] = ()
    ) -> Record:
        """Append one record. (Writer's thread.)"""
        record = Record(
            box=self.box,
            seq=self._seq + 1,
            rid=uuid7(self._clock.wall()),
            kind=kind,
            t=stamp(self._clock),
            who=who,
            dev=dev,
            body=body,
            raw=raw,
        )
        data = record.encode()
        digest = link(self._head, data)
        self._db.execute(
            "INSERT INTO record (seq, hash, prev, rid, kind, body) VALUES (?, ?, ?, ?, ?, ?)",
            (record.seq, digest, self._head, record.rid, kind, data),
        )
        self._seq, self._head = record.seq, digest
        return record

    def do_found(self, *, unit_code: str, dev: dict[str, Any]) -> None:
        """Write the first record if there is none: suite and public key. (Writer's thread.)"""
        if self._seq == 0:
            body = {
                "suite": SUITE,
                "public_key": self._signer.public().hex(),
                "unit_code": unit_code,
                "sw": dev.get("sw", ""),
            }
            self.do_append(kinds.GENESIS, body, who={"operator": "", "shift": ""}, dev=dev)

    def do_weigh(self, new: NewWeighing) -> tuple[str, str]:
        """Number, record, bag and print job together; (rid, label). The same request again answers the first.

        Raises NumbersUsedUpError. (Writer's thread.)
        """
        again = self._db.execute("SELECT rid, label FROM bag WHERE request = ?", (new.request,)).fetchone()
        if again is not None:
            return again[0], again[1]
        number = self._next_number(new)
        body = new.body(number)
        record = self.do_append(kinds.WEIGHING, body.as_json(), who=new.who, dev=new.dev, raw=new.raw)
        self._db.execute(
            "INSERT INTO bag (seq, rid, label, request, waste_code, waste_name, weight, weighed_at, produced_on)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                record.seq,
                record.rid,
                body.label,
                new.request,
                body.waste_code,
                body.waste_name,
                f"{body.weight_text} {body.weight_unit}",
                record.t["wall"],
                body.produced_on,
            ),
        )
        return record.rid, body.label

    def do_set_job(self, job: PrintJob, state: PrintState, say: Say | None) -> None:
        """Move a job without a record: queued and printing are nobody's evidence. (Writer's thread.)"""
        self._db.execute(
            "INSERT INTO print_job (bag, copy, state, say) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (bag, copy) DO UPDATE SET state = excluded.state, say = excluded.say",
            (job.bag, job.copy, state, _say_text(say)),
        )

    def do_settle_job(
        self,
        job: PrintJob,
        state: PrintState,
        say: Say | None,
        *,
        by: str,
        detail: str,
        who: dict[str, Any],
        dev: dict[str, Any],
    ) -> None:
        """What became of a label, as a record: printed, failed or unknown. (Writer's thread.)"""
        self.do_set_job(job, state, say)
        body = {
            "rid": job.rid,
            "copy": job.copy,
            "state": str(state),
            "by": by,
            "detail": detail[:500],
        }
        self.do_append(kinds.PRINT, body, who=who, dev=dev)

    def do_reprint(self, rid: str, reason: str, *, who: dict[str, Any], dev: dict[str, Any]) -> int:
        """Queue a numbered copy, as a record with its reason. (Writer's thread.)"""
        bag, copy = self._db.execute(
            "SELECT bag, max(copy) + 1 FROM print_job"
            " WHERE bag = (SELECT seq FROM bag WHERE rid = ? ORDER BY seq DESC LIMIT 1)",
            (rid,),
        ).fetchone()
        self._db.execute("INSERT INTO print_job (bag, copy, state) VALUES (?, ?, 'queued')", (bag, copy))
        self.do_append(kinds.REPRINT, {"rid": rid, "copy": copy, "reason": reason}, who=who, dev=dev)
        return int(copy)

    def do_receipt(self, seq: int, stored_at: str) -> None:
        """The collector durably holds everything up to seq. (Writer's thread.)"""
        self._db.execute(
            "UPDATE sync SET received_seq = max(received_seq, ?), received_at = ? WHERE one = 1", (seq, stored_at)
        )

    def do_notes(
        self, notes: tuple[Note, ...], receipt: dict[str, Any], *, complete: bool, dev: dict[str, Any]
    ) -> int:
        """Keep what the collector told us, in order and none left out; the last note now held. (Writer's thread.)

        complete: nothing lies between the note we hold and the first of these, though numbers may have been skipped
        (a restored collector goes on behind the numbers it has heard of). Else the first must be the next.
        """
        upto = int(self._db.execute("SELECT notes_upto FROM sync").fetchone()[0])
        fresh = sorted((note for note in notes if note.n > upto), key=lambda note: note.n)
        if not fresh or not (complete or fresh[0].n == upto + 1):
            return upto
        kept = [
            {
                "n": note.n,
                "hash": note.hash.hex(),
                "what": note.what,
                "at": note.at,
                "code": note.code,
                "text": note.text[:500],
                "reference": note.reference,
            }
            for note in fresh
        ]
        body = {"after": upto, "upto": fresh[-1].n, "notes": kept, "receipt": receipt}
        self.do_append(kinds.NOTES, body, who={"operator": "", "shift": ""}, dev=dev)
        for note in fresh:
            text = " ".join(part for part in (note.code, note.text) if part) or note.reference
            self._db.execute(
                "UPDATE bag SET core = ?, core_at = ?, core_text = ?"
                " WHERE seq = (SELECT seq FROM record WHERE hash = ?)",
                (note.what, note.at, text, note.hash),
            )
        self._db.execute("UPDATE sync SET notes_upto = ? WHERE one = 1", (fresh[-1].n,))
        return fresh[-1].n

    def _next_number(self, new: NewWeighing) -> int:
        """One more than the last of this waste and day. Weighings are never removed, so no number comes back."""
        stem = new.label_stem
        last = self._db.execute(
            "SELECT max(label) FROM bag WHERE label BETWEEN ? AND ?", (f"{stem}000", f"{stem}999")
        ).fetchone()[0]
        number = max(new.first, int(last[len(stem) :]) + 1) if last else new.first
        if number > new.last:
            raise NumbersUsedUpError(f"label numbers of {new.waste_code} on {new.produced_on}: {new.last} was the last")
        return number

    def _sealing(self) -> Callable[[], None] | None:
        """Seal the newest record in a quiet moment: a seal covers everything before it, so a burst needs only one."""
        return self._seal_head if self._seq != self._sealed else None

    def _seal_head(self) -> None:
        seal = self._signer.seal_chain(self.box, self._head)
        self._db.execute("UPDATE record SET seal = ? WHERE seq = ?", (seal, self._seq))
        self._sealed = self._seq

    def _load_head(self) -> None:
        row = self._db.execute("SELECT seq, hash, seal FROM record ORDER BY seq DESC LIMIT 1").fetchone()
        self._seq, self._head = (row[0], row[1]) if row else (0, ROOT)
        self._sealed = self._seq if row and row[2] is not None else 0

    # -- reading ---------------------------------------------------------------------------------------------------

    @property
    def changes(self) -> int:
        """Counts up with every write: a cheap "look again"."""
        return self._changes

    @property
    def head_seq(self) -> int:
        """The newest record's number, 0 for an empty chain."""
        return self._seq

    def seal(self, head: bytes) -> bytes:
        """This box's seal over a hash of its own chain."""
        return self._signer.seal_chain(self.box, head)

    def public_key(self) -> bytes:
        """The 32 bytes everyone may know."""
        return self._signer.public()

    def after(self, seq: int, limit: int, bytes_max: int) -> list[Stored]:
        """Records after seq, oldest first: at most `limit`, and at least one however long it is."""
        out: list[Stored] = []
        size = 0
        for row in self._read(
            "SELECT seq, hash, prev, body FROM record WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit
        ):
            size += len(row[3])
            if out and size > bytes_max:
                break
            out.append(Stored(*row))
        return out

    def hash_at(self, seq: int) -> bytes:
        """The hash of record seq; ROOT for 0."""
        if seq == 0:
            return ROOT
        return bytes(self._read("SELECT hash FROM record WHERE seq = ?", seq)[0][0])

    def seq_of(self, digest: bytes, *, hint: int | None = None) -> int | None:
        """Where a hash lies in our own chain, None when it is not ours. Without a right hint the chain is walked."""
        if digest == ROOT:
            return 0
        if hint is not None and self._read("SELECT 1 FROM record WHERE seq = ? AND hash = ?", hint, digest):
            return hint
        rows = self._read("SELECT seq FROM record WHERE hash = ?", digest)
        return int(rows[0][0]) if rows else None

    def sync_state(self) -> SyncState:
        """What the collector is known to hold."""
        return SyncState(*self._read("SELECT received_seq, received_at, notes_upto FROM sync")[0])

    def bags(self, produced_on: str, limit: int) -> list[Bag]:
        """A day's weighings among the newest `limit`, newest first."""
        newest = self._read(
            f"{_BAG} WHERE b.produced_on = ? AND b.seq > ? ORDER BY b.seq DESC", produced_on, self._floor(limit)
        )
        return [self._bag(row) for row in newest]

    def _floor(self, limit: int) -> int:
        rows = self._read("SELECT seq FROM bag ORDER BY seq DESC LIMIT 1 OFFSET ?", limit)
        return int(rows[0][0]) if rows else 0

    def bag(self, *, rid: str = "", label: str = "") -> Bag | None:
        """One weighing by record id or label number."""
        where, value = ("b.label = ?", label) if label else ("b.rid = ?", rid)
        rows = self._read(f"{_BAG} WHERE {where} ORDER BY b.seq DESC LIMIT 1", value)
        return self._bag(rows[0]) if rows else None

    def bag_of_request(self, request: str) -> Bag | None:
        """The weighing a press has already led to."""
        rows = self._read(f"{_BAG} WHERE b.request = ?", request)
        return self._bag(rows[0]) if rows else None

    def bags_after(self, seq: int) -> int:
        """How many weighings lie after record seq."""
        return int(self._read("SELECT count(*) FROM bag WHERE seq > ?", seq)[0][0])

    def awaiting_core(self) -> int:
        """How many weighings have no word from the core yet."""
        count, lowest, newest = self._read(
            "SELECT count(*) FILTER (WHERE core IN ('', 'unknown')), min(seq) FILTER (WHERE core IN ('', 'unknown')),"
            " max(seq) FROM bag WHERE seq >= ?",
            self._awaiting_from,
        )[0]
        # The core's word is final, so what lies below the oldest open weighing need not be looked at again.
        self._awaiting_from = lowest or newest or self._awaiting_from
        return int(count)

    def refused(self) -> int:
        """How many weighings the collector holds back or the core refuses."""
        return int(self._read("SELECT count(*) FROM bag WHERE core IN ('refused', 'flagged')")[0][0])

    def open_jobs(self) -> list[PrintJob]:
        """Labels still to print, oldest first, at most 100."""
        newest = self._read("SELECT max(seq) FROM bag")[0][0] or 0
        jobs = self._jobs(
            "b.seq >= ? AND ifnull(j.state, 'queued') IN ('queued', 'printing', 'failed')"
            " ORDER BY b.seq, j.copy LIMIT 100",
            self._printing_from,
        )
        self._printing_from = jobs[0].bag if jobs else newest
        return jobs

    def reopen_jobs(self) -> None:
        """An older label was queued again: open_jobs must look at all of them once."""
        self._printing_from = 0

    def last_job(self, rid: str) -> PrintJob | None:
        """The newest print job of a weighing."""
        jobs = self._jobs("b.rid = ? ORDER BY b.seq DESC, j.copy DESC LIMIT 1", rid)
        return jobs[0] if jobs else None

    def last_number(self, label_stem: str) -> int:
        """The last sequence given for a label stem (unit, waste, day), 0 for none."""
        last = self._read(
            "SELECT max(label) FROM bag WHERE label BETWEEN ? AND ?", f"{label_stem}000", f"{label_stem}999"
        )[0][0]
        return int(last[len(label_stem) :]) if last else 0

    def weighing(self, rid: str) -> Record | None:
        """The record of a weighing by its id."""
        rows = self._read(
            "SELECT r.body FROM bag b JOIN record r USING (seq) WHERE b.rid = ? ORDER BY seq DESC LIMIT 1", rid
        )
        return Record.decode(rows[0][0]) if rows else None

    def chain(self) -> Iterator[tuple[int, bytes, bytes, bytes, bytes | None]]:
        """(seq, hash, prev, body, seal) from the first record on, for verification."""
        at = 0
        while rows := self._read(
            "SELECT seq, hash, prev, body, seal FROM record WHERE seq > ? ORDER BY seq LIMIT 500", at
        ):
            yield from rows
            at = rows[-1][0]

    def _jobs(self, where: str, *values: Any) -> list[PrintJob]:
        sql = (  # where is one of ours
            "SELECT b.seq, ifnull(j.copy, 0), b.rid, ifnull(j.state, 'queued'), ifnull(j.say, ''), r.body"
            " FROM bag b LEFT JOIN print_job j ON j.bag = b.seq JOIN record r ON r.seq = b.seq"
            " WHERE "
        )
        return [
            PrintJob(row[0], row[1], row[2], PrintState(row[3]), _say(row[4]), Record.decode(row[5]).body)
            for row in self._read(sql + where, *values)
        ]

    def _bag(self, row: Any) -> Bag:
        seq, rid, label, waste_code, waste_name, weight, weighed_at, state, say, copies, core, core_at, core_text = row
        return Bag(
            seq=seq,
            rid=rid,
            label=label,
            waste_code=waste_code,
            waste_name=waste_name,
            weight=weight,
            weighed_at=weighed_at,
            print_state=PrintState(state),
            print_say=_say(say),
            copies=copies,
            core=core,
            core_at=core_at,
            core_text=core_text,
        )

    def _read(self, sql: str, *values: Any) -> list[Any]:
        with self._reading:
            return self._reader.execute(sql, values).fetchall()

    def pragma(self, name: str) -> Any:
        """A setting as the writing connection has it (self-checks ask for it)."""
        return self.write_now(lambda: self._db.execute(f"PRAGMA {name}").fetchone()[0])


def storage_failure(exc: BaseException) -> bool:
    """Whether an error came from the disk or SQLite rather than from a rule."""
    return isinstance(exc, sqlite3.Error | OSError)
