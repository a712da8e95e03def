"""What the benchmarks print and keep, fed with made-up numbers: the words, the table, the pictures."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import chart, peer, report
from benchmarks.__main__ import main
from benchmarks.bench import Bench
from benchmarks.children import BenchError
from benchmarks.figure import Bar, Figure, Role
from benchmarks.machine import Noise
from benchmarks.spread import Goal, Sense, Spread
from benchmarks.suites import SUITES

SVG = "{http://www.w3.org/2000/svg}"
REACHED = Figure(
    "commit",
    "One weighing <a commit>",
    "commits/s",
    (
        Bar("hazgate & all", Role.OURS, (700.0, 800.0, 750.0)),
        Bar("B", Role.REFERENCE, (1000.0, 1000.0, 1000.0)),
        Bar("Q", Role.SHOWN, (500.0,)),
    ),
    Goal(Sense.AT_LEAST, 0.6),
)
MISSING = Figure("start", "Start", "s", (Bar("TB", Role.REFERENCE, (1.5,)),), Goal(Sense.AT_MOST, 0.6), "not there")
BARE = Figure("label", "Label", "ms", (), missing="not there")
QUIET = Noise(Spread.of([40.0]), sync_ms_p50=0.2, sync_ms_p99=1.0, load=0.0)
LOUD = Noise(Spread.of([10.0]), sync_ms_p50=0.9, sync_ms_p99=9.0, load=7.0)


def page(*figures: Figure, after: Noise = QUIET) -> str:
    return report.page(
        figures,
        at=datetime(2026, 11, 23, 10, 42, tzinfo=UTC),
        machine={"processor": "two cores"},
        noise=(QUIET, after),
        suites=list(SUITES),
    )


def test_the_page_says_ratio_goal_and_result_of_each_figure() -> None:
    """The summary is the answer to "did it reach its goals"."""
    text = page(REACHED, MISSING)
    assert "| 0.75 (0.70 to 0.80) | ≥ 0.6 | reached |" in text
    assert "| - | ≤ 0.6 | NOT MEASURED |" in text
    assert "Not measured: not there" in text
    assert "Measured 2026-11-23 10:42 UTC." in text
    assert f"only some of: {', '.join(SUITES)}" in text


def test_the_page_says_when_the_machine_was_noisy() -> None:
    """Numbers of a noisy run are not to be trusted, and the page says so itself."""
    assert "**Noisy**" not in page(REACHED)
    assert "**Noisy**" in page(REACHED, after=LOUD)


def test_every_picture_the_page_shows_is_written_beside_it(tmp_path: Path) -> None:
    """No dead picture, and none for a figure without bars."""
    figures = [REACHED, MISSING, BARE]
    report.write(tmp_path, page(*figures), figures)
    shown = re.findall(r"\]\((performance/\w+\.svg)\)", (tmp_path / "performance.md").read_text("utf-8"))
    assert shown == ["performance/commit.svg", "performance/start.svg"]
    assert sorted(path.name for path in (tmp_path / "performance").iterdir()) == ["commit.svg", "start.svg"]
    assert all((tmp_path / path).is_file() for path in shown)


def test_bars_are_as_long_as_their_medians_are_to_each_other() -> None:
    """A picture of numbers must not lie: widths have the medians' proportions, all within the picture."""
    root = ET.fromstring(chart.draw(REACHED))  # noqa: S314 - our own picture of a line ago
    widths = {
        bar.get("class"): float(bar.get("width", "0"))
        for bar in root.iter(f"{SVG}rect")
        if bar.get("class") is not None
    }
    assert widths["ours"] / widths["reference"] == pytest.approx(0.75, abs=0.001)
    assert widths["shown"] / widths["reference"] == pytest.approx(0.5, abs=0.001)
    assert chart.LABEL_WIDTH + max(widths.values()) <= chart.WIDTH - chart.VALUE_WIDTH
    assert next(text.text for text in root.iter(f"{SVG}text")) == "One weighing <a commit> (commits/s)"


def test_the_goal_line_stands_at_goal_times_reference() -> None:
    """0.6 of the reference's bar, measured in the picture."""
    root = ET.fromstring(chart.draw(REACHED))  # noqa: S314 - our own picture of a line ago
    reference = next(bar for bar in root.iter(f"{SVG}rect") if bar.get("class") == "reference")
    dashed = next(line for line in root.iter(f"{SVG}path") if line.get("stroke-dasharray"))
    at = float(re.match(r"M([\d.]+)", dashed.get("d", ""))[1])  # type: ignore[index] # no match fails the test
    assert at - chart.LABEL_WIDTH == pytest.approx(0.6 * float(reference.get("width", "0")), abs=0.2)


def test_the_terminal_table_names_every_bar() -> None:
    """What is measured is printed, also beside a figure that failed."""
    lines = "\n".join(report.table([REACHED, MISSING]))
    for said in ("hazgate & all", "B", "Q", "TB", "ratio 0.75", "NOT MEASURED: not there"):
        assert said in lines


def test_the_peer_is_pinned_with_hashes() -> None:
    """Two machines compare with the same peer: one version, every distribution with its hashes."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", peer.peer_version())
    pins = [line for line in peer.REQUIREMENTS.read_text("utf-8").replace("\\\n", "").splitlines() if line[0] != "#"]
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", pin) for pin in pins)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["nothing"], "there are: commit, burst, receipt"), (["--rounds", "0"], "1 to 50 are allowed")],
)
def test_wrong_arguments_are_refused_before_anything_runs(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names what is allowed."""
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert said in capsys.readouterr().err


def test_a_suite_that_cannot_be_measured_fails_the_run_and_leaves_the_others_standing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Five minutes of figures are not thrown away for one; the run is red all the same, and says why."""

    def broken(_bench: Bench) -> list[Figure]:
        raise BenchError("start the box: it ended")

    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(command, "SUITES", {"broken": broken, "good": lambda _bench: [REACHED]})
    (tmp_path / "docs").mkdir()
    assert main(["--write"]) == 1
    said = capsys.readouterr().out
    assert "NOT MEASURED: start the box: it ended" in said
    assert "ratio 0.75" in said
    assert "Not measured: start the box: it ended" in (tmp_path / "docs" / "performance.md").read_text("utf-8")
