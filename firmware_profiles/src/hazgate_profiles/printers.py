"""The printer profiles there are, validated and proven by the worked answers in each file before anyone gets one."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from hazgate_profiles.registry import ProfileError, UnknownProfileError
from hazgate_protocols.label.printer_profile import PrinterProfile, StatusSpeech, meaning_of

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

NO_ANSWER = "no answer"


def available() -> list[str]:
    """The ids of all printer profiles, sorted."""
    return sorted(item.name.removesuffix(".yaml") for item in _folder().iterdir() if item.name.endswith(".yaml"))


@cache
def load(profile_id: str) -> PrinterProfile:
    """The proven profile; raises UnknownProfileError or ProfileError."""
    if profile_id not in available():
        raise UnknownProfileError(f"printer profile {profile_id!r} does not exist; there are: {', '.join(available())}")
    return read(_folder() / f"{profile_id}.yaml", profile_id)


def read(source: Traversable, profile_id: str) -> PrinterProfile:
    """The profile of a file. Raises ProfileError with file, line, key and what is allowed."""
    from hazgate_profiles.validation import built, read_yaml

    tree, lines = read_yaml(source)
    origins = {loc: (str(source), line) for loc, line in lines.items()}
    profile: PrinterProfile = built(PrinterProfile, tree, origins, str(source))
    if profile.id != profile_id:
        raise ProfileError(f"{source}: id is {profile.id!r}; allowed: {profile_id!r}, the name of the file")
    verify(profile)
    return profile


def verify(profile: PrinterProfile) -> None:
    """Raises ProfileError unless every worked answer means what the profile says."""
    for answer in profile.answers:
        groups = tuple(bytes.fromhex(group) for group in answer.hex.split("/"))
        if profile.status is StatusSpeech.NONE:
            raise ProfileError(f"printer profile {profile.id}: status none, but it has worked answers")
        status = meaning_of(profile.status, groups)
        words = NO_ANSWER if status is None else status.words
        if words != answer.means:
            raise ProfileError(
                f"printer profile {profile.id}: the answer {answer.hex} means {words!r}, the profile says "
                f"{answer.means!r}"
            )


def _folder() -> Traversable:
    return files("hazgate_profiles") / "printers"
