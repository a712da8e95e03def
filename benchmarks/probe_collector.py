"""The collector of Q: `python -m benchmarks.probe_collector PACKAGES SOCKET_FOLDER DATABASE BROKER_PORT`.

A page is one value and one statement; its receipt goes out after the commit. PACKAGES: the folder with asyncpg.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import zstandard

from benchmarks.broker import mqtt_client
from benchmarks.probe import READY
from benchmarks.probe_box import HAVE, PUSH
from hazgate_simulators.demo.postgres import USER

_TABLE = """
CREATE TABLE probe_rows(
    seq bigint PRIMARY KEY, id text NOT NULL UNIQUE, dev text NOT NULL, kg numeric(12,3) NOT NULL, pad text NOT NULL
)"""
_PAGE = """
INSERT INTO probe_rows(seq, id, dev, kg, pad)
SELECT seq, id, dev, kg, pad FROM jsonb_to_recordset($1::jsonb)
    AS row(seq bigint, id text, dev text, kg numeric, pad text)
ON CONFLICT DO NOTHING"""
_PLAIN_BYTES_MAX = 16 << 20


async def _collect(asyncpg: Any, folder: str, database: str, port: int) -> None:
    connection = await asyncpg.connect(host=folder, user=USER, database=database)
    await connection.execute("SET synchronous_commit = on")
    await connection.execute("DROP TABLE IF EXISTS probe_rows")
    await connection.execute(_TABLE)
    store = await connection.prepare(_PAGE)
    unpacker = zstandard.ZstdDecompressor()
    async with mqtt_client(port, "probe-collector") as client:
        await client.subscribe(PUSH, qos=1)
        print(READY, flush=True)
        async for message in client.messages:
            if not isinstance(message.payload, bytes):
                continue
            upto, _, rows = unpacker.decompress(message.payload, max_output_size=_PLAIN_BYTES_MAX).partition(b"\n")
            await store.fetch(rows.decode())
            await client.publish(HAVE, upto, qos=1)


def _main() -> None:
    packages, folder, database, port = sys.argv[1:]
    sys.path.append(packages)
    import asyncpg  # type: ignore[import-not-found] # in its own environment, see requirements/bench.txt

    asyncio.run(_collect(asyncpg, folder, database, int(port)))


if __name__ == "__main__":
    _main()
