"""hazgate-cloud leases: which box holds which label numbers, and going on without a box that is gone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer

from hazgate_cloud.commands.common import By, ConfigPath, Reason, VerbGroup, fail, opened, show_table
from hazgate_cloud.domain.acts import Person
from hazgate_cloud.domain.times import stamp

LOCAL = timedelta(hours=8)  # Asia/Shanghai: the day on a label
leases_app = typer.Typer(cls=VerbGroup, help="The label numbers that boxes hold, by unit.", no_args_is_help=True)
Unit = Annotated[str, typer.Argument(metavar="UNIT", help="Unified social credit code of the unit.")]


@leases_app.command("list")
def leases_list(
    unit: Unit,
    config: ConfigPath,
    every: Annotated[bool, typer.Option("--all", help="Also leases of days gone by.")] = False,
) -> None:
    """Show the unit's leases in the order they were granted, and what keeps new ones from being granted."""
    from hazgate_cloud.store.leases import LAST_DAY, leases_on, unheard

    today = (datetime.now(UTC) + LOCAL).date()
    with opened(config) as (_, database), database.read() as tx:
        rows = leases_on(tx, unit, date.min if every else today, LAST_DAY)
        waiting = unheard(tx, unit)
    show_table(
        ("box", "waste", "first", "last", "from", "until", "granted", "learned again"),
        (
            (
                row.box,
                row.waste_code,
                row.first_number,
                row.last_number,
                row.from_day,
                row.until_day,
                row.at,
                "" if row.known_by == row.ask else "yes",
            )
            for row in rows
        ),
        empty=f"no label numbers are leased in unit {unit}{'' if every else '; --all shows those of days gone by'}",
    )
    if waiting:
        typer.secho(
            f"the store went back to an older copy: no grants until {', '.join(waiting)} was heard; without it: resume",
            fg=typer.colors.YELLOW,
        )


@leases_app.command("resume")
def leases_resume(unit: Unit, by: By, reason: Reason, config: ConfigPath) -> None:
    """Grant again in a unit although some of its boxes were not heard since the store went back. What they hold may
    then be granted a second time: their numbers should be out of use, or used up."""
    from hazgate_cloud.store.alarms import raise_alarm
    from hazgate_cloud.store.leases import resume

    with opened(config) as (_, database):
        person, at = Person.of(by, reason), stamp(datetime.now(UTC))

        with database.write() as tx:
            boxes = resume(tx, unit)
            for box in boxes:
                text = f"label numbers are leased again without having heard it: {person.reason} ({person.name})"
                raise_alarm(tx, "leases_resumed", box, at, text, at)
    if not boxes:
        fail(f"resume {unit}: no box of this unit is being waited for; nothing was changed")
    typer.secho(f"✓ unit {unit}: grants go on without {', '.join(boxes)}", fg=typer.colors.GREEN)
