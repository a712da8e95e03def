"""The page and the JSON API of the simulated weighing place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, StringConstraints

from hazgate_protocols.mass import Mass
from hazgate_simulators.scale.faults import MEANING, Fault
from hazgate_simulators.scale.links import LinkError
from hazgate_simulators.scale.physics import Answer
from hazgate_simulators.scale.replay import Replay
from hazgate_simulators.scale.simulator import FaultNotPossibleError, ScaleSimulator, readable
from hazgate_simulators.site.devices import Devices
from hazgate_simulators.site.printer import LabelPrinter

STATIC = Path(__file__).parent / "static"
EVENT_PERIOD_S = 0.1
WATCH_PERIOD_S = 0.1
FRAMES_SHOWN = 7
LABELS_SHOWN = 24

ANSWERS = {
    Answer.MOVING: "the load is moving; wait until the indication is stable",
    Answer.OUT_OF_RANGE: "not possible with this load or tare; remove the load or clear the tare first",
    Answer.NOT_READY: "the indicator has just started and found no zero; empty the scale",
}

Headers = {
    "Content-Security-Policy": "default-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class LoadOrder(BaseModel):
    """A load in kilograms as decimal text: a float never holds a weight."""

    model_config = ConfigDict(extra="forbid", strict=True)
    kg: Annotated[str, StringConstraints(pattern=r"^\d{1,6}(\.\d{1,6})?$")]


class DeviceOrder(BaseModel):
    """The device profile wanted on the platform."""

    model_config = ConfigDict(extra="forbid", strict=True)
    profile: str


class FaultOrder(BaseModel):
    """Faults to set; a key that is left out changes nothing, null clears."""

    model_config = ConfigDict(extra="forbid")
    scale: Fault | None = None
    printer: str | None = None


class Site:
    """The scale and the printer if there is one. start() and stop() as a whole."""

    def __init__(
        self,
        scale: ScaleSimulator,
        *,
        printer: LabelPrinter | None = None,
        replay: Replay | None = None,
        devices: Devices | None = None,
    ) -> None:
        self.scale = scale
        self.printer = printer
        self.replay = replay
        self.devices = devices
        self.stopping = asyncio.Event()

    async def start(self) -> None:
        """Open scale link and printer port. Raises LinkError, OSError."""
        await self.scale.start()
        if self.printer is not None:
            try:
                await self.printer.start()
            except BaseException:
                await self.scale.stop()
                raise

    async def stop(self) -> None:
        self.stopping.set()
        await self.scale.stop()
        if self.printer is not None:
            await self.printer.stop()

    async def watch(self) -> None:
        """Return when stopping; raises what ended the scale, so that the site does not live on half dead."""
        while not self.stopping.is_set():
            self.scale.check_alive()
            try:
                await asyncio.wait_for(self.stopping.wait(), WATCH_PERIOD_S)
            except TimeoutError:
                continue

    @property
    def labels(self) -> list[int]:
        """Numbers of the printed labels, newest first."""
        return [] if self.printer is None else self.printer.numbers

    def state(self) -> dict[str, Any]:
        """Everything the page shows, as JSON values; weights are texts."""
        scale = self.scale
        indication = scale.indication_now()
        case = scale.replayed
        return {
            "scale": {
                "profile": scale.family.profile,
                "title": scale.family.title,
                "address": scale.address,
                "listened_to": scale.is_listened_to,
                "capacity": f"{scale.platform.spec.capacity:f}",
                "division": f"{scale.platform.spec.division:f}",
                "load_kg": f"{scale.load.to('kg'):f}",
                "shown": f"{indication.shown:f}",
                "unit": indication.unit,
                "tare": f"{indication.tare:f}",
                "net_shown": indication.net_shown,
                "stable": indication.stable,
                "range": indication.range.value,
                "ready": indication.ready,
                "fault": scale.fault,
                "faults": [
                    {"name": fault.value, "en": MEANING[fault][0], "zh": MEANING[fault][1]}
                    for fault in Fault
                    if fault in scale.possible_faults
                ],
                "replay": None if case is None else {"case": case.id, "origin": case.origin},
                "replay_source": None if self.replay is None else self.replay.source,
                "sent_count": scale.sent_count,
                "frames": [
                    {"hex": sent.octets.hex(" ").upper(), "text": readable(sent.octets), "heard": sent.heard}
                    for sent in list(scale.sent)[: -FRAMES_SHOWN - 1 : -1]
                ],
            },
            "devices": None if self.devices is None else self.devices.state(),
            "printer": None
            if self.printer is None
            else {
                "address": self.printer.address,
                "fault": self.printer.fault,
                "faults": list(self.printer.faults),
            },
            "labels": self.labels[:LABELS_SHOWN],
        }


def create_app(site: Site) -> FastAPI:
    """The web application around a site that somebody else starts and stops."""
    app = FastAPI(title="hazgate simulated site", docs_url=None, redoc_url=None)

    @app.middleware("http")
    async def add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        for name, header in Headers.items():
            response.headers.setdefault(name, header)
        return response

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.get("/api/state")
    async def state() -> dict[str, Any]:
        return site.state()

    @app.get("/api/events")
    async def events() -> StreamingResponse:
        return StreamingResponse(_events(site), media_type="text/event-stream")

    @app.post("/api/load")
    async def load(order: LoadOrder) -> dict[str, Any]:
        try:
            site.scale.put(Mass.of(order.kg, "kg"))
        except ValueError as exc:
            raise HTTPException(422, f"put a load on the scale: {exc}") from exc
        return site.state()

    @app.post("/api/remove")
    async def remove() -> dict[str, Any]:
        site.scale.remove()
        return site.state()

    @app.post("/api/zero")
    async def zero() -> dict[str, Any]:
        return _done(site, "zero", site.scale.zero())

    @app.post("/api/tare")
    async def tare() -> dict[str, Any]:
        return _done(site, "tare", site.scale.tare())

    @app.post("/api/fault")
    async def fault(order: FaultOrder) -> dict[str, Any]:
        try:
            if "printer" in order.model_fields_set:
                if site.printer is None:
                    raise HTTPException(422, "set a printer fault: this site has no printer")
                await site.printer.set_fault(order.printer)
            if "scale" in order.model_fields_set:
                await site.scale.set_fault(order.scale)
        except (FaultNotPossibleError, ValueError) as exc:
            raise HTTPException(422, f"set a fault: {exc}") from exc
        except LinkError as exc:
            raise HTTPException(409, f"plug the scale in again: {exc}") from exc
        return site.state()

    @app.post("/api/device")
    async def device(order: DeviceOrder) -> dict[str, Any]:
        if site.devices is None:
            raise HTTPException(409, "change the device: nobody would restart the box; start hazgate-sim demo")
        try:
            site.devices.want(order.profile)
        except KeyError as exc:
            raise HTTPException(422, f"change the device: there is no profile {order.profile!r}") from exc
        except OSError as exc:
            raise HTTPException(500, f"change the device: cannot write the wish: {exc.strerror}; try again") from exc
        return site.state()

    @app.post("/api/replay")
    async def replay() -> dict[str, Any]:
        if site.replay is None:
            raise HTTPException(409, f"replay: no captured stream of {site.scale.family.profile} is loaded")
        site.scale.play(site.replay)
        return site.state()

    @app.get("/api/labels")
    async def labels() -> dict[str, list[int]]:
        return {"labels": site.labels}

    @app.get("/api/labels/{number}.png")
    async def label(number: int) -> Response:
        png = None if site.printer is None else site.printer.png(number)
        if png is None:
            raise HTTPException(404, f"label {number}: nothing with this number was printed here, or it is forgotten")
        return Response(png, media_type="image/png", headers={"Cache-Control": "max-age=3600"})

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _done(site: Site, command: str, answer: Answer) -> dict[str, Any]:
    if answer is not Answer.DONE:
        raise HTTPException(409, f"{command}: {ANSWERS[answer]}")
    return site.state()


async def _events(site: Site) -> AsyncIterator[str]:
    """The state as server-sent events, whenever it changed, at most ten times a second."""
    before = ""
    while not site.stopping.is_set():
        now = json.dumps(site.state(), ensure_ascii=False, separators=(",", ":"))
        if now != before:
            yield f"data: {now}\n\n"
            before = now
        try:
            await asyncio.wait_for(site.stopping.wait(), EVENT_PERIOD_S)
        except TimeoutError:
            continue
