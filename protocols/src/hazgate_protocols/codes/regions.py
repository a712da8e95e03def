"""Regions of Baoding by six-digit code (GB/T 2260), with old and statistical-office codes mapped to today's.

Read when first asked for. Coordinates of the seat of government, WGS-84 and GCJ-02, rough; about 550 m apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from hazgate_protocols.codes import _tables

CITY = "130600"
BAODING = "baoding"
XIONGAN = "xiongan_new_area"
DINGZHOU = "province_direct_dingzhou"


@dataclass(frozen=True, slots=True)
class Region:
    """A city, district, county or county-level city; `jurisdiction` says whose bureau it answers to."""

    code: str
    name: str
    lon: float  # WGS-84, degrees
    lat: float
    lon_gcj02: float
    lat_gcj02: float
    kind: str  # city | district | county | county_level_city
    jurisdiction: str  # BAODING | XIONGAN | DINGZHOU


@dataclass(frozen=True, slots=True)
class Match:
    """A region and, where the code asked for is not its own, why it stands for it ("merged 2015"), else ""."""

    region: Region
    alias_reason: str = ""


def find(code: str) -> Match | None:
    """The region a code of today, an old code or a statistical-office code stands for; None when unknown."""
    regions, aliases = _load()
    if code in aliases:
        target, reason = aliases[code]
        return Match(regions[target], reason)
    return Match(regions[code]) if code in regions else None


def regions() -> tuple[Region, ...]:
    """The city and everything under its codes, in the order of the codes; whose bureau is in `jurisdiction`."""
    return tuple(_load()[0].values())


def of_the_bureau() -> tuple[Region, ...]:
    """The 20 districts, counties and cities of Baoding's own bureau."""
    return tuple(region for region in regions() if region.jurisdiction == BAODING and region.code != CITY)


@lru_cache(maxsize=1)
def _load() -> tuple[dict[str, Region], dict[str, tuple[str, str]]]:
    found = [
        Region(
            code=row["code"],
            name=row["name"],
            lon=float(row["lon"]),
            lat=float(row["lat"]),
            lon_gcj02=float(row["lon_gcj02"]),
            lat_gcj02=float(row["lat_gcj02"]),
            kind=row["kind"],
            jurisdiction=row["jurisdiction"],
        )
        for row in _tables.rows("regions.csv")
    ]
    aliases = {row["code"]: (row["region"], row["reason"]) for row in _tables.rows("region_aliases.csv")}
    return {region.code: region for region in found}, aliases
