"""The body of record kind "vehicle_weighing": one of the two weighings of a vehicle on a weighbridge.

The first weighing opens a ticket; the second names the ticket and the first record and carries gross, tare and net. The
heavier of the two is gross, whichever came first; net is their exact difference and never negative. Masses travel as
whole milligrams beside the indicator's own text; where axles were weighed one by one, the load's text is our exact sum.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from hazgate_protocols.codes.plate import Plate, PlateError
from hazgate_protocols.journal.bodies import BodyError
from hazgate_protocols.journal.record import RID_PATTERN
from hazgate_protocols.mass import Mass

FIRST, SECOND = "first", "second"
PLATFORM, AXLES = "platform", "axles"
NO_SENSORS, FULLY_ON = "none", "fully_on"  # nothing else is ever booked
BY_OPERATOR, BY_CAMERA = "operator", "camera"
AXLES_MAX = 16  # own bound; the longest road trains have about ten
FINDINGS_MAX = 16


class MassText(NamedTuple):
    """A weight: exact, and as it was written. stable_by: device | window, "" for a sum."""

    mg: int
    text: str
    unit: str
    stable_by: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the body."""
        said = {"mg": self.mg, "text": self.text, "unit": self.unit}
        return {**said, "stable_by": self.stable_by} if self.stable_by else said

    @property
    def mass(self) -> Mass:
        """The weight."""
        return Mass(self.mg)


class TareBasis(NamedTuple):
    """What the tare was judged by: how many earlier tares of this plate, their median and the newest one's time."""

    tares: int = 0
    median_mg: int | None = None
    newest_at: str = ""  # RFC 3339 UTC, "" for none

    def as_json(self) -> dict[str, Any]:
        """For the body."""
        return {"count": self.tares, "median_mg": self.median_mg, "newest_at": self.newest_at}


class FirstWeighing(NamedTuple):
    """The first weighing as the second names it."""

    rid: str
    mg: int
    at: str  # RFC 3339 UTC


class VehicleBody(NamedTuple):
    """One weighing of one vehicle."""

    ticket: str  # UUIDv7, made with the first weighing
    plate: str
    plate_by: str  # operator | camera
    plate_corrected: bool  # a person has changed what was read
    weighing: str  # first | second
    load: MassText  # what stood on the scale
    axles: tuple[MassText, ...]  # empty: the whole vehicle on one platform
    sensors: str  # none | fully_on
    scale: str  # id of the scale in the configuration
    first: FirstWeighing | None = None  # second weighing only
    basis: TareBasis | None = None  # second weighing only
    replaces: str = ""  # first weighing only: the open ticket of this plate that is given up, "" for none
    manifest: str = ""  # transfer manifest's number, "" when none was named
    findings: tuple[str, ...] = ()  # warnings that did not block: tare_outlier, tare_old, net_zero, plate_odd, ...

    @property
    def gross_mg(self) -> int | None:
        """The heavier weighing; None before the second."""
        return None if self.first is None else max(self.first.mg, self.load.mg)

    @property
    def tare_mg(self) -> int | None:
        """The lighter weighing; None before the second."""
        return None if self.first is None else min(self.first.mg, self.load.mg)

    @property
    def net_mg(self) -> int | None:
        """Gross less tare, never negative; None before the second."""
        return None if self.first is None else abs(self.first.mg - self.load.mg)

    def as_json(self) -> dict[str, Any]:
        """The body as canonical JSON wants it."""
        body: dict[str, Any] = {
            "ticket": self.ticket,
            "plate": {"text": self.plate, "by": self.plate_by, "corrected": self.plate_corrected},
            "weighing": self.weighing,
            "load": self.load.as_json(),
            "mode": AXLES if self.axles else PLATFORM,
            "axles": [axle.as_json() for axle in self.axles],
            "sensors": self.sensors,
            "scale": self.scale,
            "manifest": self.manifest,
            "findings": list(self.findings),
        }
        if self.first is not None:
            body["first"] = {"rid": self.first.rid, "mg": self.first.mg, "at": self.first.at}
            body["result"] = {"gross_mg": self.gross_mg, "tare_mg": self.tare_mg, "net_mg": self.net_mg}
            body["tare_basis"] = (self.basis or TareBasis()).as_json()
        else:
            body["replaces"] = self.replaces
        return body

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> VehicleBody:
        """Raises BodyError that names what is missing, wrong or does not add up."""
        try:
            found = cls._read(body)
        except KeyError as exc:
            raise BodyError(f"vehicle weighing lacks {exc.args[0]!r}") from exc
        except TypeError as exc:
            raise BodyError("vehicle weighing has a part that is no object") from exc
        found._check(body)
        return found

    @classmethod
    def _read(cls, body: dict[str, Any]) -> VehicleBody:
        second = body["weighing"] == SECOND
        first, plate = body["first"] if second else None, body["plate"]
        corrected = plate["corrected"]
        if not isinstance(corrected, bool):
            raise BodyError("vehicle weighing 'corrected' is neither true nor false")
        axles = body["axles"]
        if not isinstance(axles, list) or len(axles) > AXLES_MAX:
            raise BodyError(f"vehicle weighing 'axles' is no list of at most {AXLES_MAX}")
        findings = body["findings"]
        if (
            not isinstance(findings, list)
            or len(findings) > FINDINGS_MAX
            or not all(isinstance(key, str) for key in findings)
        ):
            raise BodyError(f"vehicle weighing 'findings' is no list of at most {FINDINGS_MAX} texts")
        return cls(
            ticket=_text(body, "ticket"),
            plate=_text(plate, "text"),
            plate_by=_one_of(plate, "by", BY_OPERATOR, BY_CAMERA),
            plate_corrected=corrected,
            weighing=_one_of(body, "weighing", FIRST, SECOND),
            load=_mass(body["load"]),
            axles=tuple(_mass(axle) for axle in axles),
            sensors=_one_of(body, "sensors", NO_SENSORS, FULLY_ON),
            scale=_text(body, "scale"),
            first=None if first is None else FirstWeighing(_rid(first), _whole(first, "mg"), _text(first, "at")),
            basis=_basis(body["tare_basis"]) if second else None,
            replaces="" if second else _text(body, "replaces"),
            manifest=_text(body, "manifest"),
            findings=tuple(findings),
        )

    def _check(self, body: dict[str, Any]) -> None:
        """What no single key can say: codes, sums and the difference."""
        for key, text in (("ticket", self.ticket), ("replaces", self.replaces)):
            if not RID_PATTERN.fullmatch(text) and (key == "ticket" or text):
                raise BodyError(f"vehicle weighing {key!r} is no UUID of version 7")
        try:
            plate = Plate.parse(self.plate)
        except PlateError as exc:
            raise BodyError(f"vehicle weighing: {exc}") from exc
        if plate.text != self.plate:
            raise BodyError(f"vehicle weighing: plate {self.plate!r} is not in its one form, {plate.text!r}")
        if not re.fullmatch(r"[0-9]{0,20}", self.manifest):
            raise BodyError(f"vehicle weighing: manifest {self.manifest!r} is not digits")
        if body["mode"] != (AXLES if self.axles else PLATFORM):
            raise BodyError(f"vehicle weighing: mode {body['mode']!r} does not fit {len(self.axles)} axles")
        if self.axles and sum(axle.mg for axle in self.axles) != self.load.mg:
            raise BodyError("vehicle weighing: the axles do not add up to the load")
        said = body.get("result")
        if self.first is not None and said != {
            "gross_mg": self.gross_mg,
            "tare_mg": self.tare_mg,
            "net_mg": self.net_mg,
        }:
            raise BodyError("vehicle weighing: gross, tare and net do not follow from the two weighings")


def _mass(part: dict[str, Any]) -> MassText:
    stable_by = _text(part, "stable_by") if "stable_by" in part else ""
    found = MassText(_whole(part, "mg"), _text(part, "text"), _text(part, "unit"), stable_by)
    try:
        mass = Mass.of(found.text, found.unit)
    except ValueError as exc:
        raise BodyError(f"vehicle weighing load: {exc}") from exc
    if mass.mg != found.mg or found.mg <= 0:
        raise BodyError(f"vehicle weighing load: {found.text} {found.unit} is not {found.mg} mg above zero")
    return found


def _basis(part: dict[str, Any]) -> TareBasis:
    median = part["median_mg"]
    return TareBasis(
        _whole(part, "count"), None if median is None else _whole(part, "median_mg"), _text(part, "newest_at")
    )


def _rid(part: dict[str, Any]) -> str:
    rid = _text(part, "rid")
    if not RID_PATTERN.fullmatch(rid):
        raise BodyError("vehicle weighing: the first weighing's 'rid' is no UUID of version 7")
    return rid


def _text(part: dict[str, Any], key: str) -> str:
    if not isinstance(part[key], str):
        raise BodyError(f"vehicle weighing {key!r} is no text")
    return part[key]  # type: ignore[no-any-return] # the check above is the type


def _one_of(part: dict[str, Any], key: str, *allowed: str) -> str:
    if part[key] not in allowed:
        raise BodyError(f"vehicle weighing {key!r} is none of {', '.join(allowed)}")
    return part[key]  # type: ignore[no-any-return] # the check above is the type


def _whole(part: dict[str, Any], key: str) -> int:
    if type(part[key]) is not int:
        raise BodyError(f"vehicle weighing {key!r} is no whole number")
    return part[key]  # type: ignore[no-any-return] # the check above is the type
