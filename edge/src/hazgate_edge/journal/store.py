"""The journal: append records to the chain and keep what follows from them in the same transaction.

Writes run on the writer's thread; what can be asked stands in `reads`.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from hazgate_edge.clock import Clock, stamp, uuid7
from hazgate_edge.domain.view import PrintState, Say
from hazgate_edge.journal import leases
from hazgate_edge.journal.database import JournalError, open_database
from hazgate_edge.journal.finding import find_records
from hazgate_edge.journal.recovered import RecoveredBranches
from hazgate_edge.journal.rows import REQUESTS_KEPT, Line, PrintJob, say_text
from hazgate_edge.journal.unwritten import Unwritten, line_from
from hazgate_edge.journal.writer import Writer
from hazgate_protocols.canonical import Text
from hazgate_protocols.codes.label_number import SEQUENCE_MAX
from hazgate_protocols.journal import record as kinds
from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.journal.chain import ROOT, link
from hazgate_protocols.journal.leases import LeasedRange
from hazgate_protocols.journal.record import Record, encode_record
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.journal.suite import Suite
from hazgate_protocols.uplink.messages import NOT_ABOUT_CORE, Note

T = TypeVar("T")


class NumbersUsedUpError(Exception):
    """The label numbers this box may give for a waste and a day are used up."""


class NewWeighing(NamedTuple):
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
    leased: bool = False  # numbers from the leases held instead of first to last
    evidence: tuple[dict[str, Any], ...] = ()  # role, digest, size, mime of each picture
    t: dict[str, Any] | None = None  # the moment its date was taken from; None: the moment it is written


class Journal(RecoveredBranches):
    """Opens, or founds, the chain of one box. One instance per data folder (the agent's lock sees to that)."""

    def __init__(
        self,
        path: Path,
        *,
        box: str,
        signer: Signer,
        clock: Clock,
        make_room: Callable[[], bool] = lambda: False,
        given_before: Mapping[str, int] | None = None,
        at_rest: Callable[[int, bytes, Mapping[str, int]], None] = lambda _seq, _head, _numbers: None,
    ) -> None:
        """given_before: label stem -> the highest number already given elsewhere (journals set aside).

        at_rest: told the committed head and the numbers given since the start whenever the writer comes to rest.

        make_room: called on the writer's thread when the disk is full; whether trying again makes sense.
        """
        self.box = box
        self._signer = signer
        self._suite = signer.suite
        self._clock = clock
        self._at_rest = at_rest
        self._db = open_database(path)
        self._given_before = self._floors()
        for stem, last in (given_before or {}).items():
            self._given_before[stem] = max(last, self._given_before.get(stem, 0))
        self._unwritten = Unwritten(self._db)
        self._changing = False  # the call in hand has changed the database itself
        super().__init__(path)
        self._seq, self._head, self._sealed = 0, ROOT, 0
        self._requests: dict[str, tuple[str, str]] = {}  # press -> (rid, label), oldest first
        self._last_numbers: dict[str, int] = {}  # label stem -> last sequence given
        self._lease_in_use: dict[str, LeasedRange] = {}  # label stem -> the range its last number is of
        self._heard_of = 0  # about where in the chain the core's words are
        self._load_head()
        self._unwritten.publish()
        self._changes = 0
        self._tell_broken: Callable[[], None] = lambda: None
        self._writer = Writer(
            self._db,
            on_idle=self._sealing,
            after_rollback=self._load_head,
            on_full=make_room,
            on_broken=self._on_broken,
            before_call=self._before_call,
            before_commit=self._unwritten.write_for_commit,
            after_commit=self._unwritten.publish,
            after_failed_call=self._after_failed_call,
        )
        if self._unwritten.owed:  # a power cut came before the lines; a full disk may refuse them once more
            with contextlib.suppress(sqlite3.Error):
                self.write_now(self._change)

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

    async def until_broken(self) -> BaseException:
        """Waits until the disk or the file fails so that only a fresh start may go on; why."""
        loop, happened = asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            loop.call_soon_threadsafe(happened.set)

        self._tell_broken = tell
        if self.broken is None:
            await happened.wait()
        return self.broken or JournalError("the journal is broken")

    def _on_broken(self, why: BaseException) -> None:
        self.broken = self.broken or why
        self._tell_broken()

    def close(self) -> None:
        """Finish queued writes and close."""
        self._writer.close()
        self._reader.close()
        self._db.close()

    def _before_call(self) -> None:
        self._changing = False
        self._unwritten.mark()

    def _change(self) -> None:
        """For a `do_` call, before its own statements: the tables are complete, what follows can be undone alone."""
        if not self._changing:
            self._changing = True
            self._unwritten.write_before_call()
            self._writer.savepoint()
        self._unwritten.write_all()

    def _after_failed_call(self) -> None:
        self._unwritten.forget_call(written=self._changing)
        self._unwritten.write_all()
        self._load_head()

    def do_append(
        self,
        kind: str,
        body: dict[str, Any] | Text,
        *,
        who: dict[str, Any],
        dev: dict[str, Any],
        raw: tuple[str, ...] = (),
        t: dict[str, Any] | None = None,
        evidence: tuple[dict[str, Any], ...] = (),
        request: str | None = None,
    ) -> tuple[int, str, str]:
        """Append one record; its seq, rid and wall time. t: its time, when it was taken before. (Writer's thread.)"""
        seq, rid, at = self._seq + 1, uuid7(self._clock.wall()), t or stamp(self._clock)
        data = encode_record(
            box=self.box,
            seq=seq,
            rid=rid,
            kind=kind,
            t=at,
            who=who,
            dev=dev,
            body=body,
            raw=raw,
            evidence=evidence,
        )
        digest = link(self._head, data, self._suite)
        self._unwritten.add_record((seq, digest, self._head, rid, kind, data, request))
        self._seq, self._head = seq, digest
        if kind in leases.KINDS and not isinstance(body, Text):
            self._change()
            leases.project(self._db, seq, digest, Record(self.box, seq, rid, kind, at, who, dev, body))
            self._lease_in_use = {}
        return seq, rid, at["wall"]

    def do_found(self, *, unit_code: str, dev: dict[str, Any]) -> None:
        """Write the first record if there is none: suite and public key. (Writer's thread.)"""
        if self._seq == 0:
            body = {
                "suite": self._suite.name,
                "public_key": self._signer.public().hex(),
                "unit_code": unit_code,
                "sw": dev.get("sw", ""),
            }
            self.do_append(kinds.GENESIS, body, who={"operator": "", "shift": ""}, dev=dev)

    def do_weigh(self, new: NewWeighing) -> tuple[str, str]:
        """Number, record, bag and print job in one; (rid, label). The same request again answers the first.

        Raises NumbersUsedUpError. (Writer's thread.)
        """
        again = self._requests.get(new.request)
        if again is not None:
            return again
        number = self._next_number(new)
        body = new.body(number)
        seq, rid, at = self.do_append(
            kinds.WEIGHING,
            body.as_text(),
            who=new.who,
            dev=new.dev,
            raw=new.raw,
            t=new.t,
            evidence=new.evidence,
            request=new.request,
        )
        self._unwritten.add_line(line_from(seq, rid, new.request, body, at))
        self._last_numbers[new.label_stem] = number
        self._requests[new.request] = (rid, body.label)
        if len(self._requests) > REQUESTS_KEPT:
            del self._requests[next(iter(self._requests))]
        return rid, body.label

    def do_set_job(self, job: PrintJob, state: PrintState, say: Say | None) -> None:
        """Move a job without a record: queued and printing are nobody's evidence. (Writer's thread.)"""
        self._change()
        self._db.execute(
            "INSERT INTO print_job (bag, copy, state, say) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (bag, copy) DO UPDATE SET state = excluded.state, say = excluded.say",
            (job.bag, job.copy, state, say_text(say)),
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
        picture: dict[str, Any] | None = None,
    ) -> None:
        """What became of a label, as a record: printed, failed or unknown. picture: the one that was sent, as
        PrintedPicture writes it; None when nothing was sent or nobody knows. (Writer's thread.)"""
        self.do_set_job(job, state, say)
        body = {
            "rid": job.rid,
            "copy": job.copy,
            "state": str(state),
            "by": by,
            "detail": detail[:500],
            **({"picture": picture} if picture is not None else {}),
        }
        self.do_append(kinds.PRINT, body, who=who, dev=dev)

    def do_reprint(self, rid: str, reason: str, *, who: dict[str, Any], dev: dict[str, Any]) -> int:
        """Queue a numbered copy, as a record with its reason. (Writer's thread.)"""
        self._change()
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
        self._change()
        self._db.execute(
            "UPDATE sync SET received_seq = max(received_seq, ?), received_at = ? WHERE one = 1", (seq, stored_at)
        )

    def do_notes(self, notes: tuple[Note, ...], receipt: dict[str, Any], *, complete: bool, dev: dict[str, Any]) -> int:
        """Keep what the collector told us, in order and none left out; the last note now held. (Writer's thread.)

        complete: nothing lies between the note we hold and the first of these, though numbers may have been skipped
        (a restored collector goes on behind the numbers it has heard of). Else the first must be the next.
        """
        self._change()
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
        self._change()
        words = [note for note in fresh if note.what not in NOT_ABOUT_CORE]
        where = find_records(self._rows, [note.hash for note in words], near=self._heard_of, head=self._seq)
        self._heard_of = max(where.values(), default=self._heard_of)
        self._db.executemany(
            "UPDATE bag SET core = ?, core_at = ?, core_text = ? WHERE seq = ?",
            [
                (note.what, note.at, " ".join(filter(None, (note.code, note.text))) or note.reference, where[note.hash])
                for note in words
                if note.hash in where
            ],
        )
        self._db.execute("UPDATE sync SET notes_upto = ? WHERE one = 1", (fresh[-1].n,))
        return fresh[-1].n

    def owed_lines(self) -> list[Line]:
        """As the writer's memory has them."""
        return self._unwritten.committed

    def last_number(self, label_stem: str) -> int:
        """As in the journal, or in one set aside."""
        return max(super().last_number(label_stem), self._given_before.get(label_stem, 0))

    def do_ask_numbers(self, today: date, stems: Mapping[str, str], a_day: int, dev: dict[str, Any]) -> int:
        """Ask the collector for the label numbers that are wanted now, each ask a record; how many. (Writer's thread.)

        stems: by waste, today's label number without its sequence. What is asked for already is not asked for again.
        """
        asks = leases.read_state(self._rows, today, stems, self._given_before).wanted(a_day)
        for ask in asks:
            self.do_append(kinds.LEASE_ASK, ask.as_json(), who={"operator": "", "shift": ""}, dev=dev)
        return len(asks)

    def lease_state(self, today: date, stems: Mapping[str, str]) -> leases.LeaseState:
        """The leases held and asked for."""
        owed = [line.label for line in self.owed_lines()]
        return leases.read_state(self._read, today, stems, self._given_before, owed)

    def _next_number(self, new: NewWeighing) -> int:
        """One more than the last of this waste and day. Weighings are never removed, so no number comes back."""
        stem = new.label_stem
        if new.leased:
            return self._next_leased(new)
        last = self._last_numbers.get(stem)
        if last is None:
            last = max(leases.highest_given(self._rows, stem, 0, SEQUENCE_MAX), self._given_before.get(stem, 0))
        number = max(new.first, last + 1)
        if number > new.last:
            raise NumbersUsedUpError(f"label numbers of {new.waste_code} on {new.produced_on}: {new.last} was the last")
        return number

    def _next_leased(self, new: NewWeighing) -> int:
        """Out of the ranges granted for this waste and day, in the order they were granted."""
        stem, day = new.label_stem, date.fromisoformat(new.produced_on)
        last, held = self._last_numbers.get(stem), self._lease_in_use.get(stem)
        if last is not None and held is not None and held.first <= last < held.last:
            return last + 1
        ranges = leases.ranges_of(leases.leases_from(self._rows, day, new.waste_code), new.waste_code, day)
        floor = self._given_before.get(stem, 0)
        found = leases.next_number(ranges, floor, partial(leases.highest_given, self._rows, stem))
        if found is None:
            raise NumbersUsedUpError(f"label numbers of {new.waste_code} on {new.produced_on}: none of a lease is left")
        self._lease_in_use[stem] = found[1]
        return found[0]

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        self._change()  # a query of the list wants it whole
        return self._db.execute(sql, values).fetchall()

    def _sealing(self) -> Callable[[], None] | None:
        """Seal the newest record in a quiet moment: a seal covers everything before it, so a burst needs only one."""
        return self._seal_head if self._seq != self._sealed or self._unwritten.owed else None

    def _seal_head(self) -> None:
        self._at_rest(self._seq, self._head, self._last_numbers)  # all of it is committed: nothing was queued any more
        self._change()
        seal = self._signer.seal_chain(self.box, self._head)
        self._db.execute("UPDATE record SET seal = ? WHERE seq = ?", (seal, self._seq))
        self._sealed = self._seq

    def _load_head(self) -> None:
        row = self._db.execute("SELECT seq, hash, seal FROM record ORDER BY seq DESC LIMIT 1").fetchone()
        self._seq, self._head = (row[0], row[1]) if row else (0, ROOT)
        self._sealed = self._seq if row and row[2] is not None else 0
        self._unwritten.load()
        newest = self._db.execute("SELECT request, rid, label FROM bag ORDER BY seq DESC LIMIT ?", (REQUESTS_KEPT,))
        self._requests = {request: (rid, label) for request, rid, label in reversed(newest.fetchall())}
        self._requests |= {line.request: (line.rid, line.label) for line in self._unwritten.owed}
        self._last_numbers = {}
        self._lease_in_use = {}
        self._heard_of = int(self._db.execute("SELECT received_seq FROM sync").fetchone()[0])

    # -- what it is ----------------------------------------------------------------------------------------------------

    @property
    def changes(self) -> int:
        """Counts up with every write: a cheap "look again"."""
        return self._changes

    @property
    def alive(self) -> bool:
        """Whether something can still be written."""
        return self._writer.alive

    @property
    def head_seq(self) -> int:
        """The newest record's number, 0 for an empty chain."""
        return self._seq

    @property
    def suite(self) -> Suite:
        """Of which suite the chain is."""
        return self._suite

    def seal(self, head: bytes) -> bytes:
        """This box's seal over a hash of its own chain."""
        return self._signer.seal_chain(self.box, head)

    def public_key(self) -> bytes:
        """The bytes everyone may know."""
        return self._signer.public()

    def pragma(self, name: str) -> Any:
        """A setting as the writing connection has it (self-checks ask for it)."""
        return self.write_now(lambda: self._db.execute(f"PRAGMA {name}").fetchone()[0])


def storage_failure(exc: BaseException) -> bool:
    """Whether an error came from the disk or SQLite rather than from a rule."""
    return isinstance(exc, sqlite3.Error | OSError)
