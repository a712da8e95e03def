"""The shape of a device profile: how one family of indicators writes a reading.

These dataclasses are the schema of `firmware_profiles/*.yaml`; hazgate_profiles validates the files against them.
Byte strings are hex text ("02 2B"). Offsets count from the frame's first byte; ranges are [from, to) like slices.
"""

from __future__ import annotations

_STRICT = {"extra": "forbid"}  # pydantic reads __pydantic_config__; protocols itself needs no pydantic
