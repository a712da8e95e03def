"""The profiles there are: found, resolved, validated and proven before anyone gets one.

`load` gives a profile only if the file is well formed (file, line, key and what is allowed are named otherwise), its
parents exist, and its own transcripts pass: as sent, whole, byte by byte and cut in two at every place. All of them
run at every load, not only in the tests: for a packaged profile that takes a few milliseconds, and a file that was
changed on a box, or written there, is held to the same promise. What is loaded once is kept by the registry.

    ProfileError            this profile cannot be used; a person mends the file
    └── UnknownProfileError no such profile; the message lists what there is
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hazgate_protocols.scale.options import OptionError, check_defaults
from hazgate_protocols.scale.profile_json import profile_digest
from hazgate_protocols.scale.spec import Profile

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

PARENTS_MAX = 8
FAILURES_SHOWN = 3


class ProfileError(ValueError):
    """A profile that cannot be used, and why."""


class UnknownProfileError(ProfileError):
    """No profile of this name."""


class Registry:
    """The packaged profiles, and those of one more folder (its transcripts in `transcripts/` below it).

    A file of the folder may inherit from a packaged profile but not replace one: an id has one meaning.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._packaged: Traversable = files("hazgate_profiles") / "profiles"
        self._packaged_transcripts: Traversable = files("hazgate_profiles") / "transcripts"
        self._folder = folder
        self._loaded: dict[str, Profile] = {}

    def available(self) -> list[str]:
        """The ids of all profiles, sorted. Raises ProfileError when the folder has an id that is packaged."""
        packaged = _ids(self._packaged)
        own = _ids(self._folder) if self._folder is not None else set()
        if twice := packaged & own:
            raise ProfileError(f"{self._folder}: {', '.join(sorted(twice))} is packaged; take another id and inherit")
        return sorted(packaged | own)

    def load(self, profile_id: str) -> Profile:
        """The proven profile; raises UnknownProfileError or ProfileError."""
        if profile_id not in self._loaded:
            profile = self.resolve(profile_id)
            self.verify(profile)
            self._loaded[profile_id] = profile
        return self._loaded[profile_id]

    def resolve(self, profile_id: str) -> Profile:
        """The validated profile with all it inherits, not yet proven by its transcripts."""
        from hazgate_profiles.validation import validate_profile

        source = self._source(profile_id)
        tree, origin = self._merged(profile_id, ())
        profile = validate_profile(tree, origin, str(source))
        if profile.id != profile_id:
            raise ProfileError(f"{source}: id is {profile.id!r}; allowed: {profile_id!r}, the name of the file")
        return profile

    def verify(self, profile: Profile) -> None:
        """Raises ProfileError unless every transcript of the profile passes, however its bytes arrive."""
        from hazgate_profiles.transcripts import TranscriptError, read_transcript, run_case

        try:
            check_defaults(profile)
        except OptionError as exc:
            raise ProfileError(str(exc)) from exc
        for name in profile.transcripts:
            source = self._transcript(profile.id, name)
            try:
                transcript = read_transcript(source)
            except TranscriptError as exc:
                raise ProfileError(f"profile {profile.id}: {exc}") from exc
            if transcript.profile != profile.id:
                raise ProfileError(f"profile {profile.id}: {source} is for profile {transcript.profile!r}")
            failed = [result for case in transcript.cases if not (result := run_case(profile, case)).passed]
            if failed:
                shown = "; ".join(f"{result.id}: {result.problem}" for result in failed[:FAILURES_SHOWN])
                raise ProfileError(
                    f"profile {profile.id}: {len(failed)} of {len(transcript.cases)} cases of {name} fail, so it is "
                    f"not used: {shown}"
                )

    def transcript_digests(self, profile: Profile) -> dict[str, str]:
        """SHA-256 in hex of each transcript file that proves the profile, by its name."""
        return {
            name: hashlib.sha256(self._transcript(profile.id, name).read_bytes()).hexdigest()
            for name in profile.transcripts
        }

    def _source(self, profile_id: str) -> Traversable:
        if profile_id not in self.available():
            raise UnknownProfileError(
                f"profile {profile_id!r} does not exist; there are: {', '.join(self.available())}"
            )
        packaged = self._packaged / f"{profile_id}.yaml"
        return packaged if packaged.is_file() or self._folder is None else self._folder / f"{profile_id}.yaml"

    def _transcript(self, profile_id: str, name: str) -> Traversable:
        if "/" in name or name.startswith("."):
            raise ProfileError(f"profile {profile_id}: transcript {name!r} must be the plain name of a file")
        for folder in (self._packaged_transcripts, *([self._folder / "transcripts"] if self._folder else [])):
            if (folder / name).is_file():
                return folder / name
        raise ProfileError(f"profile {profile_id}: transcript {name} does not exist")

    def _merged(self, profile_id: str, children: tuple[str, ...]) -> tuple[dict[str, Any], Origins]:
        from hazgate_profiles.validation import read_yaml

        if profile_id in children or len(children) > PARENTS_MAX:
            raise ProfileError(
                f"profile {children[0]}: inherits in a loop or too deep: {' <- '.join([*children, profile_id])}"
            )
        source = self._source(profile_id)
        tree, lines = read_yaml(source)
        origins = {loc: (str(source), line) for loc, line in lines.items()}
        parent = tree.pop("inherits", None)
        if parent is None:
            return tree, origins
        if not isinstance(parent, str):
            raise ProfileError(f"{source}: inherits {parent!r} is not the id of a profile")
        base, base_origins = self._merged(parent, (*children, profile_id))
        base.pop("id", None)
        base.pop("transcripts", None)  # a child proves itself with examples of its own
        return _merge(base, tree), {**base_origins, **origins}


Origins = Mapping[tuple[str | int, ...], tuple[str, int]]
"""Place in the resolved tree to file and line."""


def _ids(folder: Traversable) -> set[str]:
    if not folder.is_dir():
        raise ProfileError(f"profile folder {folder} does not exist")
    return {item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")}


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Maps are merged key by key; anything else of the child replaces the parent's."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


@cache
def packaged() -> Registry:
    """The registry of the packaged profiles alone."""
    return Registry()


def available() -> list[str]:
    """The ids of the packaged profiles."""
    return packaged().available()


def load(profile_id: str) -> Profile:
    """A packaged profile, proven by its transcripts; raises UnknownProfileError or ProfileError."""
    return packaged().load(profile_id)


def digest(profile: Profile) -> str:
    """The profile's identity in records: SHA-256 in hex of the canonical JSON of everything it resolves to."""
    return profile_digest(profile)
