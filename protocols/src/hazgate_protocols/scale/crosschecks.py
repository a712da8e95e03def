"""Numbers of one record against each other: lost terminators and damaged digits show where they no longer agree."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from hazgate_protocols.scale.reading import Reading, Reason, Reject
from hazgate_protocols.scale.spec import Profile

Event = Reading | Reject


def compile_cross_checks(profile: Profile) -> Callable[[Event], Event] | None:
    """An event to itself, or to a content reject when its numbers do not agree; None without checks."""
    if not profile.cross_checks:
        return None
    division = Decimal(profile.limits.division) if profile.limits.division is not None else None
    tolerance = min(check.tolerance_divisions for check in profile.cross_checks)

    def agreed(event: Event) -> Event:
        if isinstance(event, Reject) or event.gross is None or event.net is None or event.tare is None:
            return event
        numbers = (event.gross, event.net, event.tare)
        step = division if division is not None else max(Decimal(1).scaleb(_exponent(number)) for number in numbers)
        if abs(event.gross - event.net - event.tare) > tolerance * step:
            sentence = f"gross {event.gross} is not net {event.net} + tare {event.tare}"
            return Reject(Reason.CONTENT, event.raw, sentence)
        return event

    return agreed


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0  # a reading holds finite numbers only
