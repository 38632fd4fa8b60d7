"""The rooftop: from sun and weather to alternating-current power."""

import math

from simulated_home_settings import Settings
from simulated_home_sun import clear_sky, incidence, sun_at
from simulated_home_weather import cloud_cover, outdoor_temperature_c, sun_visible

#: What wiring, inverter, dirt and reflection leave of the module's nominal power.
_PERFORMANCE = 0.80
#: Loss of power per kelvin of cell temperature above 25 °C.
_TEMPERATURE_LOSS_PER_K = 0.004
#: Cell heating per irradiance, in K per W/m².
_CELL_HEATING_K_M2_W = 0.03
#: Below this the inverter sleeps, in W per kWp.
_WAKE_W_PER_KWP = 4.0
#: Rated power of the inverter, in W per kWp.
_INVERTER_W_PER_KWP = 900.0


def plane_irradiance_w_m2(settings: Settings, time_s: float) -> float:
    """Return what falls on the panels, in W/m².

    Cloud attenuation of the whole sky by Kasten and Czeplak (1980), "Solar and terrestrial radiation dependent on the
    amount and type of cloud": 1 − 0.75 n^3.4. What single clouds leave of the beam is the weather's; the remainder of
    the attenuated total is diffuse and seen by the tilted plane in proportion to its share of the sky.
    """
    sun = sun_at(time_s, settings.latitude_deg, settings.longitude_deg)
    if sun.up <= 0.0:
        return 0.0
    sky = clear_sky(sun)
    cover = cloud_cover(settings.seed, settings.latitude_deg, time_s)
    visible = sun_visible(settings.seed, cover, time_s)
    total = (sky.beam * sun.up + sky.diffuse) * (1.0 - 0.75 * math.pow(cover, 3.4))
    diffuse = max(sky.diffuse, total - sky.beam * sun.up * (1.0 - cover))
    seen = 0.5 * (1.0 + settings.solar_tilt_cos)
    return sky.beam * visible * incidence(sun, settings.solar_tilt_deg, settings.solar_azimuth_deg) + diffuse * seen


def solar_w(settings: Settings, time_s: float) -> float:
    """Return the power that the roof delivers, in W, never negative."""
    if settings.solar_kwp <= 0.0:
        return 0.0
    irradiance = plane_irradiance_w_m2(settings, time_s)
    if irradiance <= 0.0:
        return 0.0
    air_c = outdoor_temperature_c(settings.seed, settings.latitude_deg, settings.longitude_deg, time_s)
    cell_c = air_c + _CELL_HEATING_K_M2_W * irradiance
    power = settings.solar_kwp * irradiance * _PERFORMANCE * (1.0 - _TEMPERATURE_LOSS_PER_K * (cell_c - 25.0))
    if power < _WAKE_W_PER_KWP * settings.solar_kwp:
        return 0.0
    return min(power, _INVERTER_W_PER_KWP * settings.solar_kwp)
