"""Times as the store and the wire write them: RFC 3339, UTC, milliseconds, of one length: text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime


def stamp(at: datetime) -> str:
    """2026-01-31T08:05:00.123Z; raises ValueError for a naive time."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone has no place on a record")
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime | None:
    """The aware time of an RFC 3339 text; None when it is none (a box may write what it likes)."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo is not None else None
