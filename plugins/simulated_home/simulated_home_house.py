"""The house at one instant: every power flow, balanced by the grid."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from simulated_home_appliances import PLANS
from simulated_home_battery import Battery
from simulated_home_big_loads import ev_charging, heat_pump
from simulated_home_devices import BASE, BATTERY, EV, GRID, HEAT_PUMP, SOLAR, relays
from simulated_home_noise import Channel, day_random, smooth, uniform
from simulated_home_profile import Day, Profile, local_date
from simulated_home_settings import Settings
from simulated_home_solar import solar_w

#: Router, network, chargers, clocks and everything on standby, in W, and its swing.
_BASE_W = 110.0
_BASE_SWING_W = 20.0
#: What no house is without: a few watts up and down from one reading to the next.
_BASE_FLUTTER_W = 12.0
_FLUTTER_S = 5.0
#: Days whose plans are kept: a day reaches into the next one, and a clock may step back.
_DAYS_KEPT = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Switch:
    """A relay set by hand."""

    is_on: bool
    #: Unix time at which the schedule takes over again; None is never.
    until_s: float | None = None

    def holds(self, time_s: float) -> bool:
        """Return whether it still overrides the schedule."""
        return self.until_s is None or time_s < self.until_s


class House:
    """A pure function of time and battery content, with a cache of the days' plans."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.battery = (
            Battery(capacity_wh=settings.battery_kwh * 1000.0, limit_w=settings.battery_kw * 1000.0)
            if settings.battery_kwh > 0.0
            else None
        )
        self._relays = relays(settings)
        self._plans = dict(PLANS)
        if settings.has_heat_pump:
            self._plans[HEAT_PUMP] = heat_pump
        if settings.ev_charger_kw > 0.0:
            self._plans[EV] = ev_charging
        self._days: dict[date, dict[str, Profile]] = {}

    def load_ids(self) -> tuple[str, ...]:
        """Return the ids of all consumers."""
        return (*self._plans, BASE)

    def flows_w(self, time_s: float, stored_wh: float, switches: Mapping[str, Switch]) -> dict[str, float]:
        """Return the power of every device by the product's signs, in W, rounded to 0.1.

        Grid + solar + battery = sum of loads. The battery never feeds the car.
        """
        flows = self._loads_w(time_s, switches)
        loads = sum(flows.values())
        solar = round(solar_w(self.settings, time_s), 1)
        net = loads - solar
        battery = 0.0
        if self.battery is not None:
            need = net - flows.get(EV, 0.0)
            battery = round(self.battery.power_w(stored_wh, surplus_w=-net, need_w=need), 1) + 0.0  # no -0.0
            flows[BATTERY] = battery
        if self.settings.solar_kwp > 0.0:
            flows[SOLAR] = solar
        flows[GRID] = round(net - battery, 1) + 0.0
        return flows

    def _loads_w(self, time_s: float, switches: Mapping[str, Switch]) -> dict[str, float]:
        today = local_date(time_s, self.settings.zone)
        now, before = self._day(today), self._day(today - timedelta(days=1))
        loads = {
            device_id: round(now[device_id].power_w(time_s) + before[device_id].power_w(time_s), 1)
            for device_id in self._plans
        }
        wander = smooth(self.settings.seed, Channel.BASE_LOAD, time_s, 1800.0)
        flutter = uniform(self.settings.seed, Channel.BASE_FLUTTER, int(time_s // _FLUTTER_S))
        loads[BASE] = round(_BASE_W + _BASE_SWING_W * (wander - 0.5) + _BASE_FLUTTER_W * (flutter - 0.5), 1)
        for device_id, switch in switches.items():
            if device_id in loads and switch.holds(time_s):
                forced_w = self._relays[device_id].forced_w
                loads[device_id] = max(loads[device_id], forced_w) if switch.is_on else 0.0
        return loads

    def _day(self, day: date) -> dict[str, Profile]:
        if day not in self._days:
            while len(self._days) >= _DAYS_KEPT:
                del self._days[next(iter(self._days))]
            calendar = Day(date=day, zone=self.settings.zone)
            self._days[day] = {
                device_id: Profile(
                    plan(self.settings, calendar, day_random(self.settings.seed, device_id, day.toordinal()))
                )
                for device_id, plan in self._plans.items()
            }
        return self._days[day]
