"""Routes of the weighing page: the page, the live stream, the press, the result card, the label's picture."""

from __future__ import annotations

import re

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.requests import Request
from starlette.responses import Response

from hazgate_edge.domain.view import Refused, Say
from hazgate_edge.scanning.photo import can_decode
from hazgate_edge.terminal.desk import RECENT_MAX, RID_MAX, Desk, Field, RefusalError
from hazgate_edge.terminal.words import Language

_REQUEST_KEY = re.compile(r"[A-Za-z0-9-]{16,64}")


def weighing_routes(desk: Desk) -> APIRouter:
    """`/`, `/live`, `/recent`, `/weigh`, `/result/{rid}`, `/label/{rid}.png`."""
    router = APIRouter()
    box = desk.box

    @router.get("/")
    async def weigh_page(request: Request) -> Response:
        version = box.live().records_version  # before the rows: a record in between is then seen as a change
        recent = await desk.listed(request, RECENT_MAX)
        values = {"version": version, "recent": recent, "wastes": box.wastes(), "containers": box.containers()}
        values["photos"] = can_decode()
        return desk.render(request, "weigh.html", values)

    @router.get("/recent")
    async def recent_records(request: Request) -> Response:
        return desk.render(request, "recent.html", {"recent": await desk.listed(request, RECENT_MAX)})

    @router.get("/live")
    async def live(request: Request, lang: str = "") -> Response:
        if desk.streams.full:
            raise RefusalError(503, Say("REQ-06"))
        spoken = Language(lang) if lang in tuple(Language) else desk.language_of(request)
        unbuffered = {"X-Accel-Buffering": "no"}
        return StreamingResponse(desk.streams.events(spoken), media_type="text/event-stream", headers=unbuffered)

    @router.post("/weigh")
    async def weigh(
        request: Request, waste: Field = "", container: Field = "", operator: Field = "", request_key: Field = ""
    ) -> Response:
        # Only choices come from the browser; the weight is the box's own.
        if not _REQUEST_KEY.fullmatch(request_key):
            raise RefusalError(422, Say("REQ-04"))
        desk.known_operator(operator)
        _check_choice(waste, container)
        answer = await box.weigh(waste_code=waste, container=container, operator=operator, request=request_key)
        if isinstance(answer, Refused):
            raise RefusalError(409, answer.say)
        row = await desk.known_row(answer.rid)
        return desk.render(request, "result.html", {"item": desk.shown(request, row)})

    def _check_choice(waste: str, container: str) -> None:
        chosen = {offered.code: offered for offered in box.wastes()}.get(waste)
        if chosen is None:
            raise RefusalError(409, Say("WASTE-01", {"code": waste}) if waste else Say("PICK-01"))
        if container not in (chosen.containers or tuple(one.id for one in box.containers())):
            raise RefusalError(409, Say("PICK-03", {"container": container}))

    @router.get("/result/{rid}")
    async def result(request: Request, rid: str) -> Response:
        row = await desk.known_row(rid)
        return desk.render(request, "result_state.html", {"item": desk.shown(request, row)})

    @router.get("/label/{rid}.png")
    async def label(rid: str) -> Response:
        png = await box.label_png(rid) if len(rid) <= RID_MAX else None
        if png is None:
            raise RefusalError(404, Say("REQ-02"))
        return Response(png, media_type="image/png")

    return router
