"""Working conditions: samples beside the chain, and a quick way to the two kinds of record about them.

A store from before this has none of them; records of these kinds that it took as unknown ones are found by the index.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_ONLY = sa.text("kind IN ('condition', 'telemetry_gap')")


def upgrade() -> None:
    """Adds four tables and an index; changes no row."""
    op.create_table(
        "telemetry_spools",
        sa.Column("box", sa.String(40), nullable=False),
        sa.Column("spool", sa.String(16), nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.String(24), nullable=False),
        sa.Column("last_at", sa.String(24), nullable=False),
        sa.PrimaryKeyConstraint("box", "spool", name=op.f("pk_telemetry_spools")),
    )
    op.create_table(
        "telemetry_points",
        sa.Column("box", sa.String(40), nullable=False),
        sa.Column("point", sa.String(81), nullable=False),
        sa.Column("facts", sa.String(64), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("zh", sa.Text(), nullable=False),
        sa.Column("en", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("low", sa.Text()),
        sa.Column("high", sa.Text()),
        sa.Column("first_at", sa.String(24), nullable=False),
        sa.PrimaryKeyConstraint("box", "point", "facts", name=op.f("pk_telemetry_points")),
    )
    op.create_table(
        "telemetry_samples",
        sa.Column("box", sa.String(40), nullable=False),
        sa.Column("spool", sa.String(16), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("point", sa.String(81), nullable=False),
        sa.Column("facts", sa.String(64), nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
        sa.Column("value", sa.Text()),
        sa.Column("quality", sa.String(16), nullable=False),
        sa.Column("said_at", sa.String(24), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("stored_at", sa.String(24), nullable=False),
        sa.PrimaryKeyConstraint("box", "spool", "n", name=op.f("pk_telemetry_samples")),
    )
    op.create_index(
        op.f("ix_telemetry_samples_box_point_at_spool_n"), "telemetry_samples", ["box", "point", "at", "spool", "n"]
    )
    op.create_table(
        "telemetry_holes",
        sa.Column("box", sa.String(40), nullable=False),
        sa.Column("spool", sa.String(16), nullable=False),
        sa.Column("first_number", sa.BigInteger(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
        sa.PrimaryKeyConstraint("box", "spool", "first_number", name=op.f("pk_telemetry_holes")),
    )
    op.create_index("ix_records_conditions", "records", ["box", "seq"], sqlite_where=_ONLY, postgresql_where=_ONLY)
