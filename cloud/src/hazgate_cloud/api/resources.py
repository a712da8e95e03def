"""The JSON resources under /v1. Masses are texts with their unit, times RFC 3339, hashes hex."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import FastAPI, Query

from hazgate_cloud.api import queries
from hazgate_cloud.api.problems import Problem
from hazgate_cloud.collector.presence import Presence
from hazgate_cloud.domain.times import stamp
from hazgate_cloud.domain.trace import Decision, Flag, Other, StoredRecord, Way
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.held import held_records
from hazgate_protocols.codes.label_number import LabelNumber, LabelNumberError
from hazgate_protocols.journal.chain import HASH_BYTES

Limit = Annotated[int, Query(ge=1, le=500)]


def install(app: FastAPI, database: Database, presence: Presence) -> None:
    """Adds the routes."""

    @app.get("/v1/trace/{label}", tags=["trace"])
    def trace(label: str) -> dict[str, Any]:
        """The whole way of the bag with this label number, oldest step first."""
        found = find_way(database, label)
        if found is None:
            raise Problem(404, "label_unknown", f"no record of label number {normal(label)} is held", retryable=True)
        return way_json(found)

    @app.get("/v1/records/{record_hash}", tags=["records"])
    def record(record_hash: str) -> dict[str, Any]:
        """A record's exact bytes as text, with what is needed to recompute its hash."""
        try:
            wanted = bytes.fromhex(record_hash)
        except ValueError:
            wanted = b""
        if len(wanted) != HASH_BYTES:
            raise Problem(400, "hash_malformed", f"a record hash is {HASH_BYTES} bytes in hex")
        with database.read() as tx:
            found = queries.record_by_hash(tx, wanted)
            if found is None:
                raise Problem(404, "record_unknown", f"no record {wanted.hex()} is held", retryable=True)
            prev = queries.prev_of(tx, wanted)
        return {**_record_json(found), "prev": prev.hex(), "body": found.record.encode().decode()}

    @app.get("/v1/boxes", tags=["boxes"])
    def boxes() -> dict[str, Any]:
        """Every registered box with its newest record and when it was heard."""
        return {"boxes": boxes_json(database, presence)}

    @app.get("/v1/bags", tags=["bags"])
    def bags(limit: Limit = 50) -> dict[str, Any]:
        """The bags stored last, newest first."""
        with database.read() as tx:
            return {"bags": queries.newest_bags(tx, limit)}

    @app.get("/v1/alarms", tags=["alarms"])
    def alarms(limit: Limit = 100) -> dict[str, Any]:
        """Alarms, the one raised last first."""
        with database.read() as tx:
            return {"alarms": queries.newest_alarms(tx, limit)}

    @app.get("/v1/held", tags=["held"])
    def held(limit: Limit = 100, decided: bool = False) -> dict[str, Any]:
        """Weighings held back from the core; with decided=true also those that a person released or rejected."""
        with database.read() as tx:
            return {"held": held_records(tx, limit, every=decided)}

    @app.get("/v1/quarantine", tags=["quarantine"])
    def quarantine(limit: Limit = 100) -> dict[str, Any]:
        """Refused pushes with the reason."""
        with database.read() as tx:
            return {"quarantine": queries.newest_quarantine(tx, limit)}


def normal(label: str) -> str:
    """A label number as it is stored; raises Problem for a text that is none."""
    try:
        return str(LabelNumber.parse(label.strip().upper()))
    except LabelNumberError as exc:
        raise Problem(400, "label_malformed", str(exc)) from exc


def find_way(database: Database, label: str) -> Way | None:
    """The bag's way, None when no record claims the number. Raises Problem for a text that is no label number."""
    wanted = normal(label)
    with database.read() as tx:
        return queries.way_of(tx, wanted)


def boxes_json(database: Database, presence: Presence) -> list[dict[str, Any]]:
    """Boxes as the API shows them."""
    with database.read() as tx:
        rows = queries.boxes_with_heads(tx)
    out = []
    for row in rows:
        heard = presence.of(row["box"])
        out.append(
            {
                **row,
                "seq": row["seq"] or 0,
                "branches": row["branches"] or 0,
                "online": None if heard is None else heard.online,
                "last_seen": None if heard is None else stamp(heard.at),
            }
        )
    return out


def way_json(way: Way) -> dict[str, Any]:
    """A bag's way as the API shows it."""
    weighing = way.weighing
    return {
        "label": way.label,
        "state": way.state(),
        **_record_json(way.own),
        "box_name": way.box_name,
        "unit": {"code": weighing.unit_code, "name": weighing.unit_name},
        "waste": {
            "code": weighing.waste_code,
            "name": weighing.waste_name,
            "category": weighing.category,
            "hazards": list(weighing.hazards),
        },
        "weight": {
            "text": weighing.weight_text,
            "unit": weighing.weight_unit,
            "mg": str(weighing.weight_mg),
            "mode": weighing.mode,
        },
        "produced_on": weighing.produced_on,
        "container": {"id": weighing.container, "volume_l": weighing.volume_l},
        "flags": _flags_json(way.flags),
        "decision": _decision_json(way.decision),
        "delivery": None
        if way.delivery is None
        else {
            "state": way.delivery.state,
            "reference": way.delivery.reference,
            "code": way.delivery.code,
            "text": way.delivery.text,
            "queued_at": way.delivery.queued_at,
            "settled_at": way.delivery.settled_at or None,
        },
        "steps": [
            {"key": step.key, "mark": step.mark.value, "at": step.at or None, "values": step.values}
            for step in way.steps()
        ],
        "same_label": [_other_json(item) for item in way.same_label],
    }


def _other_json(item: Other) -> dict[str, Any]:
    return {
        **_record_json(item.own),
        "box_name": item.box_name,
        "state": item.state(),
        "weight": item.weight or None,
        "weighed_at": item.at,
        "flags": _flags_json(item.flags),
        "decision": _decision_json(item.decision),
    }


def _flags_json(flags: Sequence[Flag]) -> list[dict[str, str]]:
    return [{"code": flag.code, "text": flag.text, "at": flag.at} for flag in flags]


def _decision_json(said: Decision | None) -> dict[str, str] | None:
    return None if said is None else {"what": said.what, "at": said.at, "by": said.by, "reason": said.reason}


def _record_json(item: StoredRecord) -> dict[str, Any]:
    return {
        "hash": item.hash.hex(),
        "rid": item.record.rid,
        "box": item.record.box,
        "seq": item.record.seq,
        "kind": item.record.kind,
        "stored_at": item.stored_at,
    }
