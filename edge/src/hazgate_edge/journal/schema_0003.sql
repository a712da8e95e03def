-- Schema 3. What the box has got back of itself: branches of its own chain beside the one in `record`.
CREATE TABLE branch (
    head BLOB PRIMARY KEY,
    seq INTEGER NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('other', 'named', 'aside')),
        -- told by the collector, named by a merge record, out of a file that was set aside
    needs BLOB,                         -- the newest record still lacking; NULL: whole
    grown INTEGER NOT NULL DEFAULT 0,   -- 1: it goes on behind a head that was merged before
    given_up INTEGER NOT NULL DEFAULT 0, -- 1: not waited for: the collector lost the rest, or a person decided so
    merged INTEGER NOT NULL DEFAULT 0   -- 1: a record of kind merge names it
) STRICT;

CREATE TABLE recovered (
    number INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    prev BLOB NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,                -- the exact canonical bytes that were hashed
    unsent INTEGER NOT NULL DEFAULT 0  -- 1: out of a file set aside, and the collector may not hold it
) STRICT;
CREATE INDEX recovered_unsent ON recovered (number) WHERE unsent = 1;

CREATE TABLE recovered_bag (
    hash BLOB PRIMARY KEY,
    rid TEXT NOT NULL,
    label TEXT NOT NULL,
    waste_code TEXT NOT NULL,
    waste_name TEXT NOT NULL,
    weight TEXT NOT NULL,
    weighed_at TEXT NOT NULL,
    produced_on TEXT NOT NULL
) STRICT;
CREATE INDEX recovered_bag_day ON recovered_bag (produced_on);
CREATE INDEX recovered_bag_rid ON recovered_bag (rid);
CREATE TABLE recovered_print (rid TEXT PRIMARY KEY) STRICT, WITHOUT ROWID; -- weighings whose label came out

-- The highest number known to be given outside of `bag`: by another branch, or as the witness file says.
CREATE TABLE number_floor (
    stem TEXT PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE standing (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    place TEXT NOT NULL,    -- JSON: the file and machine this journal lay in when it was last known to be where it belongs
    told INTEGER NOT NULL,  -- 1: told of another branch, and not yet that there is no more
    cloned TEXT NOT NULL    -- why another box seems to use this box's identity, '' while none does
) STRICT;
INSERT INTO standing VALUES (1, '', 0, '');

CREATE TABLE salvaged (file TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
