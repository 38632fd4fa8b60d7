"""What happens around every request: who may ask from where, errors as problems, and the time it took."""

import re
from time import perf_counter
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from aetherlens.api.problems import Problem, bad_request, unavailable
from aetherlens.collector.errors import BackpressureError, NotStoredError
from aetherlens.lib.logs import get_logger
from aetherlens.lib.metrics import Metrics
from aetherlens.storage.errors import DatabaseUnavailableError

log = get_logger(__name__)


#: https://www.rfc-editor.org/rfc/rfc9110#section-7.2
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+))(?::\d{1,5})?")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS = _SAFE_METHODS | {"POST", "PUT", "PATCH", "DELETE"}


def errors_as_problems() -> Middleware:
    """Turn every error into problem details; log those that are our own fault."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Problem as problem:
            return problem.response()
        except web.HTTPException as error:
            return _from_http_exception(request, error).response()
        except (DatabaseUnavailableError, BackpressureError, NotStoredError) as error:
            return unavailable(str(error)).response()
        except web.RequestPayloadError:
            return bad_request("the body does not arrive as its headers say").response()
        except ConnectionResetError:  # the client is gone; there is nobody to answer
            raise
        except Exception:
            log.exception("request_failed", method=request.method, path=request.path)
            return Problem(500, "internal", "something went wrong in AetherLens; its log has the details").response()

    return middleware


def _from_http_exception(request: web.Request, error: web.HTTPException) -> Problem:
    match error.status:
        case 404:
            return Problem(404, "not-found", f"there is nothing at {request.path}")
        case 405:
            allowed = error.headers.get("Allow", "")
            return Problem(
                405, "method-not-allowed", f"{request.path} takes {allowed}, not {request.method}",
                headers={"Allow": allowed},
            )  # fmt: skip
        case 413:
            return Problem(413, "too-large", "the body is too large", hint="send fewer items in one request")
        case status:
            return Problem(status, "http", error.reason or "the request failed")


def same_origin_only(hosts: frozenset[str]) -> Middleware:
    """Refuse what other web sites send through the owner's browser.

    A name that is not ours in the Host header is DNS rebinding; a foreign Origin on a changing request is a forged
    form.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _host_name(request.host) not in hosts:
            raise Problem(421, "misdirected", "the Host header does not name this AetherLens", hint="use localhost")
        origin = request.headers.get("Origin")
        if origin is not None and request.method not in _SAFE_METHODS and not _names(origin, request.host):
            raise Problem(403, "cross-origin", "other web sites may not change anything here")
        return await handler(request)

    return middleware


def _names(origin: str, host: str) -> bool:
    try:
        return urlsplit(origin).netloc == host
    except ValueError:
        return False


def _host_name(host: str) -> str:
    """Return the name of a Host header, empty where it is not a name or address with an optional port."""
    match = _HOST.fullmatch(host)
    return (match[1] or match[2]).lower() if match else ""


def timed(metrics: Metrics) -> Middleware:
    """Observe how long each request takes, labelled by the route's template."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = perf_counter()
        status = 500
        try:
            response = await handler(request)
            status = response.status
            return response
        finally:
            resource = request.match_info.route.resource
            endpoint = resource.canonical if resource is not None else "unknown"
            method = request.method if request.method in _METHODS else "other"
            metrics.api_request_duration.labels(method, endpoint, str(status)).observe(perf_counter() - started)

    return middleware
