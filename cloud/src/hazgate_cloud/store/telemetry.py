"""Samples of working conditions on an open transaction: taking them once, and finding a point's series again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, insert, select, tuple_, update

from hazgate_cloud.store.bulk import insert_rows
from hazgate_cloud.store.schema import (
    records,
    telemetry_holes,
    telemetry_points,
    telemetry_samples,
    telemetry_spools,
)
from hazgate_protocols.journal.record import CONDITION, TELEMETRY_GAP, Record
from hazgate_protocols.uplink.telemetry import Batch, PointFacts

SPOOLS_A_BOX_MAX = 1_000  # a new one is begun when a box's file is lost
FACTS_A_BOX_MAX = 5_000
GAP_RECORDS_MAX = 500


class BatchRefusedError(Exception):
    """A batch that is not stored: a stable code and the reason in words."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


def take(tx: Connection, box: str, batch: Batch, at: str) -> int:
    """Stores what is new of a batch; up to which number of its spool everything is held or known to be missing.

    Raises BatchRefusedError for a number that was held with another content: then two spools have one name (a disk that
    was copied or put back), and taking the batch for a repetition would lose its samples.
    """
    own = (telemetry_spools.c.box == box) & (telemetry_spools.c.spool == batch.spool)
    held: int | None = tx.execute(select(telemetry_spools.c.upto).where(own)).scalar()
    keys = {name: facts_key(facts) for name, facts in batch.points.items()}
    rows: list[dict[str, Any]] = [
        {"n": number, "point": sample.point, "facts": keys[sample.point], "at": sample.at, "value": sample.value,
         "quality": sample.quality, "said_at": sample.said_at, "note": sample.note}
        for number, sample in enumerate(batch.samples, batch.first)
    ]  # fmt: skip
    if held is None:
        _begin(tx, box, batch.spool, at)
        held = 0
    _require_same(tx, box, batch.spool, [row for row in rows if row["n"] <= held])
    fresh = [row for row in rows if row["n"] > held]
    if not fresh:
        return held
    if batch.first > held + 1:
        hole = {"first_number": held + 1, "last_number": batch.first - 1}
        tx.execute(insert(telemetry_holes).values(box=box, spool=batch.spool, at=at, **hole))
    _keep_facts(tx, box, batch.points, keys, at)
    insert_rows(tx, telemetry_samples, fresh, box=box, spool=batch.spool, stored_at=at)
    tx.execute(update(telemetry_spools).where(own).values(upto=batch.last, last_at=at))
    return batch.last


def facts_key(facts: PointFacts) -> str:
    """One name for one meaning."""
    return hashlib.sha256(json.dumps(asdict(facts), sort_keys=True).encode()).hexdigest()


def points(tx: Connection, after: tuple[str, str], limit: int) -> list[dict[str, Any]]:
    """Points behind this (box, point), in order, each with its newest sample and what that one means."""
    p = telemetry_points.c
    names = tx.execute(
        select(p.box, p.point).where(tuple_(p.box, p.point) > tuple_(*after)).distinct().order_by(p.box, p.point)
        .limit(limit)
    ).all()  # fmt: skip
    return [found for box, point in names if (found := _newest(tx, box, point)) is not None]


def series(
    tx: Connection, box: str, point: str, *, since: str, until: str, after: tuple[str, str, int], limit: int
) -> list[dict[str, Any]]:
    """Samples of a point from since until before until, behind the cursor (at, spool, n), in that order."""
    s = telemetry_samples.c
    query = (
        select(s.at, s.spool, s.n, s.value, s.quality, s.said_at, s.note, s.stored_at, s.facts)
        .where(s.box == box, s.point == point, s.at >= since, s.at < until, tuple_(s.at, s.spool, s.n) > tuple_(*after))
        .order_by(s.at, s.spool, s.n)
        .limit(limit)
    )
    return [dict(row) for row in tx.execute(query).mappings()]


def meanings(tx: Connection, box: str, point: str) -> dict[str, dict[str, Any]]:
    """What the values of a point mean or meant, by key."""
    p = telemetry_points.c
    query = select(p.facts, p.unit, p.zh, p.en, p.profile, p.digest, p.low, p.high, p.first_at).where(
        p.box == box, p.point == point
    )
    return {row["facts"]: dict(row) for row in tx.execute(query.limit(FACTS_A_BOX_MAX)).mappings()}


def condition_records(tx: Connection, box: str, after: int, limit: int) -> list[dict[str, Any]]:
    """The chain's records about this box's working conditions behind this seq, in the chain's order."""
    query = (
        select(records.c.hash, records.c.seq, records.c.body, records.c.stored_at)
        .where(records.c.box == box, records.c.kind.in_((CONDITION, TELEMETRY_GAP)), records.c.seq > after)
        .order_by(records.c.seq, records.c.position)
        .limit(limit)
    )
    return [_told(row) for row in tx.execute(query)]


def holes(tx: Connection, box: str, limit: int) -> list[dict[str, Any]]:
    """Numbers that never came, the newest first; `record` is the chain's record that accounts for all of them, None
    where none does."""
    h = telemetry_holes.c
    found = tx.execute(
        select(h.spool, h.first_number, h.last_number, h.at).where(h.box == box)
        .order_by(h.at.desc(), h.spool, h.first_number).limit(limit)
    ).all()  # fmt: skip
    gaps = _gaps(tx, box) if found else []
    return [
        {"spool": row.spool, "first": row.first_number, "last": row.last_number, "at": row.at,
         "record": next((own for spool, first, last, own in gaps
                         if spool == row.spool and first <= row.first_number and row.last_number <= last), None)}
        for row in found
    ]  # fmt: skip


def _gaps(tx: Connection, box: str) -> list[tuple[str, int, int, str]]:
    query = (
        select(records.c.hash, records.c.body)
        .where(records.c.box == box, records.c.kind == TELEMETRY_GAP)
        .order_by(records.c.seq.desc())
        .limit(GAP_RECORDS_MAX)
    )
    found = []
    for row in tx.execute(query):
        body = Record.decode(row.body).body
        first, last = body.get("first"), body.get("last")
        if isinstance(body.get("spool"), str) and type(first) is int and type(last) is int:
            found.append((body["spool"], first, last, row.hash.hex()))
    # Numbers given up bit by bit in a row are one gap to whoever looks for a hole's reason.
    found.sort()
    joined: list[tuple[str, int, int, str]] = []
    for spool, first, last, own in found:
        if joined and joined[-1][0] == spool and first <= joined[-1][2] + 1:
            joined[-1] = (spool, joined[-1][1], max(last, joined[-1][2]), own)
        else:
            joined.append((spool, first, last, own))
    return joined


def _told(row: Any) -> dict[str, Any]:
    record = Record.decode(row.body)
    return {
        "hash": row.hash.hex(),
        "seq": row.seq,
        "kind": record.kind,
        "wall": str(record.t["wall"]),
        "stored_at": row.stored_at,
        "body": record.body,
    }


def _newest(tx: Connection, box: str, point: str) -> dict[str, Any] | None:
    s = telemetry_samples.c
    row = tx.execute(
        select(s.at, s.value, s.quality, s.facts, s.stored_at).where(s.box == box, s.point == point)
        .order_by(s.at.desc(), s.spool.desc(), s.n.desc()).limit(1)
    ).mappings().one_or_none()  # fmt: skip
    if row is None:
        return None
    told = meanings(tx, box, point)[row["facts"]]
    return {"box": box, "point": point, **{key: told[key] for key in ("zh", "en", "unit", "low", "high")}, **row}


def _begin(tx: Connection, box: str, spool: str, at: str) -> None:
    known = tx.execute(
        select(telemetry_spools.c.spool).where(telemetry_spools.c.box == box).limit(SPOOLS_A_BOX_MAX)
    ).all()
    if len(known) >= SPOOLS_A_BOX_MAX:
        raise BatchRefusedError("spools_too_many", f"{SPOOLS_A_BOX_MAX} spools of {box} are held; no more are taken")
    tx.execute(insert(telemetry_spools).values(box=box, spool=spool, upto=0, begun_at=at, last_at=at))


def _require_same(tx: Connection, box: str, spool: str, given: list[dict[str, Any]]) -> None:
    if not given:
        return
    s = telemetry_samples.c
    query = select(s.n, s.point, s.facts, s.at, s.value, s.quality, s.said_at, s.note).where(
        s.box == box, s.spool == spool, s.n >= given[0]["n"], s.n <= given[-1]["n"]
    )
    held = {row["n"]: dict(row) for row in tx.execute(query).mappings()}
    for row in given:
        if row["n"] not in held:  # given up before, and here after all: its numbers are a hole already
            continue
        if held[row["n"]] != row:
            text = f"sample {row['n']} of spool {spool} is held with another content: a disk was copied or put back"
            raise BatchRefusedError("spool_forked", text)


def _keep_facts(tx: Connection, box: str, told: Mapping[str, PointFacts], keys: Mapping[str, str], at: str) -> None:
    p = telemetry_points.c
    query = select(p.point, p.facts).where(p.box == box).limit(FACTS_A_BOX_MAX + 1)
    known = {(row.point, row.facts) for row in tx.execute(query)}
    fresh = [name for name in told if (name, keys[name]) not in known]
    if len(known) + len(fresh) > FACTS_A_BOX_MAX:
        raise BatchRefusedError("points_too_many", f"{FACTS_A_BOX_MAX} meanings of points of {box} are held")
    insert_rows(
        tx,
        telemetry_points,
        [{"point": name, "facts": keys[name], **asdict(told[name])} for name in fresh],
        box=box,
        first_at=at,
    )
