"""The worked example of docs/add-a-device.md, run as a stranger would: its files, nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hazgate_profiles.registry import ProfileError, Registry
from hazgate_profiles.transcripts import read_transcript, run_case

PAGE = Path(__file__).resolve().parents[2] / "docs" / "add-a-device.md"


def _files(folder: Path) -> tuple[Path, Path]:
    examples, profile = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (folder / "transcripts").mkdir()
    (folder / "transcripts" / "weightronix.yaml").write_text(examples, "utf-8")
    (folder / "weightronix.yaml").write_text(profile, "utf-8")
    return folder / "transcripts" / "weightronix.yaml", folder / "weightronix.yaml"


def test_the_example_of_the_page_is_a_proven_profile(tmp_path: Path) -> None:
    """It loads, so its examples pass; the page names their number and gives the reasons of its rejections truly."""
    examples, _ = _files(tmp_path)
    profile = Registry(tmp_path).load("weightronix")
    cases = read_transcript(examples).cases
    assert [set(run_case(profile, case).rejects) for case in cases] == [set(case.rejects) for case in cases]
    assert f"`{len(cases)} cases, 0 failed`" in PAGE.read_text("utf-8")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("{6})", "{5,6})"), ("kg: {unit: kg}", "kg: {unit: g}"), ("[-+ ][ 0-9", "[+ ][ 0-9"), ("N: {mode: net}", "N: {}")],
)
def test_its_examples_notice_a_mistake_in_the_profile(tmp_path: Path, right: str, wrong: str) -> None:
    """What the page promises of examples holds for its own."""
    _, profile = _files(tmp_path)
    text = profile.read_text("utf-8")
    assert right in text
    profile.write_text(text.replace(right, wrong), "utf-8")
    with pytest.raises(ProfileError, match="profile weightronix: "):
        Registry(tmp_path).load("weightronix")
