"""Which indicator families can be simulated, and over which links."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from hazgate_simulators.scale.encoders import StGs, StreamEncoder, ToledoContinuous, YaohuaTf0


class Traffic(StrEnum):
    """Who begins: the indicator, a line question, or a Modbus master."""

    STREAM = "stream"
    SICS = "sics"
    MODBUS = "modbus"


@dataclass(frozen=True, slots=True)
class Family:
    """One simulated family; profile is the id of the device profile that reads it. encoder only for streams."""

    profile: str
    title: str
    traffic: Traffic
    rate_hz: float
    encoder: Callable[[], StreamEncoder] | None = None


FAMILIES = {
    family.profile: family
    for family in (
        Family("yaohua-tf0", "Yaohua XK3190 continuous output tF=0", Traffic.STREAM, 10.0, YaohuaTf0),
        # About 7 frames a second in the field.
        Family("toledo-cont", "Mettler-Toledo continuous output with CHK", Traffic.STREAM, 7.0, ToledoContinuous),
        Family("st-gs", "'ST,GS' lines (DIGI DS-166SS spelling)", Traffic.STREAM, 10.0, StGs),
        Family("mt-sics", "Mettler-Toledo MT-SICS level 0/1, polled", Traffic.SICS, 10.0),
        Family("modbus-laumas", "Laumas transmitter, Modbus RTU or TCP", Traffic.MODBUS, 10.0),
    )
}


class LinkSpecError(ValueError):
    """A link text or its combination with a family makes no sense; the message says what is allowed."""


@dataclass(frozen=True, slots=True)
class LinkSpec:
    """A link as written on the command line: pty:PATH, tcp:HOST:PORT, modbus-rtu:PATH, modbus-tcp:HOST:PORT."""

    kind: str
    path: str = ""
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> LinkSpec:
        """Raises LinkSpecError with the allowed forms."""
        kind, _, rest = text.partition(":")
        if kind in ("pty", "modbus-rtu") and rest:
            return cls(kind, path=rest)
        host, _, port = rest.rpartition(":")
        if kind in ("tcp", "modbus-tcp") and host and port.isdecimal() and int(port) <= 65535:
            return cls(kind, host=host, port=int(port))
        raise LinkSpecError(
            f"link {text!r}: write pty:PATH, tcp:HOST:PORT, modbus-rtu:PATH or modbus-tcp:HOST:PORT (port 0 = any free)"
        )

    def check_fits(self, family: Family) -> None:
        """Raises LinkSpecError when this family does not speak over this link."""
        allowed = ("modbus-rtu", "modbus-tcp") if family.traffic is Traffic.MODBUS else ("pty", "tcp")
        if self.kind not in allowed:
            raise LinkSpecError(f"{family.profile} over {self.kind}: this family needs {' or '.join(allowed)}")
