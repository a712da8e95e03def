"""What is printed and what is kept: a table for the terminal, docs/performance.md with its pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from benchmarks.chart import draw, number_text
from benchmarks.figure import Bar, Figure, Role, Verdict
from benchmarks.machine import STEADY_WITHIN, Noise, is_steady

_INTRODUCTION = """\
# Performance

Made by `python -m benchmarks --write`; do not edit. Every figure is a ratio to a limit or a peer that was measured in
the same run, in turns, on the same disk, because absolute numbers say more about the machine than about hazgate.

- **B**: bare SQLite, WAL with `synchronous=FULL`, one outbox row (id, topic, time, hash, JSON payload) a commit.
- **S**: the same with 100 rows a commit.
- **Q**: a bare probe of the path box, broker, collector and back: SQLite with group commit, pages of JSON in zstd, one
  asyncpg upsert a page into one table of PostgreSQL. No chain, seals, checks, retries or screen.
- **Parts**: the durable commits, broker hops and seals of that path, each alone at the same pace.
- **P**: asyncpg, a batch as one jsonb value a commit, into one table of PostgreSQL; pinned in `requirements/bench.txt`.
- **TB**: the ThingsBoard IoT gateway, pinned in `requirements/bench-peer.txt`, with everything optional switched off
  and the cheapest connector possible: its best case.
"""
_REPEAT = """\
## How to repeat

```
make setup
make bench                                  # prints; fails when a goal is missed
.venv/bin/python -m benchmarks --write      # also renews this page and its pictures
.venv/bin/python -m benchmarks commit box   # only some of: {names}
```

Run it on a machine that does nothing else. The raw numbers of each run stay in `var/bench/*.jsonl`. The first run
installs the peer into an environment of its own under `var/bench/`.
"""


def table(figures: Sequence[Figure]) -> list[str]:
    """The verdicts as lines for a terminal."""
    lines = []
    for figure in figures:
        lines.append(f"{figure.title}: {_verdict_text(figure)}")
        lines += [f"    {bar.label:<52} {_spread_text(bar)} {figure.unit}" for bar in figure.bars]
    return lines


def page(
    figures: Sequence[Figure],
    *,
    at: datetime,
    machine: Mapping[str, str],
    noise: tuple[Noise, Noise],
    suites: Sequence[str],
) -> str:
    """docs/performance.md as text."""
    parts = [_INTRODUCTION, f"Measured {at:%Y-%m-%d %H:%M} UTC.\n", "| figure | ratio | goal | result |"]
    parts[-1] += "\n| --- | --- | --- | --- |\n" + "\n".join(_summary_row(figure) for figure in figures) + "\n"
    parts += [_section(figure) for figure in figures]
    parts += [_machine_section(machine, noise), _REPEAT.format(names=", ".join(suites))]
    return "\n".join(parts)


def write(folder: Path, text: str, figures: Sequence[Figure]) -> list[Path]:
    """Write the page and a picture a figure below docs/; the files written."""
    pictures = folder / "performance"
    pictures.mkdir(exist_ok=True)
    drawn = {pictures / f"{figure.key}.svg": draw(figure) for figure in figures if figure.bars}
    page = folder / "performance.md"
    page.write_text(text, encoding="utf-8")  # after all were drawn: a page must not name pictures that are not there
    for picture, content in drawn.items():
        picture.write_text(content, encoding="utf-8")
    return [page, *drawn]


def _summary_row(figure: Figure) -> str:
    goal = "-" if figure.goal is None else str(figure.goal)
    return f"| [{figure.title}](#{figure.key}) | {_ratio_text(figure)} | {goal} | {figure.verdict.value} |"


def _section(figure: Figure) -> str:
    lines = [f'<a id="{figure.key}"></a>', "", f"## {figure.title}", ""]
    if figure.missing:
        lines += [f"Not measured: {figure.missing}", ""]
    if figure.bars:
        lines += [f"![{figure.title}](performance/{figure.key}.svg)", ""]
        lines += [f"| | median ({figure.unit}) | least to most | rounds |", "| --- | --- | --- | --- |"]
        for bar in figure.bars:
            spread = bar.spread
            label = f"**{bar.label}**" if bar.role is Role.OURS else bar.label
            span = f"{number_text(spread.least)} to {number_text(spread.most)}"
            lines.append(f"| {label} | {number_text(spread.median)} | {span} | {spread.rounds} |")
        lines.append("")
    for remark in figure.remarks:
        lines += [remark, ""]
    return "\n".join(lines)


def _machine_section(machine: Mapping[str, str], noise: tuple[Noise, Noise]) -> str:
    before, after = noise
    within = f"{STEADY_WITHIN:.0%}"
    said = (
        f"Processor and disk stayed within {within} of each other from start to end."
        if is_steady(before, after)
        else f"**Noisy**: processor or disk moved by more than {within} during the run; repeat it on a quiet machine."
    )
    rows = [f"| {name} | {value} |" for name, value in machine.items()]
    probes = [
        f"| {when} | {probe.spin_mops.median:.1f} ({probe.spin_mops.least:.1f} to {probe.spin_mops.most:.1f}) | "
        f"{probe.sync_ms_p50:.2f} / {probe.sync_ms_p99:.2f} | {probe.load:.2f} |"
        for when, probe in (("before", before), ("after", after))
    ]
    return "\n".join(
        [
            "## The machine and its noise",
            "",
            "| | |",
            "| --- | --- |",
            *rows,
            "",
            "| noise probe | one core, million loop turns/s | 4 KiB append + fdatasync, p50 / p99 ms | load |",
            "| --- | --- | --- | --- |",
            *probes,
            "",
            said,
            "",
        ]
    )


def _verdict_text(figure: Figure) -> str:
    if figure.verdict is Verdict.MISSING:
        return f"{figure.verdict.value}: {figure.missing}"
    if figure.goal is None:
        return f"{figure.verdict.value}"
    return f"ratio {_ratio_text(figure)}, goal {figure.goal}: {figure.verdict.value}"


def _ratio_text(figure: Figure) -> str:
    ratio = figure.ratio if figure.goal is not None else None
    return "-" if ratio is None else f"{ratio.median:.2f} ({ratio.least:.2f} to {ratio.most:.2f})"


def _spread_text(bar: Bar) -> str:
    spread = bar.spread
    return f"{number_text(spread.median):>8} ({number_text(spread.least)} to {number_text(spread.most)})"
