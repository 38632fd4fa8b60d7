"""The home's balance from whatever meters there are."""

from datetime import UTC, datetime, timedelta

import pytest

from aetherlens_web.energy_now import energy_now
from aetherlens_web.models import Reading

NOW = datetime(2026, 6, 17, 12, 40, tzinfo=UTC)


def reading(role: str | None, watts: float, age_s: float = 0) -> Reading:
    return Reading(
        device_id=f"{role}-{watts}",
        device_name="x",
        role=role,
        metric_type="power",
        value=watts,
        unit="W",
        timestamp=NOW - timedelta(seconds=age_s),
    )


def test_home_use_is_grid_and_sun_and_battery() -> None:
    energy = energy_now([reading("grid", -500), reading("solar", 3000), reading("battery", -700)])
    assert (energy.basis, energy.home_w) == ("balance", 1800)


def test_several_meters_of_a_role_are_added() -> None:
    assert energy_now([reading("grid", 100), reading("grid", 200), reading("grid", -50)]).home_w == 250


def test_without_other_sources_home_use_is_what_the_grid_meter_says() -> None:
    energy = energy_now([reading("grid", 640), reading("load", 200)])
    assert (energy.basis, energy.home_w, energy.sun_share) == ("grid", 640, None)


def test_without_a_grid_meter_home_use_is_the_sum_of_the_devices() -> None:
    energy = energy_now([reading("load", 200), reading(None, 30), reading("ev_charger", 1000), reading("solar", 900)])
    assert (energy.basis, energy.home_w, energy.rest_w) == ("loads", 1230, None)


def test_without_any_reading_nothing_is_known() -> None:
    energy = energy_now([])
    assert (energy.basis, energy.home_w, energy.grid_w, energy.oldest) == ("none", None, None, None)


def test_other_quantities_and_sensors_do_not_count() -> None:
    energy_reading = Reading(
        device_id="m", device_name="m", role="grid", metric_type="energy", value=9e3, unit="kWh", timestamp=NOW
    )
    assert energy_now([energy_reading, reading("sensor", 50), reading("cloud_account", 9)]).basis == "none"


@pytest.mark.parametrize(
    ("grid", "solar", "share"), [(600, 400, 0.4), (-2000, 3000, 1.0), (500, 0, 0.0), (500, -5, 0.0)]
)
def test_the_sun_serves_the_home_first(grid: float, solar: float, share: float) -> None:
    assert energy_now([reading("grid", grid), reading("solar", solar)]).sun_share == share


def test_the_share_of_the_sun_in_nothing_is_unknown() -> None:
    assert energy_now([reading("grid", -800), reading("solar", 800)]).sun_share is None


def test_the_car_is_part_of_the_home() -> None:
    energy = energy_now([reading("grid", 3000), reading("ev_charger", 2000)])
    assert (energy.home_w, energy.ev_w, energy.rest_w) == (3000, 2000, 1000)


def test_a_rest_that_would_be_negative_is_unknown() -> None:
    assert energy_now([reading("grid", 100), reading("load", 150)]).rest_w is None


def test_meters_that_contradict_each_other_are_told_from_samples_a_moment_apart() -> None:
    apart = energy_now([reading("grid", -520), reading("solar", 500)])
    reversed_meter = energy_now([reading("grid", -900), reading("solar", 500)])
    assert (apart.home_w, apart.adds_up) == (0, True)
    assert (reversed_meter.home_w, reversed_meter.adds_up) == (0, False)


def test_the_balance_is_as_old_as_its_oldest_part() -> None:
    energy = energy_now([reading("grid", 1), reading("solar", 1, age_s=90), reading("load", 1, age_s=999)])
    assert energy.oldest == NOW - timedelta(seconds=90)
