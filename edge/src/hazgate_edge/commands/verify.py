"""`verify`: walk the whole journal and say what was proved, or name the first record that is wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from hazgate_edge.commands.opening import NoJournalError, OpenJournal, open_journal
from hazgate_edge.config import ConfigError
from hazgate_edge.journal import leases
from hazgate_edge.journal.place import moved, place_of
from hazgate_protocols.journal.chain import ROOT, link
from hazgate_protocols.journal.record import GENESIS, WEIGHING, Record, RecordError
from hazgate_protocols.journal.seal import chain_seal_holds
from hazgate_protocols.journal.suite import DEFAULT, Suite, SuiteMissingError, suite_named

PROGRESS_EVERY = 20_000
UNSETTLED = 3  # exit status: every record is right, but whether the journal is the newest one is open


def run(path: Path) -> int:
    """Exit 0 when every record is what was written, 1 with the record named when not, 3 when the records are right and
    the journal is not where it was, or waits for the collector or a decision."""
    try:
        journal = open_journal(path)
    except (ConfigError, NoJournalError) as exc:
        print(exc, file=sys.stderr)
        return 1
    try:
        return _walk(journal)
    except SuiteMissingError as exc:
        print(f"verify {journal.path}: {exc}; run it on a machine with OpenSSL 3 as in Debian 12", file=sys.stderr)
        return 1
    finally:
        journal.database.close()


def _walk(journal: OpenJournal) -> int:
    prev, expected, seals, key, last_sealed = ROOT, 1, 0, b"", 0
    suite = DEFAULT
    total = journal.rows("SELECT count(*) FROM record")[0][0]
    query = "SELECT seq, hash, prev, rid, kind, body, seal FROM record ORDER BY seq"
    for seq, digest, stored_prev, rid, kind, body, seal in journal.database.execute(query):
        if seq != expected:
            return _wrong(expected, "is missing; records have been removed")
        if stored_prev != prev:
            return _wrong(seq, "does not name the record before it as its parent")
        if seq == 1:
            suite = _suite_in(body)
        if link(prev, body, suite) != digest:
            return _wrong(seq, f"({rid}) has other bytes than were hashed; it was altered after it was written")
        try:
            record = Record.decode(body)
        except RecordError as exc:
            return _wrong(seq, f"is no record: {exc}")
        if (record.seq, record.rid, record.kind, record.box) != (seq, rid, kind, journal.config.box):
            return _wrong(seq, "says another number, id, kind or box than its row")
        if record.kind == GENESIS:
            key = bytes.fromhex(record.body["public_key"])
            if suite_named(record.body.get("suite")) is None or len(key) != suite.public_key_bytes:
                return _wrong(seq, "names no suite this program knows, or no key of it")
        if seal is not None:
            if not chain_seal_holds(key, record.box, digest, seal):
                return _wrong(seq, "carries a seal that this box's key did not make")
            seals, last_sealed = seals + 1, seq
        prev, expected = digest, seq + 1
        if seq % PROGRESS_EVERY == 0:
            print(f"  {seq} of {total} records", file=sys.stderr)
    if last_sealed != expected - 1:
        return _wrong(expected - 1, "is the newest and has no seal; the seal was removed")
    return _views(journal, expected - 1, f"{seals} seals of {suite.name} hold", suite)


def _suite_in(first: bytes) -> Suite:
    """The suite a first record names; whether it is one at all comes out when it is hashed."""
    try:
        return suite_named(Record.decode(first).body.get("suite")) or DEFAULT
    except RecordError:
        return DEFAULT


def _views(journal: OpenJournal, records: int, seals: str, suite: Suite) -> int:
    """What the terminal shows must follow from the records."""
    weighed = {}
    for seq, body in journal.rows("SELECT seq, body FROM record WHERE kind = ?", WEIGHING):
        given = Record.decode(body).body
        weighed[seq] = (given["label"], f"{given['weight']['text']} {given['weight']['unit']}", given["produced_on"])
    shown = {
        row[0]: (row[1], row[2], row[3]) for row in journal.rows("SELECT seq, label, weight, produced_on FROM bag")
    }
    for seq in sorted(weighed.keys() | shown.keys()):
        if weighed.get(seq) != shown.get(seq):
            return _wrong(seq, f"says {weighed.get(seq)}, the list of weighings shows {shown.get(seq)}")
    if not _leases_follow(journal):
        return 1
    again = 0
    if journal.rows("SELECT 1 FROM sqlite_master WHERE name = 'recovered'"):  # not in one of an older program
        for number, digest, prev, body in journal.rows("SELECT seq, hash, prev, body FROM recovered"):
            if link(prev, body, suite) != digest:
                return _wrong(number, f"({digest.hex()}), found again, has other bytes than were hashed")
            again += 1
    state = journal.rows("SELECT received_seq, received_at, notes_upto FROM sync")[0]
    print(f"{journal.path}: good")
    print(f"  {records} records: none missing, none altered, order as written; {seals}")
    print(f"  {len(weighed)} weighings: the terminal's list agrees with the records")
    if again:
        print(f"  {again} records of other branches, found again: none altered")
    print(f"  the collector holds records up to {state[0]}" + (f" (receipt of {state[1]})" if state[1] else ""))
    unsettled = _unsettled(journal)
    for line in unsettled:
        print(line, file=sys.stderr)
    return UNSETTLED if unsettled else 0


def _unsettled(journal: OpenJournal) -> list[str]:
    """Why records may be lacking that this journal cannot know of, empty when nothing says so."""
    if not journal.rows("SELECT 1 FROM sqlite_master WHERE name = 'standing'"):  # not in one of an older program
        return []
    place, told, cloned = journal.rows("SELECT place, told, cloned FROM standing")[0]
    lines = []
    changed = ", ".join(moved(json.loads(place) if place else {}, place_of(journal.path)))
    if changed:
        lines.append(
            f"this journal is not where it was last ({changed}): copied or put back (检测到数据回退); records and label"
            " numbers newer than the copy are not in it; weighing waits for the collector or for: hazgate-edge decide"
        )
    if told:
        lines.append("the collector holds records of this box that are not here yet; weighing waits until they are")
    if cloned:
        lines.append(f"another box uses this box's identity: {cloned}; weighing waits for: hazgate-edge decide")
    return lines


def _leases_follow(journal: OpenJournal) -> bool:
    """The label numbers this box may give, and the ones it gave, against the records."""
    derived = leases.derived(journal.rows)
    if derived != leases.content(journal.rows):
        print("the table of label number leases says something else than the records", file=sys.stderr)
        print("keep this disk as it is and call for help: this box may give numbers of another", file=sys.stderr)
        return False
    return True


def _wrong(seq: int, what: str) -> int:
    print(f"record {seq} {what}", file=sys.stderr)
    print("keep this disk as it is and call for help: the collector's copy can show what was there", file=sys.stderr)
    return 1
