"""The weather over the simulated home: clouds and outdoor temperature, pure functions of seed, place and time."""

import math

from simulated_home_noise import Channel, smooth
from simulated_home_sun import year_angle_rad

_MINUTE_S = 60.0
_HOUR_S = 3600.0
_DAY_S = 86_400.0
#: Share of the year by which the coldest and dullest days lag its start.
_SEASON_LAG = 20.0 / 365.0


def winter(time_s: float, latitude_deg: float) -> float:
    """Return how deep the winter is: 1 in mid-winter, 0 in mid-summer, on either hemisphere."""
    season = 0.5 + 0.5 * math.cos(year_angle_rad(time_s) - 2.0 * math.pi * _SEASON_LAG)
    return season if latitude_deg >= 0 else 1.0 - season


def cloud_cover(seed: int, latitude_deg: float, time_s: float) -> float:
    """Return the covered share of the sky, 0…1: a mood per day, moved by the hour, duller in winter."""
    mood = math.pow(smooth(seed, Channel.CLOUD_DAY, time_s, _DAY_S), 1.0 - 0.5 * winter(time_s, latitude_deg))
    drift = smooth(seed, Channel.CLOUD_HOUR, time_s, 2.5 * _HOUR_S) - 0.5
    return min(1.0, max(0.0, 1.3 * mood - 0.15 + 0.5 * drift))


def sun_visible(seed: int, cover: float, time_s: float) -> float:
    """Return the share of the beam that passes between the clouds right now, 0…1: single clouds come and go."""
    wander = 0.75 * smooth(seed, Channel.CLOUD_PASSING, time_s, 9 * _MINUTE_S)
    wander += 0.25 * smooth(seed, Channel.CLOUD_EDGE, time_s, 2 * _MINUTE_S)
    threshold = 0.05 + 0.9 * cover
    return min(1.0, max(0.0, 0.5 + (wander - threshold) / 0.15))


def outdoor_temperature_c(seed: int, latitude_deg: float, longitude_deg: float, time_s: float) -> float:
    """Return the air temperature in °C: a season, a day's course and slow changes of weather.

    Mean and seasonal swing are rough fits by latitude to European lowland climate normals: 10 °C ± 9 K at 50°.
    """
    mean = 27.0 - 0.0068 * latitude_deg * latitude_deg
    swing = min(16.0, 0.18 * abs(latitude_deg))
    solar_time = ((time_s / _DAY_S) + longitude_deg / 360.0) % 1.0
    day = math.cos(2.0 * math.pi * (solar_time - 15.0 / 24.0))
    depth = winter(time_s, latitude_deg)
    weather = 10.0 * (smooth(seed, Channel.TEMPERATURE, time_s, 2.0 * _DAY_S) - 0.5)
    return mean + swing * (1.0 - 2.0 * depth) + (4.5 - 2.5 * depth) * day + weather
