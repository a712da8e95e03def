"""The unit's wastes from the configuration, completed and checked against the catalogue of the day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from hazgate_edge.config import Config
from hazgate_edge.domain.view import Waste
from hazgate_protocols.codes import credit_code
from hazgate_protocols.codes.catalogue import catalogue
from hazgate_protocols.codes.finding import Finding
from hazgate_protocols.codes.waste_code import WasteCode


@dataclass(frozen=True, slots=True)
class KnownWaste:
    """A waste as the terminal offers it and the record names it."""

    offer: Waste
    hazards_raw: str  # as the catalogue writes them, "" when the configuration names them
    findings: tuple[str, ...]  # keys of warnings kept in each record


def known_wastes(config: Config, day: date) -> dict[str, KnownWaste]:
    """By code. Codes that the catalogue refuses are left out; check-config names them."""
    book = catalogue()
    known: dict[str, KnownWaste] = {}
    for waste in config.wastes:
        findings = book.findings(waste.code, day)
        if any(finding.blocks for finding in findings):
            continue
        code = WasteCode.parse(waste.code)
        row = book.waste(code, day)
        hazards = waste.hazards or (row.hazards.codes if row else ())
        known[waste.code] = KnownWaste(
            offer=Waste(waste.code, waste.name, code.category, tuple(hazards), waste.containers),
            hazards_raw="" if waste.hazards or row is None else row.hazards.raw,
            findings=tuple(finding.key for finding in findings),
        )
    return known


def code_findings(config: Config, day: date) -> Iterator[tuple[tuple[str | int, ...], Finding]]:
    """Where in the configuration a code is doubtful, and what is found."""
    for finding in credit_code.findings(config.unit.code):
        yield ("unit", "code"), finding
    for index, waste in enumerate(config.wastes):
        findings = catalogue().findings(waste.code, day)
        for finding in findings:
            yield ("wastes", index, "code"), finding
        if waste.hazards is None and not any(finding.blocks for finding in findings):
            row = catalogue().waste(WasteCode.parse(waste.code), day)
            if row is None:
                text = f"waste {waste.code}: not in the loaded catalogue; give its hazards, such as [T, I]"
                yield ("wastes", index, "hazards"), Finding("hazards_missing", text, blocks=True)
