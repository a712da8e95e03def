"""Which branch heads a box has fetched back and counts as part of its chain."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0006"


def upgrade() -> None:
    """Adds; nothing that is there is touched."""
    op.create_table(
        "merges",
        sa.Column("box", sa.String(length=40), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["box"], ["boxes.box"], name=op.f("fk_merges_box")),
        sa.ForeignKeyConstraint(["hash"], ["records.hash"], name=op.f("fk_merges_hash")),
        sa.PrimaryKeyConstraint("box", "head", name=op.f("pk_merges")),
    )
