"""What people do to the collector's store: who, why, and when it can be done.

A held weighing is one that broke a rule (rules.py) and stays out of the core until a person decides:

    held ──release──▶ released ──▶ the core's way, like any other submission
      └───reject────▶ rejected        both for good: a ruling is never changed
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hazgate_cloud.domain.rules import Verdict, tonnes
from hazgate_protocols import canonical
from hazgate_protocols.codes import credit_code
from hazgate_protocols.journal.chain import link

NAME_CHARS_MAX = 40
REASON_CHARS_MAX = 160  # with the name it fits the note that tells the box


class Act(StrEnum):
    """What is written in the audit log."""

    RELEASE = "release"
    REJECT = "reject"
    DISCARD = "discard"
    REPLAY = "replay"
    ACKNOWLEDGE = "acknowledge"


class Ruling(StrEnum):
    """What was decided about a held record."""

    RELEASED = "released"
    REJECTED = "rejected"


class ActRefusedError(Exception):
    """It cannot be done; nothing was changed. The text says what, why and what to do."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts and why."""

    name: str
    reason: str

    @classmethod
    def of(cls, name: str, reason: str) -> Person:
        """From what was typed; raises ActRefusedError for blank, long or unprintable texts."""
        for what, text, bound in (("name", name, NAME_CHARS_MAX), ("reason", reason, REASON_CHARS_MAX)):
            if not text.strip() or len(text.strip()) > bound or not text.strip().isprintable():
                raise ActRefusedError(
                    f"{what} {text[:bound]!r}: allowed are 1 to {bound} printable characters in a line"
                )
        return cls(name.strip(), reason.strip())


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One act in the log. body: the canonical bytes that are hashed; hash = H(prev || H(body)), as in a journal."""

    number: int
    prev: bytes
    at: str
    act: str
    subject: str
    body: bytes

    @property
    def hash(self) -> bytes:
        """What the next row names as prev."""
        return link(self.prev, self.body)


def audit_row(number: int, prev: bytes, at: str, act: Act, subject: str, person: Person, result: str) -> AuditRow:
    """The row for an act; result: what came of it, in words."""
    body: dict[str, Any] = {
        "v": 1,
        "n": number,
        "at": at,
        "act": act.value,
        "subject": subject,
        "by": person.name,
        "reason": person.reason,
        "result": result,
    }
    return AuditRow(number, prev, at, act.value, subject, canonical.encode(body))


def why_not_released(verdict: Verdict, rid_submitted: bool, others: Sequence[bytes]) -> str | None:
    """Why a held weighing cannot go to the core whatever a person says; None when it can.

    others: the records that claim the same label number and are on their way to the core, or accepted by it.
    """
    weighing = verdict.weighing
    if weighing is None:
        said = "; ".join(item.text for item in verdict.findings)
        return f"its content cannot be read as a weighing ({said}); reject it and weigh the bag anew"
    if not verdict.label:
        return f"its label number {weighing.label[:80]!r} is none; reject it, and weigh and label the bag anew"
    if weighing.weight_mg <= 0 or tonnes(weighing.mass) == 0:
        return "its weight is nothing in tonnes of six places; reject it and weigh the bag anew"
    if not credit_code.PATTERN.fullmatch(weighing.unit_code):
        return f"its unit code {weighing.unit_code[:40]!r} is no unit's; reject it and weigh the bag anew"
    if others:
        return (
            f"label number {verdict.label} is already submitted for record {others[0].hex()}, and one label is one bag;"
            " reject this one, and weigh and label its bag anew"
        )
    if rid_submitted:
        return "its id was already submitted for another record, and the core knows bags by it; reject it, weigh anew"
    return None


def push_digest(box: str, payload: bytes) -> bytes:
    """The name of a refused push: SHA-256 over box and payload."""
    return hashlib.sha256(box.encode() + b"\0" + payload).digest()
