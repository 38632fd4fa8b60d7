"""A clock to turn by hand and a plugin that lives by it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from simulated_home_house import House
from simulated_home_plugin import SimulatedHomePlugin
from simulated_home_settings import Settings, settings_from_config

from aetherlens_sdk import Metric, PluginContext

FOLDER = Path(__file__).parents[3] / "plugins" / "simulated_home"
EVENING = datetime(2026, 6, 21, 16, 30, tzinfo=UTC)


class Clock:
    """Shows a time until it is moved."""

    def __init__(self, now: datetime = EVENING) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def settings(**config: Any) -> Settings:
    return settings_from_config({"time_zone": "Europe/Berlin", **config})


def house(**config: Any) -> House:
    return House(settings(**config))


def make(state_dir: Path, clock: Clock, **config: Any) -> SimulatedHomePlugin:
    """Return a plugin without history, unless the configuration asks for it."""
    whole = {"time_zone": "Europe/Berlin", "backfill_hours": 0, **config}
    SimulatedHomePlugin.validate_config(whole)
    return SimulatedHomePlugin(whole, PluginContext(state_dir=state_dir, now=clock))


def readings(metrics: Iterable[Metric], metric_type: str) -> dict[str, float]:
    """Return device id → value of the present samples of one quantity."""
    return {
        metric.device_id: metric.value
        for metric in metrics
        if metric.metric_type == metric_type and metric.timestamp is None
    }
