"""What is compared with what: each suite measures both sides in turns and gives its figures."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable

from benchmarks import bare, decoding, intake, load, own_box, own_journal, own_label, peer, server
from benchmarks import remarks as remarks_of
from benchmarks.bench import Bench
from benchmarks.broker import Broker
from benchmarks.chain import Chain, running_chain
from benchmarks.figure import Bar, Figure, Role
from benchmarks.probe import Probe
from benchmarks.spread import Goal, Sense, percentile

COMMIT_GOAL = Goal(Sense.AT_LEAST, 0.8)
RECEIPT_GOAL = Goal(Sense.AT_MOST, 3.0)
MEMORY_GOAL = Goal(Sense.AT_MOST, 0.9)
START_GOAL = Goal(Sense.AT_MOST, 0.6)

# Short turns: a disturbance that lasts seconds then hits both sides, and the median forgets it.
COMMIT_ROUNDS = 20
COMMIT_SLICE_S = 0.5
RECEIPT_RATE_PER_S = 5.0
RECEIPT_COUNT = 25
LABEL_COUNT = 20
LABEL_BYTES_MS_MAX = 150.0
LABEL_BYTES_GOAL = Goal(Sense.AT_MOST, 1.0)


def commit(bench: Bench) -> list[Figure]:
    """(a) One weighing a commit against one bare row a commit."""
    limit: list[float] = []
    ours: list[float] = []
    awaited: list[float] = []
    with (
        bare.bare_commits(bench.scratch) as bare_row,
        own_journal.journal_weighings(bench.scratch) as weighing,
        own_journal.journal_weighings_from_a_loop(bench.scratch) as awaited_weighing,
    ):
        for call in (bare_row, weighing, awaited_weighing):
            bare.calls_per_s(call, COMMIT_SLICE_S)  # warm up
        for number in range(COMMIT_ROUNDS):
            limit.append(bare.calls_per_s(bare_row, COMMIT_SLICE_S))
            ours.append(bare.calls_per_s(weighing, COMMIT_SLICE_S))
            awaited.append(bare.calls_per_s(awaited_weighing, COMMIT_SLICE_S))
            bench.keep(
                "commit", round=number, bare_per_s=limit[-1], weighings_per_s=ours[-1], awaited_per_s=awaited[-1]
            )
    bench.say(
        f"bare {statistics.median(limit):.0f}/s, weighings {statistics.median(ours):.0f}/s,"
        f" awaited on a loop {statistics.median(awaited):.0f}/s"
    )
    return [
        Figure(
            key="commit",
            title="One weighing a commit",
            unit="commits/s",
            bars=(
                Bar("hazgate: number, record, chain, print job", Role.OURS, tuple(ours)),
                Bar("B: bare SQLite, one outbox row of 500 bytes", Role.REFERENCE, tuple(limit)),
                Bar("hazgate, awaited on the agent's event loop", Role.SHOWN, tuple(awaited)),
            ),
            goal=COMMIT_GOAL,
            remarks=(
                "Both: WAL, synchronous=FULL, every commit on the disk before the next begins, in the caller's thread.",
                "The agent must not wait for a disk: its weighings change threads twice, as the third line shows.",
                remarks_of.COMMIT_LATER,
            ),
        )
    ]


def receipt(bench: Bench) -> list[Figure]:
    """(b) Box to receipt at 5 records/s against the sum of its parts; Q beside it."""
    asyncpg = server.ensure_asyncpg(bench)
    with (
        server.running_server() as cluster,
        running_chain(bench.scratch, 1) as chain,
        Broker(bench.scratch) as broker,
    ):
        return [asyncio.run(_receipt(bench, chain, Probe(bench.scratch, asyncpg, cluster.folder, broker.port)))]


async def _receipt(bench: Bench, chain: Chain, probe: Probe) -> Figure:
    ours: list[float] = []
    sums: list[float] = []
    bare_path: list[float] = []
    parts = None
    async with own_box.ready_box(chain, chain.boxes[0]) as (box, receipts):
        for number in range(bench.rounds):
            parts = await bare.parts_of_the_way(bench.scratch, probe.port, RECEIPT_RATE_PER_S, RECEIPT_COUNT)
            bare_ms = await probe.latencies_ms(RECEIPT_RATE_PER_S, RECEIPT_COUNT)
            ours_ms = await own_box.receipt_latencies_ms(box, receipts, RECEIPT_RATE_PER_S, RECEIPT_COUNT)
            bench.keep("receipt", round=number, parts=parts, bare_ms=bare_ms, ours_ms=ours_ms)
            sums.append(parts.sum_ms)
            bare_path.append(percentile(bare_ms, 50))
            ours.append(percentile(ours_ms, 50))
            bench.say(
                f"round {number + 1}: sum of the parts {sums[-1]:.2f} ms, Q {bare_path[-1]:.2f} ms, "
                f"hazgate {ours[-1]:.2f} ms"
            )
    bars = (
        Bar("hazgate: press to receipt", Role.OURS, tuple(ours)),
        Bar("sum of the parts", Role.REFERENCE, tuple(sums)),
        Bar("Q: bare probe of the same path, on PostgreSQL", Role.SHOWN, tuple(bare_path)),
    )
    remarks = [remarks_of.RECEIPT]
    if parts is not None:
        remarks.append(
            f"Parts, p50 of the last round: commit at the box {parts.box_commit_ms:.2f} ms, MQTT up "
            f"{parts.hop_up_ms:.2f} ms, commit at the collector {parts.collector_commit_ms:.2f} ms, MQTT down "
            f"{parts.hop_down_ms:.2f} ms, two seals made and checked {parts.seals_ms:.2f} ms."
        )
    title = f"Box to receipt at {RECEIPT_RATE_PER_S:g} records/s, p50"
    return Figure("receipt", title, "ms", bars, RECEIPT_GOAL, remarks=tuple(remarks))


def box(bench: Bench) -> list[Figure]:
    """(c) Idle memory, and start to the first durable record, against the ThingsBoard gateway."""
    interpreter = peer.ensure_peer(bench.peer_folder, bench.say)
    theirs: list[peer.PeerRun] = []
    ours: list[own_box.BoxRun] = []
    with running_chain(bench.scratch, bench.rounds) as chain:
        for number, name in enumerate(chain.boxes):
            theirs.append(peer.run_peer(interpreter, bench.scratch))
            ours.append(asyncio.run(own_box.run_box(chain, name, peer.SETTLE_S)))
            bench.keep("box", round=number, peer=theirs[-1], ours=ours[-1])
            bench.say(
                f"round {number + 1}: {peer.NAME} {theirs[-1].idle.rss_mib:.1f} MiB, "
                f"first record after {theirs[-1].stored_s:.2f} s; hazgate {ours[-1].idle.rss_mib:.1f} MiB, "
                f"first record after {ours[-1].first_record_s:.2f} s"
            )
    name = f"TB {peer.peer_version()}"
    memory = (
        Bar("hazgate box, RSS", Role.OURS, tuple(run.idle.rss_mib for run in ours)),
        Bar(f"{name}, RSS", Role.REFERENCE, tuple(run.idle.rss_mib for run in theirs)),
        Bar("hazgate box, PSS", Role.SHOWN, tuple(run.idle.pss_mib for run in ours)),
        Bar(f"{name}, PSS", Role.SHOWN, tuple(run.idle.pss_mib for run in theirs)),
        Bar("hazgate, just after a label, RSS", Role.SHOWN, tuple(run.printed.rss_mib for run in ours)),
        Bar("hazgate, terminal page open, RSS", Role.SHOWN, tuple(run.watched.rss_mib for run in ours)),
        Bar("hazgate, terminal page open, PSS", Role.SHOWN, tuple(run.watched.pss_mib for run in ours)),
    )
    start = (
        Bar('hazgate: first weighing answered "saved"', Role.OURS, tuple(run.first_record_s for run in ours)),
        Bar(f"{name}: first record in its SQLite", Role.REFERENCE, tuple(run.stored_s for run in theirs)),
        Bar("hazgate: founding record of the chain", Role.SHOWN, tuple(run.founded_s for run in ours)),
        Bar(f"{name}: connector accepts", Role.SHOWN, tuple(run.accepting_s for run in theirs)),
    )
    named = f"TB is {peer.NAME}."
    return [
        Figure("memory", "Idle memory of the box", "MiB", memory, MEMORY_GOAL, remarks=(named, *remarks_of.MEMORY)),
        Figure(
            "start", "Start to the first durable record", "s", start, START_GOAL, remarks=(named, *remarks_of.START)
        ),
    ]


def label(bench: Bench) -> list[Figure]:
    """(d) From the frame that settles the weight to "saved" and to the label's last byte; no goal."""
    runs: list[own_box.LabelRun] = []
    with running_chain(bench.scratch, bench.rounds) as chain:
        for number, name in enumerate(chain.boxes):
            runs.append(asyncio.run(own_box.label_latencies_ms(chain, name, LABEL_COUNT)))
            bench.keep("label", round=number, ours=runs[-1])
            bench.say(
                f"round {number + 1}: saved p50 {percentile(runs[-1].saved_ms, 50):.1f} ms, "
                f"label p50 {percentile(runs[-1].last_byte_ms, 50):.1f} ms"
            )
    bars = [
        Bar(f"{what}, p{percent}", Role.OURS, tuple(percentile(series(run), percent) for run in runs))
        for what, series in (("weight offered", _seen), ("saved", _saved), ("label's last byte", _last_byte))
        for percent in (50, 95)
    ]
    bars.append(Bar("first label of a drawing process", Role.SHOWN, tuple(run.first_last_byte_ms for run in runs)))
    title = "Last stable frame to saved and to the label's last byte"
    return [Figure("label", title, "ms", tuple(bars), remarks=remarks_of.LABEL), _label_bytes(bench)]


def _label_bytes(bench: Bench) -> Figure:
    """From a label's texts to the printer's bytes at 100 mm and 203 dpi: p99 against a fixed bound."""
    p99: dict[str, list[float]] = {profile: [] for profile in own_label.PROFILES}
    p50: list[float] = []
    for number in range(bench.rounds):
        for profile, series in p99.items():
            took_ms = asyncio.run(own_label.bytes_latencies_ms(profile))
            bench.keep("label_bytes", round=number, profile=profile, ours_ms=took_ms)
            series.append(percentile(took_ms, 99))
            if profile == own_label.PROFILES[0]:
                p50.append(percentile(took_ms, 50))
        bench.say(
            f"round {number + 1}: label to bytes p99 "
            + ", ".join(f"{profile} {series[-1]:.1f} ms" for profile, series in p99.items())
        )
    ours, *others = p99.items()
    bars = (
        Bar(f"hazgate, {ours[0]}, p99", Role.OURS, tuple(ours[1])),
        Bar("the bound", Role.REFERENCE, (LABEL_BYTES_MS_MAX,) * bench.rounds),
        *(Bar(f"hazgate, {profile}, p99", Role.SHOWN, tuple(series)) for profile, series in others),
        Bar(f"hazgate, {ours[0]}, p50", Role.SHOWN, tuple(p50)),
    )
    title = "Label render to bytes, 100 mm at 203 dpi, p99"
    return Figure("label_bytes", title, "ms", bars, LABEL_BYTES_GOAL, remarks=remarks_of.LABEL_BYTES)


def _seen(run: own_box.LabelRun) -> list[float]:
    return run.seen_ms


def _saved(run: own_box.LabelRun) -> list[float]:
    return run.saved_ms


def _last_byte(run: own_box.LabelRun) -> list[float]:
    return run.last_byte_ms


SUITES: dict[str, Callable[[Bench], list[Figure]]] = {
    "commit": commit,
    "burst": load.burst,
    "receipt": receipt,
    "pace": load.pace,
    "drain": load.drain,
    "intake": intake.intake,
    "uplink": load.uplink,
    "box": box,
    "label": label,
    "decode": decoding.decode,
}
