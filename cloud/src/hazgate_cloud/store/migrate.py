"""Bringing a database to this program's schema, forward only, all steps in one transaction."""

from __future__ import annotations

from pathlib import Path

from hazgate_cloud.store.engine import Database

_SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(database: Database) -> None:
    """Raises alembic's CommandError when the database is newer than the program."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with database.write(patient=True) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
