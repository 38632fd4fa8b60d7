"""What one device told: who it is and what its channels read. The same records for every generation."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from shelly_errors import BadAnswerError
from shelly_fields import Json, text

from aetherlens_sdk import Device, Metric

#: Metric type → the unit that all channels send it in.
UNITS = {
    "power": "W",
    "energy": "Wh",
    "energy_export": "Wh",
    "voltage": "V",
    "current": "A",
    "power_factor": "1",
    "frequency": "Hz",
    "apparent_power": "VA",
    "reactive_power": "var",
    "temperature": "°C",
    "signal_strength": "dBm",
    "state": "1",
}

_MAC = re.compile(r"[0-9a-f]{12}")


class Request(NamedTuple):
    """One HTTP GET to a device."""

    path: str
    query: Mapping[str, str] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What ``GET /shelly`` tells without a password."""

    #: Twelve lower-case hexadecimal digits.
    mac: str
    #: 1 speaks /status and /relay; 2 and later speak RPC.
    generation: int
    #: Order code (SHPLG-S, SNPL-00112EU).
    model: str | None
    #: Application of Gen2+ (PlusPlugS); names the family where the order code does not.
    app: str | None
    firmware: str | None

    @property
    def device_id(self) -> str:
        """The id of the device as a whole."""
        return f"shelly-{self.mac}"

    @property
    def is_plug(self) -> bool:
        """Whether it is a smart plug rather than a relay behind the wall."""
        return "Plug" in (self.app or "") or (self.model or "").startswith("SHPLG")

    @classmethod
    def from_info(cls, info: Json) -> "Identity":
        """Read the answer of ``GET /shelly``. Raises BadAnswerError when no Shelly answers like that."""
        mac = (text(info.get("mac")) or "").replace(":", "").lower()
        if not _MAC.fullmatch(mac):
            raise BadAnswerError("does not answer like a Shelly")
        generation = info.get("gen", 1)
        return cls(
            mac=mac,
            generation=generation if isinstance(generation, int) else 1,
            model=text(info.get("model")) or text(info.get("type")),
            app=text(info.get("app")),
            firmware=text(info.get("ver")) or text(info.get("fw")),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """Something a device can switch or move."""

    #: As the device's API names it: ``relay``, ``roller``, ``color`` in Gen1, ``Switch``, ``Cover`` in Gen2+.
    component: str
    number: int
    #: True for covers, which open and close; the others turn on and off.
    moves: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """One metering or switching channel, a phase of one, or (with an empty suffix) the device as a whole."""

    #: What follows the device's own id: ``switch0``, ``em0``, ``em0-a``; empty for the device as a whole.
    suffix: str
    device_type: str
    #: Metric type → value in its unit of UNITS.
    values: Mapping[str, float]
    #: The owner's name for the channel.
    label: str | None = None
    #: What to add to the name of the channel it is a part of, e.g. ``phase A``; None when it stands alone.
    part: str | None = None
    output: Output | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One successful poll of one device."""

    identity: Identity
    #: The owner's name of the device, else the device's own.
    name: str
    channels: Sequence[Channel]
    #: A device on battery sleeps: it is no device to poll.
    on_battery: bool = False
    outputs: Mapping[str, Output] = field(init=False)

    def __post_init__(self) -> None:
        outputs = {self.device_id(channel): channel.output for channel in self.channels if channel.output}
        object.__setattr__(self, "outputs", outputs)

    def device_id(self, channel: Channel) -> str:
        """Return the id that the channel's metrics carry."""
        return f"{self.identity.device_id}-{channel.suffix}" if channel.suffix else self.identity.device_id

    def metrics(self) -> list[Metric]:
        """Return the readings of all channels."""
        return [
            Metric(device_id=self.device_id(channel), metric_type=metric_type, value=value, unit=UNITS[metric_type])
            for channel in self.channels
            for metric_type, value in channel.values.items()
        ]

    def devices(self, address: str) -> list[Device]:
        """Return the channels as devices that live at `address`."""
        alone = sum(1 for channel in self.channels if channel.suffix and channel.part is None) == 1
        return [
            Device(
                device_id=self.device_id(channel),
                name=self._name(channel, alone=alone),
                device_type=channel.device_type,
                role=None if channel.suffix else "sensor",
                manufacturer="Shelly",
                model=self.identity.model,
                firmware=self.identity.firmware,
                address=address,
                controllable=channel.output is not None,
            )
            for channel in self.channels
        ]

    def _name(self, channel: Channel, *, alone: bool) -> str:
        if not channel.suffix:
            return self.name
        own = channel.label or (None if alone else channel.suffix.partition("-")[0])
        return " ".join(word for word in (self.name, own, channel.part) if word)


class Dialect(Protocol):
    """What differs between the generations; the modules shelly_gen1 and shelly_gen2 fulfil it."""

    status_request: Request
    config_request: Request

    def mac_from_status(self, status: Json) -> str | None:
        """Return who answered, in twelve lower-case hexadecimal digits."""

    def revision_from_status(self, status: Json) -> Any:
        """Return a mark that changes when the device's configuration does."""

    def reading_from(self, identity: Identity, status: Json, config: Json) -> Reading:
        """Convert a status and a configuration into a reading."""

    def request_to_turn(self, output: Output, *, on: bool) -> Request:
        """Return the request that turns an output on or off."""

    def request_to_move(self, output: Output, movement: str) -> Request:
        """Return the request that makes a cover ``open``, ``close`` or ``stop``."""

    def request_for_state(self, output: Output) -> Request:
        """Return the request that asks for an output's state."""

    def state_from_answer(self, output: Output, answer: Json) -> str | None:
        """Return ``on``, ``off`` or what a cover does, None when the answer does not say."""
