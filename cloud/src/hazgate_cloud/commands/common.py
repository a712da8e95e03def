"""What the commands share: the configuration option, the open store, ending in words."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from hazgate_cloud.config import Config, ConfigError, load
from hazgate_cloud.domain.acts import ActRefusedError
from hazgate_cloud.store.engine import Database, StoreUnavailableError
from hazgate_protocols.journal.chain import HASH_BYTES

ConfigPath = Annotated[
    Path, typer.Option("--config", "-c", envvar="HAZGATE_CLOUD_CONFIG", help="The collector's YAML file.")
]
By = Annotated[str, typer.Option("--by", help="Who decides: a person's name.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, in a line.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")]


@contextlib.contextmanager
def opened(config: Path) -> Iterator[tuple[Config, Database]]:
    """The store of a configuration, closed afterwards. What cannot be done ends the program with its words, exit 1."""
    from hazgate_cloud.app import open_store

    try:
        settings = load(config)
        database = open_store(settings)
    except (ConfigError, StoreUnavailableError) as exc:
        fail(str(exc))
    try:
        yield settings, database
    except (ActRefusedError, StoreUnavailableError) as exc:
        fail(str(exc))
    finally:
        database.close()


def fail(text: str) -> NoReturn:
    """Says why on standard error and ends with exit code 1."""
    typer.secho(text, fg=typer.colors.RED, err=True)
    raise typer.Exit(1)


def digest_of(text: str, what: str) -> bytes:
    """The 32 bytes a person typed in hex; raises ActRefusedError."""
    try:
        found = bytes.fromhex(text.strip())
    except ValueError:
        found = b""
    if len(found) != HASH_BYTES:
        raise ActRefusedError(f"{what} {text[:80]!r}: allowed are {HASH_BYTES} bytes in hex, as the list shows them")
    return found


class VerbGroup(TyperGroup):
    """A group of commands that shows them when none is named, also when options are given."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Options alone, such as `leases --config FILE`, are as good as nothing; `leases --config FILE list` is `leases
        list --config FILE`."""
        if args and args[0].startswith("-") and args[0] != "--help":
            verb = next((place for place, word in enumerate(args) if word in self.commands), None)
            if verb is not None:
                args = [args[verb], *args[:verb], *args[verb + 1 :]]
            elif "--help" not in args:
                args = []
        return super().parse_args(ctx, args)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Prints rows, or `empty` when there are none; nothing is shortened when the output is no terminal."""
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("—" if cell in (None, "") else str(cell) for cell in row))
    if not table.row_count:
        typer.echo(empty)
        return
    width = None if sys.stdout.isatty() else 400
    Console(width=width).print(table, markup=False)
