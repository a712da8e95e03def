"""The suites under load: bursts at the scale, a backlog after an outage, a steady pace, bytes on the wire."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks import bare, own_drain, own_journal, own_pace, peer, server
from benchmarks import remarks as remarks_of
from benchmarks.bench import Bench
from benchmarks.broker import Broker
from benchmarks.chain import Chain, running_chain
from benchmarks.figure import Bar, Figure, Role
from benchmarks.probe import Probe
from benchmarks.probe_box import PAGE, WINDOW
from benchmarks.spread import Goal, Sense, percentile

BURST_GOAL = Goal(Sense.AT_LEAST, 0.5)
BURST_PEER_GOAL = Goal(Sense.AT_LEAST, 3.0)
BURST_ANSWER_GOAL = Goal(Sense.AT_MOST, 1.0)
ANSWER_MS_MAX = 50.0
BURST_OFFERED = 100
BURST_ROUNDS = 12
BURST_SLICE_S = 0.5
PEER_BURST = 2000

DRAIN_GOAL = Goal(Sense.AT_LEAST, 0.5)
DRAIN_ANSWER_GOAL = Goal(Sense.AT_MOST, 2.0)
FIRST_GOAL = Goal(Sense.AT_MOST, 1.0)
FIRST_S_MAX = 1.0
GROWTH_GOAL = Goal(Sense.AT_MOST, 1.1)
DRAIN_BACKLOG = 20_000
GROWTH_BACKLOG = 100_000
DRAIN_ROUNDS = 1

PACE_GOAL = Goal(Sense.AT_MOST, 2.0)
PACE_PER_S = 1000.0
PACE_COUNT = 3000
PACE_ROUNDS = 3

UPLINK_GOAL = Goal(Sense.AT_MOST, 1.0)
UPLINK_BYTES_MAX = 80.0
UPLINK_RECORDS = 100
UPLINK_ROUNDS = 5


def burst(bench: Bench) -> list[Figure]:
    """(e) Weighings offered together, against S and the peer."""
    limit: list[float] = []
    theirs: list[float] = []
    ours: list[own_journal.Burst] = []
    interpreter = peer.ensure_peer(bench.peer_folder, bench.say)
    with (
        bare.bare_batches(bench.scratch, BURST_OFFERED) as batch,
        own_journal.journal_bursts(bench.scratch, BURST_OFFERED) as offer,
        peer.peer_bursts(interpreter, bench.scratch, PEER_BURST) as peer_burst,
    ):
        bare.calls_per_s(batch, BURST_SLICE_S)  # warm up
        offer(BURST_SLICE_S)
        peer_burst()
        for number in range(BURST_ROUNDS):
            limit.append(bare.calls_per_s(batch, BURST_SLICE_S) * BURST_OFFERED)
            ours.append(offer(BURST_SLICE_S))
            theirs.append(peer_burst())
            bench.keep("burst", round=number, bare_per_s=limit[-1], ours=ours[-1], peer_per_s=theirs[-1])
    rates, answers = tuple(run.per_s for run in ours), tuple(run.answer_p99_ms for run in ours)
    bench.say(
        f"S {statistics.median(limit):.0f}/s, TB {statistics.median(theirs):.0f}/s, hazgate"
        f" {statistics.median(rates):.0f}/s with p99 {statistics.median(answers):.1f} ms"
    )
    mine = Bar(f"hazgate: bursts of {BURST_OFFERED} weighings", Role.OURS, rates)
    tb = Bar(f"TB {peer.peer_version()}: bursts of {PEER_BURST} records", Role.REFERENCE, tuple(theirs))
    bare_bar = Bar(f"S: bare SQLite, {BURST_OFFERED} outbox rows a commit", Role.REFERENCE, tuple(limit))
    return [
        Figure("burst", "Bursts against bare SQLite", "records/s", (mine, bare_bar), BURST_GOAL, "", remarks_of.BURST),
        Figure(
            "burst-peer", "Bursts against the peer", "records/s", (mine, tb), BURST_PEER_GOAL, "", remarks_of.BURST_PEER
        ),
        Figure(
            "burst-answer",
            f"Answer in a burst, p99 against {ANSWER_MS_MAX:g} ms",
            "ms",
            (Bar("hazgate: offered to answered", Role.OURS, answers), _bound("bound", ANSWER_MS_MAX, answers)),
            BURST_ANSWER_GOAL,
        ),
    ]


def drain(bench: Bench) -> list[Figure]:
    """(f) A backlog after an outage, against the bare probe's; weighing meanwhile; memory after a long one."""
    backlogs = [*[DRAIN_BACKLOG] * DRAIN_ROUNDS, GROWTH_BACKLOG]
    runs: list[own_drain.DrainRun] = []
    limit: list[float] = []
    asyncpg = server.ensure_asyncpg(bench)
    with ExitStack() as running:
        cluster = running.enter_context(server.running_server())
        address = running.enter_context(server.new_database(cluster, "drain"))
        chain = running.enter_context(running_chain(bench.scratch, len(backlogs), address))
        for number, (name, backlog) in enumerate(zip(chain.boxes, backlogs, strict=True)):
            with Broker(bench.scratch) as broker:
                bare_path = Probe(bench.scratch, asyncpg, cluster.folder, broker.port)
                limit.append(asyncio.run(bare_path.drained_per_s(backlog)))
            runs.append(
                asyncio.run(own_drain.drain(chain, name, backlog, own_drain.first_number(number, max(backlogs))))
            )
            bench.keep("drain", round=number, probe_per_s=limit[-1], ours=runs[-1])
            bench.say(
                f"backlog {backlog}: Q {limit[-1]:.0f}/s, hazgate {runs[-1].per_s:.0f}/s, first after"
                f" {runs[-1].first_s:.2f} s, press p99 {_p99(runs[-1].draining_ms):.1f} ms (steady"
                f" {_p99(runs[-1].steady_ms):.1f} ms)"
            )
    rates = (
        Bar("hazgate: link's return to the last receipt", Role.OURS, tuple(run.per_s for run in runs)),
        Bar(f"Q: bare probe, pages of {PAGE}, {WINDOW} in flight", Role.REFERENCE, tuple(limit)),
    )
    answers = (
        Bar("hazgate: press to saved during the drain", Role.OURS, tuple(_p99(run.draining_ms) for run in runs)),
        Bar("hazgate: the same before the link's return", Role.REFERENCE, tuple(_p99(run.steady_ms) for run in runs)),
    )
    first = tuple(run.first_s for run in runs)
    firsts = (Bar("hazgate", Role.OURS, first), _bound("bound", FIRST_S_MAX, first))
    memory = (
        Bar(f"hazgate box after draining {GROWTH_BACKLOG:,} records, RSS", Role.OURS, (runs[-1].after.rss_mib,)),
        Bar("hazgate box before, RSS", Role.REFERENCE, (runs[-1].before.rss_mib,)),
    )
    return [
        Figure("drain", "Drain after an outage", "records/s", rates, DRAIN_GOAL, "", remarks_of.DRAIN),
        Figure("drain-answer", "Press to saved during a drain, p99", "ms", answers, DRAIN_ANSWER_GOAL),
        Figure("drain-first", "Link's return to the first receipt", "s", firsts, FIRST_GOAL, "", remarks_of.FIRST),
        Figure("drain-memory", "Memory after a drain", "MiB", memory, GROWTH_GOAL, "", remarks_of.GROWTH),
    ]


def pace(bench: Bench) -> list[Figure]:
    """(g) Box to receipt at 1,000 records/s, against the bare probe."""
    asyncpg = server.ensure_asyncpg(bench)
    with ExitStack() as running:
        cluster = running.enter_context(server.running_server())
        address = running.enter_context(server.new_database(cluster, "pace"))
        chain = running.enter_context(running_chain(bench.scratch, 1, address))
        broker = running.enter_context(Broker(bench.scratch))
        bare_path = Probe(bench.scratch, asyncpg, cluster.folder, broker.port)
        ours, limit = asyncio.run(_pace(bench, chain, bare_path))
    return [
        Figure(
            f"pace-p{percent}",
            f"Record to receipt at {PACE_PER_S:g} records/s, p{percent}",
            "ms",
            (
                Bar("hazgate: planned time to receipt", Role.OURS, _each(ours, percent)),
                Bar("Q: bare probe of the same path", Role.REFERENCE, _each(limit, percent)),
            ),
            PACE_GOAL,
            remarks=remarks_of.PACE,
        )
        for percent in (50, 99)
    ]


async def _pace(bench: Bench, chain: Chain, bare_path: Probe) -> tuple[list[list[float]], list[list[float]]]:
    ours: list[list[float]] = []
    limit: list[list[float]] = []
    async with own_pace.running_pace(chain, chain.boxes[0]) as box:
        for number in range(PACE_ROUNDS):
            limit.append(await bare_path.latencies_ms(PACE_PER_S, PACE_COUNT))
            ours.append(await box.latencies_ms(PACE_PER_S, PACE_COUNT))
            bench.keep("pace", round=number, probe_ms=limit[-1], ours_ms=ours[-1])
            bench.say(
                f"round {number + 1}: Q p50 {percentile(limit[-1], 50):.2f} ms, p99 {_p99(limit[-1]):.2f} ms; hazgate"
                f" p50 {percentile(ours[-1], 50):.2f} ms, p99 {_p99(ours[-1]):.2f} ms"
            )
    return ours, limit


def uplink(bench: Bench) -> list[Figure]:
    """(h) What a record costs on the wire."""
    sizes = tuple(own_journal.push_bytes(bench.scratch, UPLINK_RECORDS, UPLINK_ROUNDS))
    bench.keep("uplink", bytes_a_record=sizes)
    bench.say(f"{statistics.median(sizes):.1f} bytes a record")
    bars = (Bar("hazgate", Role.OURS, sizes), _bound("bound", UPLINK_BYTES_MAX, sizes))
    title = f"Uplink, bytes a record in pushes of {UPLINK_RECORDS}"
    return [Figure("uplink", title, "bytes", bars, UPLINK_GOAL, "", remarks_of.UPLINK)]


def _bound(label: str, value: float, beside: Sequence[float]) -> Bar:
    """A fixed bound in place of a measured reference."""
    return Bar(label, Role.REFERENCE, (value,) * len(beside))


def _each(rounds: Sequence[Sequence[float]], percent: float) -> tuple[float, ...]:
    return tuple(percentile(values, percent) for values in rounds)


def _p99(values: Sequence[float]) -> float:
    return percentile(values, 99)
