"""Routes of scanned codes: the card of a bag that a scanner found, and the photo that stands in for a scanner."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hazgate_edge.domain.view import Say
from hazgate_edge.scanning.photo import PhotoError, codes_in
from hazgate_edge.terminal.desk import Desk
from hazgate_edge.terminal.guard import PHOTO_PATH
from hazgate_edge.terminal.speech import local_time, speak


def scanning_routes(desk: Desk) -> APIRouter:
    """`/scanned/{rid}`, `/scan/photo`."""
    router = APIRouter()

    @router.get("/scanned/{rid}")
    async def bag(request: Request, rid: str) -> Response:
        row = await desk.known_row(rid)
        said = speak(Say("SCAN-01", {"number": row.label[-3:]}), desk.language_of(request))
        when = local_time(row.weighed_at, "%Y-%m-%d %H:%M")
        return desk.render(request, "scanned.html", {"item": desk.shown(request, row), "said": said, "when": when})

    @router.post(PHOTO_PATH)
    async def photo(request: Request) -> Response:
        picture = await request.body()  # bounded by the guard
        try:
            texts = await codes_in(picture)
        except PhotoError as exc:
            return _no(request, Say("SCAN-09", {"why": str(exc)}))
        if len(texts) != 1:
            return _no(request, Say("SCAN-08", {"n": str(len(texts))}) if texts else Say("SCAN-07"))
        await desk.box.scan(text=texts[0], scanner="photo")
        return Response(status_code=204)

    def _no(request: Request, say: Say) -> Response:
        return JSONResponse(speak(say, desk.language_of(request)).plain(), status_code=422)

    return router
