"""The catalogue says everything the box can say, in both languages, with the same facts."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from hazgate_edge.domain.view import Chip, Light, PrintState, Say, SyncState
from hazgate_edge.terminal import words
from hazgate_edge.terminal.catalogue import MESSAGES, SAFE, Message, Safe, Tone
from hazgate_edge.terminal.speech import local_time, speak
from hazgate_edge.terminal.words import Language

EDGE = Path(words.__file__).parents[1]

# What the main job can run into.
EXPECTED = {
    *(f"SCALE-{n:02}" for n in range(1, 17)),
    *(f"PRN-{n:02}" for n in range(1, 7)),
    *(f"NET-{n:02}" for n in range(1, 7)),
    *("DISK-01", "CLK-01", "SYS-01", "LBL-01", "LBL-02", "LBL-03", "NUM-01", "NUM-02", "WASTE-01", "WASTE-02"),
    *("CORE-01", "SAVE-01", "SAVE-02", "BUSY-01", "REQ-01"),
}


def placeholders(text: str) -> set[str]:
    """Names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def message_placeholders(message: Message) -> tuple[set[str], set[str]]:
    """Of the Chinese and of the English."""
    return (
        placeholders(message.zh.what) | placeholders(message.zh.act),
        placeholders(message.en.what) | placeholders(message.en.act),
    )


def says() -> Iterator[tuple[str, int, str, set[str] | None]]:
    """Each `Say("KEY", {...})` of the box: file, line, key, the names it gives (None when not written out)."""
    for path in sorted(EDGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and _called(node.func) == "Say" and node.args):
                continue
            key = node.args[0]
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield path.name, node.lineno, key.value, _names(node)


def _called(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else str(getattr(function, "id", ""))


def _names(call: ast.Call) -> set[str] | None:
    given = [*call.args[1:], *(keyword.value for keyword in call.keywords if keyword.arg == "values")]
    if not given:
        return set()
    if isinstance(given[0], ast.Dict) and all(isinstance(key, ast.Constant) for key in given[0].keys):
        return {str(key.value) for key in given[0].keys if isinstance(key, ast.Constant)}
    return None


@pytest.mark.parametrize("key", sorted(MESSAGES))
def test_both_languages_say_the_same_facts(key: str) -> None:
    """Chinese and English say what happened and what to do, with the same placeholders."""
    message = MESSAGES[key]
    chinese, english = message_placeholders(message)
    assert chinese == english
    assert all((message.zh.what, message.zh.act, message.en.what, message.en.act))
    assert any("\u4e00" <= letter <= "\u9fff" for letter in message.zh.what)
    assert message.en.what.isascii()


def test_every_message_of_the_main_job_is_there() -> None:
    """No expected key is missing."""
    assert EXPECTED - MESSAGES.keys() == set()


def test_every_say_in_the_box_has_its_sentence_and_its_values() -> None:
    """A key used anywhere in hazgate_edge is in the catalogue; where values are written out, they fill it."""
    found = list(says())
    assert any(key == "REQ-01" for _, _, key, _ in found), "the walk no longer finds Say calls"
    wrong = [
        f"{path}:{line}: Say({key!r}, {names})"
        for path, line, key, names in found
        if key not in MESSAGES or (names is not None and names != message_placeholders(MESSAGES[key])[0])
    ]
    assert wrong == []


def test_every_state_has_words_in_both_languages() -> None:
    """Enumerations of the view and of the catalogue are covered whole."""
    assert set(words.LIGHTS) == set(Light)
    assert set(words.PRINT_STATES) == set(PrintState)
    assert set(words.SYNC_STATES) == set(SyncState)
    assert set(SAFE) == set(Safe)
    for key, (chinese, english) in words.WORDS.items():
        assert chinese, key
        assert english, key
        assert placeholders(chinese) == placeholders(english), key


def test_a_message_fills_in_its_values() -> None:
    """Key and values become the three parts of a sentence in the language asked for."""
    said = speak(Say("SCALE-01", {"n": "7"}), Language.ZH)
    assert (said.what, said.tone) == ("秤无信号（已 7 秒）", Tone.FAULT)
    assert said.safe == "本袋未记录，已有记录安全"
    assert speak(Say("SCALE-01", {"n": "7"}), Language.EN).what == "No signal from the scale (7 s)"


@pytest.mark.parametrize("key", ["NEW-99", "{n.__class__}"])
def test_an_unknown_key_or_a_missing_value_still_says_something(key: str) -> None:
    """The screen never fails on a message: the key itself is shown, a missing value is a question mark."""
    assert key.strip("{}") in speak(Say(key), Language.ZH).what
    assert "?" in speak(Say("SCALE-01"), Language.EN).what


def test_times_are_shanghai_time() -> None:
    """UTC on the wire, local on the screen; nothing stays nothing, nonsense stays visible."""
    assert local_time("2026-11-23T02:42:10Z") == "10:42"
    assert local_time("2026-11-23T20:00:00+00:00") == "04:00"
    assert local_time("") == ""
    assert local_time("soon") == "soon"


def test_a_chip_the_table_does_not_know_keeps_its_name() -> None:
    """A camera added later shows even before it has a word."""
    assert words.chip_name(Chip("camera", Light.GOOD), Language.EN) == "camera"
