"""The house through time: counters and battery content, moved on step by step."""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from simulated_home_devices import BATTERY
from simulated_home_house import House, Switch

log = logging.getLogger("simulated_home")

#: A step of live running. Steps end on whole seconds whenever polls come, so the minutes between the last written state
#: and a crash run again exactly as they ran before, and no counter falls.
LIVE_STEP_S = 1
#: A step of catching up and of history; it ends on a whole minute.
STEP_S = 60
#: How long live steps go on in a gap; longer than the time between two writes of the state.
_LIVE_S = 600
#: Longest gap that is simulated; what lies before it is skipped and counts no energy.
CATCH_UP_S = 48 * 3600


@dataclass(kw_only=True, slots=True)
class Pending:
    """The part of the first day's history that has not been delivered yet, in Unix time."""

    #: First instant of the history, where the simulation began.
    start_s: float
    #: Rows from here on are delivered already.
    end_s: float


@dataclass(kw_only=True, slots=True)
class HomeState:
    """What the house remembers."""

    #: Unix time up to which everything below is counted.
    time_s: float
    #: Content of the battery.
    stored_wh: float
    #: Power of each device at `time_s`; empty before the first step.
    power_w: dict[str, float] = field(default_factory=dict)
    #: Imported, produced, discharged or consumed energy of each device.
    energy_wh: dict[str, float] = field(default_factory=dict)
    #: Exported or charged energy, of devices that have it.
    export_wh: dict[str, float] = field(default_factory=dict)
    switches: dict[str, Switch] = field(default_factory=dict)
    pending: Pending | None = None


def first_state(house: House, time_s: float) -> HomeState:
    """Return the state of a house that was just built: counters at 0, the battery at a third."""
    stored_wh = house.battery.clamp_wh(house.battery.capacity_wh / 3.0) if house.battery else 0.0
    return HomeState(time_s=float(math.floor(time_s)), stored_wh=stored_wh)


class Simulation:
    """Moves one state through time."""

    def __init__(self, house: House, state: HomeState) -> None:
        self.house = house
        self.state = state
        if house.battery is not None:
            state.stored_wh = house.battery.clamp_wh(state.stored_wh)
        if set(state.power_w) != set(self._flows_w(state.time_s)):
            self.refresh()

    def advance(self, now_s: float) -> Iterator[None]:
        """Move on to the last whole second, pausing after each step so that the caller may do other things in between.

        A clock that stepped back moves the state back and counts nothing.
        """
        target_s = float(math.floor(now_s))
        gap_s = target_s - self.state.time_s
        if gap_s < 0 or gap_s > CATCH_UP_S:
            log.warning("clock_stepped gap_s=%.0f", gap_s)
            self.state.time_s = target_s if gap_s < 0 else target_s - CATCH_UP_S
            self.refresh()
        live_until_s = self.state.time_s + _LIVE_S
        while self.state.time_s < target_s:
            time_s = self.state.time_s
            step_end_s = time_s + LIVE_STEP_S if time_s < live_until_s else (time_s // STEP_S + 1.0) * STEP_S
            self.step(min(target_s, step_end_s))
            yield

    def refresh(self) -> None:
        """Compute the powers of the state's instant anew, as after a switch was turned."""
        self.state.power_w = self._flows_w(self.state.time_s)

    def reset_counters(self, device_id: str) -> None:
        """Start a device's energy counters again at 0."""
        for counters in (self.state.energy_wh, self.state.export_wh):
            if device_id in counters:
                counters[device_id] = 0.0

    def step(self, time_s: float) -> None:
        """Move on to `time_s`; energy is the trapezoid of the powers at both ends, imports and exports apart."""
        state = self.state
        hours = (time_s - state.time_s) / 3600.0
        flows = self._flows_w(time_s)
        for device_id, power_w in flows.items():
            before_w = state.power_w[device_id]
            gained_wh = 0.5 * (max(before_w, 0.0) + max(power_w, 0.0)) * hours
            state.energy_wh[device_id] = state.energy_wh.get(device_id, 0.0) + gained_wh
            given_wh = 0.5 * (max(-before_w, 0.0) + max(-power_w, 0.0)) * hours
            if given_wh or device_id in state.export_wh:
                state.export_wh[device_id] = state.export_wh.get(device_id, 0.0) + given_wh
            if device_id == BATTERY and self.house.battery is not None:
                state.stored_wh = self.house.battery.stored_wh(state.stored_wh, given_wh, gained_wh)
        state.power_w = flows
        state.time_s = time_s

    def _flows_w(self, time_s: float) -> dict[str, float]:
        return self.house.flows_w(time_s, self.state.stored_wh, self.state.switches)
