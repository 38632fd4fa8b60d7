"""From a state of the house to metrics."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from simulated_home_devices import BATTERY, GRID, ON_PLUGS, OUTDOOR
from simulated_home_noise import Channel, smooth
from simulated_home_settings import Settings
from simulated_home_simulation import HomeState
from simulated_home_weather import outdoor_temperature_c

from aetherlens_sdk import Device, Metric

#: Nominal voltage and its slow swing, in V.
_VOLTAGE_V = 232.0
_VOLTAGE_SWING_V = 6.0
#: Voltage drop along the street per power taken, in V/W.
_VOLTAGE_DROP_V_W = 0.0004
#: Nominal frequency and its swing, in Hz.
_FREQUENCY_HZ = 50.0
_FREQUENCY_SWING_HZ = 0.06


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One quantity of one device."""

    device_id: str
    metric_type: str
    unit: str

    def metric(self, value: float, timestamp: datetime | None = None) -> Metric:
        """Return one reading of it."""
        return Metric(
            device_id=self.device_id,
            metric_type=self.metric_type,
            value=value,
            unit=self.unit,
            timestamp=timestamp,
        )


def series_of(devices: Iterable[Device]) -> tuple[Series, ...]:
    """Return what the devices measure, in the order of `values`."""
    found: list[Series] = []
    for device in devices:
        quantities = [("power", "W"), ("energy", "kWh")]
        if device.device_id == OUTDOOR:
            quantities = [("temperature", "°C")]
        if device.device_id in (GRID, BATTERY):
            quantities.append(("energy_export", "kWh"))
        if device.device_id == BATTERY:
            quantities.append(("state_of_charge", "%"))
        if device.device_id == GRID:
            quantities += [("voltage", "V"), ("frequency", "Hz")]
        if device.controllable:
            quantities.append(("state", "1"))
        found += [Series(device_id=device.device_id, metric_type=name, unit=unit) for name, unit in quantities]
    return tuple(found)


def values(series: Iterable[Series], settings: Settings, state: HomeState) -> list[float]:
    """Return the readings of the series at the state's time, in the series' units."""
    return [_value(one, settings, state) for one in series]


def utc(time_s: float) -> datetime:
    """Return a Unix time as a date and time in UTC."""
    return datetime.fromtimestamp(time_s, UTC)


def _value(series: Series, settings: Settings, state: HomeState) -> float:
    device_id, quantity = series.device_id, series.metric_type
    if quantity == "power":
        return state.power_w[device_id]
    if quantity == "energy":
        return round(state.energy_wh.get(device_id, 0.0) / 1000.0, 5)
    if quantity == "energy_export":
        return round(state.export_wh.get(device_id, 0.0) / 1000.0, 5)
    if quantity == "state_of_charge":
        return round(100.0 * state.stored_wh / (settings.battery_kwh * 1000.0), 1)
    if quantity == "state":
        return float(_is_on(device_id, state))
    return _surroundings(quantity, settings, state)


def _is_on(device_id: str, state: HomeState) -> bool:
    if device_id not in ON_PLUGS:
        return state.power_w[device_id] > 0.0
    switch = state.switches.get(device_id)
    return switch is None or switch.is_on or not switch.holds(state.time_s)


def _surroundings(quantity: str, settings: Settings, state: HomeState) -> float:
    if quantity == "temperature":
        place = settings.latitude_deg, settings.longitude_deg
        return round(outdoor_temperature_c(settings.seed, *place, state.time_s), 1)
    if quantity == "voltage":
        wander = smooth(settings.seed, Channel.VOLTAGE, state.time_s, 400.0) - 0.5
        return round(_VOLTAGE_V + _VOLTAGE_SWING_V * wander - _VOLTAGE_DROP_V_W * state.power_w[GRID], 1)
    wander = smooth(settings.seed, Channel.FREQUENCY, state.time_s, 45.0) - 0.5
    return round(_FREQUENCY_HZ + _FREQUENCY_SWING_HZ * wander, 2)
