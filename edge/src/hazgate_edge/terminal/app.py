"""The terminal as an ASGI application: `create_app(box)`. Binding it to an address is the caller's business."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from hazgate_edge.domain.view import Box, Say
from hazgate_edge.terminal.desk import HERE, LANGUAGE_COOKIE, Desk, Field, RefusalError, templates
from hazgate_edge.terminal.guard import HEADERS, Guard
from hazgate_edge.terminal.live import Streams
from hazgate_edge.terminal.records import record_routes
from hazgate_edge.terminal.scanning import scanning_routes
from hazgate_edge.terminal.weighing import weighing_routes
from hazgate_edge.terminal.words import Language

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
_YEAR_S = 365 * 24 * 3600


def create_app(
    box: Box,
    *,
    hosts: Collection[str] = LOOPBACK_HOSTS,
    language: Language = Language.ZH,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    steady: Callable[[], float] = time.monotonic,
    token: Callable[[int], str] = secrets.token_hex,
) -> FastAPI:
    """The operator's pages of `box`.

    hosts: names in the Host header this terminal answers to (no ports). language: of a browser that has not chosen.
    now: aware UTC, for the clock on the screen. steady: seconds of a clock that never jumps. token: n random bytes as
    hex. Before the server stops, call `app.state.streams.close()`, or it waits for the live streams until its own
    time is up. Raises FileNotFoundError when the browser libraries were not copied.
    """
    boot = token(8)
    streams = Streams(box, boot=boot, now=now, steady=steady)
    assets = f"/static/{_assets_digest(HERE / 'static')}"
    desk = Desk(box, streams, language, now, boot, assets, templates())

    app = FastAPI(title="hazgate terminal", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.streams = streams
    app.add_middleware(Guard, hosts=hosts, secret=token(32).encode(), new_seat=lambda: token(16), refuse=desk.refuse)
    app.mount(assets, _Assets(directory=HERE / "static"))
    app.include_router(weighing_routes(desk))
    app.include_router(record_routes(desk))
    app.include_router(scanning_routes(desk))
    _refuse_in_words(app, desk)

    @app.post("/language")
    async def switch_language(to: Field = "", back: Field = "/") -> Response:
        target = back if back in ("/", "/records") else "/"
        response = Response(status_code=204, headers={"HX-Redirect": target})
        if to in tuple(Language):
            response.set_cookie(LANGUAGE_COOKIE, to, max_age=_YEAR_S, httponly=True, samesite="strict")
        return response

    @app.get("/favicon.ico")
    async def icon() -> Response:
        return RedirectResponse(f"{assets}/icon.svg", status_code=307)

    return app


def _refuse_in_words(app: FastAPI, desk: Desk) -> None:
    """Whatever goes wrong, the operator reads a sentence; the trace is for the log."""

    @app.exception_handler(RefusalError)
    async def refused(request: Request, error: RefusalError) -> Response:
        return desk.refuse(request, error.status, error.say)

    @app.exception_handler(HTTPException)
    async def no_such_page(request: Request, error: HTTPException) -> Response:
        return desk.refuse(request, error.status_code, Say("REQ-03" if error.status_code == 404 else "REQ-04"))

    @app.exception_handler(RequestValidationError)
    async def wrong_fields(request: Request, _: RequestValidationError) -> Response:
        return desk.refuse(request, 422, Say("REQ-04"))

    @app.exception_handler(Exception)
    async def failed(request: Request, _: Exception) -> Response:
        # Starlette answers this one outside the guard and raises it on, so that the server logs it.
        response = desk.refuse(request, 500, Say("SYS-04"))
        response.headers.update(HEADERS)
        return response


class _Assets(StaticFiles):
    """Static files under a path that names their content, so they may be kept for ever."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def _assets_digest(folder: Path) -> str:
    """Twelve hex digits over all static files; also the place where missing ones are noticed."""
    htmx = folder / "vendor" / "htmx-4.min.js"
    if not htmx.is_file():
        raise FileNotFoundError(f"start the terminal: {htmx} is missing; run tools/assets.py to copy it")
    state = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            state.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return state.hexdigest()[:12]
