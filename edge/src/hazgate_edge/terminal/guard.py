"""What every request must pass before a route sees it, and what every answer carries.

A page elsewhere in the operator's browser must not be able to weigh or print: the Host must be one of ours (DNS
rebinding), a POST must come from a page of ours (Origin) and carry the token that only our pages hold. The token is
an HMAC over a cookie, with a secret that lives as long as the program.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hazgate_edge.domain.view import Say
from hazgate_edge.scanning.photo import PHOTO_BYTES_MAX

# A press has four short fields; nothing the page sends comes near this.
BODY_BYTES_MAX = 8192

# The one exception: a photo of a label, by its path and its types.
PHOTO_PATH = "/scan/photo"
PHOTO_TYPES = ("image/jpeg", "image/png")

SEAT_COOKIE = "hazgate_seat"
CSRF_HEADER = "x-csrf-token"
FORM = "application/x-www-form-urlencoded"

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # same-origin, not no-referrer: the latter turns the Origin of our own POSTs into "null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=()",
}

_SEAT = re.compile(r"[0-9a-f]{32}")

Refuse = Callable[[Request, int, Say], Response]


class Guard:
    """ASGI middleware with the rules above.

    hosts: names (without port) this terminal answers to. secret: random for each start. new_seat: 32 hex digits at
    random. refuse: makes the answer in words.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: Collection[str], secret: bytes, new_seat: Callable[[], str], refuse: Refuse
    ) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._secret = secret
        self._new_seat = new_seat
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with `request.state.csrf` set."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        seat = request.cookies.get(SEAT_COOKIE, "")
        fresh = not _SEAT.fullmatch(seat)
        if fresh:
            seat = self._new_seat()
        token = self._token(seat)
        scope.setdefault("state", {})["csrf"] = token

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
                if fresh and not scope["path"].startswith("/static/"):
                    headers.append("Set-Cookie", f"{SEAT_COOKIE}={seat}; Path=/; HttpOnly; SameSite=Strict")
            await send(message)

        refused = self._why_not(request, token)
        if refused is not None:
            status, say = refused
            await self._refuse(request, status, say)(scope, receive, dressed)
            return
        await self._app(scope, receive, dressed)

    def _token(self, seat: str) -> str:
        return hmac.new(self._secret, seat.encode(), hashlib.sha256).hexdigest()

    def _why_not(self, request: Request, token: str) -> tuple[int, Say] | None:
        host = request.headers.get("host", "")
        if _name(host) not in self._hosts:
            return 400, Say("REQ-05")
        if request.method in ("GET", "HEAD"):
            return None
        if request.method != "POST":
            return 405, Say("REQ-04")
        # "http://" or "https://" and then exactly the Host: a proxy may have taken the TLS off.
        if request.headers.get("origin", "").lower().partition("://")[2] != host.lower():
            return 403, Say("REQ-01")
        if not hmac.compare_digest(request.headers.get(CSRF_HEADER, "").encode(), token.encode()):
            return 403, Say("REQ-01")
        is_photo = request.url.path == PHOTO_PATH
        types, bytes_max = (PHOTO_TYPES, PHOTO_BYTES_MAX) if is_photo else ((FORM,), BODY_BYTES_MAX)
        if request.headers.get("content-type", "").split(";")[0].strip().lower() not in types:
            return 415, Say("REQ-04")
        # A body whose length is not told beforehand cannot be bounded before it is read; browsers always tell.
        length = request.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()) or "transfer-encoding" in request.headers:
            return 411, Say("REQ-04")
        if int(length) > bytes_max:
            return 413, Say("REQ-04")
        return None


def _name(host: str) -> str:
    """The name in a Host header: without port, lower case; "" for nonsense."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
