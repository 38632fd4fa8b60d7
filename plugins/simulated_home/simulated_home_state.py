"""What the house remembers across restarts: one small JSON file, replaced as a whole."""

import json
import logging
import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simulated_home_house import Switch
from simulated_home_simulation import HomeState, Pending

log = logging.getLogger("simulated_home")

FILE_NAME = "home.json"
#: Least time between two writes, to spare the SD card.
SAVE_EVERY_S = 300.0
_VERSION = 1


class UnreadableStateError(Exception):
    """The state file is damaged or of an unknown version."""


def save(folder: Path, state: HomeState) -> None:
    """Replace the state file; a power cut leaves the old or the new one. A full disk is logged and survived."""
    path = folder / FILE_NAME
    temporary = path.with_suffix(".new")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            json.dump({"version": _VERSION, **asdict(state)}, file, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        log.warning("state_not_written path=%s error=%s", path, error)


def load(folder: Path) -> HomeState | None:
    """Return the remembered state, None on the first start. Raises UnreadableStateError."""
    try:
        content = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        return _state(content)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableStateError(f"{type(error).__name__}: {error}") from error


def _state(content: Any) -> HomeState:
    if content["version"] != _VERSION:
        raise ValueError(f"version {content['version']!r}")
    pending = content["pending"]
    return HomeState(
        time_s=_finite(content["time_s"]),
        stored_wh=_finite(content["stored_wh"]),
        power_w={str(key): _finite(value) for key, value in content["power_w"].items()},
        energy_wh={str(key): _counter(value) for key, value in content["energy_wh"].items()},
        export_wh={str(key): _counter(value) for key, value in content["export_wh"].items()},
        switches={str(key): _switch(value) for key, value in content["switches"].items()},
        pending=None if pending is None else _pending(pending),
    )


def _switch(content: Any) -> Switch:
    until_s = content["until_s"]
    return Switch(is_on=bool(content["is_on"]), until_s=None if until_s is None else _finite(until_s))


def _pending(content: Any) -> Pending | None:
    pending = Pending(start_s=_finite(content["start_s"]), end_s=_finite(content["end_s"]))
    return pending if pending.start_s < pending.end_s <= pending.start_s + 49 * 3600 else None


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return float(value)


def _counter(value: Any) -> float:
    number = _finite(value)
    if number < 0:
        raise ValueError(f"counter at {number}")
    return number
