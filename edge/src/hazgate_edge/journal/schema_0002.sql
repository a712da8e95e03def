-- Schema 2. Label number leases; everything here follows from the records (journal/leases.py derives it again).
-- What was asked for. A row without an answer is an ask that must not be repeated.
CREATE TABLE lease_ask (
    seq INTEGER PRIMARY KEY REFERENCES record (seq),
    hash BLOB NOT NULL, -- the record's: the answer names it
    waste_code TEXT NOT NULL,
    from_day TEXT NOT NULL,
    until_day TEXT NOT NULL,
    asked_on TEXT NOT NULL, -- local day
    answer TEXT NOT NULL DEFAULT '' CHECK (answer IN ('', 'granted', 'none')),
    answered_on TEXT NOT NULL DEFAULT '', -- local day
    why_none TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX lease_ask_until ON lease_ask (until_day);

-- What was granted, by the number of the note that said so: the order in which the ranges are used up.
CREATE TABLE lease (
    note INTEGER PRIMARY KEY,
    ask INTEGER NOT NULL REFERENCES lease_ask (seq),
    waste_code TEXT NOT NULL,
    first_number INTEGER NOT NULL,
    last_number INTEGER NOT NULL,
    from_day TEXT NOT NULL,
    until_day TEXT NOT NULL
) STRICT;
CREATE INDEX lease_until ON lease (until_day);
