-- Schema 1. Forward only; each migration runs in one transaction.
CREATE TABLE record (
    seq INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    prev BLOB NOT NULL,
    rid TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    body BLOB NOT NULL, -- the exact canonical bytes that were hashed
    seal BLOB           -- on the last record of each transaction
) STRICT;

-- One line a weighing: what the terminal shows. Everything here follows from the records.
CREATE TABLE bag (
    seq INTEGER PRIMARY KEY REFERENCES record (seq),
    rid TEXT NOT NULL UNIQUE,
    label TEXT NOT NULL UNIQUE,
    request TEXT NOT NULL UNIQUE, -- the terminal's key of the press; the same key books once
    waste_code TEXT NOT NULL,
    waste_name TEXT NOT NULL,
    weight TEXT NOT NULL,
    weighed_at TEXT NOT NULL,
    produced_on TEXT NOT NULL,
    core TEXT NOT NULL DEFAULT '',
    core_at TEXT NOT NULL DEFAULT '',
    core_text TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX bag_produced_on ON bag (produced_on);

CREATE TABLE print_job (
    id INTEGER PRIMARY KEY,
    rid TEXT NOT NULL REFERENCES bag (rid),
    copy INTEGER NOT NULL,  -- 0 the original, n the n-th reprint
    state TEXT NOT NULL CHECK (state IN ('queued', 'printing', 'printed', 'failed', 'unknown')),
    say TEXT NOT NULL DEFAULT '', -- JSON [key, values] for the operator, '' when there is nothing to say
    UNIQUE (rid, copy)
) STRICT;
CREATE INDEX print_job_open ON print_job (id) WHERE state IN ('queued', 'printing', 'failed');

-- The last sequence used per unit, waste code and day (HJ 1276 identification code, last segment).
CREATE TABLE label_sequence (
    waste_code TEXT NOT NULL,
    produced_on TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (waste_code, produced_on)
) STRICT;

-- What the collector durably holds of us, and the last of its notes we hold.
CREATE TABLE sync (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    received_seq INTEGER NOT NULL,
    received_at TEXT NOT NULL,
    notes_upto INTEGER NOT NULL
) STRICT;
INSERT INTO sync VALUES (1, 0, '', 0);
