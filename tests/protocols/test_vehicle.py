"""Plates have one written form; a vehicle's gross, tare and net follow exactly from its two weighings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazgate_protocols import canonical
from hazgate_protocols.codes import plate as plates
from hazgate_protocols.codes.plate import Plate, PlateError, PlateForm
from hazgate_protocols.journal.bodies import BodyError
from hazgate_protocols.journal.vehicle import (
    FIRST,
    SECOND,
    FirstWeighing,
    MassText,
    TareBasis,
    VehicleBody,
)
from hazgate_protocols.mass import Mass

TICKET = "019aafd0-0000-7000-8000-000000000001"
OTHER = "019aafd0-0000-7000-8000-000000000002"


def weight(kilograms: int, stable_by: str = "window") -> MassText:
    return MassText(Mass.of(str(kilograms), "kg").mg, str(kilograms), "kg", stable_by)


def body(second: bool = True, **changes: Any) -> VehicleBody:
    made = VehicleBody(
        ticket=TICKET,
        plate="冀F12345",
        plate_by="operator",
        plate_corrected=False,
        weighing=SECOND if second else FIRST,
        load=weight(15_220),
        axles=(),
        sensors="fully_on",
        scale="bridge",
        first=FirstWeighing(OTHER, weight(9_020).mg, "2026-11-24T02:00:00.000Z") if second else None,
        basis=TareBasis(2, weight(9_000).mg, "2026-11-20T02:00:00.000Z") if second else None,
    )
    return made._replace(**changes)


@pytest.mark.parametrize(
    ("typed", "text", "form"),
    [
        ("冀f·12345", "冀F12345", PlateForm.ORDINARY),
        (" 京A 8K8K8 ", "京A8K8K8", PlateForm.ORDINARY),
        ("冀F１２３４５", "冀F12345", PlateForm.ORDINARY),
        ("冀FD12345", "冀FD12345", PlateForm.NEW_ENERGY_SMALL),
        ("冀F12345D", "冀F12345D", PlateForm.NEW_ENERGY_LARGE),
        ("冀F1234挂", "冀F1234挂", PlateForm.TRAILER),
        ("冀F1234学", "冀F1234学", PlateForm.LEARNER),
        ("粤Z-1234-港", "粤Z1234港", PlateForm.BORDER),
        ("冀F123O5", "冀F123O5", PlateForm.OTHER),
        ("WJ冀12345", "WJ冀12345", PlateForm.OTHER),
    ],
)
def test_a_plate_has_one_form_however_it_is_typed(typed: str, text: str, form: PlateForm) -> None:
    """Separators, case and width fall away; what no form knows is kept and warned about."""
    plate = Plate.parse(typed)
    assert (plate.text, plate.form) == (text, form)
    assert Plate.parse(plate.text) == plate
    assert [found.key for found in plates.findings(typed)] == ([plates.ODD] if form is PlateForm.OTHER else [])


@pytest.mark.parametrize("typed", ["", "冀", "冀F1", "冀F12345; DROP", "<b>冀F</b>", "x" * 300, "😀😀😀😀"])
def test_what_can_be_no_plate_is_refused(typed: str) -> None:
    """Blocked with a reason, whatever it is."""
    with pytest.raises(PlateError):
        Plate.parse(typed)
    assert [(found.key, found.blocks) for found in plates.findings(typed)] == [(plates.MALFORMED, True)]


@given(st.text(max_size=20))
def test_any_text_is_a_plate_in_its_form_or_refused(typed: str) -> None:
    """No text does anything else; parsing is idempotent."""
    try:
        plate = Plate.parse(typed)
    except PlateError:
        return
    assert Plate.parse(plate.text) == plate


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.lists(st.integers(1, 10**5), max_size=6), st.booleans())
def test_a_body_goes_round_and_net_is_the_exact_difference(
    one_kg: int, other_kg: int, axles: list[int], corrected: bool
) -> None:
    """Whichever weighing was heavier, gross less tare is net and not negative, and the bytes read back."""
    parts = tuple(weight(axle) for axle in axles)
    load = weight(sum(axles), "") if axles else weight(one_kg)
    made = body(
        load=load,
        axles=parts,
        plate_corrected=corrected,
        first=FirstWeighing(OTHER, weight(other_kg).mg, "2026-11-24T02:00:00.000Z"),
    )
    read = VehicleBody.from_json(json.loads(canonical.encode(made.as_json())))
    assert read == made
    assert read.gross_mg is not None
    assert read.tare_mg is not None
    assert read.gross_mg - read.tare_mg == read.net_mg
    assert {read.gross_mg, read.tare_mg} == {load.mg, weight(other_kg).mg}
    assert read.net_mg >= 0


def test_a_first_weighing_has_no_result() -> None:
    """Before the second there is no gross, tare or net; the ticket it replaces goes with it."""
    made = body(second=False, replaces=OTHER)
    assert VehicleBody.from_json(made.as_json()) == made
    assert (made.gross_mg, made.tare_mg, made.net_mg) == (None, None, None)
    assert "result" not in made.as_json()


def wrong(*path: str, to: Any) -> dict[str, Any]:
    changed = json.loads(json.dumps(body(axles=(weight(7_000), weight(8_220)), load=weight(15_220, "")).as_json()))
    at = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = to
    return changed  # type: ignore[no-any-return] # json.loads gives Any


@pytest.mark.parametrize(
    "changed",
    [
        wrong("result", "net_mg", to=-6_200_000_000),  # planted: the wrong sign
        wrong("result", "net_mg", to=6_200_000_001),
        wrong("result", "gross_mg", to=9_020_000_000),
        wrong("first", "mg", to=9_021_000_000),
        wrong("first", "rid", to="x"),
        wrong("load", "text", to="15221"),
        wrong("load", "mg", to=15_220_000_000.0),
        wrong("load", "mg", to=True),
        wrong("axles", to=[]),
        wrong("axles", to=[weight(7_000).as_json()]),
        wrong("axles", to=[weight(1).as_json()] * 17),
        wrong("mode", to="platform"),
        wrong("plate", "text", to="冀F·12345"),
        wrong("plate", "by", to="guess"),
        wrong("plate", "corrected", to=1),
        wrong("sensors", to="front_off"),  # planted: half off the platform is never a weighing
        wrong("weighing", to="third"),
        wrong("ticket", to="1"),
        wrong("manifest", to="<script>"),
        wrong("findings", to=["x"] * 17),
        wrong("findings", to=[1]),
        wrong("tare_basis", to=[]),
        {},
    ],
)
def test_a_body_that_does_not_add_up_is_refused(changed: dict[str, Any]) -> None:
    """Each of these is said to be wrong, none raises anything else."""
    with pytest.raises(BodyError):
        VehicleBody.from_json(changed)
