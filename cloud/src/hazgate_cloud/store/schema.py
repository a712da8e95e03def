"""The tables. Hashes, keys, seals and bodies are raw bytes; times are texts of one length (domain/times.py)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

TIME_CHARS = 24  # 2026-01-31T08:05:00.123Z
BOX_CHARS = 40
LABEL_CHARS = 37
UNIT_CHARS = 18
WASTE_CHARS = 10
# SQLite counts rows only through INTEGER PRIMARY KEY; PostgreSQL gets 64 bits.
ROW_NUMBER = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def storable(text: str, chars_max: int | None = None) -> str:
    """The text as both engines hold it: PostgreSQL takes every character but NUL, and no more of them than the column
    says. A record's own bytes are kept as they are; this is for what is read out of them."""
    return text[:chars_max].replace("\0", "\ufffd")


boxes = Table(
    "boxes",
    metadata,
    Column("box", String(BOX_CHARS), primary_key=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("unit_code", String(UNIT_CHARS), nullable=False),
    Column("name", Text, nullable=False),
    Column("registered_at", String(TIME_CHARS), nullable=False),
    # The last receipt given: an unsolicited receipt repeats it.
    Column("receipt_hash", LargeBinary),
    Column("notes_last", BigInteger, nullable=False),  # the number of the newest note
    Column("notes_after", BigInteger, nullable=False),  # what the box last said it holds
    Column("need_since", String(TIME_CHARS)),  # since when a record before what it pushes is lacking; None: none is
    # Set while this store, gone back to an older copy, may lack leases that the box was given: no grants in its unit.
    Column("relearning_since", String(TIME_CHARS)),
)

_CONDITIONS_ONLY: dict[str, Any] = dict.fromkeys(
    ("sqlite_where", "postgresql_where"), text("kind IN ('condition', 'telemetry_gap')")
)

records = Table(
    "records",
    metadata,
    Column("position", ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("prev", LargeBinary, nullable=False),
    Column("box", String(BOX_CHARS), ForeignKey("boxes.box"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("rid", String(36), nullable=False),
    Column("kind", String(31), nullable=False),
    Column("body", LargeBinary, nullable=False),  # the exact canonical bytes that were hashed
    Column("stored_at", String(TIME_CHARS), nullable=False),
    Index(None, "box", "seq"),
    Index(None, "prev", "box"),
    Index(None, "rid"),
    Index("ix_records_conditions", "box", "seq", **_CONDITIONS_ONLY),
)

# The `box` of the next four repeats what the record's row says. A reference each would only be checked again: it was a
# quarter of the server's work on a record. For the same reason bags and mentions, which the transaction that stores a
# record writes beside it, refer to nothing.
heads = Table(  # records without a child: one for each branch of a box's chain
    "heads",
    metadata,
    Column("hash", LargeBinary, ForeignKey("records.hash"), primary_key=True),
    Column("box", String(BOX_CHARS), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Index(None, "box"),
)

seals = Table(  # the box's signatures over heads it pushed
    "seals",
    metadata,
    Column("hash", LargeBinary, ForeignKey("records.hash"), primary_key=True),
    Column("box", String(BOX_CHARS), nullable=False),
    Column("seal", LargeBinary, nullable=False),
    Column("at", String(TIME_CHARS), nullable=False),
)

merges = Table(  # branches a box has fetched back: `hash` is its record that says so, the first one counts
    "merges",
    metadata,
    Column("box", String(BOX_CHARS), ForeignKey("boxes.box"), primary_key=True),
    Column("head", LargeBinary, primary_key=True),  # need not be held: a restored store may have lost it
    Column("hash", LargeBinary, ForeignKey("records.hash"), nullable=False),
)

bags = Table(  # the one effect of a label number
    "bags",
    metadata,
    Column("label", String(LABEL_CHARS), primary_key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("box", String(BOX_CHARS), nullable=False),
    Column("unit_code", String(UNIT_CHARS), nullable=False),
    Column("waste_code", String(WASTE_CHARS), nullable=False),
    Column("weight_mg", BigInteger, nullable=False),
    Column("weight_text", Text, nullable=False),
    Column("weighed_at", Text, nullable=False),  # as the box wrote it
)

flags = Table(  # why a weighing is held back from the core
    "flags",
    metadata,
    Column("hash", LargeBinary, ForeignKey("records.hash"), primary_key=True),
    Column("code", String(40), primary_key=True),
    Column("text", Text, nullable=False),
    Column("at", String(TIME_CHARS), nullable=False),
)

mentions = Table(  # which record speaks about which: about is a rid, a label number or a record's hash in hex
    "mentions",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("about", String(64), primary_key=True),
    Column("box", String(BOX_CHARS), nullable=False),
    Index(None, "about"),
)

_OPEN_ONLY: dict[str, Any] = dict.fromkeys(("sqlite_where", "postgresql_where"), text("settled_at IS NULL"))

outbox = Table(
    "outbox",
    metadata,
    Column("number", ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("hash", LargeBinary, ForeignKey("records.hash"), nullable=False, unique=True),
    Column("rid", String(36), nullable=False, unique=True),
    Column("box", String(BOX_CHARS), ForeignKey("boxes.box"), nullable=False),
    Column("unit_code", String(UNIT_CHARS), nullable=False),
    Column("submission", LargeBinary, nullable=False),  # the exact request body
    Column("state", String(9), nullable=False),
    Column("tries", Integer, nullable=False),  # all tries: they set the pause
    Column("reached", Integer, nullable=False),  # tries that reached the core without a plain answer
    Column("stepped_aside", Boolean, nullable=False),
    Column("not_before", String(TIME_CHARS), nullable=False),
    Column("queued_at", String(TIME_CHARS), nullable=False),
    Column("settled_at", String(TIME_CHARS)),
    Column("reference", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("text", Text, nullable=False),
    Index(None, "state", "not_before"),
    Index(None, "unit_code", "number"),
    Index("ix_outbox_open", "unit_code", "stepped_aside", "number", **_OPEN_ONLY),
)

attempts = Table(
    "attempts",
    metadata,
    Column("number", ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("outbox", ROW_NUMBER, ForeignKey("outbox.number"), nullable=False),
    Column("method", String(4), nullable=False),
    Column("at", String(TIME_CHARS), nullable=False),
    Column("took_ms", BigInteger, nullable=False),
    Column("status", Integer),  # None: no answer
    Column("outcome", String(9), nullable=False),
    Column("detail", Text, nullable=False),
    Column("reply", LargeBinary, nullable=False),  # the first bytes of the answer
    Index(None, "outbox"),
)

notes = Table(
    "notes",
    metadata,
    Column("box", String(BOX_CHARS), ForeignKey("boxes.box"), primary_key=True),
    Column("n", BigInteger, primary_key=True),
    Column("hash", LargeBinary, ForeignKey("records.hash"), nullable=False),
    Column("what", String(9), nullable=False),
    Column("at", String(TIME_CHARS), nullable=False),
    Column("code", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Index(None, "hash"),
)

alarms = Table(  # one row a cause; a repetition counts up
    "alarms",
    metadata,
    Column("number", ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("kind", String(40), nullable=False),
    Column("box", String(BOX_CHARS), nullable=False),  # as claimed: it may be a box nobody registered
    Column("subject", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("first_at", String(TIME_CHARS), nullable=False),
    Column("last_at", String(TIME_CHARS), nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("acked_at", String(TIME_CHARS)),  # when a person took note; the audit log says who and why
    Column("acked_count", BigInteger),  # how often it had been raised then: one more, and it is open again
    UniqueConstraint("kind", "box", "subject"),
)

quarantine = Table(  # pushes that were refused, raw, one row a content
    "quarantine",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # SHA-256 over box and payload
    Column("box", String(BOX_CHARS), nullable=False),
    Column("code", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("first_at", String(TIME_CHARS), nullable=False),
    Column("last_at", String(TIME_CHARS), nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("outcome", String(9)),  # what a person did: "discarded", "replayed" (then taken); None: waits
    Column("outcome_at", String(TIME_CHARS)),
    Index(None, "box"),
)

audit = Table(  # what people did, each row linked to the one before; never changed. `prev` unique: no two successors
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("prev", LargeBinary, nullable=False, unique=True),
    Column("at", String(TIME_CHARS), nullable=False),
    Column("act", String(20), nullable=False),
    Column("subject", String(64), nullable=False),  # what it is about, a hash or digest in hex
    Column("body", LargeBinary, nullable=False),  # the exact canonical bytes that were hashed
    Index(None, "subject"),
)

rulings = Table(  # what a person decided about a held record: one row a record, for good
    "rulings",
    metadata,
    Column("hash", LargeBinary, ForeignKey("records.hash"), primary_key=True),
    Column("what", String(9), nullable=False),  # "released" | "rejected"
    Column("at", String(TIME_CHARS), nullable=False),
    Column("who", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("position", BigInteger, nullable=False),  # of the newest record then: verify replays the order
    Column("audit", BigInteger, ForeignKey("audit.number"), nullable=False, unique=True),
)

checkpoints = Table(  # the collector's signed statements, each naming the one before. `prev` unique: no two successors
    "checkpoints",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("prev", LargeBinary, nullable=False, unique=True),
    Column("date", String(10), nullable=False),  # the local day it was made
    Column("at", String(TIME_CHARS), nullable=False),
    Column("encoded", LargeBinary, nullable=False),  # the exact bytes of the file
    Column("filed_at", String(TIME_CHARS)),  # when its file was written; None: not yet
    Column("core_state", String(11), nullable=False),  # waiting, accepted, refused, unsupported
    Column("core_tries", Integer, nullable=False),
    Column("core_not_before", String(TIME_CHARS), nullable=False),
    Column("core_at", String(TIME_CHARS)),
    Column("core_reference", Text, nullable=False),
    Column("core_text", Text, nullable=False),
)

anchors = Table(  # the head of each box that its last note of a checkpoint was about
    "anchors",
    metadata,
    Column("box", String(BOX_CHARS), ForeignKey("boxes.box"), primary_key=True),
    Column("number", BigInteger, ForeignKey("checkpoints.number"), nullable=False),
    Column("hash", LargeBinary, ForeignKey("records.hash"), nullable=False),
    Column("seq", BigInteger, nullable=False),
)

certificates = Table(  # what the device authority issued; never changed
    "certificates",
    metadata,
    Column("number", ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("role", String(9), nullable=False),  # "root" | "collector" | "box"
    Column("subject", String(BOX_CHARS), nullable=False),  # the box's id, or the role
    Column("public_key", LargeBinary, nullable=False),
    Column("issuer_key", LargeBinary, nullable=False),
    Column("der", LargeBinary, nullable=False),
    Column("issued_at", String(TIME_CHARS), nullable=False),
    UniqueConstraint("role", "subject", "public_key", "issuer_key"),
)

leases = Table(  # which box may give which label numbers; rows are never changed or removed
    "leases",
    metadata,
    Column("number", ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("ask", LargeBinary, nullable=False),  # the hash of the record that asked; it may not be held yet
    # The record that brought the row: the ask when it was granted here; the box's notes record when it was granted
    # before this store went back to an older copy.
    Column("known_by", LargeBinary, ForeignKey("records.hash"), nullable=False),
    Column("box", String(BOX_CHARS), ForeignKey("boxes.box"), nullable=False),
    Column("unit_code", String(18), nullable=False),
    Column("waste_code", String(10), nullable=False),
    Column("first_number", Integer, nullable=False),
    Column("last_number", Integer, nullable=False),
    Column("from_day", String(10), nullable=False),
    Column("until_day", String(10), nullable=False),
    Column("at", String(TIME_CHARS), nullable=False),
    Index(None, "ask"),
    Index(None, "unit_code", "until_day"),
)

lease_units = Table(  # one row a unit, updated before its leases are read for a grant: two workers grant in turn
    "lease_units",
    metadata,
    Column("unit_code", String(18), primary_key=True),
    Column("asks", BigInteger, nullable=False),
)

POINT_CHARS = 81

# Samples of working conditions. They stand beside the chain: sealed on their way, linked to nothing, and verify() does
# not look at them. `spool` and `n` are the box's numbering of its samples.
telemetry_spools = Table(  # how far each spool is held
    "telemetry_spools",
    metadata,
    Column("box", String(BOX_CHARS), primary_key=True),
    Column("spool", String(16), primary_key=True),
    Column("upto", BigInteger, nullable=False),
    Column("begun_at", String(TIME_CHARS), nullable=False),
    Column("last_at", String(TIME_CHARS), nullable=False),
)

telemetry_points = Table(  # what the values of a point mean; a change of meaning is a row of its own
    "telemetry_points",
    metadata,
    Column("box", String(BOX_CHARS), primary_key=True),
    Column("point", String(POINT_CHARS), primary_key=True),
    Column("facts", String(64), primary_key=True),  # SHA-256 of the others
    Column("unit", Text, nullable=False),
    Column("zh", Text, nullable=False),
    Column("en", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("low", Text),
    Column("high", Text),
    Column("first_at", String(TIME_CHARS), nullable=False),
)

telemetry_samples = Table(
    "telemetry_samples",
    metadata,
    Column("box", String(BOX_CHARS), primary_key=True),
    Column("spool", String(16), primary_key=True),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("point", String(POINT_CHARS), nullable=False),
    Column("facts", String(64), nullable=False),
    Column("at", String(TIME_CHARS), nullable=False),  # the box's time
    Column("value", Text),
    Column("quality", String(16), nullable=False),
    Column("said_at", String(TIME_CHARS), nullable=False),
    Column("note", Text, nullable=False),
    Column("stored_at", String(TIME_CHARS), nullable=False),
    Index(None, "box", "point", "at", "spool", "n"),
)

telemetry_holes = Table(  # numbers of a spool that never came
    "telemetry_holes",
    metadata,
    Column("box", String(BOX_CHARS), primary_key=True),
    Column("spool", String(16), primary_key=True),
    Column("first_number", BigInteger, primary_key=True, autoincrement=False),
    Column("last_number", BigInteger, nullable=False),
    Column("at", String(TIME_CHARS), nullable=False),
)
