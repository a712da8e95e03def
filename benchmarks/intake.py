"""(e) What the collector takes in on PostgreSQL, all checked, against P; and a full resend against fresh data."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import bare, own_journal, server
from benchmarks.children import BenchError
from benchmarks.figure import Bar, Figure, Role
from benchmarks.spread import Goal, Sense
from hazgate_cloud.collector.collector import Answer, Collector
from hazgate_cloud.collector.line import Line
from hazgate_cloud.collector.memory import collect_seldom, switch_often
from hazgate_cloud.domain.box import RegisteredBox
from hazgate_cloud.store.boxes import add_box
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.migrate import upgrade
from hazgate_cloud.store.writer import Writer
from hazgate_edge.clock import SystemClock
from hazgate_edge.domain.view import PrintState
from hazgate_edge.journal.store import Journal
from hazgate_edge.sync.dialogue import BATCH_BYTES, BATCH_RECORDS
from hazgate_protocols.codes.label_number import SEQUENCE_MAX
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.uplink import Push, encode_push, topics
from hazgate_simulators.demo.postgres import Cluster

if TYPE_CHECKING:
    from benchmarks.bench import Bench

INTAKE_GOAL = Goal(Sense.AT_LEAST, 0.5)
RESEND_GOAL = Goal(Sense.AT_LEAST, 1.0)
BOXES = 8
PUSHES_A_BOX = 5
LIMIT_S = 1.5
WEIGHINGS_A_BOX_MAX = 10 * SEQUENCE_MAX  # own_journal moves on to the next day by the number
_LIMIT = Path(__file__).with_name("pg_limit.py")


_REMARKS = (
    (
        f"Pushes of {BATCH_RECORDS} records of {BOXES} real journals, each box's next when the one before has its "
        "receipt: unpacked, seal and chain checked, each record decoded and held to its canonical form, judged, stored "
        "with its bag, its trace link and its submission to the core, committed, receipts sealed. One process, one "
        "connection; the next pushes are read while the server stores the ones before."
    ),
    (
        "P stores one row of 500 bytes in one table with two indexes, and checks nothing. A weighing here is four rows "
        "in four tables with fifteen indexes, its label's record two rows. Each round starts with empty tables."
    ),
)


@dataclass(frozen=True, slots=True)
class Chain:
    """A box's pushes, the first with its founding record alone."""

    box: str
    public_key: bytes
    pushes: tuple[bytes, ...]


def intake(bench: Bench) -> list[Figure]:
    """Rounds of P with 100 and 1000 rows a batch, ours with labels printed, ours with weighings alone, a resend."""
    python = server.ensure_asyncpg(bench)
    limit: dict[int, list[float]] = {BATCH_RECORDS: [], 1000: []}
    real: list[float] = []
    alone: list[float] = []
    again: list[float] = []
    collect_seldom()  # as hazgate-cloud does when it starts
    switch_often()
    with server.running_server() as cluster:
        printed = _chains(bench.scratch, printing=True)
        weighed = _chains(bench.scratch, printing=False)
        for number in range(bench.rounds):
            for batch, rates in limit.items():
                rates.append(_limit_per_s(python, cluster, batch))
            fresh, resent = _taken_per_s(cluster, printed)
            real.append(fresh)
            again.append(resent)
            alone.append(_taken_per_s(cluster, weighed)[0])
            last = {f"limit_{batch}_per_s": rates[-1] for batch, rates in limit.items()}
            last |= {"ours_per_s": fresh, "weighings_per_s": alone[-1], "again_per_s": resent}
            bench.keep("intake", round=number, **last)
    p100, p1000 = limit[BATCH_RECORDS], limit[1000]
    bench.say(
        f"P {statistics.median(p100):.0f}/s (1000 a batch {statistics.median(p1000):.0f}/s), hazgate "
        f"{statistics.median(real):.0f}/s, weighings alone {statistics.median(alone):.0f}/s, "
        f"again {statistics.median(again):.0f}/s"
    )
    return [
        Figure(
            key="intake",
            title="Collector intake on PostgreSQL",
            unit="records/s",
            bars=(
                Bar("hazgate: weighings and label records in turns", Role.OURS, tuple(real)),
                Bar("P: asyncpg, 100 rows a batch as one jsonb value", Role.REFERENCE, tuple(p100)),
                Bar("P with 1000 rows a batch", Role.SHOWN, tuple(p1000)),
                Bar("hazgate: weighings alone", Role.SHOWN, tuple(alone)),
            ),
            goal=INTAKE_GOAL,
            remarks=_REMARKS,
        ),
        Figure(
            key="resend",
            title="A full resend against fresh data",
            unit="records/s",
            bars=(
                Bar("hazgate: everything once more", Role.OURS, tuple(again)),
                Bar("hazgate: fresh", Role.REFERENCE, tuple(real)),
            ),
            goal=RESEND_GOAL,
            remarks=("The same pushes a second time: checked like fresh ones, found held, answered with receipts.",),
        ),
    ]


def _taken_per_s(cluster: Cluster, chains: list[Chain]) -> tuple[float, float]:
    """Records a second into an empty store, and the same again."""
    with server.new_database(cluster, "intake") as url, closing(Database.open(url)) as database:
        upgrade(database)
        collector = Collector(database, Signer.generate(), lambda: datetime.now(UTC))
        for chain in chains:
            known = RegisteredBox(chain.box, chain.public_key, own_journal.UNIT_CODE, "")
            database.written(lambda tx, known=known: add_box(tx, known, "2026-01-01T00:00:00.000Z"))  # type: ignore[misc] # bound now
            collector.handle(chain.box, chain.pushes[0])
        rates = [asyncio.run(_per_s(collector, chains)) for _ in ("fresh", "again")]
    return rates[0], rates[1]


async def _per_s(collector: Collector, chains: list[Chain]) -> float:
    """Records a second. Each box pushes as boxes do: the next when the one before has its receipt."""
    todo = {chain.box: list(chain.pushes[:0:-1]) for chain in chains}
    records = BATCH_RECORDS * sum(map(len, todo.values()))
    writer = Writer()
    line = Line(collector, writer)

    async def answer(answers: list[Answer]) -> None:
        for item in answers:
            box = topics.box_of(item.topic)
            if box is None or item.topic != topics.have(box):
                raise BenchError(f"take pushes: {item.topic} is no receipt; run tests/cloud")
            if todo[box]:
                line.put(box, todo[box].pop())
            else:
                del todo[box]
        if not todo:
            all_taken.set_result(None)

    all_taken = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(line.run(answer))
    start = time.perf_counter()
    for box, pushes in todo.items():
        line.put(box, pushes.pop())
    await asyncio.wait((running, all_taken), return_when=asyncio.FIRST_COMPLETED)
    took_s = time.perf_counter() - start
    if not all_taken.done():
        running.result()
    running.cancel()
    writer.close()
    return records / took_s


def _chains(scratch: Path, *, printing: bool) -> list[Chain]:
    return [_chain(scratch / f"intake-{index}.db", index, printing=printing) for index in range(BOXES)]


def _chain(path: Path, index: int, *, printing: bool) -> Chain:
    """A real journal's pushes, as its box would cut them."""
    name, signer = f"box-bench-{index:02}", Signer.generate()
    journal = Journal(path, box=name, signer=signer, clock=SystemClock.of_this_machine())
    try:
        journal.write_now(lambda: journal.do_found(unit_code=own_journal.UNIT_CODE, dev=own_journal.DEV))
        for number in range(PUSHES_A_BOX * BATCH_RECORDS // (2 if printing else 1)):
            _weigh(journal, index * WEIGHINGS_A_BOX_MAX + number, printing=printing)
        pushes, cursor, size = [], 0, 1
        while records := journal.after(cursor, size, BATCH_BYTES):
            head = records[-1].hash
            pushes.append(
                encode_push(Push("bench", records[0].prev, tuple(item.body for item in records), journal.seal(head)))
            )
            cursor, size = records[-1].seq, BATCH_RECORDS
    finally:
        journal.close()
    bare.remove_database(path)
    return Chain(name, signer.public(), tuple(pushes))


def _weigh(journal: Journal, number: int, *, printing: bool) -> None:
    journal.write_now(lambda: journal.do_weigh(own_journal.weighing(number)))
    if printing:
        (job,) = journal.open_jobs()
        how: dict[str, Any] = {"by": "printer", "detail": ""}
        who = {"operator": "", "shift": ""}
        journal.write_now(
            lambda: journal.do_settle_job(job, PrintState.PRINTED, None, **how, who=who, dev=own_journal.DEV)
        )


def _limit_per_s(python: Path, cluster: Cluster, batch: int) -> float:
    command: list[str | Path] = [python, _LIMIT, cluster.folder, "postgres", str(batch), str(LIMIT_S)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise BenchError(f"measure P: {done.stderr.strip()[-800:]}")
    return float(done.stdout)
