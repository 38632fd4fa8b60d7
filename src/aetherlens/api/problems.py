"""Errors as problem details, https://www.rfc-editor.org/rfc/rfc9457."""

from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

CONTENT_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 - the RFC's own word
    """An error that the client is told of."""

    def __init__(
        self,
        status: int,
        name: str,
        detail: str,
        *,
        field: str | None = None,
        hint: str | None = None,
        headers: dict[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        """`name` becomes the problem's type, `field` is the path of the input at fault, `hint` what would be right."""
        super().__init__(detail)
        self.status = status
        self.headers = headers or {}
        self.body = {
            "type": f"urn:aetherlens:problem:{name}",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            "field": field,
            "hint": hint,
            **extensions,
        }

    def response(self) -> web.Response:
        """Return the answer that tells of it."""
        body = {key: value for key, value in self.body.items() if value is not None}
        return web.Response(
            status=self.status, body=msgspec.json.encode(body), content_type=CONTENT_TYPE, headers=self.headers
        )


def bad_request(detail: str, *, field: str | None = None, hint: str | None = None) -> Problem:
    """Return the problem of a request that cannot be understood."""
    return Problem(400, "bad-request", detail, field=field, hint=hint)


def not_found(detail: str, *, field: str | None = None, hint: str | None = None) -> Problem:
    """Return the problem of something that is not there."""
    return Problem(404, "not-found", detail, field=field, hint=hint)


def unavailable(detail: str) -> Problem:
    """Return the problem of a core that cannot do it now; the client may try again."""
    return Problem(503, "unavailable", detail, headers={"Retry-After": "2"})
