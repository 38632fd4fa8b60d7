"""The sun stands where almanacs say, and the roof delivers what a roof in Europe delivers."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from simulated_home_noise import Channel, smooth, uniform
from simulated_home_settings import Settings
from simulated_home_solar import solar_w
from simulated_home_sun import clear_sky, sun_at
from simulated_home_weather import cloud_cover, outdoor_temperature_c, sun_visible, winter

from unit.plugins_simulated_home.helpers import settings


def unix(*when: int) -> float:
    return datetime(*when, tzinfo=UTC).timestamp()  # type: ignore[misc, arg-type]


def solar_kwh(home: Settings, start_s: float, end_s: float) -> float:
    step_s = 900
    return sum(solar_w(home, start_s + i * step_s) for i in range(int((end_s - start_s) / step_s))) * step_s / 3.6e6


@pytest.mark.parametrize(
    ("moment", "latitude", "longitude", "elevation_deg"),
    [
        (unix(2026, 6, 21, 12, 2), 51.48, 0.0, 90 - 51.48 + 23.44),
        (unix(2026, 12, 21, 11, 58), 51.48, 0.0, 90 - 51.48 - 23.44),
        (unix(2026, 3, 20, 12, 7), 0.0, 0.0, 90.0),
        (unix(2026, 3, 20, 18, 7), 0.0, 0.0, 0.0),
        (unix(2026, 6, 21, 0, 2), 70.0, 0.0, 23.44 - 20.0),
    ],
)
def test_the_sun_stands_at_its_elevation(
    moment: float, latitude: float, longitude: float, elevation_deg: float
) -> None:
    assert sun_at(moment, latitude, longitude).elevation_deg == pytest.approx(elevation_deg, abs=0.8)


@given(st.floats(0, 4e9), st.floats(-90, 90), st.floats(-180, 180))
def test_the_direction_of_the_sun_is_a_unit_vector(time_s: float, latitude: float, longitude: float) -> None:
    sun = sun_at(time_s, latitude, longitude)
    assert sun.east**2 + sun.north**2 + sun.up**2 == pytest.approx(1.0)


def test_the_sun_rises_in_the_east_and_passes_south_in_the_north() -> None:
    morning, noon = sun_at(unix(2026, 3, 20, 7), 50.0, 0.0), sun_at(unix(2026, 3, 20, 12, 7), 50.0, 0.0)
    assert morning.east > 0.9
    assert noon.north < -0.7
    assert abs(noon.east) < 0.02


def test_a_clear_sky_sends_about_a_kilowatt_per_square_metre_from_high_up() -> None:
    sky = clear_sky(sun_at(unix(2026, 6, 21, 12, 2), 30.0, 0.0))
    assert 850 < sky.beam < 1000


@given(seed=st.integers(0, 2**31 - 1), time_s=st.floats(1.6e9, 2.0e9))
@examples(deadline=None)
def test_solar_is_zero_at_night_and_within_the_inverter_by_day(seed: int, time_s: float) -> None:
    home = settings(seed=seed)
    power_w = solar_w(home, time_s)
    assert 0.0 <= power_w <= 900.0 * home.solar_kwp
    if sun_at(time_s, home.latitude_deg, home.longitude_deg).up < 0.0:
        assert power_w == 0.0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_year_on_the_roof_is_plausible_for_central_europe(seed: int) -> None:
    home = settings(seed=seed, solar_kwp=1.0)
    months = [unix(2026, month, 1) for month in range(1, 13)] + [unix(2027, 1, 1)]
    monthly = [solar_kwh(home, *span) for span in pairwise(months)]
    assert 850 < sum(monthly) < 1250
    june, december = monthly[5], monthly[11]
    assert 90 < june < 190
    assert 10 < december < 60
    assert june > 2.5 * december


def test_no_panels_no_power() -> None:
    assert solar_w(settings(solar_kwp=0), unix(2026, 6, 21, 11)) == 0.0


def test_the_south_has_its_summer_in_december() -> None:
    christmas, midsummer = unix(2026, 12, 25, 12), unix(2026, 6, 25, 12)
    assert winter(christmas, -35.0) < 0.1 < 0.9 < winter(christmas, 50.0)
    assert outdoor_temperature_c(1, -35.0, 0.0, christmas) > outdoor_temperature_c(1, -35.0, 0.0, midsummer) + 5
    assert settings(latitude=-35.0).solar_azimuth_deg == 0.0


@given(seed=st.integers(0, 2**31 - 1), time_s=st.floats(0, 4e9), latitude=st.floats(-66, 66))
def test_weather_stays_within_its_bounds(seed: int, time_s: float, latitude: float) -> None:
    cover = cloud_cover(seed, latitude, time_s)
    assert 0.0 <= cover <= 1.0
    assert 0.0 <= sun_visible(seed, cover, time_s) <= 1.0
    assert -40.0 < outdoor_temperature_c(seed, latitude, 0.0, time_s) < 50.0


@given(seed=st.integers(0, 2**31 - 1), time_s=st.floats(0, 4e9))
def test_slow_noise_is_slow(seed: int, time_s: float) -> None:
    now, soon = (smooth(seed, Channel.CLOUD_DAY, moment, 3600.0) for moment in (time_s, time_s + 10.0))
    assert abs(now - soon) < 0.01


def test_noise_is_evenly_spread() -> None:
    numbers = [uniform(1, Channel.VOLTAGE, index) for index in range(10_000)]
    assert min(numbers) >= 0.0
    assert max(numbers) < 1.0
    assert sum(numbers) / len(numbers) == pytest.approx(0.5, abs=0.01)
