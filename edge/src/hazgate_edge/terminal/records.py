"""Routes of today's records: the list, the answer about an unsure label, printing again."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from hazgate_edge.domain.view import PrintState, Refused, Say
from hazgate_edge.terminal.desk import RECORDS_MAX, Desk, Field, RefusalError
from hazgate_edge.terminal.speech import local_time, speak
from hazgate_edge.terminal.words import NOT_PRINTED, REPRINT_REASONS

# Which reasons a print state allows; the other states offer no printing.
_REASONS = {PrintState.FAILED: (NOT_PRINTED,), PrintState.PRINTED: tuple(REPRINT_REASONS)}


def record_routes(desk: Desk) -> APIRouter:
    """`/records`, `/records/list`, `/records/{rid}/answer`, `/records/{rid}/print`."""
    router = APIRouter()
    box = desk.box

    @router.get("/records")
    async def records_page(request: Request) -> Response:
        version = box.live().records_version  # before the rows: a record in between is then seen as a change
        records = await desk.listed(request, RECORDS_MAX)
        today = local_time(desk.now(), "%Y-%m-%d")
        return desk.render(request, "records.html", {"version": version, "records": records, "today": today})

    @router.get("/records/list")
    async def records_list(request: Request) -> Response:
        return desk.render(request, "records_list.html", {"records": await desk.listed(request, RECORDS_MAX)})

    @router.post("/records/{rid}/answer")
    async def answer(request: Request, rid: str, printed: Field = "", operator: Field = "") -> Response:
        await desk.known_row(rid)
        desk.known_operator(operator)
        if printed not in ("yes", "no"):
            raise RefusalError(422, Say("REQ-04"))
        refused = await box.answer_print(rid=rid, printed=printed == "yes", operator=operator)
        return _done(request, refused, Say("SENT-01"))

    @router.post("/records/{rid}/print")
    async def print_label(request: Request, rid: str, reason: Field = "", operator: Field = "") -> Response:
        row = await desk.known_row(rid)
        desk.known_operator(operator)
        if reason not in _REASONS.get(row.print_state, ()):
            raise RefusalError(409, Say("REQ-01"))
        refused = await box.print_again(rid=rid, reason=reason, operator=operator)
        return _done(request, refused, Say("SENT-02"))

    def _done(request: Request, refused: Refused | None, say: Say) -> Response:
        if refused is not None:
            raise RefusalError(409, refused.say)
        response = desk.render(request, "done.html", {"said": speak(say, desk.language_of(request))})
        response.headers["HX-Trigger"] = "records-changed"
        return response

    return router
