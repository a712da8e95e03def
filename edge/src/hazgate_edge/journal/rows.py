"""Rows of the journal as values: what a reader gets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from hazgate_edge.domain.view import PrintState, Say

REQUESTS_KEPT = 500  # presses remembered; a page repeats only its last one, after a restart at the latest


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it lies in the chain."""

    seq: int
    hash: bytes
    prev: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Bag:
    """A weighing with all that is known of it since."""

    seq: int
    rid: str
    label: str
    waste_code: str
    waste_name: str
    weight: str
    weighed_at: str
    print_state: PrintState
    print_say: Say | None
    copies: int
    core: str  # "" until the cloud says accepted, duplicate, refused, unknown or flagged
    core_at: str
    core_text: str


class Line(NamedTuple):
    """A weighing as its line in the list begins, in the order of the table's columns."""

    seq: int
    rid: str
    label: str
    request: str
    waste_code: str
    waste_name: str
    weight: str
    weighed_at: str
    produced_on: str


@dataclass(frozen=True, slots=True)
class PrintJob:
    """One label to print."""

    bag: int  # the weighing's record number
    copy: int
    rid: str
    state: PrintState
    say: Say | None
    body: dict[str, Any]  # the weighing's body


@dataclass(frozen=True, slots=True)
class SyncState:
    """How far the collector is known to be."""

    received_seq: int
    received_at: str
    notes_upto: int


def say_text(say: Say | None) -> str:
    """A sentence as the database keeps it, "" for none."""
    return "" if say is None else json.dumps([say.key, say.values], ensure_ascii=False)


def say_of(text: str) -> Say | None:
    """And back."""
    if not text:
        return None
    key, values = json.loads(text)
    return Say(key, values)
