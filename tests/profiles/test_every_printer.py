"""Every printer profile: well formed, proven by its worked answers, honest about what it can print."""

from __future__ import annotations

from pathlib import Path

import pytest

from hazgate_profiles import printers
from hazgate_profiles.registry import ProfileError, UnknownProfileError
from hazgate_protocols.label.document import CHARACTER_MM
from hazgate_protocols.label.printer_profile import Language, StatusSpeech

GOOD = """\
id: mine
title: {zh: "测试", en: "test"}
trust: assumed
source: [a manual]
language: tspl
head_dots: 832
dots_per_mm: 8
status: tspl-byte
links: [tcp]
sides_mm: [100]
answers:
  - {hex: "04", means: paper out}
"""


@pytest.mark.parametrize("profile_id", printers.available())
def test_a_packaged_printer_is_given_out_and_refuses_what_it_cannot_print(profile_id: str) -> None:
    """Loads with its answers proven; a label is refused exactly where it is not among its sizes, in words."""
    profile = printers.load(profile_id)
    for side in CHARACTER_MM:
        why = profile.refusal_of(side)
        assert (why is None) is (side in profile.sides_mm)
        assert why is None or "use a" in why
    if profile.language is Language.ESCPOS:
        assert "only proof slips" in str(profile.refusal_of(100))


def test_every_language_and_way_of_asking_has_a_printer() -> None:
    """Nothing is spoken that no profile can choose."""
    loaded = [printers.load(profile_id) for profile_id in printers.available()]
    assert {profile.language for profile in loaded} == set(Language)
    assert {profile.status for profile in loaded} == set(StatusSpeech)
    assert {side for profile in loaded for side in profile.sides_mm} == set(CHARACTER_MM)


def test_an_unknown_printer_is_told_with_what_there_is() -> None:
    """The message lists the profiles."""
    with pytest.raises(UnknownProfileError, match="tspl-4in-203"):
        printers.load("nothing")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("means: paper out", "means: ready", "means 'paper out', the profile says 'ready'"),
        ('hex: "04"', 'hex: "20"', "means 'busy', the profile says 'paper out'"),
        ("sides_mm: [100]", "sides_mm: [100, 150]", "label of 150 mm is wider than the print head of 104 mm"),
        ("dots_per_mm: 8", "dots_per_mm: 12", "label of 100 mm is wider than the print head of 69 mm"),
        ("dots_per_mm: 8", "dots_per_mm: 9", "mine.yaml:7: dots_per_mm: 9 is not allowed; allowed: 8, 12"),
        ("status: tspl-byte", "status: zpl-hs", "a tspl printer has tspl-byte, tspl-text, none"),
        ("language: tspl", "language: escpos\ncutter: false", "a escpos printer has escpos-dle, none"),
        ("source: [a manual]", "source: []", "names its sources"),
        ("id: mine", "id: yours", "allowed: 'mine', the name of the file"),
        ("links: [tcp]", "links: [smoke]", "mine.yaml:9: links.0: 'smoke' is not allowed"),
        ('answers:\n  - {hex: "04", means: paper out}\n', "", "at least one worked answer"),
    ],
)
def test_a_planted_mistake_is_caught(tmp_path: Path, old: str, new: str, says: str) -> None:
    """The file is refused with the place and the reason; as it was it is given out."""
    file = tmp_path / "mine.yaml"
    file.write_text(GOOD, "utf-8")
    assert printers.read(file, "mine").head_mm == 104
    assert old in GOOD
    file.write_text(GOOD.replace(old, new), "utf-8")
    with pytest.raises(ProfileError) as told:
        printers.read(file, "mine")
    assert says in str(told.value)
