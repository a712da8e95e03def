"""Samples of working conditions in, `took` out. Persist, then tell: the answer is made after the commit only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog
from sqlalchemy import Connection

from hazgate_cloud.collector.collector import Answer
from hazgate_cloud.domain.times import stamp
from hazgate_cloud.store import alarms, boxes
from hazgate_cloud.store import telemetry as store
from hazgate_cloud.store.engine import Database, StoreUnavailableError
from hazgate_cloud.store.telemetry import BatchRefusedError
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.journal.suite import Suite
from hazgate_protocols.uplink import MalformedError, topics
from hazgate_protocols.uplink.telemetry import Batch, Took, decode_tele, encode_took

log = structlog.get_logger()


class Samples:
    """Takes batches of all boxes, in any order and as often as they come. Blocks on the store."""

    def __init__(self, database: Database, signer_of: Callable[[Suite], Signer], now: Callable[[], datetime]) -> None:
        self._database = database
        self._signer_of = signer_of
        self._now = now

    def take(self, box: str, payload: bytes) -> Answer | None:
        """The answer to a batch, None for one that deserves none: its box keeps the samples. Raises
        StoreUnavailableError: then nothing was stored."""
        with self._database.read() as tx:
            row = boxes.find_box(tx, box)
        if row is None:
            log.warning("samples refused", box=box, reason="no such box is registered")
            return None
        registered = row.registered
        try:
            batch = decode_tele(payload, box, registered.public_key, registered.suite)
            signer = self._signer_of(registered.suite)  # an answer that could not be sealed must fail before the commit
            at, upto = self._database.written(lambda tx: self._store(tx, box, batch))
        except MalformedError as exc:
            self._refuse(box, "telemetry_malformed", str(exc))
            return None
        except BatchRefusedError as exc:
            self._refuse(box, f"telemetry_{exc.code}", exc.text)
            return None
        except StoreUnavailableError:
            raise
        except Exception as exc:  # the root of handling: one poisonous batch must not stop the others
            log.exception("samples not handled", box=box)
            self._refuse(box, "telemetry_error", f"{type(exc).__name__} in the collector: {exc}")
            return None
        took = Took(batch.spool, upto, at)
        sealed = replace(took, seal=signer.seal_receipt(took.signed_bytes()))
        return Answer(topics.took(box), encode_took(sealed))

    def _store(self, tx: Connection, box: str, batch: Batch) -> tuple[str, int]:
        at = stamp(self._now())
        return at, store.take(tx, box, batch, at)

    def _refuse(self, box: str, kind: str, reason: str) -> None:
        log.warning("samples refused", box=box, code=kind, reason=reason)
        at = stamp(self._now())
        self._database.written(lambda tx: alarms.raise_alarm(tx, kind, box, "", reason, at))
