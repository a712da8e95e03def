"""The regulatory core's submission API, version 1: what the forwarder sends and what an answer may mean.

    POST {base}/v1/submissions              one Submission; header Idempotency-Key = its rid
    GET  {base}/v1/submissions/{rid}        what became of it (404: the core has never seen it)
    POST {base}/v1/checkpoints              one CheckpointSubmission; header Idempotency-Key = its hash in hex (404:
                                            this core takes no checkpoints)

All answer 200 with {"outcome": "accepted" | "duplicate" | "refused", "reference": text, "code": text, "text": text}.
Everything else - another status, no JSON, a missing or odd outcome, no answer in time - is UNKNOWN: the forwarder
asks (GET) before it repeats (POST). "duplicate" means the core already holds the same submission: as good as accepted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hazgate_protocols.text import one_line

ANSWER_BYTES_MAX = 64 * 1024
ANSWER_TEXT_CHARS_MAX = 500
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Outcome(StrEnum):
    """What the core's answer means for a submission."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def settled(self) -> bool:
        """Whether the core holds it."""
        return self in (Outcome.ACCEPTED, Outcome.DUPLICATE)


@dataclass(frozen=True, slots=True)
class Submission:
    """One weighed bag as the core wants it. quantity_t: tonnes, a decimal text of six places (see HJ 1259 4)."""

    rid: str
    digital_id: str
    unit_code: str
    unit_name: str
    waste_code: str
    waste_name: str
    category_code: str
    hazard_characteristics: str
    produced_on: str  # YYYY-MM-DD
    quantity_t: str
    weighed_at: str  # RFC 3339
    box: str
    record_hash: str  # hex

    def encode(self) -> bytes:
        """The request body."""
        return _ENCODE({name: getattr(self, name) for name in self.__slots__}).encode()


@dataclass(frozen=True, slots=True)
class CheckpointSubmission:
    """A daily checkpoint (journal/checkpoint.py) as the core keeps it: the statement's exact bytes as text, the seal in
    hex. The list of heads stays behind; its root stands in the statement. Repeating it does no harm."""

    statement: str
    seal: str

    def encode(self) -> bytes:
        """The request body."""
        return _ENCODE({name: getattr(self, name) for name in self.__slots__}).encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, understood; detail says why it is UNKNOWN."""

    outcome: Outcome
    reference: str = ""
    code: str = ""
    text: str = ""
    detail: str = ""


def decode_answer(status: int, body: bytes) -> Answer:
    """Never raises: whatever is not plainly an outcome is UNKNOWN with the reason.

    Texts come back as one printable line of at most ANSWER_TEXT_CHARS_MAX characters: always fit to store.
    """
    if status != 200:
        return Answer(Outcome.UNKNOWN, detail=f"HTTP status {status}")
    if len(body) > ANSWER_BYTES_MAX:
        return Answer(Outcome.UNKNOWN, detail=f"answer of {len(body)} bytes")
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError):
        return Answer(Outcome.UNKNOWN, detail=f"answer is not JSON: {body[:60]!r}")
    outcome = value.get("outcome") if isinstance(value, dict) else None
    if outcome not in ("accepted", "duplicate", "refused"):
        return Answer(Outcome.UNKNOWN, detail=f"answer has no known outcome: {body[:60]!r}")
    texts = {key: value.get(key, "") for key in ("reference", "code", "text")}
    if not all(isinstance(text, str) for text in texts.values()):
        return Answer(Outcome.UNKNOWN, detail="reference, code or text is no text")
    return Answer(Outcome(outcome), **{key: one_line(text, ANSWER_TEXT_CHARS_MAX) for key, text in texts.items()})
