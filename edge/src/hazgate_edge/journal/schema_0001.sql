-- Schema 1. Forward only; each migration runs in one transaction.
-- Every index costs a page per weighing, and pages are what a durable commit pays for: a weighing touches three trees.
CREATE TABLE record (
    seq INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    prev BLOB NOT NULL,
    rid TEXT NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL, -- the exact canonical bytes that were hashed
    seal BLOB           -- made when the writer comes to rest; a seal covers every record before it
) STRICT;

-- One line a weighing: what the terminal shows. Everything here follows from the records.
CREATE TABLE bag (
    seq INTEGER PRIMARY KEY REFERENCES record (seq),
    rid TEXT NOT NULL, -- looked up from the newest back
    label TEXT NOT NULL UNIQUE,
    request TEXT NOT NULL, -- the terminal's key of the press; the writer remembers the newest ones
    waste_code TEXT NOT NULL,
    waste_name TEXT NOT NULL,
    weight TEXT NOT NULL,
    weighed_at TEXT NOT NULL,
    produced_on TEXT NOT NULL,
    core TEXT NOT NULL DEFAULT '',
    core_at TEXT NOT NULL DEFAULT '',
    core_text TEXT NOT NULL DEFAULT ''
) STRICT;

-- What became of each label. A weighing without a line here has its original still waiting for the printer.
CREATE TABLE print_job (
    bag INTEGER NOT NULL REFERENCES bag (seq),
    copy INTEGER NOT NULL, -- 0 the original, n the n-th reprint
    state TEXT NOT NULL CHECK (state IN ('queued', 'printing', 'printed', 'failed', 'unknown')),
    say TEXT NOT NULL DEFAULT '', -- JSON [key, values] for the operator, '' when there is nothing to say
    PRIMARY KEY (bag, copy)
) STRICT, WITHOUT ROWID;
CREATE INDEX print_job_unknown ON print_job (bag) WHERE state = 'unknown';
CREATE INDEX bag_refused ON bag (seq) WHERE core IN ('refused', 'flagged');

-- What the collector durably holds of us, and the last of its notes we hold.
CREATE TABLE sync (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    received_seq INTEGER NOT NULL,
    received_at TEXT NOT NULL,
    notes_upto INTEGER NOT NULL
) STRICT;
INSERT INTO sync VALUES (1, 0, '', 0);
