"""What faults in force make of true readings."""

from collections.abc import Iterable, Mapping, Sequence

from simulated_home_faults import Fault, FaultType
from simulated_home_readings import Series, utc

from aetherlens_sdk import Device, Metric


class Misreadings:
    """Applies faults to samples; remembers only what a stuck device repeats."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        #: Device id → quantity → the value it is stuck at.
        self._stuck: dict[str, dict[str, float]] = {}

    def active(self, faults: Iterable[Fault], now_s: float) -> list[Fault]:
        """Return the faults in force; resets of counters are moments and not among them."""
        return [
            fault for fault in faults if fault.type is not FaultType.COUNTER_RESET and fault.active(self._seed, now_s)
        ]

    def offline(self, faults: Iterable[Fault], devices: Iterable[Device], now_s: float) -> dict[str, str]:
        """Return the devices that do not answer and why."""
        away = [fault for fault in self.active(faults, now_s) if fault.type is FaultType.OFFLINE]
        return {
            device.device_id: "simulated fault: offline"
            for device in devices
            if any(fault.concerns(device.device_id) for fault in away)
        }

    def metrics(
        self, series: Sequence[Series], values: Sequence[float], active: Sequence[Fault], now_s: float
    ) -> list[Metric]:
        """Return the present samples, without a time of their own unless a clock is wrong."""
        if not active:
            self._stuck.clear()
            return [one.metric(value) for one, value in zip(series, values, strict=True)]
        by_device = {one.device_id: self._by_type(active, one.device_id) for one in series}
        for device_id, faults in by_device.items():
            if FaultType.STUCK not in faults:
                self._stuck.pop(device_id, None)
        return [
            self._metric(one, value, by_device[one.device_id], now_s)
            for one, value in zip(series, values, strict=True)
            if FaultType.OFFLINE not in by_device[one.device_id]
        ]

    def _metric(self, series: Series, value: float, faults: Mapping[FaultType, Fault], now_s: float) -> Metric:
        if FaultType.STUCK in faults:
            value = self._stuck.setdefault(series.device_id, {}).setdefault(series.metric_type, value)
        if FaultType.SPIKE in faults and series.metric_type == "power":
            value = round(value * faults[FaultType.SPIKE].factor, 1)
        if FaultType.CLOCK_JUMP in faults:
            return series.metric(value, utc(now_s // 1 + faults[FaultType.CLOCK_JUMP].shift_s))
        return series.metric(value)

    @staticmethod
    def _by_type(active: Iterable[Fault], device_id: str) -> dict[FaultType, Fault]:
        return {fault.type: fault for fault in active if fault.concerns(device_id)}
