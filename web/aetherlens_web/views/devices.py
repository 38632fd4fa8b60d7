"""Devices: the list, and what their owner may change. Works by HTMX fragments and by plain forms alike."""

from datetime import datetime
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, render_template, url_for
from htmx_flask import make_response, request
from werkzeug.wrappers import Response

from aetherlens_web import format as formats
from aetherlens_web.client import ApiError, Problem
from aetherlens_web.core import Core, visitors_core
from aetherlens_web.models import Record, System

blueprint = Blueprint("devices", __name__, url_prefix="/devices")

#: What the owner may change, in the order of the form.
EDITABLE = ("name", "room", "role")
#: Refusals that concern what was typed; they are shown in the form.
IN_PLACE = (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)

Answer = str | tuple[str, int] | Response


class Attempt(Record, frozen=True, kw_only=True):
    """A form that was refused: what was typed, and why it was not taken."""

    device_id: str
    typed: dict[str, str]
    problem: Problem

    @property
    def field(self) -> str | None:
        """The form's field at fault; None when the refusal concerns none of them."""
        name = (self.problem.field or "").rpartition(".")[2]
        return name if name in EDITABLE else None


@blueprint.get("", strict_slashes=False)
def page() -> str:
    """The whole list, or the page of it that `cursor` names."""
    return _page(visitors_core())


@blueprint.post("/<device_id>")
def change(device_id: str) -> Answer:
    """Store the form; what the core refuses comes back in the form, with what was typed."""
    core = visitors_core()
    typed = {name: request.form.get(name, "").strip() for name in EDITABLE}
    # A device always has a name, so an empty one goes to the core as it is; an empty room or role clears it.
    changes = {name: value if value or name == "name" else None for name, value in typed.items()}
    try:
        device = core.change_device(device_id, changes)
    except ApiError as error:
        if error.status not in IN_PLACE:
            raise
        return _refused(core, Attempt(device_id=device_id, typed=typed, problem=error.problem))
    if not request.htmx:
        place = url_for("devices.page", cursor=request.args.get("cursor"), _anchor=f"device-{device_id}")
        return redirect(place, HTTPStatus.SEE_OTHER)
    row: str = render_template("devices/_row.html", device=device, just_saved=True, **_clock(core.system()))
    answer: Response = make_response(row, retarget="closest li")
    return answer


def _refused(core: Core, attempt: Attempt) -> Answer:
    if request.htmx:
        form = render_template("devices/_form.html", device={"device_id": attempt.device_id}, attempt=attempt)
        return form, HTTPStatus.UNPROCESSABLE_ENTITY
    return _page(core, attempt), HTTPStatus.UNPROCESSABLE_ENTITY


def _page(core: Core, attempt: Attempt | None = None) -> str:
    listed = core.devices(request.args.get("cursor"))
    return render_template(
        "devices/page.html",
        devices=listed.devices,
        next_cursor=listed.next_cursor,
        is_first_page="cursor" not in request.args,
        rooms=sorted({device.room for device in listed.devices if device.room}),
        attempt=attempt,
        **_clock(core.system()),
    )


def _clock(system: System) -> dict[str, Any]:
    zone = ZoneInfo(system.home.time_zone)

    def ago(moment: datetime) -> str:
        return formats.ago(moment, system.time, zone)

    return {"home": system.home, "ago": ago}
