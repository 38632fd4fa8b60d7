"""Where the sun stands and what a clear sky sends: solar geometry and clear-sky irradiance, pure functions."""

import math
from dataclasses import dataclass

#: Irradiance outside the atmosphere at the mean distance of the sun, in W/m².
SOLAR_CONSTANT_W_M2 = 1361.0

_DAY_S = 86_400.0
_YEAR_S = 365.2425 * _DAY_S
#: 2000-01-01T00:00:00Z, where the fraction of the year is 0, in seconds since 1970.
_YEAR_START_S = 946_684_800.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Sun:
    """The sun as seen from a place: a unit vector in that place's east, north and up directions."""

    east: float
    north: float
    #: Sine of the elevation; negative below the horizon.
    up: float
    #: Square of mean distance over present distance of the sun.
    distance_factor: float

    @property
    def elevation_deg(self) -> float:
        """Elevation above the horizon, without refraction."""
        return math.degrees(math.asin(max(-1.0, min(1.0, self.up))))


@dataclass(frozen=True, kw_only=True, slots=True)
class Irradiance:
    """What a clear sky sends, in W/m²."""

    #: On a plane that faces the sun.
    beam: float
    #: From the rest of the sky, on a horizontal plane.
    diffuse: float


def year_angle_rad(time_s: float) -> float:
    """Return 0…2π over the year, 0 at its start; `time_s` is Unix time."""
    return 2.0 * math.pi * (((time_s - _YEAR_START_S) / _YEAR_S) % 1.0)


def sun_at(time_s: float, latitude_deg: float, longitude_deg: float) -> Sun:
    """Return the sun's place; `time_s` is Unix time, longitude counts positive eastward.

    Declination, equation of time and distance by the Fourier series of J. W. Spencer (1971), "Fourier series
    representation of the position of the sun", Search 2 (5), 172. Good to about 0.1° and half a minute.
    """
    angle = year_angle_rad(time_s)
    cos1, sin1 = math.cos(angle), math.sin(angle)
    cos2, sin2 = math.cos(2 * angle), math.sin(2 * angle)
    cos3, sin3 = math.cos(3 * angle), math.sin(3 * angle)
    declination = (
        0.006918
        - 0.399912 * cos1
        + 0.070257 * sin1
        - 0.006758 * cos2
        + 0.000907 * sin2
        - 0.002697 * cos3
        + 0.00148 * sin3
    )
    equation_rad = 0.000075 + 0.001868 * cos1 - 0.032077 * sin1 - 0.014615 * cos2 - 0.040849 * sin2
    distance = 1.00011 + 0.034221 * cos1 + 0.00128 * sin1 + 0.000719 * cos2 + 0.000077 * sin2
    turn = 2.0 * math.pi * ((time_s / _DAY_S) % 1.0)
    hour_angle = turn - math.pi + math.radians(longitude_deg) + equation_rad
    latitude = math.radians(latitude_deg)
    cos_declination, sin_declination = math.cos(declination), math.sin(declination)
    return Sun(
        east=-cos_declination * math.sin(hour_angle),
        north=sin_declination * math.cos(latitude) - cos_declination * math.cos(hour_angle) * math.sin(latitude),
        up=sin_declination * math.sin(latitude) + cos_declination * math.cos(hour_angle) * math.cos(latitude),
        distance_factor=distance,
    )


def clear_sky(sun: Sun) -> Irradiance:
    """Return what reaches the ground at sea level.

    Air mass by Kasten and Young (1989), "Revised optical air mass tables"; beam by Meinel and Meinel (1976), "Applied
    solar energy"; the diffuse part is taken as a tenth of the beam.
    """
    elevation_deg = sun.elevation_deg
    if elevation_deg <= 0.0:
        return Irradiance(beam=0.0, diffuse=0.0)
    air_mass = 1.0 / (sun.up + 0.50572 * (elevation_deg + 6.07995) ** -1.6364)
    beam = SOLAR_CONSTANT_W_M2 * sun.distance_factor * 0.7 ** (air_mass**0.678)
    return Irradiance(beam=beam, diffuse=0.1 * beam)


def incidence(sun: Sun, tilt_deg: float, azimuth_deg: float) -> float:
    """Return the cosine of the angle between the sun and a plane's normal, 0 when the sun is behind it.

    `azimuth_deg` is where the plane looks: 0 north, 90 east, 180 south.
    """
    tilt, azimuth = math.radians(tilt_deg), math.radians(azimuth_deg)
    flat = math.sin(tilt)
    cosine = sun.east * flat * math.sin(azimuth) + sun.north * flat * math.cos(azimuth) + sun.up * math.cos(tilt)
    return max(0.0, cosine)
