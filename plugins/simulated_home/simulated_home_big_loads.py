"""The two big loads: space heating by the weather, and the car by the habits of its driver."""

from collections.abc import Iterator
from random import Random

from simulated_home_profile import Day, Pulse
from simulated_home_settings import Settings
from simulated_home_weather import outdoor_temperature_c

_SEGMENT_S = 1800.0
#: Heat that the house loses per kelvin, in W/K (a well insulated single-family house).
_HEAT_LOSS_W_K = 80.0
#: Outdoor temperature below which sun and people no longer keep the house warm, in °C.
_HEATING_LIMIT_C = 15.0
#: Least and greatest electrical power of the compressor, in W.
_COMPRESSOR_LEAST_W = 350.0
_COMPRESSOR_GREATEST_W = 2500.0
#: Plans of yesterday and today are added up, so none may reach into the day after tomorrow.
_LONGEST_SESSION_S = 20 * 3600.0


def heating_w(outdoor_c: float) -> float:
    """Return the mean electrical power that keeps the house warm.

    Linear heat loss below the heating limit; the coefficient of performance rises linearly from 2.6 at −7 °C to 4.6 at
    12 °C, a fit to common EN 14511 data of air-to-water heat pumps at 35 °C flow.
    """
    heat_w = max(0.0, _HEAT_LOSS_W_K * (_HEATING_LIMIT_C - outdoor_c))
    performance = min(5.0, max(1.8, 2.6 + (outdoor_c + 7.0) * 2.0 / 19.0))
    return heat_w / performance


def heat_pump(settings: Settings, day: Day, chance: Random) -> Iterator[Pulse]:
    """Yield half-hours: modulating when it is cold, cycling at least power when it is mild, off below a trickle."""
    time_s, end_s = day.start_s, day.end_s
    wake_s, sleep_s = day.at(5.0), day.at(22.0)
    while time_s < end_s:
        outdoor_c = outdoor_temperature_c(settings.seed, settings.latitude_deg, settings.longitude_deg, time_s)
        setback = 1.1 if wake_s <= time_s < sleep_s else 0.8
        wanted_w = heating_w(outdoor_c) * setback * chance.uniform(0.95, 1.05)
        power_w = min(_COMPRESSOR_GREATEST_W, max(_COMPRESSOR_LEAST_W, wanted_w))
        duration_s = min(_SEGMENT_S, _SEGMENT_S * wanted_w / power_w, end_s - time_s)
        if wanted_w > 25.0:
            yield Pulse(start_s=time_s, duration_s=duration_s, power_w=round(power_w, 0))
        time_s += _SEGMENT_S


def ev_charging(settings: Settings, day: Day, chance: Random) -> Iterator[Pulse]:
    """Yield at most one session: after work or from 22 o'clock, at weekends sometimes at noon; tapering at the end."""
    full_w = settings.ev_charger_kw * 1000.0
    energy_wh = chance.triangular(5_000.0, 30_000.0, 12_000.0)
    if chance.random() > (0.4 if day.is_weekend else 0.5):
        return
    if day.is_weekend and chance.random() < 0.5:
        start_s = day.at(chance.uniform(10.5, 13.0))
    elif chance.random() < 0.5:
        start_s = day.at(22.0) + chance.uniform(0.0, 300.0)
    else:
        start_s = day.at(chance.uniform(17.5, 19.5))
    tapers = ((300.0, 0.6 * full_w), (300.0, 0.3 * full_w))
    taper_wh = sum(duration_s * power_w / 3600.0 for duration_s, power_w in tapers)
    full_s = min(_LONGEST_SESSION_S, max(0.0, energy_wh - taper_wh) / full_w * 3600.0)
    yield Pulse(start_s=start_s, duration_s=full_s, power_w=full_w)
    time_s = start_s + full_s
    for duration_s, power_w in tapers:
        yield Pulse(start_s=time_s, duration_s=duration_s, power_w=power_w)
        time_s += duration_s
