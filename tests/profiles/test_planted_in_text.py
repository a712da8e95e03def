"""Mistakes of profiles whose frames are text, planted in each of them: what catches them is the schema or the examples.

Beside the mistakes that any profile can have: an anchor left out or loosened, a sign that is not read, a digit outside
the number's field, moving called still, a cross-check dropped. A new profile is held to it without a line of test code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from hazgate_profiles import registry
from hazgate_profiles.registry import ProfileError, Registry
from hazgate_profiles.transcripts import read_transcript
from hazgate_protocols.scale.decoder import Decoder
from hazgate_protocols.scale.reading import Reading
from hazgate_protocols.scale.spec import Block, BlockLine, Line, LineVariant, Profile, Says

TRANSCRIPTS = Path(str(files("hazgate_profiles"))) / "transcripts"
TEXT = [name for name in registry.available() if isinstance(registry.load(name).frame, Line | Block)]
Part = LineVariant | BlockLine
NUMBERS = ("number", "gross", "net", "tare", "weight")


def _parts(profile: Profile) -> tuple[Part, ...]:
    frame = profile.frame
    assert isinstance(frame, Line | Block)
    return frame.variants if isinstance(frame, Line) else frame.lines


def _with_part(profile: Profile, place: int, part: Part) -> Profile:
    parts = tuple(part if index == place else old for index, old in enumerate(_parts(profile)))
    key = "variants" if isinstance(profile.frame, Line) else "lines"
    return replace(profile, frame=replace(profile.frame, **{key: parts}))  # type: ignore[arg-type]  # one of two shapes


def _sign_not_read(part: Part) -> Part:
    regex = part.regex.replace("(?P<sign>[-+]?)", "(?P<sign>)[-+]?").replace("(?P<sign>[+-]?)", "(?P<sign>)[+-]?")
    for name in ("number", "net"):
        regex = regex.replace(f"(?P<{name}>[-", f"(?P<{name}>[")
    return replace(part, regex=regex)


def _digit_outside(part: Part) -> Part:
    """The field ends one place early: the last digit is read past."""
    head, mark, tail = part.regex.partition("(?P<number>")
    if not mark:
        return part
    field, _, rest = tail.partition(")")
    if "(?:" in field:  # the group has a part of its own
        more, _, rest = rest.partition(")")
        return replace(part, regex=f"{head}(?P<number>{field.replace('[ 0-9.]{7}', '[ 0-9.]{6}')}){more})[0-9]{rest}")
    low, brace, width = field.rpartition("{")
    if not brace:
        return part
    fewer = ",".join(str(int(bound) - 1) for bound in width.rstrip("}").split(","))
    return replace(part, regex=f"{head}(?P<number>{low}{{{fewer}}})[ 0-9.]{rest}")


def _moving_called_still(part: Part) -> Part:
    def still(says: Says) -> Says:
        return replace(says, stable=True) if says.stable is False else says

    maps = {group: {word: still(says) for word, says in words.items()} for group, words in part.maps.items()}
    return replace(part, maps=maps)


def _other_unit(part: Part) -> Part:
    def other(says: Says) -> Says:
        return replace(says, unit="g" if says.unit == "kg" else "kg") if says.unit is not None else says

    maps = {group: {word: other(says) for word, says in words.items()} for group, words in part.maps.items()}
    return replace(part, maps=maps)


def _weighs(part: Part) -> bool:
    return any(f"(?P<{name}>" in part.regex for name in NUMBERS)


MISTAKES: dict[str, Callable[[Part], Part]] = {
    "sign not read": _sign_not_read,
    "last digit outside": _digit_outside,
    "moving called still": _moving_called_still,
    "another unit": _other_unit,
}


def _planted() -> Iterator[tuple[str, str, Profile]]:
    for name in TEXT:
        profile = registry.load(name)
        for mistake, change in MISTAKES.items():
            wrong = profile
            for place, part in enumerate(_parts(profile)):
                if _weighs(part):
                    wrong = _with_part(wrong, place, change(part))
            if wrong != profile:
                yield name, mistake, wrong
        if profile.cross_checks:
            yield name, "cross-check dropped", replace(profile, cross_checks=())


PLANTED = list(_planted())


@pytest.mark.parametrize(("name", "mistake", "wrong"), PLANTED, ids=[f"{name}: {what}" for name, what, _ in PLANTED])
def test_a_mistake_planted_in_a_text_profile_is_caught_by_its_examples(name: str, mistake: str, wrong: Profile) -> None:
    """As it is the profile is proven; with the mistake it is not given out."""
    Registry().verify(registry.load(name))
    with pytest.raises(ProfileError, match=f"profile {name}: .* fail"):
        Registry().verify(wrong)


@pytest.mark.parametrize("name", TEXT)
def test_an_expression_without_an_anchor_is_no_profile(name: str) -> None:
    """Left out at either end, in any line of any profile: the schema refuses it, before an example is run."""
    for part in _parts(registry.load(name)):
        for regex in (part.regex[1:], part.regex[:-1]):
            with pytest.raises(ValueError, match=r"beginning with \^ and ending with \$"):
                replace(part, regex=regex)


def test_mistakes_can_be_planted_in_every_profile_with_numbers_in_fields() -> None:
    """No profile escapes the mistakes that it can have."""
    fields = {name for name in TEXT if any("(?P<number>" in part.regex for part in _parts(registry.load(name)))}
    assert len(fields) > 5
    assert fields <= {name for name, mistake, _ in PLANTED if mistake == "last digit outside"}


@pytest.mark.parametrize("name", [name for name in TEXT if isinstance(registry.load(name).frame, Line)])
def test_two_lines_that_lost_the_end_between_them_are_no_weight(name: str) -> None:
    """Of every line among the examples that gives a weight: twice without the end between them, and behind letters."""
    assert not _believed_when_glued(registry.load(name))


@pytest.mark.parametrize("name", ["wn-line", "ohaus-3000", "sbi22", "mt-print"])
def test_a_loosened_anchor_would_be_seen(name: str) -> None:
    """The test above fails for a profile that allows anything in front of its line."""
    profile = registry.load(name)
    for place, part in enumerate(_parts(profile)):
        profile = _with_part(profile, place, replace(part, regex="^.*" + part.regex[1:]))
    assert _believed_when_glued(profile)


def _believed_when_glued(profile: Profile) -> list[bytes]:
    frame = profile.frame
    assert isinstance(frame, Line)
    end = bytes.fromhex(frame.ends[0])
    believed = []
    for file in profile.transcripts:
        for case in read_transcript(TRANSCRIPTS / file).cases:
            decoder = Decoder(profile, case.options)
            for event in decoder.feed(b"".join(case.reads)):
                if not isinstance(event, Reading) or event.weight is None or not event.raw.endswith(end):
                    continue
                for joined in (event.raw.removesuffix(end) + event.raw, b"Xy" + event.raw):
                    decoder.reset()
                    if any(isinstance(later, Reading) and later.weight is not None for later in decoder.feed(joined)):
                        believed.append(joined)
    return believed
