"""Which encoder speaks which device profile, and what that device is able to say.

Profile data (traffic, link kinds, period) comes from the profiles; frames and registers are encoders of our own. A
profile without a line here is a mistake that a test names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from hazgate_simulators.scale import asked, registers
from hazgate_simulators.scale import encoders_framed as framed
from hazgate_simulators.scale import encoders_lines as lines
from hazgate_simulators.scale import encoders_printed as printed
from hazgate_simulators.scale import encoders_yaohua as yaohua
from hazgate_simulators.scale.encoders import StGs, StreamEncoder, ToledoContinuous, YaohuaTf0

if TYPE_CHECKING:
    from hazgate_protocols.scale.spec import Profile


class Traffic(StrEnum):
    """Who begins: the indicator, its questioner, a line question of MT-SICS, a Modbus master, the USB bus."""

    STREAM = "stream"
    ASKED = "asked"
    SICS = "sics"
    MODBUS = "modbus"
    HID = "hid"


SENDS_UNASKED = (Traffic.STREAM, Traffic.HID)

# What is sent in a state: the weight as ever, nothing at all, or the status of this name without a weight.
Said = Literal["weight", "silence", "overload", "underload", "out_of_range", "not_ready", "error", "in_motion"]


@dataclass(frozen=True, slots=True)
class Says:
    """What a device's frames are able to express. The default says least.

    rest: it tells moving from rest. moving, over, under, negative, unready: what it sends then. mode: it tells gross
    from net (shown), or always sends the one named. unit: it names the unit. vague_moving: while moving it leaves out
    unit and mode.
    """

    rest: bool = False
    moving: Said = "weight"
    over: Said = "silence"
    under: Said = "silence"
    negative: Said = "weight"
    unready: Said = "silence"
    mode: Literal["shown", "gross", "net"] | None = None
    unit: bool = False
    vague_moving: bool = False


SAYS_NOTHING_ELSE = Says()


@dataclass(frozen=True)
class Family:
    """One simulated device; profile is the id of the device profile that reads it.

    encoder for those that send unasked, asked for those that answer, registers for Modbus transmitters. capacity and
    division, in kg: a platform whose numbers fit the frames.
    """

    profile: str
    traffic: Traffic
    says: Says = SAYS_NOTHING_ELSE
    encoder: Callable[[], StreamEncoder] | None = None
    asked: Callable[[], asked.Asked] | None = None
    registers: Callable[[], registers.RegisterImage] | None = None
    capacity: Decimal = Decimal(150)
    division: Decimal = Decimal("0.01")

    @cached_property
    def title(self) -> str:
        return self._profile.title["en"]

    @cached_property
    def title_zh(self) -> str:
        return self._profile.title["zh"]

    @cached_property
    def rate_hz(self) -> float:
        """Frames a second as the profile expects them; for those that answer, how often the platform is looked at."""
        from hazgate_protocols.scale.spec import Stream

        traffic = self._profile.traffic
        return 1000 / traffic.period_ms if isinstance(traffic, Stream) else 10.0

    @cached_property
    def links(self) -> tuple[str, ...]:
        """Kinds of link of the simulator, the usual one first."""
        kinds = self._profile.link.kinds
        return tuple(SIMULATOR_LINKS[kind] for kind in kinds)

    @property
    def places(self) -> int:
        """Decimals of the usual division."""
        return max(0, -int(self.division.as_tuple().exponent))

    @property
    def options(self) -> dict[str, str | int | bool]:
        """What a box must be told beside the profile to read this simulator with its usual platform."""
        told = self._profile.options
        return {"decimals": self.places} if "decimals" in told and self.traffic is Traffic.MODBUS else {}

    @cached_property
    def _profile(self) -> Profile:
        from hazgate_profiles.registry import packaged

        return packaged().resolve(self.profile)


SIMULATOR_LINKS = {"serial": "pty", "tcp": "tcp", "modbus-rtu": "modbus-rtu", "modbus-tcp": "modbus-tcp", "hid": "hid"}

# Frames with two digits before the point and three behind.
_SMALL, _FIVE_GRAMS = Decimal(60), Decimal("0.005")

FAMILIES = {
    family.profile: family
    for family in (
        Family("yaohua-tf0", Traffic.STREAM, encoder=YaohuaTf0),
        Family("yaohua-eq-rev", Traffic.STREAM, encoder=yaohua.EqualsReversed),
        Family("yaohua-eq-fwd", Traffic.STREAM, encoder=yaohua.EqualsForward),
        Family("yaohua-price27", Traffic.STREAM, Says(unit=True), encoder=yaohua.EqualsPrice),
        Family("eq-trailing-rev", Traffic.STREAM, encoder=yaohua.TrailingEquals),
        Family(
            "yaohua-a12e",
            Traffic.STREAM,
            Says(over="overload", under="underload", mode="shown", unit=True),
            encoder=yaohua.A12E,
        ),
        Family("yaohua-cmd", Traffic.ASKED, Says(mode="gross"), asked=asked.yaohua_commands),
        Family("wn-line", Traffic.STREAM, Says(mode="shown", unit=True), encoder=yaohua.WnLine),
        Family(
            "toledo-cont",
            Traffic.STREAM,
            Says(rest=True, over="overload", under="underload", unready="not_ready", mode="shown", unit=True),
            encoder=ToledoContinuous,
        ),
        Family(
            "toledo-cont-7e1",
            Traffic.STREAM,
            Says(rest=True, over="overload", under="underload", unready="not_ready", mode="shown", unit=True),
            encoder=lambda: framed.EvenParity(ToledoContinuous()),
        ),
        Family(
            "st-gs",
            Traffic.STREAM,
            Says(rest=True, over="overload", under="underload", mode="shown", unit=True),
            encoder=StGs,
        ),
        Family(
            "mt-sics",
            Traffic.SICS,
            Says(rest=True, over="overload", under="underload", unready="not_ready", unit=True),
        ),
        Family("mt-print", Traffic.STREAM, Says(mode="shown", unit=True), encoder=lines.MettlerPrint),
        Family(
            "toledo-8217",
            Traffic.ASKED,
            Says(
                rest=True,
                moving="in_motion",
                over="overload",
                under="underload",
                negative="underload",
                unready="not_ready",
                mode="shown",
            ),
            asked=asked.Toledo8217Device,
            capacity=_SMALL,
            division=_FIVE_GRAMS,
        ),
        Family(
            "prot-f",
            Traffic.ASKED,
            Says(rest=True, moving="in_motion", over="overload"),
            asked=lambda: asked.prot_f(framed.ProtF()),
            capacity=_SMALL,
            division=_FIVE_GRAMS,
        ),
        Family(
            "and-std",
            Traffic.ASKED,
            Says(rest=True, over="overload", under="underload", unready="error", unit=True),
            asked=lambda: asked.and_balance(lines.AndStandard()),
        ),
        Family(
            "and-ad44xx",
            Traffic.STREAM,
            Says(rest=True, over="overload", under="underload", unready="not_ready", mode="shown", unit=True),
            encoder=lines.AndIndicator,
        ),
        Family(
            "cas-22",
            Traffic.STREAM,
            Says(rest=True, over="overload", under="overload", mode="shown", unit=True),
            encoder=framed.Cas22,
        ),
        Family(
            "cas-pd",
            Traffic.ASKED,
            Says(rest=True, over="overload", under="overload", unready="not_ready", unit=True),
            asked=asked.EnquiryExchange,
        ),
        Family("ohaus-3000", Traffic.STREAM, Says(rest=True, mode="shown", unit=True), encoder=lines.OhausLine),
        Family(
            "sbi16",
            Traffic.ASKED,
            Says(rest=True, over="overload", under="underload", unready="not_ready", unit=True, vague_moving=True),
            asked=lambda: asked.sartorius(lines.Sbi16()),
        ),
        Family(
            "sbi22",
            Traffic.ASKED,
            Says(
                rest=True,
                over="overload",
                under="underload",
                unready="not_ready",
                mode="shown",
                unit=True,
                vague_moving=True,
            ),
            asked=lambda: asked.sartorius(lines.Sbi22()),
        ),
        Family(
            "kern-tws",
            Traffic.ASKED,
            Says(rest=True, over="overload", unit=True, vague_moving=True),
            asked=lambda: asked.kern(lines.KernTws()),
        ),
        Family("gandg", Traffic.STREAM, Says(unit=True), encoder=lines.GandG),
        Family(
            "dini-std",
            Traffic.ASKED,
            Says(rest=True, over="overload", under="underload", unready="not_ready", mode="shown", unit=True),
            asked=lambda: asked.dini(lines.DiniString()),
        ),
        Family(
            "rlws-stream",
            Traffic.STREAM,
            Says(rest=True, over="out_of_range", under="out_of_range", unready="error", mode="shown", unit=True),
            encoder=framed.RiceLake,
        ),
        Family(
            "rinstrum-11",
            Traffic.STREAM,
            Says(rest=True, over="overload", under="underload", unready="error", mode="shown", vague_moving=True),
            encoder=framed.Rinstrum,
        ),
        Family(
            "nci",
            Traffic.ASKED,
            Says(rest=True, over="overload", under="underload", unready="error", unit=True),
            asked=lambda: asked.nci(framed.Nci()),
        ),
        Family(
            "dibal-98",
            Traffic.ASKED,
            Says(over="not_ready", under="not_ready", negative="not_ready", unready="not_ready", unit=True),
            asked=asked.DibalDevice,
            capacity=_SMALL,
            division=_FIVE_GRAMS,
        ),
        Family(
            "vibra-8d",
            Traffic.STREAM,
            Says(rest=True, over="error", under="error", unready="error", unit=True),
            encoder=lines.Vibra,
        ),
        Family("plain-line", Traffic.STREAM, Says(over="weight", under="weight"), encoder=lines.PlainLine),
        Family("bcd-ff5", Traffic.STREAM, Says(rest=True, over="overload"), encoder=framed.Bcd5),
        Family("bcd-ff6", Traffic.STREAM, Says(rest=True, over="overload", unit=True), encoder=framed.Bcd6),
        Family("jik6cab", Traffic.STREAM, Says(moving="silence", mode="net", unit=True), encoder=printed.JikPrintout),
        Family(
            "kv-gross-net-tare",
            Traffic.STREAM,
            Says(rest=True, mode="net"),
            encoder=printed.LabelledRecord,
            capacity=Decimal(1500),
            division=Decimal("0.5"),
        ),
        Family(
            "usb-hid-scale",
            Traffic.HID,
            Says(rest=True, over="overload", under="underload", negative="underload", unready="not_ready", unit=True),
            encoder=framed.HidReport,
        ),
        Family(
            "modbus-laumas",
            Traffic.MODBUS,
            Says(rest=True, over="overload", under="weight", unready="weight", mode="shown"),
            registers=registers.LaumasRegisters,
        ),
        Family(
            "modbus-dat400",
            Traffic.MODBUS,
            Says(rest=True, over="overload", under="underload", unready="error", mode="shown"),
            registers=registers.Dat400,
        ),
        Family(
            "modbus-flintec",
            Traffic.MODBUS,
            Says(rest=True, over="overload", under="underload", unready="weight", mode="shown"),
            registers=registers.Flintec,
        ),
        Family(
            "modbus-kpr",
            Traffic.MODBUS,
            Says(over="weight", under="weight", unready="weight", mode="gross"),
            registers=registers.Kpr,
        ),
        Family(
            "modbus-float",
            Traffic.MODBUS,
            Says(over="weight", under="weight", unready="weight", mode="gross"),
            registers=registers.OneFloat,
        ),
        Family(
            "dini-dgt",
            Traffic.MODBUS,
            Says(rest=True, over="overload", under="underload", unready="weight", mode="shown"),
            registers=registers.DiniDgt,
        ),
        Family(
            "dini-dgt-multi",
            Traffic.MODBUS,
            Says(rest=True, over="overload", under="underload", unready="weight", mode="shown"),
            registers=registers.DiniDgtMulti,
        ),
    )
}


class LinkSpecError(ValueError):
    """A link text or its combination with a family makes no sense; the message says what is allowed."""


@dataclass(frozen=True, slots=True)
class LinkSpec:
    """A link as written: pty:PATH, tcp:HOST:PORT, modbus-rtu:PATH, modbus-tcp:HOST:PORT, hid:PATH."""

    kind: str
    path: str = ""
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> LinkSpec:
        """Raises LinkSpecError with the allowed forms."""
        kind, _, rest = text.partition(":")
        if kind in ("pty", "modbus-rtu", "hid") and rest:
            return cls(kind, path=rest)
        host, _, port = rest.rpartition(":")
        if kind in ("tcp", "modbus-tcp") and host and port.isdecimal() and int(port) <= 65535:
            return cls(kind, host=host, port=int(port))
        raise LinkSpecError(
            f"link {text!r}: write pty:PATH, tcp:HOST:PORT, modbus-rtu:PATH, modbus-tcp:HOST:PORT or hid:PATH "
            "(port 0 = any free)"
        )

    def check_fits(self, family: Family) -> None:
        """Raises LinkSpecError when this family does not speak over this link."""
        if self.kind not in family.links:
            raise LinkSpecError(f"{family.profile} over {self.kind}: this family needs {' or '.join(family.links)}")
