"""The core's answers as records: only the fields that pages use, decoded once, at the edge."""

from datetime import datetime

import msgspec

#: Roles that make up the home's balance, in the order in which they are stacked and named everywhere.
SOURCE_ROLES = ("solar", "battery", "grid")
#: Roles that use power; a device without a role is taken for one of these.
CONSUMER_ROLES = ("load", "ev_charger", None)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the records: read only; unknown fields of a newer core are ignored."""


class Home(Record, frozen=True, kw_only=True):
    """The home as its owner described it."""

    name: str
    #: IANA name, e.g. ``Europe/Paris``.
    time_zone: str


class System(Record, frozen=True, kw_only=True):
    """What the core says of itself."""

    version: str
    home: Home
    #: The core's clock; the ages of readings are told against it.
    time: datetime


class DeviceMetric(Record, frozen=True, kw_only=True):
    """One series of a device."""

    metric_type: str
    unit: str


class Device(Record, frozen=True, kw_only=True):
    """A device as the core knows it."""

    device_id: str
    name: str
    device_type: str = ""
    role: str | None = None
    room: str | None = None
    plugin_id: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    firmware: str | None = None
    address: str | None = None
    controllable: bool = False
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    metrics: tuple[DeviceMetric, ...] = ()


class DevicePage(Record, frozen=True, kw_only=True):
    """One page of the list of devices."""

    devices: tuple[Device, ...]
    next_cursor: str | None = None


class Reading(Record, frozen=True, kw_only=True):
    """The newest value of one series."""

    device_id: str
    device_name: str
    room: str | None = None
    role: str | None = None
    metric_type: str
    #: In `unit`; power is in W and signed: grid + import, battery + discharge, solar + production, loads + consumption.
    value: float
    unit: str
    timestamp: datetime


class Current(Record, frozen=True, kw_only=True):
    """The newest values of all series."""

    metrics: tuple[Reading, ...]


class Point(Record, frozen=True, kw_only=True):
    """One bucket of a history."""

    #: Start of the bucket.
    timestamp: datetime
    #: Mean over the bucket; None where the bucket is known to be empty.
    value: float | None


class History(Record, frozen=True, kw_only=True):
    """One series over a stretch of time."""

    device_id: str
    unit: str
    points: tuple[Point, ...]


class Plugin(Record, frozen=True, kw_only=True):
    """A plugin and how it fares."""

    id: str
    name: str
    state: str
    reason: str | None = None
    last_success: datetime | None = None


class PluginList(Record, frozen=True, kw_only=True):
    """All plugins."""

    plugins: tuple[Plugin, ...]
