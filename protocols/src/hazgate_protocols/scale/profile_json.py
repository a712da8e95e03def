"""A profile as canonical JSON and back: what a record's profile_digest names, and what evidence carries.

The bytes are the canonical JSON of everything the profile resolves to; keys of maps by number are decimal texts.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from enum import Enum
from typing import Any, cast

from hazgate_protocols import canonical
from hazgate_protocols.scale.spec import Profile


class ProfileBytesError(ValueError):
    """Bytes that are no profile; the text names the place and what is allowed there."""


def encode_profile(profile: Profile) -> bytes:
    """The canonical bytes of everything the profile resolves to."""
    return canonical.encode(_plain(asdict(profile)))


def profile_digest(profile: Profile) -> str:
    """The profile's identity in records: SHA-256 of its canonical bytes, in hex."""
    return hashlib.sha256(encode_profile(profile)).hexdigest()


def decode_profile(data: bytes) -> Profile:
    """The profile of canonical bytes. Raises ProfileBytesError for bytes that encode_profile() never writes."""
    from hazgate_protocols.scale.building import Builder

    try:
        tree = canonical.decode(data)
    except canonical.NotCanonicalError as exc:
        raise ProfileBytesError(f"profile: {exc}") from exc
    builder = Builder(number_keys_as_text=True)
    profile = cast(Profile, builder.build(Profile, tree, ()))
    if builder.mistakes:
        loc, sentence = builder.mistakes[0]
        raise ProfileBytesError(f"profile, {'.'.join(map(str, loc)) or 'top'}: {sentence}")
    if encode_profile(profile) != data:
        raise ProfileBytesError("profile: something is left out that its canonical form says")
    return profile


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value
