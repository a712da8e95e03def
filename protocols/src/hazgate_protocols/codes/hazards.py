"""Hazard characteristics of the catalogue: T toxic, C corrosive, I ignitable, R reactive, In infectious.

Note 1 of the catalogue's table: after a comma the first is certain and the others are possible; a slash means one or
more of them. So `T,I` is not `T/I`, and the raw text is kept beside the parsed form.
"""

from __future__ import annotations

from dataclasses import dataclass

CHARACTERISTICS = ("T", "C", "I", "R", "In")


class HazardsError(ValueError):
    """Text that is no list of hazard characteristics."""


@dataclass(frozen=True, slots=True)
class Hazards:
    """Parsed characteristics: `certain` always holds; of `any_of` one or more hold; each of `possible` may hold."""

    raw: str
    certain: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()

    @classmethod
    def parse(cls, raw: str) -> Hazards:
        """Of "T", "T,I" (ASCII or Chinese comma) or "T/C/In"; raises HazardsError for anything else."""
        comma = raw.replace("，", ",")
        if "," in comma and "/" in comma:
            raise HazardsError(f"hazard characteristics {raw!r} mix comma and slash")
        parts = tuple(comma.replace("/", ",").split(","))
        if len(set(parts)) != len(parts) or not set(parts) <= set(CHARACTERISTICS):
            raise HazardsError(f"hazard characteristics {raw!r}: each of {', '.join(CHARACTERISTICS)} at most once")
        if "/" in comma:
            return cls(raw, any_of=parts)
        return cls(raw, certain=parts[:1], possible=parts[1:])

    @property
    def codes(self) -> tuple[str, ...]:
        """All that are named, in the order of the catalogue; a label shows a pictogram for each."""
        return self.certain + self.possible + self.any_of
