"""What is compared with what: each suite measures both sides in turns and gives its figures."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import bare, hazgate_side, peer, probe
from benchmarks.broker import Broker
from benchmarks.figure import Bar, Figure, Role
from benchmarks.hazgate_side import NotConnectedError
from benchmarks.spread import Goal, Sense, percentile

COMMIT_GOAL = Goal(Sense.AT_LEAST, 0.6)
RECEIPT_GOAL = Goal(Sense.AT_MOST, 3.0)
MEMORY_GOAL = Goal(Sense.AT_MOST, 0.9)
START_GOAL = Goal(Sense.AT_MOST, 0.6)

# Short turns: a disturbance that lasts seconds then hits both sides, and the median forgets it.
COMMIT_ROUNDS = 20
COMMIT_SLICE_S = 0.5
RECEIPT_RATE_PER_S = 5.0
RECEIPT_COUNT = 50
LABEL_COUNT = 20


@dataclass(frozen=True, slots=True)
class Bench:
    """What a suite needs: a scratch folder on the journals' disk, where the peer lives, how often, and two voices."""

    scratch: Path
    peer_folder: Path
    rounds: int
    say: Callable[[str], None]
    keep: Callable[..., None]  # raw numbers, by name


def commit(bench: Bench) -> list[Figure]:
    """(a) One weighing a commit against one bare row a commit."""
    limit: list[float] = []
    ours: list[float] = []
    with bare.bare_commits(bench.scratch) as bare_row, hazgate_side.journal_weighings(bench.scratch) as weighing:
        for call in (bare_row, weighing):
            bare.calls_per_s(call, COMMIT_SLICE_S)  # warm up
        for number in range(COMMIT_ROUNDS):
            limit.append(bare.calls_per_s(bare_row, COMMIT_SLICE_S))
            ours.append(bare.calls_per_s(weighing, COMMIT_SLICE_S))
            bench.keep("commit", round=number, bare_per_s=limit[-1], weighings_per_s=ours[-1])
    bench.say(f"bare {statistics.median(limit):.0f}/s, weighings {statistics.median(ours):.0f}/s")
    return [
        Figure(
            key="commit",
            title="One weighing a commit",
            unit="commits/s",
            bars=(
                Bar("hazgate: number, record, chain, print job", Role.OURS, tuple(ours)),
                Bar(f"B: bare SQLite, one {bare.ROW_BYTES}-byte row", Role.REFERENCE, tuple(limit)),
            ),
            goal=COMMIT_GOAL,
            remarks=(
                "Both sides: WAL, synchronous=FULL, every commit on the disk before the next begins.",
                "The seal over the chain's head is made when the writer comes to rest: it is not in this figure.",
            ),
        )
    ]


def receipt(bench: Bench) -> list[Figure]:
    """(b) Box to receipt at 5 records/s against the sum of its parts; Q beside it."""
    ours: list[float] = []
    sums: list[float] = []
    bare_path: list[float] = []
    missing, parts = "", None
    for number in range(bench.rounds):
        with Broker(bench.scratch) as broker:
            way = bare.parts_of_the_way(bench.scratch, broker.port, RECEIPT_RATE_PER_S, RECEIPT_COUNT)
            parts = asyncio.run(way)
            path = probe.probe_latencies_ms(bench.scratch, broker.port, RECEIPT_RATE_PER_S, RECEIPT_COUNT)
            bare_ms = asyncio.run(path)
        sums.append(parts.sum_ms)
        bare_path.append(percentile(bare_ms, 50))
        bench.keep("receipt", round=number, parts=parts, bare_ms=bare_ms)
        bench.say(f"round {number + 1}: sum of the parts {sums[-1]:.2f} ms, Q {bare_path[-1]:.2f} ms")
        if not missing:
            try:
                ours_ms = hazgate_side.receipt_latencies_ms(bench.scratch, RECEIPT_RATE_PER_S, RECEIPT_COUNT)
            except NotConnectedError as exc:
                missing = str(exc)
            else:
                ours.append(percentile(ours_ms, 50))
                bench.keep("receipt", round=number, ours_ms=ours_ms)
                bench.say(f"round {number + 1}: hazgate {ours[-1]:.2f} ms")
    bars = [
        Bar("sum of the parts", Role.REFERENCE, tuple(sums)),
        Bar("Q: bare probe of the same path", Role.SHOWN, tuple(bare_path)),
    ]
    if ours:
        bars.insert(0, Bar("hazgate: press to receipt", Role.OURS, tuple(ours)))
    remarks = []
    if parts is not None:
        remarks.append(
            f"Parts, p50 of the last round: commit at the box {parts.box_commit_ms:.2f} ms, MQTT up "
            f"{parts.hop_up_ms:.2f} ms, commit at the collector {parts.collector_commit_ms:.2f} ms, MQTT down "
            f"{parts.hop_down_ms:.2f} ms, two seals made and checked {parts.seals_ms:.2f} ms."
        )
    title = f"Box to receipt at {RECEIPT_RATE_PER_S:g} records/s, p50"
    return [Figure("receipt", title, "ms", tuple(bars), RECEIPT_GOAL, missing, tuple(remarks))]


def box(bench: Bench) -> list[Figure]:
    """(c) Idle memory, and start to the first durable record, against the ThingsBoard gateway."""
    interpreter = peer.ensure_peer(bench.peer_folder, bench.say)
    theirs: list[peer.PeerRun] = []
    ours: list[hazgate_side.BoxRun] = []
    missing = ""
    for number in range(bench.rounds):
        theirs.append(peer.run_peer(interpreter, bench.scratch))
        bench.keep("box", round=number, peer=theirs[-1])
        bench.say(
            f"round {number + 1}: {peer.NAME} {theirs[-1].idle.rss_mib:.1f} MiB, "
            f"first record after {theirs[-1].stored_s:.2f} s"
        )
        if not missing:
            try:
                ours.append(hazgate_side.run_box(bench.scratch, peer.SETTLE_S))
            except NotConnectedError as exc:
                missing = str(exc)
            else:
                bench.keep("box", round=number, ours=ours[-1])
                bench.say(
                    f"round {number + 1}: hazgate {ours[-1].idle.rss_mib:.1f} MiB, "
                    f"first record after {ours[-1].first_record_s:.2f} s"
                )
    name = f"TB {peer.peer_version()}"
    memory = [
        Bar(f"{name}, RSS", Role.REFERENCE, tuple(run.idle.rss_mib for run in theirs)),
        Bar(f"{name}, PSS", Role.SHOWN, tuple(run.idle.pss_mib for run in theirs)),
    ]
    start = [
        Bar(f"{name}: first record in its SQLite", Role.REFERENCE, tuple(run.stored_s for run in theirs)),
        Bar(f"{name}: connector accepts", Role.SHOWN, tuple(run.accepting_s for run in theirs)),
    ]
    if ours:
        memory = [
            Bar("hazgate box, RSS", Role.OURS, tuple(run.idle.rss_mib for run in ours)),
            Bar("hazgate box, PSS", Role.SHOWN, tuple(run.idle.pss_mib for run in ours)),
            Bar("hazgate box with an open terminal, PSS", Role.SHOWN, tuple(run.watched.pss_mib for run in ours)),
            *memory,
        ]
        start.insert(0, Bar("hazgate: first weighing in the journal", Role.OURS, tuple(r.first_record_s for r in ours)))
    named = f"TB is {peer.NAME}."
    whole_tree = "Whole process trees. RSS counts shared pages in full, PSS by their share."
    durable = (
        "The peer commits with synchronous=NORMAL, which a power cut can undo; hazgate's record has reached the disk."
    )
    return [
        Figure("memory", "Idle memory of the box", "MiB", tuple(memory), MEMORY_GOAL, missing, (named, whole_tree)),
        Figure("start", "Start to the first durable record", "s", tuple(start), START_GOAL, missing, (named, durable)),
    ]


def label(bench: Bench) -> list[Figure]:
    """(d) From the frame that settles the weight to "saved" and to the label's last byte; no goal."""
    title = "Last stable frame to saved and to the label's last byte"
    runs: list[hazgate_side.LabelRun] = []
    for number in range(bench.rounds):
        try:
            runs.append(hazgate_side.label_latencies_ms(bench.scratch, LABEL_COUNT))
        except NotConnectedError as exc:
            return [Figure("label", title, "ms", (), missing=str(exc))]
        bench.keep("label", round=number, ours=runs[-1])
        bench.say(f"round {number + 1}: saved p50 {percentile(runs[-1].saved_ms, 50):.1f} ms")
    bars = tuple(
        Bar(f"{what}, p{percent}", Role.OURS, tuple(percentile(series(run), percent) for run in runs))
        for what, series in (("saved", _saved), ("label's last byte", _last_byte))
        for percent in (50, 95)
    )
    return [Figure("label", title, "ms", bars)]


def _saved(run: hazgate_side.LabelRun) -> list[float]:
    return run.saved_ms


def _last_byte(run: hazgate_side.LabelRun) -> list[float]:
    return run.last_byte_ms


SUITES: dict[str, Callable[[Bench], list[Figure]]] = {"commit": commit, "receipt": receipt, "box": box, "label": label}
