"""hazgate-cloud alarms: what people must look at, and that somebody has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from hazgate_cloud.commands.common import By, ConfigPath, Limit, Reason, VerbGroup, opened, show_table
from hazgate_cloud.domain.acts import Person
from hazgate_cloud.domain.times import stamp

alarms_app = typer.Typer(
    cls=VerbGroup, help="Alarms: forks, gaps, rollbacks, tampering, and what stands still.", no_args_is_help=True
)


@alarms_app.command("list")
def alarms_list(
    config: ConfigPath,
    limit: Limit = 100,
    every: Annotated[bool, typer.Option("--all", help="Also those somebody took note of.")] = False,
) -> None:
    """Show the open alarms, the one raised last first: what, which box, why, and what to do."""
    from hazgate_cloud.api.sentences import ALARM_STEPS, EN, say
    from hazgate_cloud.domain.alarming import family
    from hazgate_cloud.store.alarms import listed

    with opened(config) as (_, database), database.read() as tx:
        rows = listed(tx, limit, every=every)
    show_table(
        ("number", "about", "kind", "box", "first", "last", "times", "what and why", "what to do", "noted"),
        (
            (
                *(row["number"], family(row["kind"]), row["kind"], row["box"]),
                *(row["first_at"], row["last_at"], row["count"], row["text"]),
                say(ALARM_STEPS, row["kind"], EN) if row["kind"] in ALARM_STEPS else "",
                "" if row["open"] else row["acked_at"],
            )
            for row in rows
        ),
        empty="no alarms" if every else "no alarm is open; --all shows those somebody took note of",
    )


@alarms_app.command("acknowledge")
def alarms_acknowledge(
    number: Annotated[int, typer.Argument(help="The alarm's number, as the list shows it.")],
    by: By,
    reason: Reason,
    config: ConfigPath,
) -> None:
    """Say that somebody looked into an alarm; it stays listed, and is open again when it is raised again."""
    from hazgate_cloud.store.alarms import acknowledge

    with opened(config) as (_, database):
        person, at = Person.of(by, reason), stamp(datetime.now(UTC))
        fresh = database.written(lambda tx: acknowledge(tx, number, person, at))
    if fresh:
        typer.secho(f"✓ alarm {number}: noted, and written in the audit log", fg=typer.colors.GREEN)
    else:
        typer.echo(f"alarm {number}: somebody took note of it before; nothing was changed")
