"""A profile as canonical JSON and back: what a record's profile_digest names, and what evidence carries.

The bytes are the canonical JSON of everything the profile resolves to; keys of maps by number are decimal texts. The
keys of the schema's first release are always written. A key that came later is written only where it differs from its
default: records of before name digests, and carry bytes, that the schema must go on understanding as it grows.
"""

from __future__ import annotations

import hashlib
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from typing import Any, cast

from hazgate_protocols import canonical
from hazgate_protocols.scale.spec import Profile


class ProfileBytesError(ValueError):
    """Bytes that are no profile; the text names the place and what is allowed there."""


def encode_profile(profile: Profile) -> bytes:
    """The canonical bytes of everything the profile resolves to."""
    return canonical.encode(_plain(profile))


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


# Keys with a default that the first release wrote. Never add to it: a new key is left out where it says nothing.
_FIRST_RELEASE = {
    "Test": {"mask", "equals", "differs"},
    "Lookup": {"mask"},
    "Number": {"pad", "sign", "max"},
    "Fields": {"weight", "unit", "stable", "mode", "zero", "tare", "gross", "net"},
    "Variant": {"when", "fields"},
    "Fixed": {"guards"},
    "Says": {"stable", "mode", "unit", "status"},
    "LineVariant": {"status", "ignore", "maps", "mode"},
    "Registers": {"exceptions"},
    "Open": {"dtr", "rts", "settle_ms", "drain"},
    "Link": {"baud", "bits", "parity", "stop", "open"},
    "Poll": {"guard_ms"},
    "Limits": {"min", "max", "division"},
    "Command": {"acks"},
    "Match": {"vendors", "models"},
    "Profile": {"options", "match", "limits", "commands", "notes"},
}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        first = _FIRST_RELEASE.get(type(value).__name__, set())
        return {
            item.name: _plain(getattr(value, item.name))
            for item in fields(value)
            if item.name in first or not _says_nothing(item, getattr(value, item.name))
        }
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def _says_nothing(item: Field[Any], value: Any) -> bool:
    default = item.default_factory() if item.default_factory is not MISSING else item.default
    return type(value) is type(default) and bool(value == default)
