"""`leases`: the label numbers this box may give, by waste, and the asks that wait or were refused."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from hazgate_edge.clock import SystemClock, local_date
from hazgate_edge.commands.opening import NoJournalError, opened
from hazgate_edge.config import Config, ConfigError, load
from hazgate_edge.domain.leasing import covered_until
from hazgate_edge.journal.database import SCHEMA
from hazgate_edge.journal.leases import LeaseState, read_state
from hazgate_edge.journal.start import numbers_aside
from hazgate_protocols.codes.label_number import label_stem


@dataclass(frozen=True, slots=True)
class Held:
    """One waste of the configuration. until: the last day with numbers, None when there are none for today."""

    waste_code: str
    left_today: int
    until: date | None
    lines: tuple[str, ...]


def run(path: Path) -> int:
    """Exit 1 when some waste has no numbers today."""
    try:
        config = load(path)
        if config.numbers.fixed is not None:
            first, last = config.numbers.fixed
            print(f"label numbers {first:03d} to {last:03d} by hand; nothing is leased")
            return 0
        found = held_by_waste(config, local_date(SystemClock.of_this_machine().wall()))
    except (ConfigError, NoJournalError, ValueError) as exc:
        print(exc, file=sys.stderr)
        return 1
    except sqlite3.Error as exc:
        print(f"read the leases: {exc}; run: hazgate-edge verify", file=sys.stderr)
        return 1
    for item in found:
        until = f"numbers until {item.until}" if item.until else "no numbers for today"
        print(f"{item.waste_code}  {item.left_today} left today, {until}")
        for line in item.lines:
            print(f"    {line}")
    return 0 if all(item.until for item in found) else 1


def held_by_waste(config: Config, today: date) -> list[Held]:
    """Every configured waste. Raises NoJournalError, ValueError (a day no label can carry), sqlite3.Error."""
    stems = {waste.code: label_stem(config.unit.code, waste.code, today) for waste in config.wastes}
    journal = opened(config)
    try:
        schema = journal.rows("PRAGMA user_version")[0][0]
        if schema < SCHEMA:
            raise NoJournalError(f"open {journal.path}: schema {schema}; the box brings it to {SCHEMA} when it runs")
        state = read_state(journal.rows, today, stems, numbers_aside(journal.path, config.unit.code))
    finally:
        journal.database.close()
    return [
        Held(
            code,
            state.left[code],
            covered_until(today, [lease.range for lease in state.leases if lease.waste_code == code]),
            tuple(_lines(state, code)),
        )
        for code in stems
    ]


def _lines(state: LeaseState, code: str) -> Iterator[str]:
    for lease in state.leases:
        if lease.waste_code == code:
            yield f"{lease.range}  (note {lease.note})"
    for asked in state.asked:
        if asked.waste_code == code and asked.is_open(state.today):
            said = f"refused: {asked.why_none}" if asked.answer else "no answer yet"
            yield f"asked on {asked.asked_on} for {asked.days}: {said}"
