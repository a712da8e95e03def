"""Label number leases."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds; nothing that is there is touched."""
    op.add_column("boxes", sa.Column("relearning_since", sa.String(length=24), nullable=True))
    op.create_table(
        "leases",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("ask", sa.LargeBinary(), nullable=False),
        sa.Column("known_by", sa.LargeBinary(), nullable=False),
        sa.Column("box", sa.String(length=40), nullable=False),
        sa.Column("unit_code", sa.String(length=18), nullable=False),
        sa.Column("waste_code", sa.String(length=10), nullable=False),
        sa.Column("first_number", sa.Integer(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.Column("from_day", sa.String(length=10), nullable=False),
        sa.Column("until_day", sa.String(length=10), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(["box"], ["boxes.box"], name=op.f("fk_leases_box")),
        sa.ForeignKeyConstraint(["known_by"], ["records.hash"], name=op.f("fk_leases_known_by")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_leases")),
    )
    op.create_index(op.f("ix_leases_ask"), "leases", ["ask"], unique=False)
    op.create_index(op.f("ix_leases_unit_code_until_day"), "leases", ["unit_code", "until_day"], unique=False)
    op.create_table(
        "lease_units",
        sa.Column("unit_code", sa.String(length=18), nullable=False),
        sa.Column("asks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("unit_code", name=op.f("pk_lease_units")),
    )
