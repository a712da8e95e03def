"""Daily checkpoints, and what goes with the alarms: lasting needs, and who took note."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds; nothing that is there is touched."""
    op.add_column("boxes", sa.Column("need_since", sa.String(length=24), nullable=True))
    op.add_column("alarms", sa.Column("acked_at", sa.String(length=24), nullable=True))
    op.add_column("alarms", sa.Column("acked_count", sa.BigInteger(), nullable=True))
    op.create_table(
        "checkpoints",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("prev", sa.LargeBinary(), nullable=False),
        sa.Column("date", sa.String(length=10), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.Column("encoded", sa.LargeBinary(), nullable=False),
        sa.Column("filed_at", sa.String(length=24), nullable=True),
        sa.Column("core_state", sa.String(length=11), nullable=False),
        sa.Column("core_tries", sa.Integer(), nullable=False),
        sa.Column("core_not_before", sa.String(length=24), nullable=False),
        sa.Column("core_at", sa.String(length=24), nullable=True),
        sa.Column("core_reference", sa.Text(), nullable=False),
        sa.Column("core_text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_checkpoints")),
        sa.UniqueConstraint("hash", name=op.f("uq_checkpoints_hash")),
        sa.UniqueConstraint("prev", name=op.f("uq_checkpoints_prev")),
    )
    op.create_table(
        "anchors",
        sa.Column("box", sa.String(length=40), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["box"], ["boxes.box"], name=op.f("fk_anchors_box")),
        sa.ForeignKeyConstraint(["hash"], ["records.hash"], name=op.f("fk_anchors_hash")),
        sa.ForeignKeyConstraint(["number"], ["checkpoints.number"], name=op.f("fk_anchors_number")),
        sa.PrimaryKeyConstraint("box", name=op.f("pk_anchors")),
    )
