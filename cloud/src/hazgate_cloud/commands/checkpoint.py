"""hazgate-cloud checkpoint: the signed word about everything held, made by hand, listed, written out again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hazgate_cloud.commands.common import ConfigPath, Limit, VerbGroup, fail, opened, show_table
from hazgate_cloud.config import Config
from hazgate_cloud.store.engine import Database

if TYPE_CHECKING:
    from hazgate_cloud.store.verify import Report

checkpoint_app = typer.Typer(
    cls=VerbGroup,
    help="The collector's signed statements of everything it holds; `run` makes one a day.",
    no_args_is_help=True,
)


@checkpoint_app.command("make")
def checkpoint_make(config: ConfigPath) -> None:
    """Make one now, whatever the day, and write its file; exit 1 when the file cannot be written."""
    from hazgate_cloud.keeper.checkpointer import Checkpointer
    from hazgate_cloud.keeper.folder import Folder
    from hazgate_cloud.keys import KeyFileError, own_key

    with opened(config) as (settings, database):
        try:
            signer = own_key(settings.key_file)
        except KeyFileError as exc:
            fail(str(exc))
        maker = Checkpointer(database, signer, Folder(settings.checkpoint_folder), lambda: datetime.now(UTC))
        for found in maker.compare():
            typer.secho(f"✗ {found}", fg=typer.colors.RED, err=True)
        kept = maker.make()
        if kept is None:
            typer.echo("the running collector made one at this moment; `hazgate-cloud checkpoint list` shows it")
            return
        said = kept.checkpoint.said
        words = f"checkpoint {said.n}: {said.records} records under {said.heads} heads, {kept.checkpoint.hash.hex()}"
        typer.secho(f"✓ {words}", fg=typer.colors.GREEN)
        if maker.file_trouble:
            fail(f"its file: {maker.file_trouble}; the running collector tries again")
        typer.echo(
            f"  written to {settings.checkpoint_folder}; {len(kept.told)} boxes are told with their next receipt"
        )


@checkpoint_app.command("list")
def checkpoint_list(config: ConfigPath, limit: Limit = 30) -> None:
    """Show the checkpoints, the newest first: when, file written, what the core said."""
    from hazgate_cloud.store.checkpoints import listing

    with opened(config) as (_, database), database.read() as tx:
        rows = listing(tx, limit)
    show_table(
        ("number", "date", "made", "hash", "file written", "core", "reference", "core said"),
        (
            (
                *(row[name] for name in ("number", "date", "at")),
                bytes(row["hash"]).hex(),
                *(row[name] for name in ("filed_at", "core_state", "core_reference", "core_text")),
            )
            for row in rows
        ),
        empty="no checkpoint was made yet",
    )


@checkpoint_app.command("write")
def checkpoint_write(
    number: Annotated[int, typer.Argument(help="The checkpoint's number.")],
    config: ConfigPath,
    out: Annotated[Path, typer.Option(help="The file to write; it must not be there yet.")],
) -> None:
    """Write a checkpoint's file once more, from the store."""
    from hazgate_cloud.store.checkpoints import encoded

    with opened(config) as (_, database):
        with database.read() as tx:
            data = encoded(tx, number)
        if data is None:
            fail(f"write checkpoint {number}: there is none; `hazgate-cloud checkpoint list` shows them")
        try:
            with out.open("xb") as file:
                file.write(data)
        except OSError as exc:
            fail(f"write {out}: {exc.strerror}; give another --out")
    typer.secho(f"✓ {out}: {len(data)} bytes; check it with: hazgate-verify {out}", fg=typer.colors.GREEN)


def prove_all(settings: Config, database: Database) -> Report:
    """Everything `verify` checks; raises an alarm when something does not hold."""
    from hazgate_cloud.domain.times import stamp
    from hazgate_cloud.keeper.folder import Folder
    from hazgate_cloud.keys import own_key
    from hazgate_cloud.store.alarms import raise_alarm
    from hazgate_cloud.store.verify import verify
    from hazgate_cloud.store.verify_checkpoints import verify_checkpoints

    files = Folder(settings.checkpoint_folder).newest_first()
    with database.read() as tx:
        report = verify(tx)
        key = own_key(settings.key_file).public()
        verify_checkpoints(tx, key, ((file.name, file.checkpoint, file.trouble) for file in files), report)
    if report.faults:
        text = (
            f"verify found {len(report.faults) + report.faults_untold} faults in the store, first: {report.faults[0]}"
        )
        at = stamp(datetime.now(UTC))
        database.written(lambda tx: raise_alarm(tx, "store_tampered", "", "", text, at))
    return report
