"""What a plugin knows of a device besides its readings."""

from typing import Literal

import msgspec

#: Where a device stands in the home's energy balance.
Role = Literal["grid", "solar", "battery", "ev_charger", "load", "cloud_account", "sensor"]


class Device(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A device (or one metering channel of it) that was configured or found on the network."""

    #: The id its metrics carry.
    device_id: str
    #: Name as the device or its owner gives it.
    name: str
    #: What kind of thing it is, e.g. ``smart_plug``, ``energy_meter``, ``inverter``.
    device_type: str
    #: Place in the energy balance, when the plugin knows it.
    role: Role | None = None
    #: Room, when the device knows it.
    room: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    firmware: str | None = None
    #: Host or host:port on the local network.
    address: str | None = None
    #: Whether `control_device` works on it.
    controllable: bool = False
