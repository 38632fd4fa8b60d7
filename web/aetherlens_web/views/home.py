"""Home: what the home uses now, where it comes from, and today's course."""

import json
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template

from aetherlens_web import format as formats
from aetherlens_web.client import ApiError
from aetherlens_web.core import Core, visitors_core
from aetherlens_web.energy_now import IDLE_W, EnergyNow, energy_now
from aetherlens_web.flows import flows
from aetherlens_web.models import CONSUMER_ROLES, Plugin, Reading, Record, System
from aetherlens_web.today import Day, charted, day_of, hours

blueprint = Blueprint("home", __name__)

#: Most devices shown by name; the rest is a number.
MAX_BARS = 12
#: States of a plugin that the visitor should know of.
TROUBLED = ("failing", "blocked")

log = logging.getLogger("aetherlens_web.home")


class Bar(Record, frozen=True, kw_only=True):
    """One line of "devices now"."""

    reading: Reading
    #: Length of the bar, 0 to 100.
    length: float
    is_stale: bool


class Present(Record, frozen=True, kw_only=True):
    """What the core tells of this moment."""

    system: System
    zone: ZoneInfo
    readings: tuple[Reading, ...]
    energy: EnergyNow

    def ago(self, moment: datetime) -> str:
        """How long ago `moment` was, by the core's clock."""
        return formats.ago(moment, self.system.time, self.zone)

    def is_stale(self, moment: datetime | None) -> bool:
        """Whether a reading of that time is dimmed; an unknown time is not."""
        return moment is not None and formats.is_stale(moment, self.system.time)

    @property
    def day(self) -> Day:
        """The home's calendar day."""
        return day_of(self.system.time, self.zone)


@blueprint.get("/")
def page() -> str:
    """The whole page."""
    core = visitors_core()
    present = _present(core)
    return render_template("home/page.html", **(_now(core, present) | _today(core, present)))


@blueprint.get("/home/now")
def now() -> str:
    """The fragment that tells the present: fetched again when a device appears and after the stream was away."""
    core = visitors_core()
    return render_template("home/_present.html", **_now(core, _present(core)))


@blueprint.get("/home/today")
def today() -> str:
    """The fragment with today's table."""
    core = visitors_core()
    return render_template("home/_today_table.html", **_today(core, _present(core)))


def _present(core: Core) -> Present:
    system = core.system()
    readings = core.power_now()
    zone = ZoneInfo(system.home.time_zone)
    return Present(system=system, zone=zone, readings=readings, energy=energy_now(readings))


def _now(core: Core, present: Present) -> dict[str, Any]:
    plugins = _plugins(core)
    consumers = [reading for reading in present.readings if reading.role in CONSUMER_ROLES]
    return {
        "present": present,
        "home": present.system.home,
        "energy": present.energy,
        "idle_w": IDLE_W,
        "flows": flows(present.readings, present.system.time),
        "readings_json": _for_script(present.readings),
        "has_devices": bool(present.readings) or bool(core.devices(limit=1).devices),
        "plugins": plugins,
        "troubled": [plugin for plugin in plugins if plugin.state in TROUBLED],
        **_bars(consumers, present),
    }


def _plugins(core: Core) -> tuple[Plugin, ...]:
    """The plugins, or none when this visitor may not see them: the numbers matter more than the warnings."""
    try:
        return core.plugins()
    except ApiError as error:
        log.info("plugins_hidden status=%d", error.status)
        return ()


def _bars(consumers: Sequence[Reading], present: Present) -> dict[str, Any]:
    shown = sorted(consumers, key=lambda reading: -reading.value)[:MAX_BARS]
    rest_w = present.energy.rest_w
    longest_w = max([rest_w or 0.0, 1.0, *(reading.value for reading in shown)])

    def length(watts: float) -> float:
        return round(100 * max(0.0, watts) / longest_w, 1)

    bars = [
        Bar(reading=reading, length=length(reading.value), is_stale=present.is_stale(reading.timestamp))
        for reading in shown
    ]
    left_out = len(consumers) - len(shown)
    # Beside a list that is cut off, "everything else" would be misread as the sum of what was cut.
    rest_length = None if rest_w is None or left_out else length(rest_w)
    return {"bars": bars, "bars_left_out": left_out, "rest_length": rest_length}


def _for_script(readings: Sequence[Reading]) -> str:
    """The readings as the page's modules start from them; the stream brings the rest."""
    fields = [
        {"device_id": r.device_id, "role": r.role, "watts": r.value, "timestamp": r.timestamp.isoformat()}
        for r in readings
    ]
    return json.dumps(fields)


def _today(core: Core, present: Present) -> dict[str, Any]:
    shown = charted(present.readings, present.energy)
    histories = []
    for reading in shown:
        try:
            history = core.power_history(reading.device_id, present.day.start, present.system.time, "1h")
            histories.append((reading.role, history))
        except ApiError as error:
            # A series may vanish between two calls; the others still make a table, with this one's gap.
            log.info("history_missing status=%d", error.status)
    return {
        "charted": shown,
        "charted_json": json.dumps([{"device_id": reading.device_id, "role": reading.role} for reading in shown]),
        "measured": [name for name in ("solar_w", "battery_w", "grid_w") if getattr(present.energy, name) is not None]
        + ["home_w"],
        "hours": hours(histories),
        "present": present,
    }
