"""What the box has got back of itself: branches of its own chain, beside the one it writes.

Every record in here was checked by its hash against one that this box sealed. Label numbers in it count as given.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hazgate_edge.journal.reads import JournalReads
from hazgate_protocols.codes.label_number import SEQUENCE_CHARS, LabelNumber
from hazgate_protocols.journal import record as kinds
from hazgate_protocols.journal.bodies import BodyError, WeighingBody
from hazgate_protocols.journal.chain import HASH_BYTES, ROOT
from hazgate_protocols.journal.record import Record
from hazgate_protocols.uplink.messages import NOT_ABOUT_CORE

Origin = Literal["other", "named", "aside"]

# From any unsent record down to the one whose parent is none. A branch is fetched page by page from its head down, so
# numbers rise along it within a page only.
_LOWEST_UNSENT = """
    WITH RECURSIVE down (number, prev, steps) AS (
        SELECT * FROM (SELECT number, prev, 0 FROM recovered WHERE unsent = 1 ORDER BY number LIMIT 1)
        UNION ALL
        SELECT r.number, r.prev, steps + 1 FROM recovered r JOIN down ON r.hash = down.prev WHERE r.unsent = 1
    )
    SELECT number FROM down ORDER BY steps DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class BranchRow:
    """A branch and how far it is back. needs: the newest record still lacking, None when it is whole."""

    head: bytes
    seq: int
    origin: Origin
    needs: bytes | None
    grown: bool
    given_up: bool
    merged: bool


@dataclass(frozen=True, slots=True)
class Link:
    """A record with its place in a chain."""

    hash: bytes
    prev: bytes
    body: bytes
    record: Record


@dataclass(frozen=True, slots=True)
class ChainRow:
    """A row of our own chain, as it lies there."""

    seq: int
    hash: bytes
    prev: bytes
    body: bytes
    seal: bytes | None


@dataclass(frozen=True, slots=True)
class FoundBag:
    """A weighing that was found again."""

    rid: str
    label: str
    waste_code: str
    waste_name: str
    weight: str
    weighed_at: str
    printed: bool
    core: str
    core_at: str
    core_text: str


class RecoveredBranches(JournalReads):
    """The part of a journal that keeps what was found again. The `do_` calls run on the writer's thread."""

    _db: sqlite3.Connection
    _given_before: dict[str, int]
    _last_numbers: dict[str, int]
    _change: Callable[[], None]  # before a call's own statements: completes the tables

    # -- asking ------------------------------------------------------------------------------------------------------

    def branches(self) -> list[BranchRow]:
        """Every branch, as they were told."""
        return [
            BranchRow(head, seq, origin, needs, bool(grown), bool(given_up), bool(merged))
            for head, seq, origin, needs, grown, given_up, merged in self._read(
                "SELECT head, seq, origin, needs, grown, given_up, merged FROM branch ORDER BY rowid"
            )
        ]

    def holds(self, digest: bytes, seq: int) -> bool:
        """Whether a record is in our chain at this place, or among those found again."""
        if seq == 0:
            return digest == ROOT
        return bool(
            self._read("SELECT 1 FROM record WHERE seq = ? AND hash = ?", seq, digest)
            or self._read("SELECT 1 FROM recovered WHERE hash = ?", digest)
        )

    def recovered_count(self) -> int:
        """How many records were found again."""
        return int(self._read("SELECT count(*) FROM recovered")[0][0])

    def found_bags(self, produced_on: str, limit: int) -> list[FoundBag]:
        """A day's weighings that were found again, newest first."""
        return self._found("produced_on = ? ORDER BY weighed_at DESC LIMIT ?", produced_on, limit)

    def found_bag(self, *, rid: str = "", label: str = "") -> FoundBag | None:
        """One of them by record id or label number."""
        found = self._found("label = ? LIMIT 1", label) if label else self._found("rid = ? LIMIT 1", rid)
        return found[0] if found else None

    def unsent(self, limit: int, bytes_max: int) -> list[tuple[bytes, bytes, bytes]]:
        """(hash, prev, body) of records beside our chain that the collector may not hold: a stretch of one chain,
        parents before children."""
        lowest = self._read(_LOWEST_UNSENT)
        if not lowest:
            return []
        out: list[tuple[bytes, bytes, bytes]] = []
        size = 0
        sql = "SELECT hash, prev, body FROM recovered WHERE unsent = 1 AND number >= ? ORDER BY number LIMIT ?"
        for row in self._read(sql, lowest[0][0], limit):
            size += len(row[2])
            if out and (size > bytes_max or row[1] != out[-1][0]):
                break
            out.append(row)
        return out

    def rows_between(self, first: int, last: int) -> dict[int, ChainRow]:
        """The chain's rows from first to last, by number; what is missing is left out.

        Raises sqlite3.Error and does not take that for the end of the box: old damage is told and the box goes on, for
        the next start would find it again."""
        sql = "SELECT seq, hash, prev, body, seal FROM record WHERE seq BETWEEN ? AND ?"
        with self._reading:
            return {row[0]: ChainRow(*row) for row in self._reader.execute(sql, (first, last))}

    def labels_between(self, first: int, last: int) -> dict[int, str]:
        """Record number -> label, as the list of weighings has them. Raises as rows_between."""
        with self._reading:
            found = self._reader.execute("SELECT seq, label FROM bag WHERE seq BETWEEN ? AND ?", (first, last))
            return dict(found.fetchall())

    def place(self) -> dict[str, str]:
        """Where this journal lay when it was last known to be where it belongs; empty when that was never kept."""
        text = self._read("SELECT place FROM standing")[0][0]
        return json.loads(text) if text else {}

    def cloned(self) -> str:
        """Why another box seems to use this box's identity, "" while none does."""
        return str(self._read("SELECT cloned FROM standing")[0][0])

    def told(self) -> bool:
        """Whether the collector told of another branch, and not since that there is no more."""
        return bool(self._read("SELECT told FROM standing")[0][0])

    def salvaged(self, file: str) -> bool:
        """Whether a file that was set aside has been read for what was not sent."""
        return bool(self._read("SELECT 1 FROM salvaged WHERE file = ?", file))

    # -- keeping -----------------------------------------------------------------------------------------------------

    def do_want(self, head: bytes, seq: int, origin: Origin, *, needs: bytes | None) -> None:
        """Note a branch that is to be fetched from `needs` down; nothing when it is known. (Writer's thread.)"""
        self._change()
        self._db.execute(
            "INSERT INTO branch (head, seq, origin, needs, merged) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (head, seq, origin, needs, origin == "named"),
        )
        self._db.execute("UPDATE branch SET given_up = 0")

    def do_want_merge(self, head: bytes) -> None:
        """The collector does not know that this branch is merged: the record that says so lies in another branch, which
        the collector has lost. When it is whole, a record of our own is to name it. It is no sign of a clone: whoever
        merged it has counted it. (Writer's thread.)"""
        self._change()
        self._db.execute(
            "UPDATE branch SET origin = 'other', merged = 0, grown = 0"
            " WHERE head = ? AND origin = 'named' AND needs IS NULL",
            (head,),
        )
        self._db.execute("UPDATE branch SET given_up = 0")

    def do_keep(self, branch: bytes, links: Sequence[Link], *, needs: bytes | None, unsent: bool = False) -> None:
        """Keep checked records of a branch, and what it still lacks. (Writer's thread.)"""
        self._change()
        for item in links:
            self._db.execute(
                "INSERT INTO recovered (hash, prev, seq, kind, body, unsent) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (item.hash, item.prev, item.record.seq, item.record.kind, item.body, unsent),
            )
            self._keep_meaning(item)
        grown = needs is None and self._goes_on_behind_a_merged_head(links)
        self._db.execute("UPDATE branch SET needs = ?, grown = max(grown, ?) WHERE head = ?", (needs, grown, branch))

    def do_give_up(self, *, named: bool) -> None:
        """Do not wait for what is not whole: it is not offered any more, or a person decided so. named: also what a
        merge record names. What is half here is tried again with the next branch that is wanted, for that one may end
        in it. (Writer's thread.)"""
        self._change()
        self.do_drop_unstarted()
        self._db.execute(
            "UPDATE branch SET given_up = 1 WHERE needs IS NOT NULL AND (origin = 'other' OR (origin = 'named' AND ?))",
            (named,),
        )

    def do_drop_unstarted(self) -> None:
        """Forget heads of which nothing is here yet: told of anew, they are wanted anew. (Writer's thread.)"""
        self._change()
        self._db.execute("DELETE FROM branch WHERE origin = 'other' AND merged = 0 AND needs = head")

    def do_merged(self, head: bytes) -> None:
        """A merge record names this branch. (Writer's thread.)"""
        self._change()
        self._db.execute("UPDATE branch SET merged = 1 WHERE head = ?", (head,))

    def do_sent(self, upto: bytes) -> None:
        """The collector holds this record, and so every one before it. (Writer's thread.)"""
        self._change()
        self._db.execute(
            "WITH RECURSIVE up (hash) AS (SELECT ? UNION"
            " SELECT prev FROM recovered JOIN up USING (hash) WHERE unsent = 1)"
            " UPDATE recovered SET unsent = 0 WHERE hash IN (SELECT hash FROM up)",
            (upto,),
        )

    def do_unsend(self) -> None:
        """The collector may not hold any more what is whole here: it goes out again. (Writer's thread.)"""
        self._change()
        self._db.execute(
            "WITH RECURSIVE up (hash) AS (SELECT head FROM branch WHERE needs IS NULL UNION"
            " SELECT prev FROM recovered JOIN up USING (hash))"
            " UPDATE recovered SET unsent = 1 WHERE hash IN (SELECT hash FROM up)"
        )

    def do_raise_numbers(self, numbers: Mapping[str, int]) -> None:
        """Label stem -> highest sequence that was given elsewhere: not given again. (Writer's thread.)"""
        self._change()
        for stem, last in numbers.items():
            self._db.execute(
                "INSERT INTO number_floor (stem, last) VALUES (?, ?)"
                " ON CONFLICT (stem) DO UPDATE SET last = max(last, excluded.last)",
                (stem, last),
            )
            self._given_before[stem] = max(last, self._given_before.get(stem, 0))
            self._last_numbers.pop(stem, None)  # computed anew from the list and the floor

    def do_place(self, place: dict[str, str]) -> None:
        """This is where the journal belongs. (Writer's thread.)"""
        self._change()
        self._db.execute("UPDATE standing SET place = ?", (json.dumps(place, sort_keys=True),))

    def do_cloned(self, why: str) -> None:
        """Another box uses this box's identity, or "" for no longer. (Writer's thread.)"""
        self._change()
        self._db.execute("UPDATE standing SET cloned = ?", (why,))

    def do_told(self, *, told: bool) -> None:
        """The collector told of another branch, or that there is no more. (Writer's thread.)"""
        self._change()
        self._db.execute("UPDATE standing SET told = ?", (told,))

    def do_salvaged(self, file: str) -> None:
        """This file has been read. (Writer's thread.)"""
        self._change()
        self._db.execute("INSERT INTO salvaged VALUES (?) ON CONFLICT DO NOTHING", (file,))

    def do_mend(self, item: Link) -> None:
        """Put a record of our own chain back as it was written. (Writer's thread.)"""
        self._change()
        self._db.execute(
            "INSERT INTO record (seq, hash, prev, rid, kind, body) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (seq) DO UPDATE SET hash = excluded.hash, prev = excluded.prev, rid = excluded.rid,"
            " kind = excluded.kind, body = excluded.body",
            (item.record.seq, item.hash, item.prev, item.record.rid, item.record.kind, item.body),
        )
        given = _weighing(item.record)
        if given is not None:
            self._db.execute(
                "UPDATE bag SET rid = ?, label = ?, waste_code = ?, waste_name = ?, weight = ?, weighed_at = ?,"
                " produced_on = ? WHERE seq = ?",
                (
                    item.record.rid,
                    given.label,
                    given.waste_code,
                    given.waste_name,
                    f"{given.weight_text} {given.weight_unit}",
                    item.record.t["wall"],
                    given.produced_on,
                    item.record.seq,
                ),
            )

    def _floors(self) -> dict[str, int]:
        return dict(self._db.execute("SELECT stem, last FROM number_floor").fetchall())

    def _goes_on_behind_a_merged_head(self, links: Sequence[Link]) -> bool:
        parents = [item.prev for item in links]
        marks = ",".join("?" * len(parents))
        found = self._db.execute(  # only question marks are put in
            f"SELECT 1 FROM branch WHERE merged = 1 AND head IN ({marks})",  # noqa: S608
            parents,
        )
        return found.fetchone() is not None

    def _keep_meaning(self, item: Link) -> None:
        record = item.record
        given = _weighing(record)
        if given is not None:
            self._db.execute(
                "INSERT INTO recovered_bag (hash, rid, label, waste_code, waste_name, weight, weighed_at, produced_on)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    item.hash,
                    record.rid,
                    given.label,
                    given.waste_code,
                    given.waste_name,
                    f"{given.weight_text} {given.weight_unit}",
                    record.t["wall"],
                    given.produced_on,
                ),
            )
            self.do_raise_numbers({given.label[:-SEQUENCE_CHARS]: int(given.label[-SEQUENCE_CHARS:])})
        elif record.kind == kinds.PRINT and record.body.get("state") == "printed":
            self._db.execute(
                "INSERT INTO recovered_print (rid) VALUES (?) ON CONFLICT DO NOTHING", (str(record.body.get("rid")),)
            )
        elif record.kind == kinds.MERGE and (named := _merged(record)) is not None:
            head, seq = named
            known = self._db.execute(
                "SELECT 1 FROM record WHERE seq = ? AND hash = ? UNION ALL SELECT 1 FROM recovered WHERE hash = ?",
                (seq, head, head),
            ).fetchone()
            # What that branch had fetched back is not in it: it is fetched by its name.
            self.do_want(head, seq, "named", needs=None if known else head)

    def _found(self, where: str, *values: Any) -> list[FoundBag]:
        rows = self._read(
            "SELECT hash, (SELECT seq FROM recovered r WHERE r.hash = b.hash),"  # noqa: S608 - where is one of ours
            " rid, label, waste_code, waste_name, weight, weighed_at,"
            f" EXISTS (SELECT 1 FROM recovered_print p WHERE p.rid = b.rid) FROM recovered_bag b WHERE {where}",
            *values,
        )
        said = self._core_said(min(row[1] for row in rows)) if rows else {}
        return [
            FoundBag(rid, label, code, name, weight, at, bool(printed), *said.get(digest.hex(), ("", "", "")))
            for digest, _, rid, label, code, name, weight, at, printed in rows
        ]

    def _core_said(self, since: int) -> dict[str, tuple[str, str, str]]:
        """Hash -> the newest word about the core with its time and text, out of what either branch was told.

        since: of our own chain only what lies behind it, for no word comes before its bag: a list of today's bags reads
        today's records.
        """
        rows = self._read(
            "SELECT n.value ->> '$.hash', n.value ->> '$.what', n.value ->> '$.at', n.value ->> '$.code',"
            " n.value ->> '$.text', n.value ->> '$.reference' FROM ("
            " SELECT 0 AS own, seq, CAST(body AS TEXT) AS said FROM recovered WHERE kind = ? UNION ALL"
            " SELECT 1, seq, CAST(body AS TEXT) FROM record WHERE kind = ? AND seq > ?"
            ") JOIN json_each(said, '$.body.notes') n ORDER BY own, seq, n.key",
            kinds.NOTES,
            kinds.NOTES,
            since,
        )
        return {
            digest: (what, at, " ".join(part for part in (code, text) if part) or reference)
            for digest, what, at, code, text, reference in rows
            if what not in NOT_ABOUT_CORE
        }


def _weighing(record: Record) -> WeighingBody | None:
    """A weighing whose label is a label number; anything else is kept, and means nothing to this box."""
    if record.kind != kinds.WEIGHING:
        return None
    try:
        given = WeighingBody.from_json(record.body)
        return given if str(LabelNumber.parse(given.label)) == given.label else None
    except (BodyError, ValueError):
        return None


def _merged(record: Record) -> tuple[bytes, int] | None:
    head, seq = record.body.get("head"), record.body.get("seq")
    if not isinstance(head, str) or type(seq) is not int or len(head) != 2 * HASH_BYTES:
        return None
    try:
        return bytes.fromhex(head), seq
    except ValueError:
        return None
