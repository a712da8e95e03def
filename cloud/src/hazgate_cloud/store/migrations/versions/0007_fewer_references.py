"""The tables that grow with the records refer to a record alone: its row names a registered box already."""

from alembic import op

revision = "0007"
down_revision = "0005"

_TABLES = ("heads", "seals", "bags", "mentions")


def upgrade() -> None:
    """Takes references to `boxes` away: checking them was a quarter of the server's work on a record. No row changes.
    The outbox keeps its own: SQLite cannot make that table anew while `attempts` refers to it."""
    for table in _TABLES:
        with op.batch_alter_table(table) as batch:  # SQLite: copies the table; no other refers to it
            batch.drop_constraint(op.f(f"fk_{table}_box"), type_="foreignkey")
