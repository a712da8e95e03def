"""What a box with a backlog does again and again costs the same however long the backlog is.

Counted in steps of SQLite's machine, which no busy neighbour changes.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest

from hazgate_edge.domain.view import PrintState
from hazgate_edge.journal import store, writer
from hazgate_edge.journal.finding import FIRST_STEP, Rows
from hazgate_edge.journal.rows import PrintJob
from hazgate_edge.journal.store import Journal
from hazgate_edge.sync.dialogue import Dialogue
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.uplink.messages import NOTES_MAX, Have, Note, decode_push, encode_have

from .makers import DEV, journal_in, weighing

COLLECTOR = Signer.from_secret(bytes(range(1, 33)))
SHORT, LONG = 800, 3200
GROUP = 400
AT_MOST = 1.25  # a tree of pages is a little deeper


@pytest.fixture(autouse=True)
def never_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer never comes to rest by itself: its quiet work would be counted or not, as time goes."""
    monkeypatch.setattr(writer, "IDLE_AFTER_S", 3600.0)


class Steps:
    """Counts what SQLite does for a journal."""

    def __init__(self, journal: Journal) -> None:
        self.count = 0
        self._connections = (journal._db, journal._reader)  # both ways to the file, and no others
        for connection in self._connections:
            connection.set_progress_handler(self._one, 1)

    def _one(self) -> int:
        self.count += 1
        return 0

    def stop(self) -> None:
        """Count no more."""
        for connection in self._connections:
            connection.set_progress_handler(None, 0)


def backlog(folder: Path, bags: int) -> Journal:
    """A journal of weighings with printed labels that no collector has seen."""
    journal = journal_in(folder)

    def some(first: int) -> None:
        for number in range(first, first + GROUP):
            waste = f"900-2{number // 900:02d}-08"
            rid, _ = journal.do_weigh(weighing(f"p{number}", waste=waste))
            printed = PrintJob(journal.head_seq, 0, rid, PrintState.PRINTED, None, {})
            journal.do_set_job(printed, PrintState.PRINTED, None)

    for first in range(0, bags, GROUP):
        journal.write_now(lambda first=first: some(first))  # type: ignore[misc] # one call at a time
    return journal


class Talk:
    """The box's side of one turn: push, receipt with notes, and what the terminal asks meanwhile."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._now = 0.0
        self._notes = 0
        self._presses = 0
        self.dialogue = Dialogue(
            journal, collector_key=COLLECTOR.public(), dev=DEV, token=lambda: "t", jitter=lambda: 0.0
        )

    async def turn(self) -> None:
        """Everything once."""
        self._now += 1.0
        data = self.dialogue.next_push(self._now)
        assert data is not None
        push = decode_push(data)
        self.dialogue.due_in_s(self._now)
        hashes = push.hashes()
        seq = self._journal.sync_state().received_seq + len(hashes)
        about = hashes[-NOTES_MAX:]
        notes = tuple(
            Note(self._notes + place, digest, "accepted", "2026-11-23T02:00:00.000Z")
            for place, digest in enumerate(about, 1)
        )
        self._notes += len(about)
        have = Have(push.token, hashes[-1], seq, "2026-11-23T02:00:00.000Z", notes)
        sealed = Have(
            have.token, have.hash, have.seq, have.stored_at, notes, COLLECTOR.seal_receipt(have.signed_bytes())
        )
        await self.dialogue.on_answer(encode_have(sealed), self._now)
        assert self._journal.sync_state().received_seq == seq
        self.dialogue.due_in_s(self._now)
        self.look()
        self._presses += 1
        new = weighing(f"later{self._presses}", waste="900-299-08")
        await self._journal.write(lambda: self._journal.do_weigh(new))
        self.look()

    def look(self) -> None:
        """What the terminal's snapshot asks, and the spooler."""
        journal = self._journal
        journal.bags_after(journal.sync_state().received_seq)
        journal.awaits_core()
        journal.refused()
        journal.unanswered()
        journal.open_jobs()
        journal.bags("2026-11-23", 50)
        journal.bag_of_request("later")


async def cost_of_a_turn(folder: Path, bags: int) -> int:
    """Steps of one turn of a drain behind a backlog, when the drain has begun."""
    journal = backlog(folder, bags)
    talk = Talk(journal)
    talk.look()
    await talk.turn()  # the first also finds out where everything stands
    steps = Steps(journal)
    await talk.turn()
    steps.stop()
    journal.close()
    return steps.count


async def test_a_turn_of_a_drain_costs_the_same_behind_any_backlog(tmp_path: Path) -> None:
    """Push, receipt with the core's words, a weighing meanwhile and what the terminal asks: no statement of them walks
    through what waits."""
    short = await cost_of_a_turn(tmp_path / "short", SHORT)
    assert await cost_of_a_turn(tmp_path / "long", LONG) <= AT_MOST * short


async def test_the_count_finds_a_walk_for_each_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: each note's record is searched from the first record on, as it once was."""

    def walk(rows: Rows, digests: Collection[bytes], *, near: int, head: int) -> dict[bytes, int]:
        assert near <= head
        found = {digest: rows("SELECT seq FROM record WHERE +hash = ?", digest) for digest in digests}
        return {digest: seqs[0][0] for digest, seqs in found.items()}

    monkeypatch.setattr(store, "find_records", walk)
    short = await cost_of_a_turn(tmp_path / "short", SHORT)
    assert await cost_of_a_turn(tmp_path / "long", LONG) > AT_MOST * short


async def test_the_count_finds_a_count_of_all_that_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: whether the core's word is out is answered by counting, as it once was."""

    def counted(journal: Journal) -> bool:
        return bool(journal._read("SELECT count(*) FROM bag WHERE core IN ('', 'unknown')")[0][0])

    monkeypatch.setattr(Journal, "awaits_core", counted)
    short = await cost_of_a_turn(tmp_path / "short", SHORT)
    assert await cost_of_a_turn(tmp_path / "long", LONG) > AT_MOST * short


@pytest.mark.parametrize("near", [0, 1, FIRST_STEP, 1500, 10**9])
def test_a_record_is_found_from_wherever_the_search_begins(tmp_path: Path, near: int) -> None:
    """First, last and those at the edges of a step; what is not ours is left out; nobody is asked for nothing."""
    journal = backlog(tmp_path, SHORT)
    head = journal.head_seq
    seqs = [seq for seq in (1, FIRST_STEP, FIRST_STEP + 1, head - 1, head) if seq <= head]
    hashes = {journal.hash_at(seq): seq for seq in seqs}
    assert journal.seqs_of([*hashes, bytes(32), b"\1" * 32], near=near) == hashes
    assert journal.seqs_of([], near=near) == {}
    for digest, seq in hashes.items():
        assert journal.seq_of(digest, hint=near) == seq
    journal.close()
