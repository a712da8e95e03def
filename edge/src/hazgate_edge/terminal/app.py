"""The terminal as an ASGI application: `create_app(box)`. Who binds it, and to which address, is the caller's business."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Form
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from hazgate_edge.domain.view import Box, PrintState, Refused, Row, Say
from hazgate_edge.terminal.guard import HEADERS, Guard
from hazgate_edge.terminal.live import Streams
from hazgate_edge.terminal.show import Record, record
from hazgate_edge.terminal.speech import local_time, speak
from hazgate_edge.terminal.words import HAZARDS, NOT_PRINTED, REPRINT_REASONS, Language, pick, word

_HERE = Path(__file__).parent
_LANGUAGE_COOKIE = "hazgate_lang"
_YEAR_S = 365 * 24 * 3600
RECORDS_MAX = 200
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")

_REQUEST_KEY = re.compile(r"[A-Za-z0-9-]{16,64}")
_RECORD_ID = re.compile(r"[A-Za-z0-9-]{1,64}")

# Sentences the page itself needs while no server answers; spoken with a placeholder the script fills in.
_PAGE_SAYS = {
    "lost": Say("SYS-01", {"n": "{n}"}),
    "stale": Say("SYS-03"),
    "waste": Say("PICK-01"),
    "operator": Say("PICK-02"),
    "no_answer": Say("SAVE-03"),
    "busy": Say("BUSY-01"),
}
_PAGE_WORDS = (
    "weigh",
    "weigh_hint",
    "saving",
    "stable",
    "moving",
    "unknown_motion",
    "no_weight",
    "choose",
    "understood",
)

Field = Annotated[str, Form(max_length=128)]


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
    digest = _assets_digest(_HERE / "static")
    pages = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def language_of(request: Request) -> Language:
        chosen = request.cookies.get(_LANGUAGE_COOKIE, "")
        return Language(chosen) if chosen in tuple(Language) else language

    def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        lang = language_of(request)
        html = pages.get_template(template).render(
            lang=lang.value,
            static=f"/static/{digest}",
            csrf=json.dumps({"X-CSRF-Token": request.state.csrf}),
            boot=boot,
            box=box,
            here=request.url.path,
            w=lambda key, **more: word(key, lang, **more),
            say=lambda key, **more: speak(Say(key, more), lang),
            pick=lambda pair: pick(pair, lang),
            hazards=HAZARDS,
            reasons=REPRINT_REASONS,
            page_words={
                "say": {name: _as_json(say, lang) for name, say in _PAGE_SAYS.items()},
                "word": {key: word(key, lang) for key in _PAGE_WORDS},
            },
            **values,
        )
        return HTMLResponse(html, status_code=status)

    def refuse(request: Request, status: int, say: Say) -> Response:
        """A refusal in words: a piece of page for htmx, a whole page otherwise."""
        template = "refusal.html" if request.headers.get("hx-request") else "error.html"
        return render(request, template, status, said=speak(say, language_of(request)))

    async def known_row(rid: str) -> Row:
        row = await box.row(rid) if _RECORD_ID.fullmatch(rid) else None
        if row is None:
            raise _Refusal(404, Say("REQ-02"))
        return row

    def known_operator(operator: str) -> None:
        if box.operators and operator not in box.operators:
            raise _Refusal(409, Say("PICK-04", {"operator": operator}) if operator else Say("PICK-02"))

    app = FastAPI(title="hazgate terminal", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.streams = streams
    app.add_middleware(Guard, hosts=hosts, secret=token(32).encode(), new_seat=lambda: token(16), refuse=refuse)
    app.mount(f"/static/{digest}", _Assets(directory=_HERE / "static"), name="static")

    @app.exception_handler(_Refusal)
    async def refused_in_words(request: Request, error: _Refusal) -> Response:
        return refuse(request, error.status, error.say)

    @app.exception_handler(HTTPException)
    async def wrong_address(request: Request, error: HTTPException) -> Response:
        return refuse(request, error.status_code, Say("REQ-03" if error.status_code == 404 else "REQ-04"))

    @app.exception_handler(RequestValidationError)
    async def wrong_fields(request: Request, error: RequestValidationError) -> Response:
        return refuse(request, 422, Say("REQ-04"))

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        # Starlette answers this one outside the guard, then raises on: the server logs, the operator gets a sentence.
        response = refuse(request, 500, Say("SYS-04"))
        response.headers.update(HEADERS)
        return response

    @app.get("/")
    async def weigh_page(request: Request) -> Response:
        version = box.live().records_version  # before the rows: a record in between is then seen as a change
        recent = await listed(request, 3)
        choices = {"wastes": box.wastes(), "containers": box.containers()}
        return render(request, "weigh.html", version=version, recent=recent, **choices)

    @app.get("/recent")
    async def recent_records(request: Request) -> Response:
        return render(request, "recent.html", recent=await listed(request, 3))

    @app.get("/records")
    async def records_page(request: Request) -> Response:
        version = box.live().records_version
        records = await listed(request, RECORDS_MAX)
        return render(request, "records.html", version=version, records=records, today=local_time(now(), "%Y-%m-%d"))

    @app.get("/records/list")
    async def records_list(request: Request) -> Response:
        return render(request, "records_list.html", records=await listed(request, RECORDS_MAX))

    async def listed(request: Request, limit: int) -> list[Record]:
        lang = language_of(request)
        return [record(row, lang, box.trace_url) for row in await box.rows(limit)]

    @app.get("/live")
    async def live(request: Request, lang: str = "") -> Response:
        if streams.full:
            raise _Refusal(503, Say("REQ-06"))
        spoken = Language(lang) if lang in tuple(Language) else language_of(request)
        return StreamingResponse(
            streams.events(spoken), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
        )

    @app.post("/weigh")
    async def weigh(
        request: Request, waste: Field = "", container: Field = "", operator: Field = "", request_key: Field = ""
    ) -> Response:
        # Only choices come from the browser; the weight is the box's own.
        if not _REQUEST_KEY.fullmatch(request_key):
            raise _Refusal(422, Say("REQ-04"))
        known_operator(operator)
        chosen = {offered.code: offered for offered in box.wastes()}.get(waste)
        if chosen is None:
            raise _Refusal(409, Say("WASTE-01", {"code": waste}) if waste else Say("PICK-01"))
        offered = chosen.containers or tuple(one.id for one in box.containers())
        if container not in offered:
            raise _Refusal(409, Say("PICK-03", {"container": container}))
        answer = await box.weigh(waste_code=waste, container=container, operator=operator, request=request_key)
        if isinstance(answer, Refused):
            raise _Refusal(409, answer.say)
        row = await known_row(answer.rid)
        return render(request, "result.html", item=record(row, language_of(request), box.trace_url))

    @app.get("/result/{rid}")
    async def result(request: Request, rid: str) -> Response:
        row = await known_row(rid)
        return render(request, "result_state.html", item=record(row, language_of(request), box.trace_url))

    @app.get("/label/{rid}.png")
    async def label(rid: str) -> Response:
        png = await box.label_png(rid) if _RECORD_ID.fullmatch(rid) else None
        if png is None:
            raise _Refusal(404, Say("REQ-02"))
        return Response(png, media_type="image/png")

    @app.post("/records/{rid}/answer")
    async def answer(request: Request, rid: str, printed: Field = "", operator: Field = "") -> Response:
        await known_row(rid)
        known_operator(operator)
        if printed not in ("yes", "no"):
            raise _Refusal(422, Say("REQ-04"))
        refused = await box.answer_print(rid=rid, printed=printed == "yes", operator=operator)
        return done(request, refused, Say("SENT-01"))

    @app.post("/records/{rid}/print")
    async def print_label(request: Request, rid: str, reason: Field = "", operator: Field = "") -> Response:
        row = await known_row(rid)
        known_operator(operator)
        allowed = (NOT_PRINTED,) if row.print_state is PrintState.FAILED else tuple(REPRINT_REASONS)
        if reason not in allowed:
            raise _Refusal(409, Say("REQ-01"))
        refused = await box.print_again(rid=rid, reason=reason, operator=operator)
        return done(request, refused, Say("SENT-02"))

    def done(request: Request, refused: Refused | None, say: Say) -> Response:
        if refused is not None:
            raise _Refusal(409, refused.say)
        response = render(request, "done.html", said=speak(say, language_of(request)))
        response.headers["HX-Trigger"] = "records-changed"
        return response

    @app.post("/language")
    async def switch_language(request: Request, to: Field = "", back: Field = "/") -> Response:
        target = back if back in ("/", "/records") else "/"
        response = Response(status_code=204, headers={"HX-Redirect": target})
        if to in tuple(Language):
            response.set_cookie(_LANGUAGE_COOKIE, to, max_age=_YEAR_S, httponly=True, samesite="strict")
        return response

    @app.get("/favicon.ico")
    async def icon() -> Response:
        return RedirectResponse(f"/static/{digest}/icon.svg", status_code=307)

    return app


class _Refusal(Exception):  # noqa: N818 - not an error of ours: the answer "no", in words
    """Leave a route with a refusal in words."""

    def __init__(self, status: int, say: Say) -> None:
        super().__init__(say.key)
        self.status = status
        self.say = say


class _Assets(StaticFiles):
    """Static files under a path that names their content, so they may be kept for ever."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def _as_json(say: Say, language: Language) -> dict[str, str]:
    said = speak(say, language)
    return {"key": said.key, "tone": said.tone.value, "what": said.what, "safe": said.safe, "act": said.act}


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
