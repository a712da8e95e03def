"""`show CODE`: one weighing's whole story as this box knows it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from hazgate_edge.clock import local
from hazgate_edge.commands.opening import NoJournalError, OpenJournal, open_journal
from hazgate_edge.config import ConfigError
from hazgate_protocols.codes.label_number import LabelNumber
from hazgate_protocols.journal.record import NOTES, Record


def run(path: Path, code: str) -> int:
    """Exit 1 when the code is unknown here."""
    try:
        journal = open_journal(path)
    except (ConfigError, NoJournalError) as exc:
        print(exc, file=sys.stderr)
        return 1
    try:
        return _show(journal, code)
    finally:
        journal.database.close()


def _show(journal: OpenJournal, code: str) -> int:
    number = LabelNumber.find("".join(code.split()))  # as labels and pages print it, in groups
    wanted = str(number) if number else code
    found = journal.rows(
        "SELECT b.seq, b.rid, b.label, b.weight, r.hash, r.body FROM bag b JOIN record r USING (seq)"
        " WHERE b.label = ? OR b.rid = ?",
        wanted,
        wanted,
    )
    own = {row[4] for row in found}
    stories = [_own(journal, *row) for row in found] + _found_again(journal, wanted, own)
    if not stories:
        print(f"show {code}: no weighing of this box has this label number or record id", file=sys.stderr)
        return 1
    if len(stories) > 1:
        print(
            f"{len(stories)} weighings have this number or id; the collector holds back all but the first it received"
        )
        print()
    print("\n\n".join("\n".join(lines) for lines in stories))
    return 0


def _own(journal: OpenJournal, seq: int, rid: str, label: str, weight: str, digest: bytes, body: bytes) -> list[str]:
    """A weighing of the chain that this box writes."""
    record = Record.decode(body)
    given = record.body
    received_seq, received_at = journal.rows("SELECT received_seq, received_at FROM sync")[0]
    return [
        f"label     {label}",
        f"weight    {weight}  ({given['weight']['mg']} mg, settled by {given['weight']['stable_by']})",
        f"waste     {given['waste']['code']} {given['waste']['name']} [{' '.join(given['waste']['hazards'])}]",
        f"record    {rid}, number {seq} of {record.box}",
        f"hash      {digest.hex()}",
        f"operator  {record.who['operator']}, device profile {record.dev['profile']}",
        f"frames    {len(record.raw)}: {bytes.fromhex(record.raw[-1])!r}" if record.raw else "frames    none",
        "story",
        f"  {local(record.t['wall'])}  weighed and saved",
        *_story(journal, rid, digest.hex(), ("record", "recovered")),
        f"  the collector holds it (receipt of {local(received_at)})"
        if seq <= received_seq
        else "  not yet at the collector",
    ]


def _found_again(journal: OpenJournal, wanted: str, own: set[bytes]) -> list[list[str]]:
    """Weighings that this box had lost and got back from the collector. own: hashes that are told already."""
    if not _has(journal, "recovered_bag"):
        return []
    stories = []
    for rid, label, weight, weighed_at, seq, digest in journal.rows(
        "SELECT b.rid, b.label, b.weight, b.weighed_at, r.seq, r.hash"
        " FROM recovered_bag b JOIN recovered r USING (hash) WHERE b.label = ? OR b.rid = ?",
        wanted,
        wanted,
    ):
        if digest in own:
            continue
        stories.append(
            [
                f"label     {label}",
                f"weight    {weight}",
                f"record    {rid}, number {seq} of another branch of {journal.config.box}",
                f"hash      {digest.hex()}",
                "story",
                f"  {local(weighed_at)}  weighed and saved",
                *_story(journal, rid, digest.hex(), ("recovered", "record")),
                "  found again (找回的记录): this box had lost it; the collector holds it",
            ]
        )
    return stories


def _has(journal: OpenJournal, table: str) -> bool:
    """Not so in a journal of an older program."""
    return bool(journal.rows("SELECT 1 FROM sqlite_master WHERE name = ?", table))


def _story(journal: OpenJournal, rid: str, digest: str, tables: tuple[str, str]) -> list[str]:
    """What became of the label, and what the core said; tables: the branch of the weighing, then the other one."""
    found = [
        row[0]
        for table in tables
        if _has(journal, table)
        for row in journal.rows(
            f"SELECT body FROM {table} WHERE kind IN ('print', 'reprint', 'notes') ORDER BY seq"  # noqa: S608 - ours
        )
    ]
    lines = []
    for body in found:
        record = Record.decode(body)
        given: dict[str, Any] = record.body
        if record.kind == NOTES:
            lines += [
                f"  {local(note['at'])}  core: "
                + f"{note['what']} {note['reference']} {note['code']} {note['text']}".rstrip()
                for note in given["notes"]
                if note["hash"] == digest
            ]
        elif given["rid"] == rid:
            what = f"copy {given['copy']}" if given["copy"] else "original"
            said = given.get("state") or f"ordered: {json.dumps(given.get('reason'), ensure_ascii=False)}"
            lines.append(f"  {local(record.t['wall'])}  label {what}: {said}")
    return list(dict.fromkeys(lines))  # the core's word may have been told to both branches
