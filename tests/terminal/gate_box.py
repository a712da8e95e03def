"""The scripted box with a real weighbridge behind it."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge.vehicle.bridge import Gate
from hazgate_edge.domain.view import Live
from terminal.scripted_box import ScriptedBox


@dataclass
class GateBox(ScriptedBox):
    """The box of a gate: its snapshot is what pan and office say."""

    gate: Gate = field(kw_only=True)
    operators: tuple[str, ...] = ("张三",)

    def live(self) -> Live:
        gate, now = self.gate, self.gate.clock.mono
        weight = gate.pan.weight(now)
        self.show(
            phase=gate.pan.phase(now),
            weight=weight.text if weight else "",
            unit=weight.unit if weight else "",
            mode=weight.mode if weight else "",
            stable=gate.pan.steady(now),
            age_ms=40 if weight else None,
            blocked=gate.office.reasons(),
            bridge=gate.office.live(),
            records_version=gate.journal.changes,
            numbers=(),
        )
        return super().live()
