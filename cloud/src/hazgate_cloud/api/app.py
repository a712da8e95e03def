"""The web application: JSON under /v1, pages at / and /t/{label}, /health."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import SQLAlchemyError

from hazgate_cloud.api import conditions, pages, problems, resources
from hazgate_cloud.collector.presence import Presence
from hazgate_cloud.store.alarms import open_proof_kinds
from hazgate_cloud.store.engine import Database

_STATIC = Path(__file__).parent / "static"
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Api:
    """What the routes need. The troubles are "" when all is well."""

    database: Database
    presence: Presence
    public_url: str
    broker_trouble: Callable[[], str]
    core_trouble: Callable[[], str]
    checkpoint_trouble: Callable[[], str] = lambda: ""


def build(api: Api) -> FastAPI:
    """The application over these parts; it opens and closes nothing."""
    app = FastAPI(title="hazgate collector", version=version("hazgate-cloud"), docs_url=None, redoc_url=None)
    problems.install(app)
    resources.install(app, api.database, api.presence)
    conditions.install(app, api.database)
    pages.install(app, api.database, api.presence, api.public_url)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")

    @app.get("/health", tags=["health"])
    def health() -> JSONResponse:
        """200 when pushes can be taken and stored; 503 says what is gone. A core out of reach is said, not counted:
        submissions wait for it. "alarm" with 200: everything works, and an alarm puts the proof in doubt until a
        person has acknowledged it."""
        parts = {"database": api.database.trouble(), "broker": api.broker_trouble(), "core": api.core_trouble()}
        parts["checkpoints"] = api.checkpoint_trouble()
        gone = [name for name in ("database", "broker") if parts[name]]
        said = {name: trouble or "ok" for name, trouble in parts.items()}
        raised = {} if parts["database"] else _open_alarms(api.database)
        status = "down" if gone else "alarm" if raised else "ok"
        return JSONResponse({"status": status, **said, "alarms": raised}, status_code=503 if gone else 200)

    @app.exception_handler(SQLAlchemyError)
    async def store_gone(_request: Request, exc: SQLAlchemyError) -> Response:
        cause = str(getattr(exc, "orig", exc))
        return problems.Problem(503, "store_unavailable", cause, retryable=True).response()

    @app.middleware("http")
    async def guard(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await answer(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return app


def _open_alarms(database: Database) -> dict[str, int]:
    with database.read() as tx:
        return open_proof_kinds(tx)
