"""The devices and series that a mapping's columns go to."""

from aetherlens.collector.csv_import.mapping import Column, CsvMapping
from aetherlens.collector.errors import MappingError
from aetherlens.domain.units import canonical
from aetherlens.storage.devices import DeviceStore, ReportedDevice
from aetherlens.storage.series import NewSeries, SeriesRegistry

#: The plugin that imported devices belong to.
PLUGIN_ID = "import"

_METERED = frozenset({"power", "energy", "energy_export", "reactive_power", "apparent_power"})


async def ready_series(mapping: CsvMapping, registry: SeriesRegistry, devices: DeviceStore) -> list[int]:
    """Register what is new and return the series id of each column.

    A device that belongs to a plugin keeps its name, room and role. Raises MappingError when a series exists in another
    unit or the home is full, DatabaseUnavailableError.
    """
    await registry.load()
    new = []
    for index, column in enumerate(mapping.columns):
        unit, _ = canonical(column.metric_type, column.unit)
        series = registry.find(column.device_id, column.metric_type)
        if series is None:
            new.append(NewSeries(device_id=column.device_id, metric_type=column.metric_type, unit=unit, tags={}))
        elif series.unit != unit:
            raise MappingError(
                f"columns[{index}].unit: {column.device_id} has {column.metric_type} in {series.unit} already, not in "
                f"{unit}"
            )
    if new and registry.full:
        raise MappingError("this home has as many series as it can hold; remove devices that are gone")
    await _report(mapping, devices)
    await registry.register(PLUGIN_ID, new)
    found = [registry.find(column.device_id, column.metric_type) for column in mapping.columns]
    return [series.series_id for series in found if series is not None]


async def _report(mapping: CsvMapping, devices: DeviceStore) -> None:
    reported = []
    for device_id in dict.fromkeys(column.device_id for column in mapping.columns):
        columns = [column for column in mapping.columns if column.device_id == device_id]
        device = _describe(device_id, columns)
        stored = await devices.get(device_id)
        if stored is None or (stored.plugin_id == PLUGIN_ID and _says_something(columns)):
            reported.append(device)
    if reported:
        await devices.report(PLUGIN_ID, reported)


def _says_something(columns: list[Column]) -> bool:
    return any(column.device_name or column.room or column.role for column in columns)


def _describe(device_id: str, columns: list[Column]) -> ReportedDevice:
    return ReportedDevice(
        device_id=device_id,
        device_type="energy_meter" if any(column.metric_type in _METERED for column in columns) else "sensor",
        name=next((column.device_name for column in columns if column.device_name), device_id),
        room=next((column.room for column in columns if column.room), None),
        role=next((column.role for column in columns if column.role), None),
        manufacturer=None,
        model=None,
        firmware=None,
        address=None,
        controllable=False,
    )
