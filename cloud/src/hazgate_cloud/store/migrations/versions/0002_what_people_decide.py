"""What people decide: audit, rulings, quarantine outcomes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds; nothing that is there is touched."""
    op.add_column("quarantine", sa.Column("outcome", sa.String(length=9), nullable=True))
    op.add_column("quarantine", sa.Column("outcome_at", sa.String(length=24), nullable=True))
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("prev", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_hash")),
        sa.UniqueConstraint("prev", name=op.f("uq_audit_prev")),
    )
    op.create_index(op.f("ix_audit_subject"), "audit", ["subject"], unique=False)
    op.create_table(
        "rulings",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("what", sa.String(length=9), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("audit", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["audit"], ["audit.number"], name=op.f("fk_rulings_audit")),
        sa.ForeignKeyConstraint(["hash"], ["records.hash"], name=op.f("fk_rulings_hash")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_rulings")),
        sa.UniqueConstraint("audit", name=op.f("uq_rulings_audit")),
    )
