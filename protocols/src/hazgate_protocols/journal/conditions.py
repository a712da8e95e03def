"""The bodies of the two record kinds that working conditions leave in the chain.

    condition      what ("begun"|"ended"), point, limit ("low"|"high"), bound, value, unit, zh, en, at, profile, digest;
                   said_at when the device dates its values; qn of the HJ 212 frame (its bytes hold a password
                   and are not kept). raw of the record: the Modbus registers that were read, two bytes each.
    telemetry_gap  reason, points [{point, from, until, samples}]; spool, first, last of numbered samples given up

Why there is a gap: "buffer_full" (the box could not send for so long that old samples were given up), "not_running"
(the box was off or starting), "buffer_lost" (the file with unsent samples was unreadable or gone), "disk" (samples
could not be written), "begun" (no earlier samples are known here: the first start, or the file is gone). from and until
are RFC 3339; from is "" where nobody knows it any more. samples is null where nothing was taken, and so nothing can be
counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

BUFFER_FULL = "buffer_full"
NOT_RUNNING = "not_running"
BUFFER_LOST = "buffer_lost"
DISK = "disk"
BEGUN = "begun"
GAP_POINTS_MAX = 400  # of one record: what fits its 64 KiB with room to spare


@dataclass(frozen=True, slots=True)
class PointGap:
    """What is missing of one point: between these times, both excluded where a sample of that time is held."""

    point: str
    start: str
    until: str
    samples: int | None


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples nobody will ever see, accounted for. first, last: their numbers in the spool, 0 for none."""

    reason: str
    points: tuple[PointGap, ...]
    spool: str = ""
    first: int = 0
    last: int = 0

    def as_json(self) -> dict[str, Any]:
        """The body."""
        body: dict[str, Any] = {
            "reason": self.reason,
            "points": [
                {"point": gap.point, "from": gap.start, "until": gap.until, "samples": gap.samples}
                for gap in self.points
            ],
        }
        return body | ({"spool": self.spool, "first": self.first, "last": self.last} if self.first else {})
