"""An index of what waits for the core, by unit: found in steps however long the backlog is."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Adds the index; no row changes."""
    still_open = sa.text("settled_at IS NULL")
    op.create_index(
        "ix_outbox_open",
        "outbox",
        ["unit_code", "stepped_aside", "number"],
        unique=False,
        sqlite_where=still_open,
        postgresql_where=still_open,
    )
