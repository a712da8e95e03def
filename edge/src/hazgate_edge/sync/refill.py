"""Getting back what this box has lost, and noticing that it is not alone.

A box starts with a boot record, so a journal that went back in time shows as a second branch at the collector, which
names the head that this box lacks (`other`). The box then asks for that branch from its head down, page by page. Each
page is held against the hash it must end with, the head against this box's own seal; so a wrong page changes nothing.
When a branch is whole, a record of kind merge names it and it is not offered again.

    told of another head -> wanted -> whole -> merged
                                           -> cloned: it has gone on behind a head that was merged, more than once

A branch that goes on is written by a running program: two clones would merge each other for ever. So after one such
merge a start the box stops weighing until a person decides.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hazgate_edge.domain.view import Say
from hazgate_edge.journal.recovered import BranchRow, Link
from hazgate_edge.journal.store import Journal
from hazgate_protocols.codes.label_number import SEQUENCE_CHARS
from hazgate_protocols.journal import record as kinds
from hazgate_protocols.journal.chain import ROOT, link
from hazgate_protocols.journal.record import Record, RecordError
from hazgate_protocols.journal.seal import chain_seal_holds, receipt_seal_holds
from hazgate_protocols.uplink.messages import (
    RECORDS_MAX,
    Branch,
    Fetch,
    Have,
    MalformedError,
    Push,
    decode_push,
    encode_fetch,
)

log = logging.getLogger(__name__)

ANSWER_WAIT_S = 5.0
ANSWER_WAIT_S_MAX = 60.0
GROWN_MERGES_MAX = 1  # a start; one, because a push of the old disk may still have been under way
MERGES_MAX = 20  # a start
SIDE_RECORDS = 100
SIDE_BYTES = 256 * 1024
_NOBODY = {"operator": "", "shift": ""}


@dataclass(frozen=True, slots=True)
class Side:
    """Records out of a file set aside, to be pushed as they are."""

    prev: bytes
    bodies: tuple[bytes, ...]
    head: bytes


@dataclass(frozen=True, slots=True)
class Wrong:
    """A record of our own chain that is not as it was written, and what it must be; hash b"": cannot even be read, and
    so cannot be put back."""

    seq: int
    hash: bytes
    prev: bytes


@dataclass(slots=True)
class _Flight:
    token: str
    upto: bytes
    branch: BranchRow | None  # None: a single record to mend
    sent_at: float
    wait_s: float


class Refill:
    """Told by the dialogue what the collector says; gives the next fetch; says whether weighing may go on.

    place: where the journal lies now. moved: why that is not where it belongs, "" when it is (or nobody knew). All on
    the event loop; times are monotonic seconds given by the caller.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        collector_key: bytes,
        dev: dict[str, Any],
        token: Callable[[], str],
        place: dict[str, str] | None = None,
        moved: str = "",
        behind: bool = False,
    ) -> None:
        self._journal = journal
        self._collector_key = collector_key
        self._dev = dev
        self._token = token
        self._place = place or {}
        self._moved = moved
        self._behind = behind
        self._since = journal.head_seq + 1  # an answer counts for this start from its boot record on
        self._flight: _Flight | None = None
        self._failures = 0
        self._heard = False  # the collector has said whether there is another branch, since it last may have changed
        self._unheld: set[bytes] = set()  # what the collector says it does not hold, since we connected
        self._no_side = False
        self._merges = self._grown = 0
        self._wrong: dict[int, Wrong] = {}
        self._wrong_told: set[int] = set()
        self._found_before = journal.recovered_count()
        self._cloned = journal.cloned()
        self._told = journal.told()
        self._branches: list[BranchRow] = []
        self._look()

    # -- what the terminal is told -----------------------------------------------------------------------------------

    def blocks(self) -> Say | None:
        """Why no number may be given now, None when weighing may go on."""
        if self._cloned:
            return Say("BACK-04")
        if self._told or any(branch.origin != "aside" for branch in self._open()):
            return Say("BACK-02", {"n": str(self._found)})
        return Say("BACK-01") if self._moved else None

    def notice(self) -> Say | None:
        """What else the operator should know, None when there is nothing."""
        if self._wrong:
            return Say("BACK-05", {"n": str(min(self._wrong))})
        if self._found:
            return Say("BACK-03", {"n": str(self._found)})
        return Say("BACK-06") if self._behind else None

    @property
    def idle(self) -> bool:
        """Nothing is lacking that the collector could give, and nothing waits to be sent beside the chain."""
        return self._target() is None and self._heard and (self._no_side or not self._journal.unsent(1, 1))

    # -- the dialogue's side -----------------------------------------------------------------------------------------

    def connected(self) -> None:
        """A fresh connection: whatever was in flight is gone."""
        self._flight = None
        self._failures = 0
        self._heard = False
        self._no_side = False
        self._unheld.clear()

    def asks(self, *, empty: bool) -> bool:
        """Whether the next push shall ask for another branch: each question does, and each push until we have heard."""
        return empty or not self._heard

    async def heard(self, have: Have) -> None:
        """The answer to our own push, whose receipt counts."""
        if not have.other_seal or not receipt_seal_holds(self._collector_key, have.other_bytes(), have.other_seal):
            return
        if have.other is None:
            self._heard = True
            await self._alone(have)
        elif self._journal.seq_of(have.other.hash, hint=have.other.seq) is None:
            self._heard = True
            await self._told_of(have.other)
        # else our own newer head: an answer to an old push, which says nothing of others

    def side(self) -> Side | None:
        """What to push beside the chain when there is nothing else to send."""
        if self._no_side:
            return None
        rows = self._journal.unsent(SIDE_RECORDS, SIDE_BYTES)
        return Side(rows[0][1], tuple(row[2] for row in rows), rows[-1][0]) if rows else None

    async def side_held(self, head: bytes) -> None:
        """The collector holds what `side` gave."""
        self._heard = False
        await self._journal.write(lambda: self._journal.do_sent(head))

    async def store_went_back(self) -> None:
        """The collector lacks records of our own chain that we took for held: so it may lack what we found again, and
        hold what it did not hold before."""
        self._unheld.clear()
        if self._journal.recovered_count():
            self._no_side = False
            await self._journal.write(self._journal.do_unsend)

    def side_not_wanted(self) -> None:
        """The collector lacks the parent: again after the next connection."""
        self._no_side = True

    # -- fetching ----------------------------------------------------------------------------------------------------

    def next_fetch(self, now: float) -> bytes | None:
        """The bytes to send now, None when there is nothing to do yet."""
        target = self._target()
        if target is None:
            self._flight = None
            return None
        upto, branch = target
        if self._flight is not None and self._flight.upto == upto:
            if now - self._flight.sent_at < self._flight.wait_s:
                return None
            self._failures += 1
        wait_s = min(ANSWER_WAIT_S * 2 ** min(self._failures, 6), ANSWER_WAIT_S_MAX)
        self._flight = _Flight(self._token(), upto, branch, now, wait_s)
        return encode_fetch(Fetch(self._flight.token, upto, 1 if branch is None else RECORDS_MAX))

    def due_in_s(self, now: float) -> float:
        """How long nothing will be due, unless an answer comes."""
        if self._flight is not None:
            return max(0.0, self._flight.sent_at + self._flight.wait_s - now)
        return 0.0 if self._target() is not None else ANSWER_WAIT_S_MAX

    async def on_give(self, data: bytes) -> None:
        """Take a page. What is not exactly what was asked for changes nothing."""
        flight = self._flight
        try:
            page = decode_push(data)
        except MalformedError as exc:
            log.warning("give refused: %s", exc)
            return
        if flight is None or page.token != flight.token:
            return
        if not page.bodies:
            if page.prev == flight.upto:
                self._unheld.add(flight.upto)
                self._flight, self._heard = None, False
            return
        links = self._checked(page, flight)
        if links is None:
            return
        self._flight, self._failures = None, 0
        if flight.branch is None:
            await self._mend(links[-1])
        else:
            await self._keep(flight.branch, links)

    def _checked(self, page: Push, flight: _Flight) -> list[Link] | None:
        """The page's records, oldest first, if they end in the hash that was asked for. The head of a branch that the
        collector told of must carry this box's own seal besides; any other hash stands in a record that is proved."""
        suite = self._journal.suite
        if page.head(suite) != flight.upto:
            log.warning("give refused: it ends in %s, asked for was %s", page.head(suite).hex(), flight.upto.hex())
            return None
        branch = flight.branch
        told = branch is not None and branch.origin == "other" and branch.head == flight.upto
        if told and not chain_seal_holds(self._journal.public_key(), self._journal.box, flight.upto, page.seal):
            log.warning("give refused: %s is not sealed by this box", flight.upto.hex())
            self._heard = False
            return None
        links, prev = [], page.prev
        try:
            for body in page.bodies:
                digest = link(prev, body, suite)
                links.append(Link(digest, prev, body, Record.decode(body)))
                prev = digest
        except RecordError as exc:
            log.warning("give refused: %s", exc)
            return None
        if any(item.record.box != self._journal.box for item in links):
            log.warning("give refused: records of another box")
            return None
        return links

    async def _keep(self, branch: BranchRow, links: list[Link]) -> None:
        new: list[Link] = []
        for item in reversed(links):
            if self._journal.holds(item.hash, item.record.seq):
                break
            new.append(item)
        # ROOT has no record: what names it as its parent is the first of its chain.
        lowest = new[-1] if new else None
        whole = lowest is None or lowest.prev == ROOT or self._journal.holds(lowest.prev, lowest.record.seq - 1)
        needs = None if whole or lowest is None else lowest.prev

        def keep() -> None:
            self._journal.do_keep(branch.head, list(reversed(new)), needs=needs)

        await self._journal.write(keep)
        self._look()
        await self._conclude()

    async def _conclude(self, *, by_decision: bool = False) -> None:
        """Merge what is whole, or say that another box writes it. by_decision: what is here already is no sign."""
        if self._cloned or any(branch.origin != "aside" and self._lacks(branch) for branch in self._branches):
            return
        for branch in self._branches:
            if branch.merged or branch.needs is not None or (branch.origin == "aside" and self._journal.unsent(1, 1)):
                continue
            too_many = (branch.grown and self._grown >= GROWN_MERGES_MAX) or self._merges >= MERGES_MAX
            if too_many and not by_decision:
                await self._stop_for_clone(branch)
                return
            self._merges += 1
            self._grown += branch.grown
            await self._merge(branch)

    async def _merge(self, branch: BranchRow) -> None:
        body = {"head": branch.head.hex(), "seq": branch.seq, "records": self._journal.recovered_count()}

        def merge() -> None:
            self._journal.do_append(kinds.MERGE, body, who=_NOBODY, dev=dict(self._dev))
            self._journal.do_merged(branch.head)

        await self._journal.write(merge)
        self._heard = False
        self._look()
        log.warning(
            "found again %d records up to %s (seq %d); numbers go on above them (已从云端找回 %d 条记录)",
            self._found,
            branch.head.hex(),
            branch.seq,
            self._found,
        )

    async def _stop_for_clone(self, branch: BranchRow) -> None:
        why = f"the branch of {branch.head.hex()} (seq {branch.seq}) goes on by itself"
        body = {"what": "cloned", "seq": branch.seq, "text": why}

        def stop() -> None:
            self._journal.do_append(kinds.ALARM, body, who=_NOBODY, dev=dict(self._dev))
            self._journal.do_cloned(why)

        await self._journal.write(stop)
        self._cloned = why
        log.error(
            "another box uses this box's identity: %s; no weighing until an installer decides (设备被复制): %s",
            why,
            "hazgate-edge decide",
        )

    async def _alone(self, have: Have) -> None:
        """The collector holds no other branch that is not merged."""
        if any(
            branch.needs is not None and branch.origin == "other" and not branch.merged for branch in self._branches
        ):
            await self._journal.write(lambda: self._journal.do_give_up(named=False))
            self._look()
        if have.seq >= self._since and not self._cloned and not self._open():
            self._behind = False
            if self._moved or self._told:
                log.info("the collector knows of no other branch: numbers may be given")
                await self._belongs_here()

    async def _belongs_here(self) -> None:
        def keep() -> None:
            self._journal.do_told(told=False)
            if self._place:
                self._journal.do_place(self._place)

        await self._journal.write(keep)
        self._moved, self._told = "", False

    async def _told_of(self, other: Branch) -> None:
        if self._cloned:
            return
        self._unheld.discard(other.hash)
        known = next((branch for branch in self._branches if branch.head == other.hash), None)
        if known is None:
            log.warning(
                "the collector holds records of this box that it lacks: up to %s, seq %d", other.hash.hex(), other.seq
            )

            def want() -> None:
                self._journal.do_drop_unstarted()  # a restored collector may offer a longer branch in its place
                self._journal.do_want(other.hash, other.seq, "other", needs=other.hash)
                self._journal.do_told(told=True)  # there may be a third: weighing waits until that is said

            await self._journal.write(want)
            self._told = True
            self._look()
        elif known.merged and known.origin == "named":

            def want_merge() -> None:
                self._journal.do_want_merge(other.hash)
                self._journal.do_told(told=True)  # one is named at a time: behind it there may be one that we lack

            await self._journal.write(want_merge)
            self._told = True
            self._heard = False  # if it is not whole, we are told again when it is
            self._look()
            await self._conclude()
        elif known.merged:
            self._heard = False  # our merge record is on its way there: ask again behind it
        else:
            await self._conclude()

    # -- a record of our own that is damaged -------------------------------------------------------------------------

    async def found_wrong(self, wrong: Wrong, text: str) -> None:
        """The walk found a record that is not what was written; it is fetched if the collector holds it."""
        self._wrong[wrong.seq] = wrong
        if wrong.seq not in self._wrong_told:
            self._wrong_told.add(wrong.seq)
            log.error("journal: %s (第 %d 条记录校验失败)", text, wrong.seq)
            await self._alarm("record_wrong", wrong.seq, text)

    def found_right(self, seq: int) -> None:
        """The walk found this record as it was written."""
        self._wrong.pop(seq, None)

    def wrong_between(self, first: int, last: int) -> set[int]:
        """Which records of this stretch are known to be wrong."""
        return {seq for seq in self._wrong if first <= seq <= last}

    async def _mend(self, item: Link) -> None:
        wrong = self._wrong.get(item.record.seq)
        if wrong is None or (item.hash, item.prev) != (wrong.hash, wrong.prev):
            self._unheld.add(item.hash)
            return
        await self._journal.write(lambda: self._journal.do_mend(item))
        del self._wrong[wrong.seq]
        self._wrong_told.discard(wrong.seq)
        log.warning("journal: record %d fetched back from the collector", wrong.seq)
        await self._alarm("record_mended", wrong.seq, "fetched back from the collector")

    async def _alarm(self, what: str, seq: int, text: str) -> None:
        body = {"what": what, "seq": seq, "text": text[:500]}
        await self._journal.write(lambda: self._journal.do_append(kinds.ALARM, body, who=_NOBODY, dev=dict(self._dev)))

    # -- a person decides --------------------------------------------------------------------------------------------

    async def decide(self, who: str, reason: str, last_labels: Sequence[str]) -> str:
        """An installer says that this box is the right one and may weigh on; what was decided, "" for nothing.

        last_labels: the highest label numbers given since the journal was copied: numbers go on above them. None: the
        installer says that nothing was weighed since.
        """
        about = "cloned" if self._cloned else "moved" if self._moved else ""
        if not about and (self._told or self._open()):
            about = "refill"
        if not about:
            return ""
        body = {"about": about, "who": who, "reason": reason, "last_labels": list(last_labels)}
        given: dict[str, int] = {}
        for label in last_labels:
            stem, last = label[:-SEQUENCE_CHARS], int(label[-SEQUENCE_CHARS:])
            given[stem] = max(last, given.get(stem, 0))

        def keep() -> None:
            self._journal.do_append(kinds.DECISION, body, who={"operator": who, "shift": ""}, dev=dict(self._dev))
            self._journal.do_raise_numbers(given)
            self._journal.do_cloned("")
            self._journal.do_told(told=False)
            self._journal.do_give_up(named=True)
            if self._place:
                self._journal.do_place(self._place)

        await self._journal.write(keep)
        self._cloned = self._moved = ""
        self._told = False
        self._grown = self._merges = 0
        self._heard = False
        self._look()
        await self._conclude(by_decision=True)
        self._grown = self._merges = 0
        above = ", ".join(last_labels) or "none: nothing was weighed since"
        log.warning("decided by %s about %s: %s; weighing goes on, above %s", who, about, reason, above)
        return about

    # -- inside ------------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        self._branches = self._journal.branches()
        self._found = self._journal.recovered_count() - self._found_before

    def _lacks(self, branch: BranchRow) -> bool:
        """Whether there is something to fetch; what the collector does not hold cannot be."""
        return branch.needs is not None and not branch.given_up and branch.needs not in self._unheld

    def _open(self) -> list[BranchRow]:
        return [branch for branch in self._branches if self._lacks(branch) or not (branch.merged or branch.given_up)]

    def _target(self) -> tuple[bytes, BranchRow | None] | None:
        """The next hash to ask for, and the branch it belongs to."""
        for branch in self._branches:
            if branch.needs is not None and self._lacks(branch):
                return branch.needs, branch
        for wrong in self._wrong.values():
            if wrong.hash and wrong.hash not in self._unheld:
                return wrong.hash, None
        return None
