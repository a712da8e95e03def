-- Schema 4. A durable commit pays for pages: a weighing commits its record alone, and its line in `bag` follows with the
-- next other write or in a quiet moment. The record therefore keeps what only the line had: the key of the press.
ALTER TABLE record ADD COLUMN request TEXT; -- of a weighing; null for every other record
