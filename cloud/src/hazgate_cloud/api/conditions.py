"""Working conditions under /v1/conditions: points, a point's series, the chain's records about them, what never came.

Samples are sealed on their way and linked to nothing; only what `records` gives is part of the chain.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import FastAPI, Query

from hazgate_cloud.api.problems import Problem
from hazgate_cloud.store import telemetry
from hazgate_cloud.store.engine import Database
from hazgate_protocols.uplink.telemetry import POINT_PATTERN, TIME_PATTERN

Limit = Annotated[int, Query(ge=1, le=1000)]
_CURSOR = re.compile(rf"({TIME_PATTERN.pattern})_([0-9a-f]{{16}})_([0-9]{{1,16}})")
_BEFORE_ALL, _AFTER_ALL = "", "9999-12-31T23:59:59.999Z"


def install(app: FastAPI, database: Database) -> None:
    """Adds the routes."""

    @app.get("/v1/conditions", tags=["conditions"])
    def points(limit: Annotated[int, Query(ge=1, le=200)] = 100, after: str = "") -> dict[str, Any]:
        """Every point with its newest sample. next: `after` of the next page, null at the end."""
        box, _, point = after.partition("/")
        with database.read() as tx:
            found = telemetry.points(tx, (box[:40], point[:81]), limit)
        more = f"{found[-1]['box']}/{found[-1]['point']}" if len(found) == limit else None
        return {"points": [_without(row, "facts") for row in found], "next": more}

    @app.get("/v1/conditions/{box}/{point}/series", tags=["conditions"])
    def series(
        box: str, point: str, since: str = "", until: str = "", after: str = "", limit: Limit = 500
    ) -> dict[str, Any]:
        """A point's samples by the box's time, oldest first, from `since` until before `until`. next: `after` of the
        next page, null at the end. A sample that comes late stands behind a cursor that has passed its time."""
        _require(point, since, until)
        with database.read() as tx:
            told = telemetry.meanings(tx, box[:40], point)
            if not told:
                raise Problem(404, "point_unknown", f"no sample of {box} {point} is held", retryable=True)
            rows = telemetry.series(
                tx, box[:40], point, since=since, until=until or _AFTER_ALL, after=_cursor(after), limit=limit
            )
        last = rows[-1] if len(rows) == limit else None
        return {
            "box": box,
            "point": point,
            "meanings": told,
            "samples": rows,
            "next": None if last is None else f"{last['at']}_{last['spool']}_{last['n']}",
        }

    @app.get("/v1/conditions/{box}/records", tags=["conditions"])
    def records(box: str, after: Annotated[int, Query(ge=0, le=2**53)] = 0, limit: Limit = 100) -> dict[str, Any]:
        """The chain's records of limits crossed and of samples missing, behind seq `after`, in the chain's order."""
        with database.read() as tx:
            found = telemetry.condition_records(tx, box[:40], after, limit)
        return {"records": found, "next": found[-1]["seq"] if len(found) == limit else None}

    @app.get("/v1/conditions/{box}/holes", tags=["conditions"])
    def holes(box: str, limit: Limit = 100) -> dict[str, Any]:
        """Sample numbers that never came, newest first; `record` accounts for them, null where nothing does."""
        with database.read() as tx:
            return {"holes": telemetry.holes(tx, box[:40], limit)}


def _require(point: str, since: str, until: str) -> None:
    if not POINT_PATTERN.fullmatch(point):
        raise Problem(400, "point_malformed", "a point is source.point, each of a-z, 0-9 and hyphen")
    for name, given in (("since", since), ("until", until)):
        if given and not TIME_PATTERN.fullmatch(given):
            raise Problem(400, "time_malformed", f"{name} is a UTC time with milliseconds: 2026-11-23T10:42:00.123Z")


def _cursor(text: str) -> tuple[str, str, int]:
    if not text:
        return (_BEFORE_ALL, "", 0)
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise Problem(400, "cursor_malformed", "`after` is the `next` of the page before")
    return (found[1], found[2], int(found[3]))


def _without(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}
