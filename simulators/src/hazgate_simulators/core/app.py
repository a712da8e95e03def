"""The simulated core over HTTP: the submission API and, under /sim, its controls."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from hazgate_simulators.core.ledger import Ledger
from hazgate_simulators.core.modes import Behaviour, Mode

SUBMISSION_BYTES_MAX = 64 * 1024
# What the interface asks for, written down here once more on purpose: simulator and client share no table.
_FIELDS = {
    "rid", "digital_id", "unit_code", "unit_name", "waste_code", "waste_name", "category_code",
    "hazard_characteristics", "produced_on", "quantity_t", "weighed_at", "box", "record_hash",
}  # fmt: skip


class _Change(BaseModel):
    model_config = ConfigDict(extra="forbid")

    mode: Mode
    delay_ms: int = Field(default=0, ge=0, le=600_000)
    code: str = "R-001"
    text: str = "refused by the simulator"
    remaining: int | None = Field(default=None, ge=1)
    only_rid: str = ""
    only_unit: str = ""
    takes_checkpoints: bool = True


class _BrokenOffError(Exception):
    """Ends a response in the middle: the server closes the connection."""


def build(folder: Path, behaviour: Behaviour | None = None) -> FastAPI:
    """The application; its ledger lives in the folder."""
    ledger = Ledger(folder)
    state = {"behaviour": behaviour or Behaviour()}

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        ledger.close()

    app = FastAPI(title="hazgate core simulator", lifespan=lifespan, docs_url=None, redoc_url=None)

    def meet(submission: dict[str, Any]) -> Behaviour:
        now = state["behaviour"]
        other_rid = now.only_rid and now.only_rid != submission["rid"]
        other_unit = now.only_unit and now.only_unit != submission["unit_code"]
        if other_rid or other_unit:
            return Behaviour()
        if now.remaining is not None:
            state["behaviour"] = replace(now, remaining=now.remaining - 1) if now.remaining > 1 else Behaviour()
        return now

    @app.post("/v1/submissions")
    async def submit(request: Request) -> Response:
        submission = _submission(await request.body(), request.headers.get("idempotency-key", ""))
        rid = submission["rid"]
        await run_in_threadpool(ledger.hear, rid, "posts")
        now = meet(submission)
        early = _unfiled(now)
        if early is not None:
            return early
        outcome = "refused" if now.mode is Mode.REFUSE else "accepted"
        words = (now.code, now.text) if now.mode is Mode.REFUSE else ("", "")
        answer = await run_in_threadpool(ledger.file, rid, submission, outcome, *words)
        if now.mode is Mode.REPEAT:
            answer = await run_in_threadpool(ledger.file, rid, submission, outcome, *words)
        if now.mode is Mode.DROP:
            return _broken_off()
        if now.mode is Mode.SLOW:
            return StreamingResponse(_trickle(answer, now.delay_ms), media_type="application/json")
        if now.mode is Mode.DELAY:
            await asyncio.sleep(now.delay_ms / 1000)
        return JSONResponse(answer)

    @app.get("/v1/submissions/{rid}")
    async def outcome(rid: str) -> Response:
        await run_in_threadpool(ledger.hear, rid, "gets")
        if state["behaviour"].mode is Mode.BARRED:
            return JSONResponse({"detail": "certificate revoked"}, status_code=401)
        found = await run_in_threadpool(ledger.find, rid)
        if found is None:
            return JSONResponse({"detail": "never seen"}, status_code=404)
        return JSONResponse(found)

    @app.post("/v1/checkpoints")
    async def checkpoint(request: Request) -> Response:
        if not state["behaviour"].takes_checkpoints:
            return JSONResponse({"detail": "Not Found"}, status_code=404)
        number, key, body = _checkpoint(await request.body(), request.headers.get("idempotency-key", ""))
        now = meet({"rid": key, "unit_code": ""})
        early = _unfiled(now)
        if early is not None:
            return early
        answer = await run_in_threadpool(ledger.file_checkpoint, number, key, body)
        return _broken_off() if now.mode is Mode.DROP else JSONResponse(answer)

    @app.get("/sim/checkpoints")
    async def checkpoints() -> dict[str, Any]:
        return {"checkpoints": await run_in_threadpool(ledger.checkpoints)}

    @app.get("/sim/submissions")
    async def submissions() -> dict[str, Any]:
        return {
            "submissions": await run_in_threadpool(ledger.listing),
            "heard": await run_in_threadpool(ledger.heard),
        }

    @app.get("/sim/mode")
    async def mode() -> dict[str, Any]:
        return asdict(state["behaviour"])

    @app.post("/sim/mode")
    async def set_mode(change: _Change) -> dict[str, Any]:
        state["behaviour"] = Behaviour(**change.model_dump())
        return asdict(state["behaviour"])

    return app


def _submission(body: bytes, key: str) -> dict[str, Any]:
    if len(body) > SUBMISSION_BYTES_MAX:
        raise HTTPException(413, f"at most {SUBMISSION_BYTES_MAX} bytes")
    try:
        value = json.loads(body)
    except ValueError as exc:
        raise HTTPException(400, "not JSON") from exc
    if not isinstance(value, dict) or value.keys() != _FIELDS or not all(isinstance(v, str) for v in value.values()):
        raise HTTPException(422, f"fields are {', '.join(sorted(_FIELDS))}, all texts")
    if value["rid"] != key:
        raise HTTPException(422, "Idempotency-Key is not the rid")
    return value


def _checkpoint(body: bytes, key: str) -> tuple[int, str, dict[str, Any]]:
    """Number, hash and content of a checkpoint; checked by hand, as a core of somebody else's would."""
    try:
        value = json.loads(body[:SUBMISSION_BYTES_MAX])
        statement, seal = value["statement"], value["seal"]
        said = json.loads(statement)
        number, prev = said["n"], said["prev"]
    except (ValueError, TypeError, KeyError) as exc:
        raise HTTPException(422, "statement and seal are texts, the statement JSON with n and prev") from exc
    if hashlib.sha256(statement.encode()).hexdigest() != key:
        raise HTTPException(422, "Idempotency-Key is not the SHA-256 of the statement")
    if type(number) is not int or not isinstance(prev, str) or not isinstance(seal, str) or len(seal) != 128:
        raise HTTPException(422, "n is a whole number, prev and seal are hex")
    return number, key, value


def _unfiled(now: Behaviour) -> Response | None:
    """The answer of a mode that files nothing."""
    if now.mode is Mode.LOSE:
        return _broken_off()
    if now.mode is Mode.ERROR:
        return Response("Internal Server Error", status_code=500)
    if now.mode is Mode.SCHEMA:
        return JSONResponse({"detail": "field wasteFormCode is required"}, status_code=422)
    if now.mode is Mode.BARRED:
        return JSONResponse({"detail": "certificate revoked"}, status_code=401)
    if now.mode is Mode.HTML:
        return Response(
            "<!doctype html><title>Sign in</title><p>Please sign in to use this network.", media_type="text/html"
        )
    if now.mode is Mode.NONSENSE:
        return Response(b"\xff\xfe{{,", media_type="application/json")
    if now.mode is Mode.ENVELOPE:
        return JSONResponse({"success": "true", "code": "0", "msg": "ok", "obj": None})
    return None


def _broken_off() -> Response:
    async def nothing() -> AsyncIterator[bytes]:
        raise _BrokenOffError
        yield b""

    return StreamingResponse(nothing(), headers={"Content-Length": "100"})


async def _trickle(answer: dict[str, str], delay_ms: int) -> AsyncIterator[bytes]:
    body = json.dumps(answer).encode()
    for byte in body:
        yield bytes([byte])
        await asyncio.sleep(delay_ms / 1000 / len(body))
