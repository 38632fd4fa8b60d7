"""The house balances at every instant and behaves like a household."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from simulated_home_big_loads import heating_w
from simulated_home_devices import BATTERY, COOKING, EV, FRIDGE, GRID, HEAT_PUMP, SOLAR
from simulated_home_house import House, Switch
from simulated_home_profile import Day, Profile, Pulse, local_date
from simulated_home_simulation import STEP_S, HomeState, Simulation, first_state

from unit.plugins_simulated_home.helpers import house

BERLIN = ZoneInfo("Europe/Berlin")
PARIS = ZoneInfo("Europe/Paris")


def assert_balanced(flows: dict[str, float], home: House) -> None:
    supply = flows[GRID] + flows.get(SOLAR, 0.0) + flows.get(BATTERY, 0.0)
    assert supply == pytest.approx(sum(flows[load] for load in home.load_ids()), abs=1e-6)
    assert all(flows[load] >= 0.0 for load in home.load_ids())


def simulate(home: House, start: datetime, end: datetime) -> HomeState:
    """Return the state after a time in steps of a minute; it balances at each."""
    state = first_state(home, start.timestamp())
    simulation = Simulation(home, state)
    while state.time_s < end.timestamp():
        simulation.step(state.time_s + STEP_S)
        assert_balanced(state.power_w, home)
        if home.battery is not None:
            assert home.battery.reserve_wh <= state.stored_wh <= home.battery.capacity_wh
    return state


@given(
    seed=st.integers(0, 2**31 - 1),
    moment_s=st.floats(1.577e9, 2.051e9),
    charge=st.floats(0.0, 1.0),
    switched=st.dictionaries(st.sampled_from(["sim-ev", "sim-lights", "sim-washer"]), st.booleans()),
    battery_kwh=st.sampled_from([0, 5, 10]),
    solar_kwp=st.sampled_from([0, 6, 15]),
)
@examples(deadline=None, max_examples=60)
def test_grid_and_sun_and_battery_cover_the_loads(
    seed: int, moment_s: float, charge: float, switched: dict[str, bool], battery_kwh: float, solar_kwp: float
) -> None:
    home = house(seed=seed, battery_kwh=battery_kwh, solar_kwp=solar_kwp)
    switches = {device_id: Switch(is_on=is_on) for device_id, is_on in switched.items()}
    assert_balanced(home.flows_w(moment_s, charge * battery_kwh * 1000.0, switches), home)


@given(seed=st.integers(0, 2**31 - 1), start=st.dates(date(2024, 1, 1), date(2028, 12, 31)))
@examples(deadline=None, max_examples=6)
def test_a_whole_day_balances_and_the_battery_keeps_its_limits(seed: int, start: date) -> None:
    home = house(seed=seed)
    begin = datetime(start.year, start.month, start.day, tzinfo=BERLIN)
    state = simulate(home, begin, begin + timedelta(days=1))
    supply_wh = sum(state.energy_wh.get(source, 0.0) for source in (GRID, SOLAR, BATTERY))
    supply_wh -= state.export_wh.get(GRID, 0.0) + state.export_wh.get(BATTERY, 0.0)
    assert supply_wh == pytest.approx(sum(state.energy_wh[load] for load in home.load_ids()), abs=0.01)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("month", [1, 4, 7, 10])
def test_a_day_without_the_car_takes_6_to_25_kwh(seed: int, month: int) -> None:
    begin = datetime(2026, month, 13, tzinfo=BERLIN)
    home = house(seed=seed, ev_charger_kw=0)
    state = simulate(home, begin, begin + timedelta(days=2))
    assert 6.0 < sum(state.energy_wh[load] for load in home.load_ids()) / 2000.0 < 25.0


def test_the_car_charges_on_some_days_and_by_its_wallbox() -> None:
    home = house(ev_charger_kw=7.4)
    start_s = datetime(2026, 5, 4, tzinfo=BERLIN).timestamp()
    powers = [home.flows_w(start_s + minute * 60.0, 0.0, {})[EV] for minute in range(0, 28 * 1440, 10)]
    assert max(powers) == 7400.0
    energy_kwh = sum(powers) / 6.0 / 1000.0
    assert 80.0 < energy_kwh < 420.0
    busy_days = sum(any(powers[day * 144 : (day + 1) * 144]) for day in range(28))
    assert 5 <= busy_days <= 25


def test_the_battery_stores_sun_for_the_evening_at_a_loss() -> None:
    home = house(ev_charger_kw=0)
    begin = datetime(2026, 6, 1, tzinfo=BERLIN)
    before = first_state(home, begin.timestamp()).stored_wh
    state = simulate(home, begin, begin + timedelta(days=5))
    charged_wh, discharged_wh = state.export_wh[BATTERY], state.energy_wh[BATTERY]
    assert charged_wh > 10_000
    drawn_wh = discharged_wh / 0.9**0.5 + state.stored_wh - before
    assert drawn_wh == pytest.approx(charged_wh * 0.9**0.5, abs=1.0)


def test_the_battery_does_not_feed_the_car() -> None:
    home = house(solar_kwp=0)
    midnight = datetime(2026, 6, 2, 0, 30, tzinfo=BERLIN).timestamp()
    flows = home.flows_w(midnight, 9000.0, {EV: Switch(is_on=True)})
    assert flows[EV] == 11_000.0
    assert flows[BATTERY] < 2_500.0
    assert flows[GRID] == pytest.approx(flows[EV], abs=50.0)


def test_the_heat_pump_works_in_winter_and_rests_in_summer() -> None:
    assert heating_w(-10.0) > heating_w(0.0) > heating_w(10.0) > heating_w(15.0) == 0.0
    home = house()
    energies = [
        simulate(home, begin, begin + timedelta(days=1)).energy_wh[HEAT_PUMP] / 1000.0
        for begin in (datetime(2026, 1, 20, tzinfo=BERLIN), datetime(2026, 7, 20, tzinfo=BERLIN))
    ]
    assert energies[0] > 3.0 > 1.0 > energies[1]


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)])
def test_days_of_a_clock_change_are_lived_by_the_wall_clock(day: date, hours: int) -> None:
    calendar = Day(date=day, zone=PARIS)
    assert calendar.end_s - calendar.start_s == hours * 3600
    home = house(time_zone="Europe/Paris")
    begin, end = (datetime.fromtimestamp(time_s, UTC) for time_s in (calendar.start_s, calendar.end_s))
    state = simulate(home, begin, end)
    assert state.energy_wh[FRIDGE] / hours == pytest.approx(30.5, abs=4.0)
    cooking = [
        datetime.fromtimestamp(time_s, PARIS).hour
        for time_s in range(int(calendar.start_s), int(calendar.end_s), 60)
        if home.flows_w(time_s, 0.0, {})[COOKING] > 0.0
    ]
    assert min(cooking) in range(6, 10)


def test_local_dates_change_at_local_midnight() -> None:
    kathmandu = ZoneInfo("Asia/Kathmandu")
    midnight = datetime(2026, 5, 1, tzinfo=kathmandu).timestamp()
    assert local_date(midnight - 1, kathmandu) == date(2026, 4, 30)
    assert local_date(midnight, kathmandu) == date(2026, 5, 1)


def test_overlapping_pulses_add_up_and_end() -> None:
    profile = Profile([Pulse(start_s=10, duration_s=20, power_w=100.0), Pulse(start_s=20, duration_s=20, power_w=0.1)])
    assert [profile.power_w(time_s) for time_s in (9, 10, 20, 30, 40)] == [0.0, 100.0, 100.1, 0.1, 0.0]


def test_a_reading_of_one_moment_does_not_depend_on_what_was_read_before() -> None:
    fresh, used = house(), house()
    moments = [datetime(2026, 5, day, 18, tzinfo=BERLIN).timestamp() for day in range(1, 12)]
    for moment in moments:
        used.flows_w(moment, 3000.0, {})
    assert [used.flows_w(moment, 3000.0, {}) for moment in reversed(moments)] == [
        fresh.flows_w(moment, 3000.0, {}) for moment in reversed(moments)
    ]
