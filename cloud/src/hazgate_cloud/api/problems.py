"""Errors of the API: RFC 9457 problem details with a stable code."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

_TITLES = {
    "label_unknown": "No record of this label number is held",
    "label_malformed": "Not a label number",
    "record_unknown": "No record of this hash is held",
    "hash_malformed": "Not a record hash",
    "query_invalid": "A parameter is not what it must be",
    "store_unavailable": "The store does not answer",
    "not_found": "No such address",
}


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it so
    """Ends a request with a problem document."""

    def __init__(self, status: int, code: str, detail: str, *, retryable: bool = False) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retryable = retryable

    def response(self) -> Response:
        """The document."""
        return JSONResponse(
            {
                "type": f"urn:hazgate:problem:{self.code}",
                "title": _TITLES.get(self.code, self.code),
                "status": self.status,
                "code": self.code,
                "detail": self.detail,
                "retryable": self.retryable,
            },
            status_code=self.status,
            media_type="application/problem+json",
        )


def install(app: FastAPI) -> None:
    """Every error of this application leaves as a problem document."""

    @app.exception_handler(Problem)
    async def problem(_request: Request, exc: Problem) -> Response:
        return exc.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, exc: RequestValidationError) -> Response:
        first = exc.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return Problem(422, "query_invalid", f"{where}: {first['msg']}").response()

    @app.exception_handler(HTTPException)
    async def http(_request: Request, exc: HTTPException) -> Response:
        code = "not_found" if exc.status_code == 404 else f"http_{exc.status_code}"
        return Problem(exc.status_code, code, str(exc.detail)).response()
