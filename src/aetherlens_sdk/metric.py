"""The unit of everything: one reading of one quantity of one device."""

from datetime import datetime

import msgspec


class Metric(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One reading.

    Signs of power, in watts: a grid meter counts import positive and export negative, a battery discharge positive and
    charge negative, solar production positive, a load's consumption positive. Energy is a cumulative counter.
    """

    #: Stable id of the device, e.g. ``shelly-aabbccddeeff-em0``: letters, digits and ``. _ : -``, at most 128.
    device_id: str
    #: Quantity, e.g. ``power``, ``energy``, ``voltage``: lower case, digits and underscores.
    metric_type: str
    #: A finite number in `unit`.
    value: float
    #: Unit of `value`, e.g. ``W`` or ``kW``; None means the canonical unit of the metric type.
    unit: str | None = None
    #: The device's own time of the reading, with a time zone; None means the tick of the poll that fetched it.
    timestamp: datetime | None = None
    #: Labels of the series; they describe it and are not part of its identity.
    tags: dict[str, str] | None = None
