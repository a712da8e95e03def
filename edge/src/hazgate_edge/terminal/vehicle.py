"""Routes of the weighbridge's page, where the scale weighs vehicles: the page, its tickets, the press, single axles."""

from __future__ import annotations

import re

from fastapi import APIRouter
from fastapi.responses import RedirectResponse
from starlette.requests import Request
from starlette.responses import Response

from hazgate_edge.domain.vehicle_view import Office, TicketCard
from hazgate_edge.domain.view import Refused, Say
from hazgate_edge.terminal.desk import Desk, Field, RefusalError
from hazgate_edge.terminal.speech import local_time, speak
from hazgate_edge.terminal.words import word

TICKETS_MAX = 50
PROVINCES = (
    "冀京津晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"  # ours first: most lorries are of the region
)
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
DIGITS = "1234567890"
SUFFIXES = "挂学警港澳"
_REQUEST_KEY = re.compile(r"[A-Za-z0-9-]{16,64}")
_TICKET = re.compile(r"(new|[0-9a-f-]{36})?")


def vehicle_routes(desk: Desk, office: Office) -> APIRouter:
    """`/vehicle`, `/vehicle/tickets`, `/vehicle/weigh`, `/vehicle/axle`, `/vehicle/drop`; `/` leads here."""
    router = APIRouter()
    box = desk.box

    @router.get("/")
    async def home() -> Response:
        return RedirectResponse("/vehicle", status_code=307)

    @router.get("/vehicle")
    async def page(request: Request) -> Response:
        version = box.live().records_version  # before the tickets: one in between is then seen as a change
        keys = {"provinces": PROVINCES, "letters": LETTERS, "digits": DIGITS, "suffixes": SUFFIXES}
        values = {"version": version, "tickets": await _tickets(request), "keys": keys}
        return desk.render(request, "vehicle.html", values)

    @router.get("/vehicle/tickets")
    async def tickets(request: Request) -> Response:
        return desk.render(request, "vehicle_tickets.html", {"tickets": await _tickets(request)})

    @router.post("/vehicle/weigh")
    async def weigh(
        request: Request,
        plate: Field = "",
        corrected: Field = "",
        ticket: Field = "",
        manifest: Field = "",
        operator: Field = "",
        request_key: Field = "",
    ) -> Response:
        # Only names come from the browser; the weight is the box's own.
        if not _REQUEST_KEY.fullmatch(request_key) or not _TICKET.fullmatch(ticket) or corrected not in ("", "yes"):
            raise RefusalError(422, Say("REQ-04"))
        desk.known_operator(operator)
        if not plate:
            raise RefusalError(409, Say("VEH-19"))
        answer = await office.weigh_vehicle(
            plate=plate,
            corrected=corrected == "yes",
            ticket=ticket,
            manifest=manifest,
            operator=operator,
            request=request_key,
        )
        if isinstance(answer, Refused):
            raise RefusalError(409, answer.say)
        response = desk.render(request, "vehicle_result.html", {"item": _shown(request, answer.card)})
        response.headers["HX-Trigger"] = "records-changed"
        return response

    @router.post("/vehicle/axle")
    async def axle(request: Request, operator: Field = "") -> Response:
        desk.known_operator(operator)
        answer = await office.keep_axle(operator=operator)
        if isinstance(answer, Refused):
            raise RefusalError(409, answer.say)
        say = Say("VEH-30", {"n": str(answer.axles), "sum": answer.sum})
        return desk.render(request, "done.html", {"said": speak(say, desk.language_of(request))})

    @router.post("/vehicle/drop")
    async def drop(request: Request) -> Response:
        await office.drop_axles()
        return desk.render(request, "done.html", {"said": speak(Say("VEH-31"), desk.language_of(request))})

    async def _tickets(request: Request) -> list[dict[str, object]]:
        return [_shown(request, card) for card in await office.tickets(TICKETS_MAX)]

    def _shown(request: Request, card: TicketCard) -> dict[str, object]:
        lang = desk.language_of(request)
        return {
            "card": card,
            "opened": local_time(card.opened_at, "%m-%d %H:%M"),
            "state": word(f"ticket_{card.state}", lang),
            "warnings": [speak(say, lang) for say in card.warnings],
        }

    return router
