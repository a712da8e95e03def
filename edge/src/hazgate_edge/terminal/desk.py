"""What every route of the terminal shares: the box, the language, pages and refusals in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Form
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from hazgate_edge.domain.view import Box, Row, Say
from hazgate_edge.terminal.live import Streams
from hazgate_edge.terminal.show import Record, record
from hazgate_edge.terminal.speech import speak
from hazgate_edge.terminal.words import HAZARDS, REPRINT_REASONS, Language, pick, word

HERE = Path(__file__).parent
LANGUAGE_COOKIE = "hazgate_lang"
RECORDS_MAX = 200
RECENT_MAX = 3
RID_MAX = 64

# A form field: short, and "" when missing, so that a route can say which choice is missing.
Field = Annotated[str, Form(max_length=128)]

# Sentences and words the page itself needs while no server answers; {n} is filled in by the script.
_PAGE_SAYS = {
    "lost": Say("SYS-01", {"n": "{n}"}),
    "stale": Say("SYS-03"),
    "waste": Say("PICK-01"),
    "operator": Say("PICK-02"),
    "no_answer": Say("SAVE-03"),
    "photo": Say("SCAN-07"),
}
_PAGE_WORDS = (
    *("weigh", "weigh_hint", "saving", "stable", "moving", "unknown_motion", "no_weight"),
    *("choose", "understood"),
)


class RefusalError(Exception):
    """Leave a route with "no" in words: an HTTP status and a sentence."""

    def __init__(self, status: int, say: Say) -> None:
        super().__init__(say.key)
        self.status = status
        self.say = say


@dataclass(frozen=True)
class Desk:
    """One terminal: see create_app for the fields. assets: path prefix of the static files."""

    box: Box
    streams: Streams
    language: Language
    now: Callable[[], datetime]
    boot: str
    assets: str
    pages: Environment

    def language_of(self, request: Request) -> Language:
        """The browser's choice, or the terminal's own."""
        chosen = request.cookies.get(LANGUAGE_COOKIE, "")
        return Language(chosen) if chosen in tuple(Language) else self.language

    def render(self, request: Request, template: str, values: dict[str, Any], status: int = 200) -> HTMLResponse:
        """A page or a piece of one."""
        lang = self.language_of(request)
        html = self.pages.get_template(template).render(
            lang=lang.value,
            static=self.assets,
            csrf=json.dumps({"X-CSRF-Token": request.state.csrf}),
            boot=self.boot,
            box=self.box,
            here=request.url.path,
            w=lambda key, **more: word(key, lang, **more),
            say=lambda key, **more: speak(Say(key, more), lang),
            pick=lambda pair: pick(pair, lang),
            hazards=HAZARDS,
            reasons=REPRINT_REASONS,
            page_words={
                "say": {name: speak(say, lang).plain() for name, say in _PAGE_SAYS.items()},
                "word": {key: word(key, lang) for key in _PAGE_WORDS},
            },
            **values,
        )
        return HTMLResponse(html, status_code=status)

    def refuse(self, request: Request, status: int, say: Say) -> Response:
        """A refusal in words: a piece of page for htmx, a whole page otherwise."""
        template = "refusal.html" if request.headers.get("hx-request") else "error.html"
        return self.render(request, template, {"said": speak(say, self.language_of(request))}, status)

    def shown(self, request: Request, row: Row) -> Record:
        """A row in the request's language."""
        return record(row, self.language_of(request), self.box.trace_url)

    async def listed(self, request: Request, limit: int) -> list[Record]:
        """The newest rows."""
        return [self.shown(request, row) for row in await self.box.rows(limit)]

    async def known_row(self, rid: str) -> Row:
        """The row, or a refusal with 404."""
        row = await self.box.row(rid) if len(rid) <= RID_MAX else None
        if row is None:
            raise RefusalError(404, Say("REQ-02"))
        return row

    def known_operator(self, operator: str) -> None:
        """Refuse one that the box does not name."""
        if self.box.operators and operator not in self.box.operators:
            raise RefusalError(409, Say("PICK-04", {"operator": operator}) if operator else Say("PICK-02"))


def templates() -> Environment:
    """The pages' templates: escaped, and loud about a missing value."""
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
