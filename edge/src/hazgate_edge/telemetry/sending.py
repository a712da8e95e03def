"""What to send of the spool and when, and what settles it: the collector's sealed word alone (took).

One batch is in flight. Without an answer it is sent again after a pause that doubles and is capped; the collector takes
the same batch twice without doubling anything. MQTT's PUBACK settles nothing here either.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from hazgate_edge.telemetry.spool import Spool
from hazgate_protocols.journal.seal import Signer, receipt_seal_holds
from hazgate_protocols.uplink.messages import MalformedError
from hazgate_protocols.uplink.telemetry import decode_took, encode_tele

log = logging.getLogger(__name__)

BATCH_SAMPLES = 500
GATHER_S = 5.0  # samples of so long go together; a change of quality does not wait
ANSWER_S = 10.0
ANSWER_S_MAX = 120.0


class Sender:
    """Decides; publishing is the uplink's business. now: seconds that never go back."""

    def __init__(self, spool: Spool, box: str, signer: Signer, collector_key: bytes) -> None:
        self._spool = spool
        self._box = box
        self._signer = signer
        self._collector_key = collector_key
        self.settled = 0  # up to this number the collector holds everything, or it was given up
        self.on_settled: Callable[[], None] = lambda: None
        self.wake: Callable[[], None] = lambda: None
        self._sent_at = float("-inf")
        self._sent_upto = 0
        self._tries = 0
        self._urgent = False
        self._wrong_said = False

    def hurry(self) -> None:
        """Something happened that should be seen at once."""
        self._urgent = True
        self.wake()

    def connected(self) -> None:
        """A new connection: whatever was in flight is sent anew."""
        self._sent_upto, self._tries, self._sent_at = 0, 0, float("-inf")

    def next_batch(self, now: float) -> bytes | None:
        """A batch to publish now, None when it is not time or nothing waits."""
        if self.due_in_s(now) > 0:
            return None
        batch = self._spool.batch_after(self.settled, BATCH_SAMPLES)
        self._sent_at = now
        if batch is None:
            self._sent_upto, self._tries, self._urgent = 0, 0, False
            return None
        self._tries = self._tries + 1 if self._sent_upto else 0
        self._sent_upto, self._urgent = batch.last, False
        return encode_tele(batch, self._box, self._signer)

    def due_in_s(self, now: float) -> float:
        """How long to wait before next_batch() may have something."""
        if self._sent_upto:
            pause: float = min(ANSWER_S * 2.0 ** min(self._tries, 8), ANSWER_S_MAX)
        else:
            pause = 0.2 if self._urgent else GATHER_S
        return max(0.0, self._sent_at + pause - now)

    def on_took(self, payload: bytes) -> None:
        """The collector's answer; anything that is not its word about this spool changes nothing."""
        try:
            took = decode_took(payload)
        except MalformedError as exc:
            log.warning("telemetry answer not read: %s", exc)
            return
        if not receipt_seal_holds(self._collector_key, took.signed_bytes(), took.seal):
            if not self._wrong_said:
                log.warning("telemetry answer: the seal is not the collector's; samples stay here")
            self._wrong_said = True
            return
        self._wrong_said = False
        # A number we never gave would throw away samples that are still to come.
        if took.spool != self._spool.id or not self.settled < took.upto <= self._spool.newest():
            return
        self.settled = took.upto
        if took.upto >= self._sent_upto:
            self._sent_upto, self._tries = 0, 0
            if self._spool.newest() - self.settled >= BATCH_SAMPLES:
                self._sent_at = float("-inf")  # a backlog goes without pauses
        self.on_settled()
        self.wake()

    def gave_up(self, upto: int) -> None:
        """Samples up to this number are gone, and on record."""
        self.settled = max(self.settled, upto)
        if self._sent_upto and self._sent_upto <= upto:
            self._sent_upto, self._tries = 0, 0
