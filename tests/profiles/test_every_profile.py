"""One walk over all packaged profiles: a new device needs a file and its examples, no new test code."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from hazgate_profiles import registry
from hazgate_profiles.transcripts import Case, read_transcript, run_case, run_file
from hazgate_profiles.validation import read_yaml
from hazgate_protocols.scale.decoder import Decoder
from hazgate_protocols.scale.spec import Profile

PACKAGE = Path(str(files("hazgate_profiles")))
PROFILES = registry.available()
FILES = [(name, file) for name in PROFILES for file in registry.load(name).transcripts]
CASES = [(name, case) for name, file in FILES for case in read_transcript(PACKAGE / "transcripts" / file).cases]


def test_the_five_devices_of_the_first_release_are_there() -> None:
    """Issue 2 names five families; one of them also comes with parity in bit 7."""
    assert {"yaohua-tf0", "toledo-cont", "st-gs", "mt-sics", "modbus-laumas"} <= set(PROFILES)


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_file_is_well_formed_and_proven(name: str) -> None:
    """The id is the file's name, parents exist, the profile loads (so its transcripts pass), its sources are named."""
    tree, _ = read_yaml(PACKAGE / "profiles" / f"{name}.yaml")
    profile = registry.load(name)
    assert profile.id == name == tree["id"]
    assert tree.get("inherits", PROFILES[0]) in PROFILES
    assert set(profile.title) == {"zh", "en"}
    assert all(text.strip() for text in profile.source)


@pytest.mark.parametrize(("name", "file"), FILES)
def test_a_transcript_passes_as_a_file(name: str, file: str) -> None:
    """What `decode --transcript` does: every case passes and gives one JSON object with the four keys."""
    results = run_file(PACKAGE / "transcripts" / file)
    assert [result.problem for result in results] == [""] * len(results)
    assert all(set(result.as_json()) == {"profile", "id", "readings", "rejects"} for result in results)


def test_no_transcript_lies_unused() -> None:
    """A transcript that no profile names proves nothing."""
    named = {transcript for name in PROFILES for transcript in registry.load(name).transcripts}
    assert {path.name for path in (PACKAGE / "transcripts").glob("*.yaml")} == named


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name}/{case.id}" for name, case in CASES])
def test_a_damaged_case_is_refused_for_the_reason_the_transcript_gives(name: str, case: Case) -> None:
    """Expected reasons occur, and bytes that are expected to be clean cause no rejection at all."""
    assert set(run_case(registry.load(name), case).rejects) == set(case.rejects)


@pytest.mark.parametrize("name", PROFILES)
def test_the_buffer_stays_below_the_longest_frame(name: str) -> None:
    """After all cases of a file, joined and cut into single bytes, fewer than max_length bytes are held back."""
    profile = registry.load(name)
    cases = [case for owner, case in CASES if owner == name]
    decoder = Decoder(profile, cases[0].options)  # modbus-laumas has no default for the decimals
    for byte in b"".join(read for case in cases for read in case.reads):
        decoder.feed(bytes([byte]))
        assert decoder.unread < decoder.max_length


def test_a_digest_names_everything_a_profile_says() -> None:
    """Equal profiles share a digest, different ones do not, and it does not change from load to load."""
    digests = {registry.digest(registry.load(name)) for name in PROFILES}
    assert len(digests) == len(PROFILES)
    fresh: Profile = registry.Registry().load("yaohua-tf0")
    assert registry.digest(fresh) == registry.digest(registry.load("yaohua-tf0"))


def test_a_child_has_what_it_does_not_change_from_its_parent() -> None:
    """toledo-cont-7e1 is toledo-cont but for the parity."""
    child, parent = registry.load("toledo-cont-7e1"), registry.load("toledo-cont")
    assert child.frame == parent.frame
    assert child.options == {**parent.options, "strip_high_bit": True}
    assert (child.link.bits, child.link.parity, child.link.baud) == (7, "E", parent.link.baud)
