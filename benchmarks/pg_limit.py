"""P: rows a second that asyncpg brings into PostgreSQL, a batch as one jsonb value, a commit each; one connection.

`python pg_limit.py SOCKET_FOLDER DATABASE BATCH SECONDS` prints one number. It runs in an environment of its own, and
nothing else of the benchmarks is imported. What is already stored is left alone, as our own store does it.
"""

from __future__ import annotations

import asyncio
import sys
import time

import asyncpg  # type: ignore[import-not-found] # in its own environment, see requirements/bench.txt
import orjson  # type: ignore[import-not-found] # as above

_TABLE = """
CREATE TABLE IF NOT EXISTS limit_rows(
    id text PRIMARY KEY, box text NOT NULL, seq bigint NOT NULL, at bigint NOT NULL, kg numeric(12,3) NOT NULL,
    code text NOT NULL, hash bytea NOT NULL, payload jsonb NOT NULL, received timestamptz NOT NULL DEFAULT now(),
    UNIQUE (box, seq)
)"""
_BATCH = """
INSERT INTO limit_rows(id, box, seq, at, kg, code, hash, payload)
SELECT id, box, seq, at, kg, code, decode(hash, 'hex'), payload FROM jsonb_to_recordset($1::jsonb)
    AS row(id text, box text, seq bigint, at bigint, kg numeric, code text, hash text, payload jsonb)
ON CONFLICT DO NOTHING"""
_NOTE = "废矿物油与含矿物油废物" * 4  # a row is about as long as an outbox row of a box: 500 bytes


def _row(number: int) -> dict[str, object]:
    return {
        "id": f"{number:026d}",
        "box": "box-bench-01",
        "seq": number,
        "at": 1_763_900_000_000 + number,
        "kg": f"{100 + number % 977 / 10:.1f}",
        "code": "900-214-08",
        "hash": "ab" * 32,
        "payload": {"gross": "130.5", "tare": "7.1", "operator": "u-17", "bag": f"B{number:08d}", "note": _NOTE},
    }


async def _rate(folder: str, database: str, batch: int, seconds: float) -> float:
    connection = await asyncpg.connect(host=folder, user="hazgate", database=database)
    await connection.execute("SET synchronous_commit = on")
    await connection.execute("DROP TABLE IF EXISTS limit_rows")
    await connection.execute(_TABLE)
    stored, start = 0, time.perf_counter()
    while (took := time.perf_counter() - start) < seconds:
        rows = orjson.dumps([_row(number) for number in range(stored, stored + batch)]).decode()
        await connection.execute(_BATCH, rows)
        stored += batch
    await connection.close()
    return stored / took


if __name__ == "__main__":
    print(asyncio.run(_rate(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))))
