"""A terminal over a scripted box: in process for the routes, behind uvicorn on a free port for the browser."""

from __future__ import annotations

import html
import re
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, sync_playwright

from hazgate_edge.terminal.app import create_app
from terminal.scripted_box import ScriptedBox, mixed_records

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
JOIN_S = 10


class Seat:
    """An httpx client that knows the token a page of this terminal would hold."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.headers: dict[str, str] = {}

    async def open(self) -> str:
        """Load the weighing page; later posts carry its token."""
        page = (await self.client.get("/")).text
        found = re.search(r'X-CSRF-Token": "(\w+)"', html.unescape(page))
        assert found is not None
        self.headers = {"origin": "http://127.0.0.1", "x-csrf-token": found[1], "hx-request": "true"}
        return page

    async def post(self, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        """Post as htmx would; a header given as "" is left out."""
        merged = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(path, data=fields, headers={k: v for k, v in merged.items() if v})


class Terminal:
    """A terminal behind uvicorn that can be stopped and started again on the same port."""

    def __init__(self, box: ScriptedBox) -> None:
        self.box = box
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Serve until `stop`."""
        self._app = self.make_app()
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen()
        self._server = uvicorn.Server(uvicorn.Config(self._app, log_level="critical", timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=self._serve, args=(listener,))
        self._thread.start()

    def make_app(self) -> FastAPI:
        """The pages of this box."""
        return create_app(self.box, now=lambda: NOON)

    def stop(self) -> None:
        """End the streams, then the server."""
        self._app.state.streams.close()
        self._server.should_exit = True
        self._thread.join(JOIN_S)
        assert not self._thread.is_alive(), "the terminal did not stop"

    def _serve(self, listener: socket.socket) -> None:
        self._server.run(sockets=[listener])
        listener.close()


@pytest.fixture
def box() -> ScriptedBox:
    """A box with one record of every kind."""
    return ScriptedBox(records=mixed_records())


@pytest.fixture
def app(box: ScriptedBox) -> FastAPI:
    return create_app(box, now=lambda: NOON)


@pytest.fixture
async def seat(app: FastAPI) -> AsyncIterator[Seat]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield Seat(client)


@pytest.fixture
def terminal(box: ScriptedBox) -> Iterator[Terminal]:
    served = Terminal(box)
    served.start()
    yield served
    served.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser a module, not a session: while Playwright's sync interface is open, its event loop runs in this
    thread and no asynchronous test of another module could."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, terminal: Terminal) -> Iterator[Page]:
    """A page with nothing chosen; any script error, refused style or script, or foreign request fails the test."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768})
    wrong: list[str] = []

    def see_request(url: str) -> None:
        if not url.startswith((terminal.url + "/", "data:")):
            wrong.append(f"foreign request: {url}")

    def see_console(text: str) -> None:
        if "Content Security" in text or "htmx:" in text:
            wrong.append(text)

    context.on("request", lambda request: see_request(request.url))
    opened = context.new_page()
    opened.on("pageerror", lambda error: wrong.append(f"script: {error}"))
    opened.on("console", lambda line: see_console(line.text))
    yield opened
    context.close()
    assert wrong == []
