"""The life of a submission on its way to the core.

    queued ──claim──▶ sent ──answer──▶ accepted | duplicate | refused        (settled: never touched again)
                       │
                       └─no answer, nonsense, crash──▶ unknown ──claim──▶ sent (asks with GET before it repeats POST)

Order holds within a unit: a submission waits for every earlier unsettled one of its unit, except for those that have
stepped aside. One steps aside after STEP_ASIDE_AFTER tries that reached the core without a plain answer; it is
retried on, and no longer holds up the good ones behind it.
"""

from __future__ import annotations

import random
from enum import StrEnum

from hazgate_protocols.core_api import Outcome

BACKOFF_S_FIRST = 1.0
BACKOFF_S_MAX = 300.0
STEP_ASIDE_AFTER = 8
LEASE_S = 120  # a claim not answered for is free again: longer than a GET and a POST may take together


class State(StrEnum):
    """Where a submission is."""

    QUEUED = "queued"
    SENT = "sent"
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def settled(self) -> bool:
        """Whether nothing more will be sent."""
        return self in (State.ACCEPTED, State.DUPLICATE, State.REFUSED)


def state_after(outcome: Outcome) -> State:
    """The state an answer leads to."""
    return State(outcome.value)


def retry_delay_s(tries: int, rng: random.Random) -> float:
    """The pause after the tries-th try (from 1): doubling, capped, up to a half taken off so that no herd forms."""
    full = min(BACKOFF_S_FIRST * 2.0 ** min(tries - 1, 30), BACKOFF_S_MAX)
    return full * (1 - rng.random() / 2)
