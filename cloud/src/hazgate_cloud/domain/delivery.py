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
from datetime import datetime
from enum import StrEnum

from hazgate_protocols.core_api import Outcome

BACKOFF_S_FIRST = 1.0
BACKOFF_S_MAX = 300.0
STEP_ASIDE_AFTER = 8
BREAKER_AFTER = 5  # tries in a row, of whatever unit, without a plain answer
BREAKER_S = 30.0  # then one try in this time, until one gets a plain answer
BARRED = (401, 403)  # the core knows us no longer: nothing about a submission
LEASE_S = 120  # a claim not answered for is free again: longer than a GET and a POST may take together


class Breaker:
    """Spares a core that answers nobody: after BREAKER_AFTER tries in a row without a plain answer, or one that says
    our access is not accepted, there is one try in BREAKER_S. A plain answer closes it."""

    def __init__(self) -> None:
        self._failures = 0
        self._barred = False
        self._tried_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether tries are held back."""
        return self._barred or self._failures >= BREAKER_AFTER

    def answered(self) -> None:
        """A plain answer came."""
        self._failures, self._barred, self._tried_at = 0, False, None

    def failed(self, now: datetime, *, barred: bool) -> bool:
        """No plain answer came; True when this opened it."""
        was_open = self.open
        self._failures += 1
        self._barred = self._barred or barred
        self._tried_at = now
        return self.open and not was_open

    def wait_s(self, now: datetime) -> float:
        """How long nothing may be tried; 0 when something may."""
        if not self.open or self._tried_at is None:
            return 0.0
        # A clock that went back must not hold everything for longer than one pause.
        return min(max(BREAKER_S - (now - self._tried_at).total_seconds(), 0.0), BREAKER_S)


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
