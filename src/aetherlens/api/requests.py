"""Reading what a client sent, with errors that name the field."""

import asyncio
import re
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from aetherlens.api.problems import Problem, bad_request

Body = TypeVar("Body")

#: How long a body may take to arrive, in seconds.
BODY_TIMEOUT_S = 20.0

#: msgspec's wording → words for people.
_PLAIN_WORDS = [
    (re.compile(pattern), words)
    for pattern, words in (
        (r"^Expected `str` of length <= (\d+)$", r"must be a text of at most \1 characters"),
        (r"^Expected `str` matching regex .*$", "holds characters that are not allowed"),
        (r"^Object contains unknown field `(.*)`$", r"there is no field \1"),
        (r"^Object missing required field `(.*)`$", r"the field \1 is missing"),
        (r"^Invalid enum value (.*)$", r"\1 is not one of the possible values"),
        (r"^Invalid RFC3339 encoded datetime$", "must be a time such as 2026-03-29T00:00:00Z"),
        (r"^Expected `(.*)`, got `(.*)`$", r"must be \1, not \2"),
    )
]


def json_response(value: Any, status: int = 200) -> web.Response:
    """Return a value as JSON."""
    return web.Response(status=status, body=msgspec.json.encode(value), content_type="application/json")


async def read_body(request: web.Request) -> bytes:
    """Return the whole body of a JSON request. Raises Problem when it is not JSON by its own word."""
    if request.content_type != "application/json":
        hint = "send the header content-type: application/json"
        raise Problem(415, "unsupported-media-type", "the body must be JSON", hint=hint)
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.read()
    except TimeoutError as error:
        raise Problem(408, "too-slow", f"the body did not arrive within {BODY_TIMEOUT_S:g} s") from error


async def read_json(request: web.Request, body_type: type[Body]) -> Body:
    """Return the decoded body. Raises Problem that names the field."""
    return decode(await read_body(request), body_type)


def decode(body: bytes | msgspec.Raw, body_type: type[Body]) -> Body:
    """Decode JSON. Raises Problem: 400 for what is no JSON, 422 for what has the wrong form."""
    try:
        return msgspec.json.decode(body, type=body_type)
    except msgspec.ValidationError as error:
        problem, field = explain(error)
        raise Problem(422, "invalid", problem, field=field) from error
    except (ValueError, RecursionError) as error:  # msgspec's errors and those of bad UTF-8 are ValueErrors
        raise bad_request(f"the body is not valid JSON: {error}") from error


def explain(error: msgspec.ValidationError) -> tuple[str, str | None]:
    """Split msgspec's message into what is wrong, in plain words, and the path of the field."""
    problem, _, path = str(error).partition(" - at `$")
    field = path.rstrip("`").lstrip(".") or None
    if field is None and "`" in problem and "field" in problem:
        field = problem.split("`")[1]
    for pattern, words in _PLAIN_WORDS:
        problem = pattern.sub(words, problem)
    return problem, field


def check_names(request: web.Request, known: AbstractSet[str]) -> None:
    """Refuse query parameters that do not exist: a typing error must not read as 'no filter'."""
    for name in request.query:
        if name not in known:
            raise bad_request(
                f"there is no parameter {name!r}", field=name, hint=f"known here: {', '.join(sorted(known))}"
            )


def required(request: web.Request, name: str) -> str:
    """Return a query parameter that must be there."""
    value = request.query.get(name, "")
    if not value:
        raise bad_request(f"the parameter {name} is missing", field=name)
    if "\0" in value:
        raise bad_request(f"the parameter {name} holds a zero byte", field=name)
    return value


def moment(request: web.Request, name: str, default: datetime) -> datetime:
    """Return a query parameter that is a time, in UTC."""
    text = request.query.get(name)
    if not text:
        return default
    hint = "use RFC 3339 with a zone, such as 2026-03-29T00:00:00Z or 2026-03-29T00:00:00%2B01:00"
    try:
        # A plus sign that the client did not escape arrives as a space.
        value = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        if value.tzinfo is None:
            raise bad_request(f"{name} has no time zone", field=name, hint=hint)
        return value.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise bad_request(f"{name} is not a time: {text[:40]!r}", field=name, hint=hint) from error


def whole_number(request: web.Request, name: str, default: int, *, least: int, most: int) -> int:
    """Return a query parameter that is a whole number within bounds."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most):
        raise bad_request(f"{name} must be a whole number from {least} to {most}", field=name)
    return int(text)
