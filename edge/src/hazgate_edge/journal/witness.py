"""A small file beside the journal that remembers how far the journal was, written whenever the writer comes to rest.

A journal found behind its witness went back: its log was deleted, or an older file was put in its place. The numbers in
the witness were given, so numbers go on above them. The witness is never synced: it must not cost a weighing anything,
and what it misses after a power cut is in the journal, which is.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hazgate_protocols.journal.chain import HASH_BYTES

log = logging.getLogger(__name__)

WITNESS_FILE = "journal.witness"
STEMS_MAX = 400  # a box with twenty wastes: twenty days
BYTES_MAX = 256 * 1024
_DAY_CHARS = 8  # a label stem ends with its day, so the newest stems sort last by it


@dataclass
class Witness:
    """What the file says. seq 0: nothing is known."""

    path: Path
    box: str
    seq: int = 0
    hash: bytes = b""
    numbers: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, box: str) -> Witness:
        """The folder's witness. A file that is missing, cut or of another box says nothing."""
        found = cls(folder / WITNESS_FILE, box)
        try:
            with found.path.open("rb") as file:
                value = json.loads(file.read(BYTES_MAX))
            if value["box"] != box:
                return found
            digest = bytes.fromhex(value["hash"])
            numbers = {str(stem): int(last) for stem, last in value["numbers"].items()}
            if type(value["seq"]) is int and value["seq"] > 0 and len(digest) == HASH_BYTES:
                found.seq, found.hash, found.numbers = value["seq"], digest, numbers
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
            log.warning("witness %s: says nothing: %s", found.path, exc)
        return found

    def at_rest(self, seq: int, digest: bytes, numbers: Mapping[str, int]) -> None:
        """The journal's committed head and the numbers given since the start. Never raises for the disk's sake."""
        self.seq, self.hash = seq, digest
        for stem, last in numbers.items():
            self.numbers[stem] = max(last, self.numbers.get(stem, 0))
        if len(self.numbers) > STEMS_MAX:
            newest = sorted(self.numbers, key=lambda stem: stem[-_DAY_CHARS:])[-STEMS_MAX:]
            self.numbers = {stem: self.numbers[stem] for stem in newest}
        text = json.dumps({"box": self.box, "seq": seq, "hash": digest.hex(), "numbers": self.numbers})
        fresh = self.path.with_suffix(".new")
        try:
            descriptor = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            try:
                os.write(descriptor, text.encode())
            finally:
                os.close(descriptor)
            fresh.rename(self.path)
        except OSError as exc:  # a full disk: the older witness stands, which only says less
            log.debug("witness %s: not written: %s", self.path, exc)
            with contextlib.suppress(OSError):
                fresh.unlink()
