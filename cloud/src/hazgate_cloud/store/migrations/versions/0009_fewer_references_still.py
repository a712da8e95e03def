"""What a record brings about names it without a reference: both are written by one transaction, and verify looks."""

from alembic import op

revision = "0009"
down_revision = "0008"

_TABLES = ("bags", "mentions")


def upgrade() -> None:
    """Takes references to `records` away: each was a look-up and a lock on a row of the server's for a row that was
    stored by the statement before. No row changes. heads and seals keep theirs, one a push; the outbox too, as SQLite
    cannot make that table anew while `attempts` refers to it."""
    for table in _TABLES:
        with op.batch_alter_table(table) as batch:  # SQLite: copies the table; no other refers to it
            batch.drop_constraint(op.f(f"fk_{table}_hash"), type_="foreignkey")
