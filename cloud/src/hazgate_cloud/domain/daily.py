"""When the daily checkpoint is made, and what its file is called."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

from hazgate_protocols.journal.checkpoint import Statement

# China has kept one offset without summer time since 1991, so local time needs no zone table.
BEIJING = timezone(timedelta(hours=8))
_FILE_NAME = re.compile(r"checkpoint-([0-9]{6,12})-[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9a-f]{8}\.json")


def local_day(now: datetime) -> date:
    """The collector's day, in Asia/Shanghai."""
    return now.astimezone(BEIJING).date()


def is_due(last: str | None, now: datetime) -> bool:
    """Whether the day of the last checkpoint (its `date`; None: there is none) is over.

    A clock that goes back by up to a day makes none twice. A last one that lies further ahead was made by a clock that
    ran wrong: waiting for its day could mean a year without any, so one is made for today and the count goes on.
    """
    if last is None:
        return True
    today, made = local_day(now), date.fromisoformat(last)
    return today > made or made > today + timedelta(days=1)


def file_name(said: Statement, hash_: bytes) -> str:
    """Number, day, and the first bytes of the hash: two different checkpoints never share a name."""
    return f"checkpoint-{said.n:06d}-{said.date}-{hash_.hex()[:8]}.json"


def number_in(name: str) -> int | None:
    """The number in a checkpoint's file name; None for another file."""
    found = _FILE_NAME.fullmatch(name)
    return None if found is None else int(found[1])
