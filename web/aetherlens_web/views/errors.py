"""What visitors see when something is missing, refused or broken; fragments get a line in place, pages a page."""

import logging
from http import HTTPStatus

from flask import Blueprint, render_template
from htmx_flask import request
from werkzeug.exceptions import HTTPException

from aetherlens_web.client import ApiError, BadAnswerError, CoreUnreachableError

blueprint = Blueprint("errors", __name__)

#: Troubles that pass by themselves: their pages try again.
RETRIED = ("unreachable", "unavailable")
#: How soon, in seconds.
RETRY_S = 5

log = logging.getLogger("aetherlens_web.errors")

Answer = tuple[str, int, dict[str, str]]


@blueprint.app_errorhandler(CoreUnreachableError)
def core_unreachable(error: CoreUnreachableError) -> Answer:
    """The core is starting, stopping or hanging: say so and try again."""
    log.warning("core_unreachable error=%s", error)
    return _render("unreachable", HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": str(RETRY_S)})


@blueprint.app_errorhandler(BadAnswerError)
def bad_answer(error: BadAnswerError) -> Answer:
    """The core and the pages are of different versions."""
    log.error("bad_answer error=%s", error)
    return _render("bad_answer", HTTPStatus.BAD_GATEWAY)


@blueprint.app_errorhandler(ApiError)
def refused(error: ApiError) -> Answer:
    """The core said no: show its words."""
    if error.status == HTTPStatus.NOT_FOUND:
        return _render("not_found", HTTPStatus.NOT_FOUND)
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        log.warning("core_unavailable error=%s", error)
        return _render("unavailable", HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": str(RETRY_S)})
    log.warning("api_error status=%d error=%s", error.status, error)
    return _render("refused", error.status, problem=error.problem)


@blueprint.app_errorhandler(HTTPException)
def http_error(error: HTTPException) -> Answer:
    """Everything that Flask itself refuses."""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status == HTTPStatus.NOT_FOUND:
        return _render("not_found", status)
    return _render("refused", status, problem={"title": error.name, "detail": error.description})


@blueprint.app_errorhandler(Exception)
def fault(error: Exception) -> Answer:
    """A fault of ours: logged here, at the edge, in full."""
    log.error("page_failed method=%s path=%s", request.method, request.path, exc_info=error)
    return _render("fault", HTTPStatus.INTERNAL_SERVER_ERROR)


def _render(kind: str, status: int, headers: dict[str, str] | None = None, **context: object) -> Answer:
    context |= {"kind": kind, "retried": RETRIED, "retry_s": RETRY_S}
    if not request.htmx:
        return render_template("errors/page.html", **context), status, headers or {}
    # Every form that HTMX sends has a place for trouble; what was typed stays where it is.
    placed = {"HX-Retarget": "find [data-trouble]", "HX-Reswap": "innerHTML"}
    return render_template("errors/_line.html", **context), status, placed | (headers or {})
