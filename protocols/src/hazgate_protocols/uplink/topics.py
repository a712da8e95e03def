"""Topics of hz/1. A box may only publish to its own push, fetch, live and tele topic and read its own have, need, give,
took and cmd."""

from __future__ import annotations

from hazgate_protocols.journal.record import BOX_PATTERN

MIN = CURRENT = 1
COLLECTORS = "$share/collect/hz/1/+/push"
FETCHES = "$share/collect/hz/1/+/fetch"
TELEMETRY = "$share/collect/hz/1/+/tele"
PRESENCE = "hz/1/+/live"


def push(box: str) -> str:
    """Box -> collector: append these records."""
    return f"hz/1/{box}/push"


def have(box: str) -> str:
    """Collector -> box: the receipt."""
    return f"hz/1/{box}/have"


def need(box: str) -> str:
    """Collector -> box: a parent is missing."""
    return f"hz/1/{box}/need"


def fetch(box: str) -> str:
    """Box -> collector: give me records of my own back."""
    return f"hz/1/{box}/fetch"


def give(box: str) -> str:
    """Collector -> box: records of the box's own."""
    return f"hz/1/{box}/give"


def live(box: str) -> str:
    """Box -> anyone: presence ({"online": bool}), also the connection's will; QoS 0, owes nobody anything."""
    return f"hz/1/{box}/live"


def tele(box: str) -> str:
    """Box -> collector: samples of working conditions (uplink/telemetry.py); QoS 1."""
    return f"hz/1/{box}/tele"


def took(box: str) -> str:
    """Collector -> box: the samples that are stored."""
    return f"hz/1/{box}/took"


def box_of(topic: str) -> str | None:
    """The box a topic of ours belongs to, None for any other topic."""
    parts = topic.split("/")
    if len(parts) == 4 and parts[:2] == ["hz", "1"] and BOX_PATTERN.fullmatch(parts[2]):
        return parts[2]
    return None
