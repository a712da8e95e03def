"""A disk after a power cut, from strace's log of what a program did to one folder.

The model (POSIX, and what ext4 and f2fs give at least):
    a write, truncation or new length is safe once a later fsync or fdatasync of the same file has returned
    a file's name is safe once a later sync of the folder has returned; names are kept in the order they were made
    anything else that was written may be there, not be there, or be there in single sectors
What the program had said by then is known to the world, whatever the disk holds.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

SECTOR = 512
_LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)(?: .*)?$", re.DOTALL)
_CUT = re.compile(r"(\d+) +(.*) <unfinished \.\.\.>$")
_REST = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)$")
_QUOTED = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


class Kept(StrEnum):
    """What a cut leaves of the changes that were not synced."""

    NONE = "none"
    ALL = "all"
    OLDEST = "oldest"  # a random number of them, in order
    RANDOM = "random"  # any of them, whatever came before, and one of them in part


@dataclass(frozen=True, slots=True)
class Change:
    """One call that changed something, or one line said."""

    call: str  # write | truncate | sync | name (made or renamed) | unname | names-synced | said
    file: int = 0  # which file, counted from the first one opened
    name: str = ""
    offset: int = 0
    content: bytes = b""


@dataclass
class _File:
    safe: bytearray = field(default_factory=bytearray)
    pending: list[Change] = field(default_factory=list)


def changes(log: Path, folder: Path) -> list[Change]:
    """What a traced run did to a folder that was empty, in order. Raises ValueError for a line it cannot read."""
    return list(_changes(log, str(folder)))


def _changes(log: Path, folder: str) -> Iterator[Change]:
    opened: dict[int, int | None] = {1: None}  # descriptor -> file, None for the folder and standard output
    names: dict[str, int] = {}
    files = 0
    for call, given, result in _calls(log):
        descriptor = int(given.split(",")[0]) if given[:1].isdigit() else -1
        if call == "openat":
            path = _text(given).decode()
            if path == folder:
                opened[result] = None
                continue
            name = path.removeprefix(f"{folder}/")
            if name not in names:
                files += 1
                names[name] = files
                yield Change("name", files, name)
            opened[result] = names[name]
        elif call == "close":
            opened.pop(descriptor, None)
        elif call == "unlink":
            name = _text(given).decode().removeprefix(f"{folder}/")
            yield Change("unname", names.pop(name), name)
        elif call == "rename":
            old, new = (_text(part).decode().removeprefix(f"{folder}/") for part in given.split(", "))
            names[new] = names.pop(old)
            yield Change("name", names[new], new)
        elif call == "write":
            yield Change("said", content=_text(given)[:result])
        elif call == "pwrite64":
            offset = int(given.rsplit(",", 1)[1])
            yield Change("write", opened[descriptor] or 0, offset=offset, content=_text(given)[:result])
        elif call == "ftruncate":
            yield Change("truncate", opened[descriptor] or 0, offset=int(given.split(",")[1]))
        elif call in ("fsync", "fdatasync"):
            file = opened[descriptor]
            yield Change("names-synced") if file is None else Change("sync", file)
        else:
            raise ValueError(f"{log}: a call this model does not know: {call}({given[:80]})")


def _calls(log: Path) -> Iterator[tuple[str, str, int]]:
    begun: dict[str, str] = {}
    for line in log.read_text("utf-8").splitlines():
        if "+++" in line or "---" in line:
            continue
        if cut := _CUT.match(line):
            begun[cut[1]] = cut[2]
            continue
        if rest := _REST.match(line):
            line = f"{rest[1]} {begun.pop(rest[1])}{rest[2]}"
        found = _LINE.match(line)
        if found is None:
            raise ValueError(f"{log}: not understood: {line[:200]}")
        if int(found[4]) >= 0:
            yield found[2], found[3], int(found[4])


def _text(given: str) -> bytes:
    found = _QUOTED.search(given)
    if found is None:
        raise ValueError(f"no bytes in {given[:80]}")
    return bytes.fromhex(found[1].replace("\\x", ""))


def cut(history: list[Change], after: int, kept: Kept, rng: random.Random, folder: Path) -> list[str]:
    """Write the folder as it is found after a power cut behind `after` changes; returns what had been said."""
    files: dict[int, _File] = {}
    names: dict[str, int] = {}
    renaming: list[Change] = []
    said = b""
    for change in history[:after]:
        file = files.setdefault(change.file, _File())
        if change.call in ("name", "unname"):
            renaming.append(change)
        elif change.call == "names-synced":
            _rename(names, renaming)
            renaming = []
        elif change.call == "said":
            said += change.content
        elif change.call == "sync":
            for earlier in file.pending:
                _apply(file.safe, earlier)
            file.pending = []
        else:
            file.pending.append(change)
    _rename(names, _kept(renaming, Kept.OLDEST if kept is Kept.RANDOM else kept, rng))
    folder.mkdir(mode=0o700)
    for name, number in names.items():
        file = files[number]
        content = bytearray(file.safe)
        for change in _kept(file.pending, kept, rng):
            _apply(content, change)
        (folder / name).write_bytes(content)
    return said.decode().splitlines()


def _kept(pending: list[Change], kept: Kept, rng: random.Random) -> list[Change]:
    if kept is Kept.ALL:
        return pending
    if kept is Kept.OLDEST:
        return pending[: rng.randint(0, len(pending))]
    if kept is Kept.NONE or not pending:
        return []
    chance = rng.random()
    lucky = [change for change in pending if rng.random() < chance]
    if lucky:
        torn = rng.randrange(len(lucky))
        lucky[torn : torn + 1] = _torn(lucky[torn], rng)
    return lucky


def _torn(change: Change, rng: random.Random) -> list[Change]:
    """A write of which only some sectors reached the disk."""
    if change.call != "write":
        return [change]
    parts = []
    start = change.offset
    while start < change.offset + len(change.content):
        end = min((start // SECTOR + 1) * SECTOR, change.offset + len(change.content))
        if rng.random() < 0.5:
            content = change.content[start - change.offset : end - change.offset]
            parts.append(Change("write", change.file, offset=start, content=content))
        start = end
    return parts


def _apply(content: bytearray, change: Change) -> None:
    if change.call == "truncate":
        del content[change.offset :]
        content.extend(bytes(change.offset - len(content)))
        return
    content.extend(bytes(max(0, change.offset - len(content))))
    content[change.offset : change.offset + len(change.content)] = change.content


def _rename(names: dict[str, int], changes: list[Change]) -> None:
    for change in changes:
        if change.call == "name":  # a file has one name: a new one takes the old one's place
            for old in [name for name, file in names.items() if file == change.file]:
                del names[old]
            names[change.name] = change.file
        else:
            names.pop(change.name, None)
