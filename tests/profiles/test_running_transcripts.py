"""The runner is itself a proof, so it is tested for what it must not let through."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hazgate_profiles.registry import ProfileError
from hazgate_profiles.transcripts import TranscriptError, bytes_of_hex, readings_of, run_file
from hazgate_protocols.scale.options import OptionError

FRAME = "02 2B 30 30 30 32 30 35 32 31 45 03"  # 2.05
GOOD = '{weight: "2.05", unit: kg, stable: null, mode: null, status: ok}'

EXPECTED = [
    (f"[{GOOD}]", True),
    ('[{weight: "2.050"}]', True),  # compared as decimals
    ("[{status: ok}]", True),  # only keys that are present
    ('[{weight: "20.5"}]', False),
    ('[{weight: "-2.05"}]', False),
    ("[{weight: null}]", False),
    ("[{stable: true}]", False),
    ("[{stable: false}]", False),  # unknown is not false
    ("[{unit: g}]", False),
    ("[{mode: gross}]", False),
    ("[{status: overload}]", False),
    ("[]", False),  # nothing else may come out
    (f"[{GOOD}, {GOOD}]", False),
]


@pytest.mark.parametrize(("expected", "passes"), EXPECTED)
def test_a_case_passes_only_if_its_readings_are_right(tmp_path: Path, expected: str, passes: bool) -> None:
    """Decimals are compared as decimals, only keys that are present count, null means unknown."""
    (result,) = run_file(_transcript(tmp_path, f"- {{id: a, rx: ['{FRAME}'], readings: {expected}}}"))
    assert result.passed is passes
    assert bool(result.problem) is not passes
    assert json.loads(json.dumps(result.as_json()))["readings"][0]["weight"] == "2.05"


def test_tolerated_readings_may_come_but_need_not(tmp_path: Path) -> None:
    """may_also allows a reading besides the expected one; any other stays a failure."""
    for also, passes in ((f"[{GOOD}]", True), ('[{weight: "3"}]', False)):
        text = f"- {{id: a, rx: ['{FRAME} {FRAME}'], readings: [{GOOD}], may_also: {also}}}"
        assert run_file(_transcript(tmp_path, text))[0].passed is passes
    text = f"- {{id: a, rx: ['{FRAME}'], readings: [{GOOD}], may_also: [{GOOD}]}}"
    assert run_file(_transcript(tmp_path, text))[0].passed


def test_an_unknown_option_fails_the_case_with_a_sentence(tmp_path: Path) -> None:
    """The other cases of the file still run."""
    first = f"- {{id: a, options: {{chekcsum: none}}, rx: ['{FRAME}'], readings: []}}"
    second = f"- {{id: b, options: {{default_unit: t}}, rx: ['{FRAME}'], readings: [{{unit: t}}]}}"
    refused, accepted = run_file(_transcript(tmp_path, f"{first}\n{second}"))
    assert (refused.passed, accepted.passed) == (False, True)
    assert "no option 'chekcsum'" in refused.problem


def test_an_option_that_means_nothing_here_is_left_out_and_named(tmp_path: Path) -> None:
    """A foreign file runs although it names more than the profile asks; its readings must be right all the same."""
    cases = "".join(
        f"- {{id: {name}, options: {{checksum: none}}, rx: ['{FRAME}'], readings: {expected}}}\n"
        for name, expected in (("right", f"[{GOOD}]"), ("wrong", "[]"))
    )
    right, wrong = run_file(_transcript(tmp_path, cases))
    assert (right.passed, wrong.passed) == (True, False)
    assert right.ignored == wrong.ignored == ("checksum",)


def test_given_options_replace_the_files_but_not_a_cases_own(tmp_path: Path) -> None:
    """A file can be tried with another default unit without editing it."""
    cases = f"""options: {{default_unit: g}}
cases:
  - {{id: a, rx: ['{FRAME}'], readings: [{{unit: t}}]}}
  - {{id: b, options: {{default_unit: lb}}, rx: ['{FRAME}'], readings: [{{unit: lb}}]}}"""
    path = tmp_path / "t.yaml"
    path.write_text(f"profile: yaohua-tf0\n{cases}\n", encoding="utf-8")
    assert [result.passed for result in run_file(path, options={"default_unit": "t"})] == [True, True]
    assert [result.passed for result in run_file(path)] == [False, True]


def test_a_long_capture_is_cut_at_a_bounded_number_of_places(tmp_path: Path) -> None:
    """A recording of minutes is tried in bounded time, and a wrong expectation still fails."""
    long = " ".join([FRAME] * 1000)
    readings = ", ".join(['{weight: "2.05"}'] * 1000)
    text = f"- {{id: a, rx: ['{long}'], readings: [{readings}]}}\n- {{id: b, rx: ['{long}'], readings: []}}"
    right, wrong = run_file(_transcript(tmp_path, text))
    assert (right.passed, wrong.passed) == (True, False)


def test_a_damaged_reading_is_expected_as_nothing_however_it_is_written(tmp_path: Path) -> None:
    """readings: null and [] are the same; bytes in the usual spellings of a dump are taken."""
    text = f"- {{id: a, rx: [], readings: null}}\n- {{id: b, rx: '0x{FRAME.replace(' ', ',0x')}', readings: [{GOOD}]}}"
    assert [result.passed for result in run_file(_transcript(tmp_path, text))] == [True, True]


@pytest.mark.parametrize(
    ("cases", "sentence"),
    [
        ("- {id: a, readings: []}", "case a: key 'rx' is missing"),
        ("- {id: a, rx: ['0G'], readings: []}", "case a: not a hex dump"),
        ("- {id: a, rx: [02], readings: []}", "case a: bytes are hex text in quotes, not 2"),
        ("- {id: a, rx: ['02'], readings: [{wieght: '1'}]}", "case a: readings have no key ['wieght']"),
        ("- {id: a, rx: ['02'], readings: [{weight: 'heavy'}]}", "case a: "),
        ("- 7", "case ?: "),
        ("", "needs profile (text) and cases (list)"),
        ("  []", "has no case"),
        ("{", "not YAML"),
    ],
)
def test_a_file_that_is_no_transcript_is_refused_with_its_place(tmp_path: Path, cases: str, sentence: str) -> None:
    """A mistake in an example must not look like a passed example."""
    with pytest.raises(TranscriptError) as caught:
        run_file(_transcript(tmp_path, cases))
    assert sentence in str(caught.value)


def test_captured_bytes_become_json_objects() -> None:
    """Readings and rejections in order, with their bytes; pieces of any size give the same."""
    captured = bytes_of_hex(f"FF 00 {FRAME} {FRAME[:-5]}46 03")
    objects = list(readings_of("yaohua-tf0", captured))
    assert [item.get("reject", item.get("weight")) for item in objects] == ["framing", "2.05", "checksum"]
    assert objects[1] == {
        "weight": "2.05", "unit": "kg", "stable": None, "mode": None, "status": "ok", "zero": None,
        "tare": None, "gross": None, "net": None, "raw": FRAME.lower(),
    }  # fmt: skip
    assert list(readings_of("yaohua-tf0", (captured[place : place + 1] for place in range(len(captured))))) == objects


def test_digits_are_kept_and_zero_has_no_sign() -> None:
    """2.50 is not 2.5, leading zeros say nothing, and an empty platform never shows -0.00."""
    lines = b"".join(b"ST,GS,%bkg\r\n" % number for number in (b"+  2.50", b"+002.50", b"-  0.00", b"-  0.50"))
    assert [item["weight"] for item in readings_of("st-gs", lines)] == ["2.50", "2.50", "0.00", "-0.50"]


def test_a_question_that_cannot_be_answered_raises_before_the_first_object() -> None:
    """An unknown profile and a missing setting are no empty answers."""
    with pytest.raises(ProfileError):
        readings_of("xy", b"")
    with pytest.raises(OptionError, match="option decimals must be set; allowed: a whole number from 0 to 6"):
        readings_of("modbus-laumas", b"")


@pytest.mark.parametrize("text", ["02 2b FF", "022BFF", "0x02, 0x2B, 0xFF", "02:2b:ff", "02\n2B\tFF\n"])
def test_hex_dumps_are_read_in_their_usual_spellings(text: str) -> None:
    """Blanks, commas, colons, 0x and line breaks do not matter."""
    assert bytes_of_hex(text) == b"\x02\x2b\xff"


def test_text_that_is_no_hex_dump_is_refused() -> None:
    """Half a byte is not guessed."""
    with pytest.raises(ValueError, match="not a hex dump"):
        bytes_of_hex("02 2")


def _transcript(folder: Path, cases: str) -> Path:
    path = folder / "t.yaml"
    path.write_text(f"profile: yaohua-tf0\ncases:\n{cases}\n", encoding="utf-8")
    return path
