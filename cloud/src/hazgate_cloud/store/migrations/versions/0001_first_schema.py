"""The first schema: boxes, chain, effects, outbox, notes, alarms, quarantine."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates every table."""
    op.create_table(
        "alarms",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("box", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("first_at", sa.String(length=24), nullable=False),
        sa.Column("last_at", sa.String(length=24), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_alarms")),
        sa.UniqueConstraint("kind", "box", "subject", name=op.f("uq_alarms_kind_box_subject")),
    )
    op.create_table(
        "boxes",
        sa.Column("box", sa.String(length=40), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("unit_code", sa.String(length=18), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.String(length=24), nullable=False),
        sa.Column("receipt_hash", sa.LargeBinary(), nullable=True),
        sa.Column("notes_last", sa.BigInteger(), nullable=False),
        sa.Column("notes_after", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("box", name=op.f("pk_boxes")),
    )
    op.create_table(
        "quarantine",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("box", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("first_at", sa.String(length=24), nullable=False),
        sa.Column("last_at", sa.String(length=24), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_quarantine")),
    )
    op.create_index(op.f("ix_quarantine_box"), "quarantine", ["box"], unique=False)
    op.create_table(
        "records",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("prev", sa.LargeBinary(), nullable=False),
        sa.Column("box", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("rid", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=31), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(["box"], ["boxes.box"], name=op.f("fk_records_box")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_records")),
        sa.UniqueConstraint("hash", name=op.f("uq_records_hash")),
    )
    op.create_index(op.f("ix_records_box_seq"), "records", ["box", "seq"], unique=False)
    op.create_index(op.f("ix_records_prev_box"), "records", ["prev", "box"], unique=False)
    op.create_index(op.f("ix_records_rid"), "records", ["rid"], unique=False)
    op.create_table(
        "bags",
        sa.Column("label", sa.String(length=37), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("box", sa.String(length=40), nullable=False),
        sa.Column("unit_code", sa.String(length=18), nullable=False),
        sa.Column("waste_code", sa.String(length=10), nullable=False),
        sa.Column("weight_mg", sa.BigInteger(), nullable=False),
        sa.Column("weight_text", sa.Text(), nullable=False),
        sa.Column("weighed_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["box"], ["boxes.box"], name=op.f("fk_bags_box")),
        sa.ForeignKeyConstraint(["hash"], ["records.hash"], name=op.f("fk_bags_hash")),
        sa.PrimaryKeyConstraint("label", name=op.f("pk_bags")),
        sa.UniqueConstraint("hash", name=op.f("uq_bags_hash")),
    )
    op.create_table(
        "flags",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(["hash"], ["records.hash"], name=op.f("fk_flags_hash")),
        sa.PrimaryKeyConstraint("hash", "code", name=op.f("pk_flags")),
    )
    op.create_table(
        "heads",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("box", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["box"], ["boxes.box"], name=op.f("fk_heads_box")),
        sa.ForeignKeyConstraint(["hash"], ["records.hash"], name=op.f("fk_heads_hash")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_heads")),
    )
    op.create_index(op.f("ix_heads_box"), "heads", ["box"], unique=False)
    op.create_table(
        "mentions",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("about", sa.String(length=64), nullable=False),
        sa.Column("box", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["box"], ["boxes.box"], name=op.f("fk_mentions_box")),
        sa.ForeignKeyConstraint(["hash"], ["records.hash"], name=op.f("fk_mentions_hash")),
        sa.PrimaryKeyConstraint("hash", "about", name=op.f("pk_mentions")),
    )
    op.create_index(op.f("ix_mentions_about"), "mentions", ["about"], unique=False)
    op.create_table(
        "notes",
        sa.Column("box", sa.String(length=40), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("what", sa.String(length=9), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["box"], ["boxes.box"], name=op.f("fk_notes_box")),
        sa.ForeignKeyConstraint(["hash"], ["records.hash"], name=op.f("fk_notes_hash")),
        sa.PrimaryKeyConstraint("box", "n", name=op.f("pk_notes")),
    )
    op.create_index(op.f("ix_notes_hash"), "notes", ["hash"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("rid", sa.String(length=36), nullable=False),
        sa.Column("box", sa.String(length=40), nullable=False),
        sa.Column("unit_code", sa.String(length=18), nullable=False),
        sa.Column("submission", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("reached", sa.Integer(), nullable=False),
        sa.Column("stepped_aside", sa.Boolean(), nullable=False),
        sa.Column("not_before", sa.String(length=24), nullable=False),
        sa.Column("queued_at", sa.String(length=24), nullable=False),
        sa.Column("settled_at", sa.String(length=24), nullable=True),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["box"], ["boxes.box"], name=op.f("fk_outbox_box")),
        sa.ForeignKeyConstraint(["hash"], ["records.hash"], name=op.f("fk_outbox_hash")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_outbox")),
        sa.UniqueConstraint("hash", name=op.f("uq_outbox_hash")),
        sa.UniqueConstraint("rid", name=op.f("uq_outbox_rid")),
    )
    op.create_index(op.f("ix_outbox_state_not_before"), "outbox", ["state", "not_before"], unique=False)
    op.create_index(op.f("ix_outbox_unit_code_number"), "outbox", ["unit_code", "number"], unique=False)
    op.create_table(
        "seals",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("box", sa.String(length=40), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(["box"], ["boxes.box"], name=op.f("fk_seals_box")),
        sa.ForeignKeyConstraint(["hash"], ["records.hash"], name=op.f("fk_seals_hash")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_seals")),
    )
    op.create_table(
        "attempts",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("outbox", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("method", sa.String(length=4), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.Column("took_ms", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.String(length=9), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("reply", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["outbox"], ["outbox.number"], name=op.f("fk_attempts_outbox")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_attempts")),
    )
    op.create_index(op.f("ix_attempts_outbox"), "attempts", ["outbox"], unique=False)
