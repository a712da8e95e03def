"""The box's side of hz/1: one push in flight; the only thing that settles a record is a receipt for a hash of our own.

The cursor says where the next push starts. It is volatile on purpose: after a start the box asks again from the last
receipt it holds, and the collector's `need` moves it back as far as the collector lacks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hazgate_edge.journal.store import Journal
from hazgate_edge.sync.refill import Refill, Side
from hazgate_protocols.journal.seal import receipt_seal_holds
from hazgate_protocols.uplink.messages import RECORDS_MAX, Have, MalformedError, Need, Push, decode_answer, encode_push

BATCH_RECORDS = RECORDS_MAX  # a backlog drains in as few turns as the wire allows; one turn is one commit over there
BATCH_BYTES = 512 * 1024
ANSWER_WAIT_S = 3.0  # no answer in time: send again
ANSWER_WAIT_S_MAX = 30.0
IDLE_QUESTION_S = 20.0  # "do you hold my head?" when there is nothing to send
BATCH_RECORDS_MIN = 10  # what a batch shrinks to on a link that answers late
AWAITING_CORE_QUESTION_S = 5.0  # the same while the core's word is still out, in case its note was lost


class Trouble(StrEnum):
    """Why the collector's answer does not count."""

    NONE = ""
    BAD_SEAL = "bad_seal"
    MALFORMED = "malformed"
    NOT_OURS = "not_ours"


@dataclass(slots=True)
class _Flight:
    token: str
    upto: int  # the last record in it (or the one asked for)
    sent_at: float
    wait_s: float
    side: bool = False  # records beside our own chain: nothing of ours is settled by the answer


class Dialogue:
    """Feed it answers, ask it for the next push. Times are monotonic seconds given by the caller."""

    def __init__(
        self,
        journal: Journal,
        *,
        collector_key: bytes,
        dev: dict[str, Any],
        token: Callable[[], str],
        jitter: Callable[[], float],
        refill: Refill | None = None,
        answer_wait_s: float = ANSWER_WAIT_S,
    ) -> None:
        """answer_wait_s: how long an answer is waited for on a good link; a slow one gets twice its round trip."""
        self.refill = refill or Refill(journal, collector_key=collector_key, dev=dev, token=token)
        self._journal = journal
        self._collector_key = collector_key
        self._dev = dev
        self._token = token
        self._jitter = jitter  # 0.0 to 1.0
        self._answer_wait_s = answer_wait_s
        self._batch = BATCH_RECORDS
        self._round_trip_s = 0.0  # the slowest of late, forgotten by a fifth with each answer
        self._late: _Flight | None = None  # given up, but its answer still tells how slow the link is
        self._flight: _Flight | None = None
        self._cursor = journal.sync_state().received_seq
        self._asked_at = float("-inf")
        self._failures = 0
        self._confirmed_seq = -1  # the newest record the collector has answered for since we connected
        self.trouble = Trouble.NONE
        # Called when the next push may go, which is before on_answer() has kept the answer.
        self.may_push: Callable[[], None] = lambda: None

    @property
    def confirmed(self) -> bool:
        """Whether the collector has answered for our newest record since we connected."""
        return self._confirmed_seq == self._journal.head_seq

    @property
    def waiting_for(self) -> str:
        """The token of the push in flight, "" for none."""
        return "" if self._flight is None else self._flight.token

    def connected(self) -> None:
        """A fresh connection: whatever was in flight is gone, ask at once."""
        self._flight = None
        self._asked_at = float("-inf")
        self._confirmed_seq = -1
        self.refill.connected()

    def next_push(self, now: float) -> bytes | None:
        """The bytes to send now, None when there is nothing to do yet."""
        if self._flight is not None:
            if now - self._flight.sent_at < self._flight.wait_s:
                return None
            self._failures += 1
            self._late, self._flight = self._flight, None
            self._batch = max(BATCH_RECORDS_MIN, self._batch // 2)
            self._cursor = min(self._cursor, self._journal.sync_state().received_seq)
        records = self._journal.after(self._cursor, self._batch, BATCH_BYTES)
        side = None if records else self.refill.side()
        if side is not None:
            return self._push_side(side, now)
        if not records and now - self._asked_at < self._question_after_s():
            return None
        state = self._journal.sync_state()
        prev = records[0].prev if records else self._journal.hash_at(self._cursor)
        head = records[-1].hash if records else prev
        push = Push(
            token=self._token(),
            prev=prev,
            bodies=tuple(record.body for record in records),
            seal=self._journal.seal(head),
            notes_after=state.notes_upto,
            ask_other=self.refill.asks(empty=not records),
        )
        self._flight = _Flight(push.token, records[-1].seq if records else self._cursor, now, self._wait_s())
        self._asked_at = now
        return encode_push(push)

    def _push_side(self, side: Side, now: float) -> bytes:
        notes_after = self._journal.sync_state().notes_upto
        push = Push(self._token(), side.prev, side.bodies, self._journal.seal(side.head), notes_after)
        self._flight = _Flight(push.token, self._cursor, now, self._wait_s(), side=True)
        return encode_push(push)

    def _wait_s(self) -> float:
        patience_s: float = max(self._answer_wait_s, 2 * self._round_trip_s) * 2 ** min(self._failures, 6)
        return min(patience_s, ANSWER_WAIT_S_MAX) * (1 + 0.2 * self._jitter())

    def due_in_s(self, now: float) -> float:
        """How long nothing will be due, unless a record is written or an answer comes."""
        if self._flight is not None:
            return max(0.0, self._flight.sent_at + self._flight.wait_s - now)
        return max(0.0, self._asked_at + self._question_after_s() - now)

    async def on_answer(self, data: bytes, now: float | None = None) -> None:
        """Take a have or a need. What does not count is remembered in `trouble` and changes nothing. now: as in
        next_push; with it the link's round trip is learnt."""
        try:
            answer = decode_answer(data)
        except MalformedError:
            self.trouble = Trouble.MALFORMED
            return
        if now is not None:
            self._learn(answer.token, now)
        if isinstance(answer, Need):
            await self._on_need(answer)
        else:
            await self._on_have(answer)

    def _learn(self, token: str, now: float) -> None:
        for flight in (self._flight, self._late):
            if flight is not None and flight.token == token:
                self._round_trip_s = max(now - flight.sent_at, self._round_trip_s * 0.8)
                return

    async def _on_need(self, need: Need) -> None:
        if self._flight is None or need.token != self._flight.token:
            return
        side, self._flight = self._flight.side, None
        if side:
            self.refill.side_not_wanted()
            return
        self._asked_at = float("-inf")
        self._confirmed_seq = -1
        ours = self._journal.seqs_of(need.ladder, near=self._cursor).values()
        self._cursor = max((seq for seq in ours if seq < self._cursor), default=0)
        await self.refill.store_went_back()

    async def _on_have(self, have: Have) -> None:
        if not receipt_seal_holds(self._collector_key, have.signed_bytes(), have.seal):
            self.trouble = Trouble.BAD_SEAL
            return
        if self._flight is not None and self._flight.side and have.token == self._flight.token:
            self._flight = None
            await self.refill.side_held(have.hash)
            return
        seq = self._journal.seq_of(have.hash, hint=have.seq)
        if seq is None:
            self.trouble = Trouble.NOT_OURS
            return
        self.trouble = Trouble.NONE
        ours = self._flight is not None and have.token == self._flight.token
        # The next push need not wait for our disk: a box that forgets this receipt asks again. It says then which notes
        # we held before these, and the collector repeats them: in a backlog that costs less than the wait, but the last
        # push and the questions behind it wait, so that each brings news. What is said of other branches comes first.
        early = ours and not have.other_seal and (not have.notes or seq < self._journal.head_seq)
        if early:
            self._landed(seq)
            self.may_push()
        await self._keep(have, seq, complete=ours)
        if ours:
            if not early:
                self._landed(seq)
            await self.refill.heard(have)
        elif self._late is not None and have.token == self._late.token and seq > self._cursor:
            # The link is slow, not dead: what was given up has arrived, so what is sent again for it may be given up.
            self._cursor = seq
            self._late, self._flight = self._flight, None

    def _landed(self, seq: int) -> None:
        self._flight = None
        self._failures = 0
        self._batch = min(BATCH_RECORDS, self._batch * 2)
        self._cursor = seq
        self._confirmed_seq = seq

    async def _keep(self, have: Have, seq: int, *, complete: bool) -> None:
        """complete: the answer to our own question, so it carries every note after the one we said we hold."""
        state = self._journal.sync_state()
        news = [note for note in have.notes if note.n > state.notes_upto]
        # Unchanged answers cost no disk write; a later time for the same head is worth one (the screen shows it).
        receipt = {"hash": have.hash.hex(), "seq": seq, "stored_at": have.stored_at}

        def keep() -> None:
            self._journal.do_receipt(seq, have.stored_at)
            if news:
                self._journal.do_notes(tuple(news), receipt, complete=complete, dev=dict(self._dev))

        if news or seq > state.received_seq:
            await self._journal.write(keep)

    def _question_after_s(self) -> float:
        return AWAITING_CORE_QUESTION_S if self._journal.awaits_core() else IDLE_QUESTION_S
