"""The pages, drawn on the server: they work without scripts and ask no other host for anything."""

from __future__ import annotations

from datetime import timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from hazgate_cloud.api import queries
from hazgate_cloud.api.problems import Problem
from hazgate_cloud.api.resources import boxes_json, find_way
from hazgate_cloud.api.sentences import (
    ALARM_STEPS,
    ALARMS,
    EN,
    FLAGS,
    REPRINTS,
    STATES,
    STEPS,
    WORDS,
    ZH,
    Language,
    say,
)
from hazgate_cloud.collector.presence import Presence
from hazgate_cloud.domain.times import moment
from hazgate_cloud.domain.trace import Step
from hazgate_cloud.store.alarms import listed
from hazgate_cloud.store.engine import Database

_TEMPLATES = Path(__file__).parent / "templates"
# China has kept one offset without summer time since 1991, so local time needs no zone table.
_BEIJING = timezone(timedelta(hours=8))
BAGS_SHOWN = 30
ALARMS_SHOWN = 5


def install(app: FastAPI, database: Database, presence: Presence, public_url: str) -> None:
    """Adds the pages."""
    env = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=select_autoescape(), undefined=StrictUndefined, trim_blocks=True
    )
    env.filters["local"] = _local

    def draw(name: str, language: Language, path: str, status: int = 200, **values: Any) -> Response:
        page = env.get_template(name).render(
            lang=language,
            html_lang="zh-CN" if language == ZH else "en",
            suffix="" if language == ZH else "?lang=en",
            other_href=path + ("?lang=en" if language == ZH else "?lang=zh"),
            w=partial(_word, language),
            state_word=lambda key: say(STATES, key, language),
            flag_word=lambda code: say(FLAGS, code, language),
            ruling_word=lambda said: say(STEPS, said.what, language, by=said.by),
            public_url=public_url,
            **values,
        )
        return Response(page, status_code=status, media_type="text/html; charset=utf-8")

    @app.get("/t/{label}", include_in_schema=False)
    def trace_page(label: str, request: Request) -> Response:
        language = _language(request)
        path = f"/t/{label}"
        try:
            way = find_way(database, label)
        except Problem as problem:
            return draw("missing.html", language, "/", problem.status, key="malformed", label=label[:64])
        if way is None:
            return draw("missing.html", language, path, 404, key="unknown", label=label.strip().upper())
        rows = [_row(step, language) for step in way.newest_first()]
        return draw("trace.html", language, f"/t/{way.label}", way=way, rows=rows)

    @app.get("/", include_in_schema=False)
    def index(request: Request) -> Response:
        with database.read() as tx:
            bags = queries.newest_bags(tx, BAGS_SHOWN)
            alarms = listed(tx, ALARMS_SHOWN)
        language = _language(request)
        for alarm in alarms:
            alarm["said"] = say(ALARMS, alarm["kind"], language)
            alarm["step"] = say(ALARM_STEPS, alarm["kind"], language) if alarm["kind"] in ALARM_STEPS else ""
        return draw("index.html", language, "/", bags=bags, alarms=alarms, boxes=boxes_json(database, presence))

    @app.get("/t", include_in_schema=False)
    def find(label: str = "", lang: str = "") -> Response:
        suffix = "?lang=en" if lang == EN else ""
        wanted = "".join(label.split())[:64]
        if not wanted.isalnum() or not wanted.isascii():
            wanted = "-"
        return RedirectResponse(f"/t/{wanted}{suffix}", status_code=303)


def _language(request: Request) -> Language:
    return EN if request.query_params.get("lang") == EN else ZH


def _word(language: Language, key: str, **values: object) -> str:
    return say(WORDS, key, language, **{name: str(value) for name, value in values.items()})


def _row(step: Step, language: Language) -> dict[str, Any]:
    values = dict(step.values)
    if step.key == "flagged":
        values["reason"] = say(FLAGS, values["code"], language)
    details: list[tuple[str, str]] = []
    if step.key == "weighed" and values["operator"]:
        details.append((_word(language, "operator"), values["operator"]))
    if step.key in ("core_accepted", "core_duplicate"):
        details.append((_word(language, "reference"), values["reference"]))
    if step.key == "core_refused":
        details.append((_word(language, "reason"), values["code"]))
    if step.key == "sent_unclear":
        details.append(("", _word(language, "status_n" if values["status"] else "no_answer", status=values["status"])))
    if language == EN and step.key in ("flagged", "sent_unclear"):  # in full where it is written in this language
        details.append(("", values.get("text") or values.get("detail", "")))
    if step.key.startswith("label_") and values.get("copy", "0") not in ("", "0"):
        details.append(("", _word(language, "copy_n", copy=values["copy"])))
    if values.get("by") == "operator":
        details.append(("", _word(language, "by_operator")))
    if step.key in ("released", "rejected"):
        details.append((_word(language, "reason"), values["reason"]))
    if step.key == "reprint_asked" and values["reason"]:
        reason = values["reason"]
        details.append((_word(language, "reason"), say(REPRINTS, reason, language) if reason in REPRINTS else reason))
    # What the printer said is in the JSON; the page that a label's QR code opens names no address of the site.
    return {
        "key": step.key,
        "mark": step.mark.value,
        "at": step.at,
        "text": say(STEPS, step.key, language, **values),
        "details": details,
    }


def _local(text: str) -> str:
    """2026-01-31 16:05:00 in Beijing; a time that is none is shown as it is."""
    at = moment(text)
    return text if at is None else f"{at.astimezone(_BEIJING):%Y-%m-%d %H:%M:%S}"
