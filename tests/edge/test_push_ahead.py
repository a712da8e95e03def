"""In a backlog the next push goes before the receipt's notes are on the disk; they are kept once and in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from hazgate_edge.journal.store import Journal
from hazgate_edge.sync import dialogue as dialogues
from hazgate_edge.sync.dialogue import Dialogue
from hazgate_protocols.journal.record import NOTES, Record
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.uplink.messages import Have, Note, Push, decode_push, encode_have

from .makers import DEV, journal_in, weigh

COLLECTOR = Signer.from_secret(bytes(range(1, 33)))
AT = "2026-11-23T02:00:00.000Z"


class TwoASide:
    """A collector that tells at most two notes a have, each push's records accepted as soon as they are stored."""

    def __init__(self) -> None:
        self.seq = 0
        self.notes: list[Note] = []

    def answer(self, push: Push) -> bytes:
        for digest in push.hashes():
            self.seq += 1
            self.notes.append(Note(len(self.notes) + 1, digest, "accepted", AT))
        told = tuple(note for note in self.notes if note.n > push.notes_after)[:2]
        have = Have(push.token, push.head(), self.seq, AT, told)
        seal = COLLECTOR.seal_receipt(have.signed_bytes())
        return encode_have(Have(have.token, have.hash, have.seq, have.stored_at, told, seal))


def kept_notes(journal: Journal) -> list[int]:
    """The numbers of all notes in the chain, in its order."""
    records = [Record.decode(body) for _, _, _, body, _ in journal.chain()]
    return [note["n"] for record in records if record.kind == NOTES for note in record.body["notes"]]


async def test_the_next_push_of_a_backlog_does_not_wait_for_the_notes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While records wait, it is ready before the answer is kept and says the notes held before; what the collector then
    repeats is kept once. The last push waits, so that the question behind it brings news."""
    monkeypatch.setattr(dialogues, "BATCH_RECORDS", 4)
    journal = journal_in(tmp_path)
    for number in range(10):
        weigh(journal, f"p{number}")
    box = Dialogue(
        journal, collector_key=COLLECTOR.public(), dev=DEV, token=iter("abcdefghijklmnop").__next__, jitter=float
    )
    ahead: list[tuple[int, bytes | None]] = []
    box.may_push = lambda: ahead.append((journal.sync_state().notes_upto, box.next_push(0.0)))
    collector = TwoASide()
    pushes = [box.next_push(0.0)]
    for _ in range(12):
        data = pushes[-1]
        if data is None:
            break
        count = len(ahead)
        await box.on_answer(collector.answer(decode_push(data)), 0.0)
        pushes.append(ahead[-1][1] if len(ahead) > count else box.next_push(0.0))
    first = decode_push(pushes[1] or b"")
    assert ahead[0][0] == 0
    assert all(data is not None for _, data in ahead)
    assert (first.notes_after, len(first.bodies)) == (0, 4)
    assert kept_notes(journal) == sorted(set(kept_notes(journal)))
    assert kept_notes(journal)[:2] == [1, 2]
    assert journal.sync_state().notes_upto == kept_notes(journal)[-1]
    assert journal.sync_state().received_seq >= 11
    journal.close()
