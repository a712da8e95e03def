"""How the simulated core behaves; changed while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """What a POST meets."""

    ACCEPT = "accept"
    DELAY = "delay"  # answers after delay_ms
    REPEAT = "repeat"  # files the submission as if it came twice and answers "duplicate" at once
    REFUSE = "refuse"  # refuses with code and text; the refusal stays its word about that rid
    DROP = "drop"  # files it, then closes the connection without an answer
    LOSE = "lose"  # closes the connection without filing
    ERROR = "error"  # status 500
    HTML = "html"  # status 200 and a page, like a captive portal
    NONSENSE = "nonsense"  # status 200 and bytes that are no JSON
    ENVELOPE = "envelope"  # status 200 and {"success": true}, another interface's envelope
    SCHEMA = "schema"  # status 422: it wants a field it has never asked for before
    BARRED = "barred"  # status 401 to everything: it knows us no longer
    SLOW = "slow"  # the answer trickles out byte by byte over delay_ms


@dataclass(frozen=True, slots=True)
class Behaviour:
    """remaining: for how many POSTs the mode holds before it is accept again; None: until changed. only_rid and
    only_unit narrow the mode to one submission or one unit; the others are accepted."""

    mode: Mode = Mode.ACCEPT
    delay_ms: int = 0
    code: str = "R-001"
    text: str = "refused by the simulator"
    remaining: int | None = None
    only_rid: str = ""
    only_unit: str = ""
    takes_checkpoints: bool = True  # False: a core of before there were any, 404
