"""A simulated home: a household with sun, battery and car, for a first look and for the tests of the core."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import simulated_home_controls as controls
import simulated_home_state as state_file
from simulated_home_devices import devices
from simulated_home_faults import Fault, FaultType, fault_from_command
from simulated_home_history import History, first_steps
from simulated_home_house import House
from simulated_home_misreadings import Misreadings
from simulated_home_readings import series_of, values
from simulated_home_settings import Settings, settings_from_config
from simulated_home_simulation import CATCH_UP_S, HomeState, Simulation, first_state

from aetherlens_sdk import BasePlugin, ConfigError, Device, Health, Metric, PluginContext, RetriableError

log = logging.getLogger("simulated_home")

#: Most metrics in one answer.
PORTION = 10_000
#: Steps of simulation after which other work of the event loop gets its turn.
_BREATH_STEPS = 100


class SimulatedHomePlugin(BasePlugin):
    """Collects, discovers and controls the devices of one simulated home."""

    def __init__(self, config: Mapping[str, Any], context: PluginContext) -> None:
        super().__init__(config, context)
        self._settings = _checked(config)
        self._devices = devices(self._settings)
        self._series = series_of(self._devices)
        self._house = House(self._settings)
        self._misreadings = Misreadings(self._settings.seed)
        #: Faults ordered by `control_device`; those of the configuration stand in the settings.
        self._ordered: list[Fault] = []
        self._simulation: Simulation | None = None
        self._history: History | None = None
        #: The state's time at its last writing; None when it is due.
        self._saved_s: float | None = None
        self._lock = asyncio.Lock()

    @classmethod
    def validate_config(cls, config: Mapping[str, Any]) -> None:
        """Raise ConfigError for an unknown time zone or device and for a fault that says no time."""
        _checked(config)

    async def close(self) -> None:
        """Write the state."""
        if self._simulation is not None:
            state_file.save(self.context.state_dir, self._simulation.state)

    async def collect_metrics(self) -> Sequence[Metric]:
        """Return the present and, after the first start, a portion of the last hours with their own times."""
        await self._obstruct()
        async with self._lock:
            now_s = self._now_s()
            simulation = await self._advance(now_s)
            active = self._misreadings.active(self._faults(), now_s)
            present = values(self._series, self._settings, simulation.state)
            metrics = self._misreadings.metrics(self._series, present, active, now_s)
            if self._history is not None:
                metrics += self._past(simulation.state, self._history)
            self._save_now_and_then(simulation.state)
            return metrics

    async def discover_devices(self) -> Sequence[Device]:
        """Return the devices of the home."""
        return self._devices

    async def control_device(self, device_id: str, command: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Switch a relay, or start and clear faults; it shows in the next readings. Raises ConfigError."""
        if not any(device.device_id == device_id for device in self._devices):
            raise ConfigError(f"there is no device {device_id}", field="device_id")
        if command == "clear_faults":
            return controls.behave(self._ordered, device_id)
        now_s = self._now_s()
        fault = fault_from_command(command, device_id, parameters, now_s) if command.startswith("fault_") else None
        if fault is not None and fault.type is not FaultType.COUNTER_RESET:
            return controls.misbehave(self._ordered, fault)
        async with self._lock:
            simulation = await self._advance(now_s)
            if fault is not None:
                simulation.reset_counters(device_id)
                answer: dict[str, Any] = {"faults": [str(fault.type)]}
            else:
                answer = controls.switch(self._settings, simulation.state.switches, device_id, command, now_s)
                simulation.refresh()
            self._save(simulation.state)
            return answer

    def get_capabilities(self) -> Sequence[str]:
        """Return all that the manifest names."""
        return ("metrics.collect", "device.discover", "device.control")

    async def get_health(self) -> Health:
        """Name the devices that are offline by a fault."""
        offline = self._misreadings.offline(self._faults(), self._devices, self._now_s())
        if not offline:
            return Health()
        return Health(status="degraded", reason="simulated faults are in force", devices=offline)

    def _now_s(self) -> float:
        return self.context.now().timestamp()

    def _faults(self) -> tuple[Fault, ...]:
        return (*self._settings.faults, *self._ordered)

    async def _advance(self, now_s: float) -> Simulation:
        """Bring the house to the present; counters whose reset was configured for the time since are reset."""
        simulation = self._simulation or await self._begin()
        before_s = simulation.state.time_s
        await self._breathe(simulation.advance(now_s))
        after_s = max(before_s, now_s - CATCH_UP_S)
        resets = [fault for fault in self._settings.faults if fault.type is FaultType.COUNTER_RESET]
        for fault in resets:
            if fault.began_within(self._settings.seed, after_s, simulation.state.time_s):
                for device in self._devices:
                    if fault.concerns(device.device_id):
                        simulation.reset_counters(device.device_id)
                self._saved_s = None  # a crash must not bring the old counters back
        return simulation

    async def _begin(self) -> Simulation:
        """Take up the remembered state, at the first use rather than in `start`: when a configuration is replaced, the
        old plugin writes its state after the new one was started."""
        now_s = self._now_s()
        try:
            state = state_file.load(self.context.state_dir)
        except state_file.UnreadableStateError as error:
            log.warning("state_unreadable error=%s", error)
            state = first_state(self._house, now_s)
        if state is None:
            state = await self._first_start(now_s)
        elif state.pending is not None:
            self._history = History(self._house, self._series, state.pending)
            await self._breathe(self._history.simulate())
        self._simulation = Simulation(self._house, state)
        return self._simulation

    async def _first_start(self, now_s: float) -> HomeState:
        if self._settings.backfill_hours == 0:
            return first_state(self._house, now_s)
        self._history = History(self._house, self._series, first_steps(now_s, self._settings.backfill_hours))
        await self._breathe(self._history.simulate())
        self._history.state.pending = self._history.pending
        return self._history.state

    async def _breathe(self, steps: Iterator[None]) -> None:
        """Run a simulation, giving the event loop a turn now and then."""
        for count, _ in enumerate(steps, start=1):
            if count % _BREATH_STEPS == 0:
                await asyncio.sleep(0)

    async def _obstruct(self) -> None:
        """Be slow or fail, as faults demand. Raises RetriableError."""
        active = self._misreadings.active(self._faults(), self._now_s())
        for fault in active:
            if fault.type is FaultType.SLOW:
                await asyncio.sleep(fault.delay_s)
        if any(fault.type is FaultType.ERROR for fault in active):
            raise RetriableError("simulated fault: the home cannot be read")

    def _past(self, state: HomeState, history: History) -> list[Metric]:
        """Return the next portion of the history; forget it once all is delivered."""
        metrics = history.deliver(PORTION - len(self._series))
        if history.is_delivered:
            state.pending = self._history = self._saved_s = None
        return metrics

    def _save_now_and_then(self, state: HomeState) -> None:
        if self._saved_s is None or not 0 <= state.time_s - self._saved_s < state_file.SAVE_EVERY_S:
            self._save(state)

    def _save(self, state: HomeState) -> None:
        state_file.save(self.context.state_dir, state)
        self._saved_s = state.time_s


def _checked(config: Mapping[str, Any]) -> Settings:
    settings = settings_from_config(config)
    known = [device.device_id for device in devices(settings)]
    for index, fault in enumerate(settings.faults):
        if fault.device_id is not None and fault.device_id not in known:
            raise ConfigError(f"there is no device {fault.device_id!r}", field=f"faults[{index}].device")
    return settings
