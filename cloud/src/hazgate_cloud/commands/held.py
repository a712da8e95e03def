"""hazgate-cloud held: what is kept from the core, and a person's decision about it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from hazgate_cloud.commands.common import By, ConfigPath, Limit, Reason, VerbGroup, digest_of, fail, opened, show_table
from hazgate_cloud.domain.acts import Person
from hazgate_cloud.domain.times import stamp

held_app = typer.Typer(
    cls=VerbGroup, help="Weighings held back from the core, and what people decide about them.", no_args_is_help=True
)

Hash = Annotated[str, typer.Argument(metavar="HASH", help="The record's hash in hex.")]


@held_app.command("list")
def held_list(
    config: ConfigPath,
    limit: Limit = 100,
    decided: Annotated[bool, typer.Option("--decided", help="Also those that were released or rejected.")] = False,
) -> None:
    """Show the weighings that wait for a decision, the newest first."""
    from hazgate_cloud.store.held import held_records

    with opened(config) as (_, database), database.read() as tx:
        rows = held_records(tx, limit, every=decided)
    show_table(
        ("hash", "box", "seq", "label", "weight", "received", "why", "decided"),
        (
            (
                row["hash"],
                row["box"],
                row["seq"],
                row["label"],
                row["weight"],
                row["stored_at"],
                ", ".join(flag["code"] for flag in row["flags"]),
                row["ruling"] and f"{row['ruling']['what']} {row['ruling']['at']} {row['ruling']['by']}",
            )
            for row in rows
        ),
        empty="nothing was held" if decided else "nothing is held; --decided shows what was released or rejected",
    )


@held_app.command("show")
def held_show(record_hash: Hash, config: ConfigPath) -> None:
    """Print a record with why it is held, what was decided, and the audit rows about it, as JSON."""
    from hazgate_cloud.api.queries import record_by_hash
    from hazgate_cloud.store import audit
    from hazgate_cloud.store.held import flags_of, ruled_about

    with opened(config) as (_, database):
        wanted = digest_of(record_hash, "show")
        with database.read() as tx:
            found = record_by_hash(tx, wanted)
            if found is None:
                fail(f"show {wanted.hex()}: no such record is held; `hazgate-cloud held list` shows those that are")
            ruled = ruled_about(tx, [wanted]).get(wanted)
            said = {
                "hash": wanted.hex(),
                "stored_at": found.stored_at,
                "flags": flags_of(tx, [wanted])[wanted],
                "ruling": None
                if ruled is None
                else {"what": ruled.what.value, "at": ruled.at, "by": ruled.who, "reason": ruled.reason},
                "audit": [json.loads(row.body) | {"hash": row.hash.hex()} for row in audit.about(tx, wanted.hex())],
                "record": json.loads(found.record.encode()),
            }
    typer.echo(json.dumps(said, ensure_ascii=False, indent=2))


@held_app.command("release")
def held_release(record_hash: Hash, by: By, reason: Reason, config: ConfigPath) -> None:
    """Let a held weighing go to the core, once and for good; its box is told."""
    _decide("release", record_hash, by, reason, config)


@held_app.command("reject")
def held_reject(record_hash: Hash, by: By, reason: Reason, config: ConfigPath) -> None:
    """Settle a held weighing: it never goes to the core, and stays here as it is; its box is told."""
    _decide("reject", record_hash, by, reason, config)


def _decide(act: str, record_hash: str, by: str, reason: str, config: ConfigPath) -> None:
    from hazgate_cloud.store.held import reject, release

    with opened(config) as (_, database):
        wanted, person, at = digest_of(record_hash, act), Person.of(by, reason), stamp(datetime.now(UTC))
        do = release if act == "release" else reject
        done = database.written(lambda tx: do(tx, wanted, person, at))
    said = done.ruled
    if done.fresh:
        typer.secho(f"✓ {wanted.hex()} of box {done.box}: {said.what.value}; the box is told", fg=typer.colors.GREEN)
    else:
        typer.echo(f"{wanted.hex()}: was {said.what.value} already at {said.at} by {said.who}; nothing was changed")
