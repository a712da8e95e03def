"""How a record looks on the page: local times, the label number in groups, states in words."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from hazgate_edge.domain.view import PrintState, Row, Say, SyncState
from hazgate_edge.terminal.catalogue import HELD_BY_CODE
from hazgate_edge.terminal.speech import Spoken, local_time, speak
from hazgate_edge.terminal.words import PRINT_STATES, SYNC_STATES, Language, pick

# The 37-character number of HJ 1276-2022: unit 18, waste code 8, date 8, sequence 3.
LABEL_GROUPS = (18, 8, 8, 3)


@dataclass(frozen=True, slots=True)
class Record:
    """A Row made ready for a template."""

    row: Row
    groups: tuple[str, ...]  # of the label number; the last is the one people compare
    clock: str
    print_word: str
    print_said: Spoken | None
    sync_word: str
    sync_said: Spoken | None  # why it is held back, None when no sentence of ours says it: then the row's own text does
    trace: str  # address of the trace page, "" when none


def record(row: Row, language: Language, trace_url: str) -> Record:
    """The row in the page's language."""
    sync = pick(SYNC_STATES[row.sync], language)
    if row.sync in (SyncState.RECEIVED, SyncState.ACCEPTED) and row.sync_at:
        sync = f"{sync} {local_time(row.sync_at)}"
    said = row.print_say
    held = HELD_BY_CODE.get(row.sync_text.partition(" ")[0])
    return Record(
        row=row,
        groups=label_groups(row.label),
        clock=local_time(row.weighed_at),
        print_word=pick(PRINT_STATES[row.print_state], language),
        # A printed label needs no advice, whatever happened on the way.
        print_said=speak(said, language) if said is not None and row.print_state is not PrintState.PRINTED else None,
        sync_word=sync,
        sync_said=speak(Say(held), language) if held is not None else None,
        trace=trace_address(trace_url, row.label),
    )


def label_groups(label: str) -> tuple[str, ...]:
    """The four segments of a 37-character number; any other text splits before its last three characters."""
    if len(label) != sum(LABEL_GROUPS):
        return (label[:-3], label[-3:]) if len(label) > 3 else (label,)
    groups, start = [], 0
    for length in LABEL_GROUPS:
        groups.append(label[start : start + length])
        start += length
    return tuple(groups)


def trace_address(base: str, label: str) -> str:
    """`base` + label; "" when the base is no web address (a link must not run a script)."""
    if urlsplit(base).scheme not in ("http", "https"):
        return ""
    return base + quote(label, safe="")
