"""Makes checkpoints, writes their files, and holds the folder against the store at the start. Blocks."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import Connection

from hazgate_cloud.domain.daily import is_due
from hazgate_cloud.domain.times import stamp
from hazgate_cloud.keeper.folder import File, Folder, FolderError
from hazgate_cloud.store import alarms, checkpoints
from hazgate_cloud.store.checkpoints import Anchored
from hazgate_cloud.store.engine import Database
from hazgate_protocols.journal.checkpoint import Checkpoint
from hazgate_protocols.journal.seal import Signer

log = structlog.get_logger()

FILES_COMPARED_MAX = 4_000  # at the start; ten years
FILES_AT_ONCE_MAX = 50


class Checkpointer:
    """Any number of collectors may share one store: of two that make a checkpoint at once, one does."""

    def __init__(self, database: Database, signer: Signer, folder: Folder, now: Callable[[], datetime]) -> None:
        self._database = database
        self._signer = signer
        self._folder = folder
        self._now = now
        self.file_trouble = ""  # why a file could not be written last time; "" when all are

    def is_due(self) -> bool:
        """Whether the day of the last checkpoint is over."""
        with self._database.read() as tx:
            return is_due(checkpoints.newest(tx).date, self._now())

    def draft(self) -> Checkpoint:
        """The next checkpoint, not stored. Reads only, and may take a while: not for the writer's thread."""
        with self._database.read() as tx:
            return checkpoints.draft(tx, self._signer, self._now())

    def keep(self, made: Checkpoint) -> Anchored | None:
        """Stores a draft, then writes its file. None: another collector made it meanwhile."""
        kept = self._database.written(lambda tx: checkpoints.store(tx, made))
        if kept is not None:
            said = made.said
            log.info("checkpoint made", n=said.n, date=said.date, heads=said.heads, hash=made.hash.hex())
        self.write_files()
        return kept

    def make(self) -> Anchored | None:
        """A checkpoint now, whatever the day."""
        return self.keep(self.draft())

    def write_files(self) -> None:
        """Writes the files that are not written yet. A folder that fails is said, alarmed, and tried again later."""
        with self._database.read() as tx:
            waiting = checkpoints.unfiled(tx, FILES_AT_ONCE_MAX)
        if not waiting:
            return
        done: list[bytes] = []
        trouble = ""
        for data in waiting:
            try:
                self._folder.write(data)
            except FolderError as exc:
                trouble = str(exc)
                break
            done.append(checkpoints.hash_of(data))
        at = stamp(self._now())

        def told(tx: Connection) -> None:
            for hash_ in done:
                checkpoints.mark_filed(tx, hash_, at)
            if trouble and not self.file_trouble:
                alarms.raise_alarm(tx, "checkpoint_file", "", "", trouble, at)

        self._database.written(told)
        if trouble and not self.file_trouble:
            log.error("checkpoint's file not written; tried again", cause=trouble)
        self.file_trouble = trouble

    def compare(self) -> list[str]:
        """Holds the files against the store, from the newest back to the first that the store knows (`verify` compares
        all); what is found, in words, each with an alarm of its own.

        A file whose checkpoint the store lacks shows that the store went back to an older copy. The lost checkpoints
        are taken back from their files where seal and chain hold: so the chain goes on, and `verify` names each head
        that is not held again yet."""
        found: list[str] = []
        lost: list[Checkpoint] = []
        raised: list[tuple[str, str, str]] = []
        try:
            files = self._unknown_files()
        except FolderError as exc:
            self.file_trouble = str(exc)
            return [str(exc)]
        for file, known in reversed(files):
            made = file.checkpoint
            faults = [file.trouble] if made is None else made.faults(self._signer.public())
            if faults:
                text = f"{file.name}: {faults[0]}"
                raised.append(("checkpoint_damaged", file.name[:64], text))
            elif made is not None and not known:
                said = made.said
                text = (
                    f"checkpoint {said.n} of {said.date} ({said.records} records) has a file and is not in the store: "
                    "the store went back to an older copy"
                )
                raised.append(("store_rollback", made.hash.hex(), text))
                lost.append(made)
        at = stamp(self._now())

        def told(tx: Connection) -> None:
            for kind, subject, text in raised:
                alarms.raise_once(tx, kind, "", subject, text, at)
            for made in lost:
                checkpoints.take_back(tx, made, at)

        if raised:
            self._database.written(told)
        for _, _, text in raised:
            log.error("checkpoints and store differ", what=text)
            found.append(text)
        return found

    def _unknown_files(self) -> list[tuple[File, bool]]:
        """The newest files, and whether the store has their checkpoint: up to the first that it has."""
        out = []
        with self._database.read() as tx:
            for file in itertools.islice(self._folder.newest_first(), FILES_COMPARED_MAX):
                known = file.checkpoint is not None and not checkpoints.lacking(tx, [file.checkpoint.hash])
                out.append((file, known))
                if known:
                    break
        return out
