"""Gaps that last: a record the collector asks for and never gets, and boxes that say nothing any more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection

from hazgate_cloud.domain.times import moment, stamp
from hazgate_cloud.store import alarms, boxes

NEED_H_MAX = 24
SILENT_H_MAX = 72  # longer than a weekend


def watch(tx: Connection, online_at: Mapping[str, datetime], now: datetime) -> None:
    """Raises each alarm once a gap. online_at: when a box was known to be connected; for one not known of, when the
    collector began to listen, under ""."""
    at = stamp(now)
    for lack in boxes.needs_before(tx, stamp(now - timedelta(hours=NEED_H_MAX))):
        text = (
            f"box {lack.box}: since {lack.since} it sends records whose parent is not held, and the parent does not "
            f"come: its journal lacks records, or it runs on a copied or restored disk"
        )
        alarms.raise_once(tx, "gap_need", lack.box, lack.since, text, at)
    since_start = online_at.get("", now)
    for last in boxes.last_stored(tx):
        stored = moment(last.stored_at) or since_start
        heard = max(stored, online_at.get(last.box, since_start))
        if now - heard >= timedelta(hours=SILENT_H_MAX):
            text = (
                f"box {last.box}: not a word since {stamp(heard)}; record {last.seq} is its newest here. What it "
                "weighed since is on its own disk alone"
            )
            alarms.raise_once(tx, "box_silent", last.box, last.hash.hex(), text, at)
