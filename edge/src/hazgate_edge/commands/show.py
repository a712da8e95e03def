"""`show CODE`: one weighing's whole story as this box knows it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

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
    if not found:
        again = _found_again(journal, wanted)
        if again:
            print("\n".join(again))
            return 0
        print(f"show {code}: no weighing of this box has this label number or record id", file=sys.stderr)
        return 1
    seq, rid, label, weight, digest, body = found[0]
    record = Record.decode(body)
    given = record.body
    print(f"label     {label}")
    print(f"weight    {weight}  ({given['weight']['mg']} mg, settled by {given['weight']['stable_by']})")
    print(f"waste     {given['waste']['code']} {given['waste']['name']} [{' '.join(given['waste']['hazards'])}]")
    print(f"record    {rid}, number {seq} of {record.box}")
    print(f"hash      {digest.hex()}")
    print(f"operator  {record.who['operator']}, device profile {record.dev['profile']}")
    print(f"frames    {len(record.raw)}: {bytes.fromhex(record.raw[-1])!r}" if record.raw else "frames    none")
    print("story")
    print(f"  {record.t['wall']}  weighed and saved")
    for line in _story(journal, rid, digest.hex()):
        print(f"  {line}")
    received_seq, received_at = journal.rows("SELECT received_seq, received_at FROM sync")[0]
    print(
        f"  the collector holds it (receipt of {received_at})" if seq <= received_seq else "  not yet at the collector"
    )
    return 0


def _found_again(journal: OpenJournal, wanted: str) -> list[str]:
    """A weighing that this box had lost and got back from the collector."""
    if not journal.rows("SELECT 1 FROM sqlite_master WHERE name = 'recovered_bag'"):  # of an older program
        return []
    lines = []
    for rid, label, weight, weighed_at, seq, digest in journal.rows(
        "SELECT b.rid, b.label, b.weight, b.weighed_at, r.seq, r.hash"
        " FROM recovered_bag b JOIN recovered r USING (hash) WHERE b.label = ? OR b.rid = ?",
        wanted,
        wanted,
    ):
        lines += [
            f"label     {label}",
            f"weight    {weight}",
            f"record    {rid}, number {seq} of another branch of {journal.config.box}",
            f"hash      {digest.hex()}",
            f"  {weighed_at}  weighed and saved",
            "  found again (找回的记录): this box had lost it; the collector holds it",
        ]
    return lines


def _story(journal: OpenJournal, rid: str, digest: str) -> list[str]:
    lines = []
    for (body,) in journal.rows("SELECT body FROM record WHERE kind IN ('print', 'reprint', 'notes') ORDER BY seq"):
        record = Record.decode(body)
        given: dict[str, Any] = record.body
        if record.kind == NOTES:
            lines += [
                f"{note['at']}  core: {note['what']} {note['reference']} {note['code']} {note['text']}".rstrip()
                for note in given["notes"]
                if note["hash"] == digest
            ]
        elif given["rid"] == rid:
            what = f"copy {given['copy']}" if given["copy"] else "original"
            said = given.get("state") or f"ordered: {json.dumps(given.get('reason'), ensure_ascii=False)}"
            lines.append(f"{record.t['wall']}  label {what}: {said}")
    return lines
