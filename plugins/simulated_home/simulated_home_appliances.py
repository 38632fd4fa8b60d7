"""What each household appliance does on one local day: functions from a day and its chance to pulses of power.

Ratings and programme lengths are typical nameplate and label values of European appliances of the 2020s.
"""

from collections.abc import Callable, Iterator
from random import Random

from simulated_home_devices import COOKING, DISHWASHER, FREEZER, FRIDGE, LIGHTS, LIVING_ROOM, WASHER, WATER_HEATER
from simulated_home_profile import Day, Pulse
from simulated_home_settings import Settings
from simulated_home_sun import sun_at
from simulated_home_weather import winter

_MINUTE_S = 60.0
_QUARTER_S = 900.0

Plan = Callable[[Settings, Day, Random], Iterator[Pulse]]


def _compressor(day: Day, chance: Random, power_w: float, cycle_min: float, duty: float) -> Iterator[Pulse]:
    """Yield a cooling appliance's cycles, ending with the day; the door is opened more by day."""
    time_s = day.start_s - chance.uniform(0.0, cycle_min) * _MINUTE_S
    end_s, wake_s, sleep_s = day.end_s, day.at(7.0), day.at(22.0)
    while time_s < end_s:
        busy = 1.15 if wake_s < time_s < sleep_s else 0.85
        on_s = cycle_min * _MINUTE_S * duty * busy * chance.uniform(0.85, 1.15)
        start_s, stop_s = max(time_s, day.start_s), min(time_s + on_s, end_s)
        if stop_s > start_s:
            yield Pulse(start_s=start_s, duration_s=stop_s - start_s, power_w=power_w)
        time_s += on_s + cycle_min * _MINUTE_S * (1.0 - duty) * chance.uniform(0.85, 1.15)


def fridge(settings: Settings, day: Day, chance: Random) -> Iterator[Pulse]:
    """Yield about 0.7 kWh: 85 W for a third of each 45 minutes."""
    yield from _compressor(day, chance, 85.0, 45.0, 0.35)


def freezer(settings: Settings, day: Day, chance: Random) -> Iterator[Pulse]:
    """Yield about 0.6 kWh: 70 W for a third of each hour."""
    yield from _compressor(day, chance, 70.0, 60.0, 0.35)


def _modulated(
    chance: Random, start_s: float, length_min: float, power_w: float, duty: float, cycle_s: float
) -> Iterator[Pulse]:
    """Yield a thermostat's switching: full power for a share of each cycle."""
    time_s, end_s = start_s, start_s + length_min * _MINUTE_S
    while time_s < end_s:
        cycle = cycle_s * chance.uniform(0.8, 1.2)
        share = min(1.0, duty * chance.uniform(0.8, 1.2))
        yield Pulse(start_s=time_s, duration_s=min(cycle * share, end_s - time_s), power_w=power_w)
        time_s += cycle


def _breakfast(day: Day, chance: Random) -> Iterator[Pulse]:
    start_s = day.at(chance.uniform(8.2, 9.5) if day.is_weekend else chance.uniform(6.3, 7.1))
    yield Pulse(start_s=start_s, duration_s=chance.uniform(150, 210), power_w=2000.0)
    yield Pulse(start_s=start_s + 240, duration_s=chance.uniform(120, 300), power_w=900.0)
    yield from _modulated(chance, start_s + 300, 8.0, 1250.0, 0.4, 60.0)


def _hot_meal(chance: Random, start_s: float, length_min: float, with_oven: bool) -> Iterator[Pulse]:
    yield Pulse(start_s=start_s, duration_s=6 * _MINUTE_S, power_w=1800.0)
    yield from _modulated(chance, start_s + 6 * _MINUTE_S, length_min - 6.0, 1400.0, 0.45, 70.0)
    if with_oven:
        yield Pulse(start_s=start_s, duration_s=9 * _MINUTE_S, power_w=2300.0)
        yield from _modulated(chance, start_s + 9 * _MINUTE_S, chance.uniform(15, 30), 2300.0, 0.3, 180.0)


def cooking(settings: Settings, day: Day, chance: Random) -> Iterator[Pulse]:
    """Yield breakfast, lunch (mostly at weekends) and dinner."""
    if chance.random() < 0.95:
        yield from _breakfast(day, chance)
    if chance.random() < (0.8 if day.is_weekend else 0.25):
        start_s = day.at(chance.uniform(11.8, 12.8))
        yield from _hot_meal(chance, start_s, chance.uniform(18, 40), chance.random() < 0.3)
    if chance.random() < 0.9:
        start_s = day.at(chance.uniform(17.8, 19.5))
        yield from _hot_meal(chance, start_s, chance.uniform(20, 45), chance.random() < 0.45)


def washer(settings: Settings, day: Day, chance: Random) -> Iterator[Pulse]:
    """Yield a 40 °C programme on about every other day: heat, tumble, spin; 0.7 kWh."""
    if chance.random() > (0.7 if day.is_weekend else 0.4):
        return
    start_s = day.at(chance.uniform(9.0, 19.0))
    heating_s = chance.uniform(11, 16) * _MINUTE_S
    yield Pulse(start_s=start_s + 120, duration_s=heating_s, power_w=2050.0)
    yield from _modulated(chance, start_s, 65.0, 210.0, 0.6, 40.0)
    yield Pulse(start_s=start_s + 70 * _MINUTE_S, duration_s=7 * _MINUTE_S, power_w=420.0)


def dishwasher(settings: Settings, day: Day, chance: Random) -> Iterator[Pulse]:
    """Yield an eco programme on two evenings of three: two heatings over a running pump; 0.8 kWh."""
    if chance.random() > 0.65:
        return
    start_s = day.at(chance.uniform(19.5, 22.8))
    yield Pulse(start_s=start_s, duration_s=110 * _MINUTE_S, power_w=65.0)
    for after_min, length_min in ((5.0, 11.0), (62.0, 9.0)):
        duration_s = length_min * chance.uniform(0.85, 1.15) * _MINUTE_S
        yield Pulse(start_s=start_s + after_min * _MINUTE_S, duration_s=duration_s, power_w=1900.0)


def living_room(settings: Settings, day: Day, chance: Random) -> Iterator[Pulse]:
    """Yield a desk by day on some weekdays and a television in the evening."""
    if not day.is_weekend and chance.random() < 0.45:
        start_s = day.at(chance.uniform(8.3, 9.2))
        yield Pulse(start_s=start_s, duration_s=chance.uniform(3, 7.5) * 3600, power_w=85.0)
    if chance.random() < 0.9:
        start_s = day.at(chance.uniform(18.8, 20.5))
        yield Pulse(start_s=start_s, duration_s=chance.uniform(1.5, 3.8) * 3600, power_w=115.0)


def lights(settings: Settings, day: Day, chance: Random) -> Iterator[Pulse]:
    """Yield LED lamps by the quarter hour: when people are up and the sun is lower than 4°."""
    rise_s = day.at(chance.uniform(7.5, 8.5) if day.is_weekend else chance.uniform(6.1, 6.6))
    sleep_s = day.at(chance.uniform(22.5, 23.7))
    time_s = rise_s
    while time_s < sleep_s:
        power_w = float(chance.choice((35, 60, 80, 110, 140)))
        if sun_at(time_s, settings.latitude_deg, settings.longitude_deg).elevation_deg < 4.0:
            yield Pulse(start_s=time_s, duration_s=min(_QUARTER_S, sleep_s - time_s), power_w=power_w)
        time_s += _QUARTER_S


def water_heater(settings: Settings, day: Day, chance: Random) -> Iterator[Pulse]:
    """Yield two heatings of the tank, 2 kW each: before dawn and at noon, longer in winter."""
    season = 0.75 + 0.35 * winter(day.start_s, settings.latitude_deg)
    for hour, length_min in ((chance.uniform(4.8, 5.6), 28.0), (chance.uniform(12.4, 13.6), 32.0)):
        duration_s = length_min * season * chance.uniform(0.75, 1.25) * _MINUTE_S
        yield Pulse(start_s=day.at(hour), duration_s=duration_s, power_w=2000.0)


#: Device id → its plan for a day.
PLANS: dict[str, Plan] = {
    WATER_HEATER: water_heater,
    FRIDGE: fridge,
    FREEZER: freezer,
    COOKING: cooking,
    DISHWASHER: dishwasher,
    WASHER: washer,
    LIGHTS: lights,
    LIVING_ROOM: living_room,
}
