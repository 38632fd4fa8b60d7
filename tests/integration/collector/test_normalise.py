"""The gate: what passes is canonical, what does not is told by index, field and reason."""

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from aetherlens.collector.normalise import MAX_TAG_LENGTH, MAX_TAGS, Normaliser, Rejection
from aetherlens.lib.clock import SECOND_US, to_us
from aetherlens.storage import series as series_module
from aetherlens.storage.pool import Database
from aetherlens.storage.series import SeriesRegistry
from aetherlens_sdk import Metric

NOW = datetime(2026, 6, 21, 12, tzinfo=UTC)
NOW_US = to_us(NOW)
TICK_US = NOW_US - 3 * SECOND_US
MAX_FUTURE_S = 600.0


class Gate:
    """A normaliser in front of a real registry; remembers the last outcome."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.registry = SeriesRegistry(database)
        self.normaliser = Normaliser(self.registry, MAX_FUTURE_S)

    async def take(self, *metrics: Metric, source: str = "test") -> list[Rejection]:
        """Normalise a batch and return what was refused."""
        self.accepted, rejections = await self.normaliser.normalise(source, metrics, TICK_US, NOW_US)
        assert sorted([*self.accepted.indexes, *(one.index for one in rejections)]) == list(range(len(metrics)))
        return rejections

    async def tables(self) -> tuple[int, int]:
        """Return how many devices and series are stored."""
        row = (await self.database.fetch("SELECT (SELECT count(*) FROM devices), (SELECT count(*) FROM series)"))[0]
        return row[0], row[1]


@pytest.fixture
def gate(database: Database) -> Gate:
    return Gate(database)


def metric(**changes: Any) -> Metric:
    return Metric(**{"device_id": "meter", "metric_type": "power", "value": 1.0, **changes})


async def test_a_good_metric_becomes_a_sample_in_the_canonical_unit(gate: Gate) -> None:
    at = NOW - timedelta(seconds=10)
    assert await gate.take(metric(value=1.001, unit="kW", timestamp=at)) == []
    series = gate.registry.find("meter", "power")
    assert series is not None
    assert (gate.accepted.series_ids, gate.accepted.ts_us) == ([series.series_id], [to_us(at)])
    assert gate.accepted.values == [1001.0]
    assert series.unit == "W"


async def test_a_metric_without_a_time_gets_the_tick(gate: Gate) -> None:
    assert await gate.take(metric()) == []
    assert gate.accepted.ts_us == [TICK_US]


async def test_times_of_any_zone_are_the_same_moment(gate: Gate) -> None:
    kathmandu = timezone(timedelta(hours=5, minutes=45))
    assert await gate.take(metric(timestamp=NOW.astimezone(kathmandu))) == []
    assert gate.accepted.ts_us == [NOW_US]


@pytest.mark.parametrize(
    ("changes", "field", "reason", "says"),
    [
        ({"device_id": ""}, "device_id", "device_id", "1 to 128 letters"),
        ({"device_id": "a b"}, "device_id", "device_id", "1 to 128 letters"),
        ({"device_id": "a\n"}, "device_id", "device_id", "1 to 128 letters"),
        ({"device_id": "-a"}, "device_id", "device_id", "begins with"),
        ({"device_id": "é"}, "device_id", "device_id", "1 to 128 letters"),
        ({"device_id": "x" * 129}, "device_id", "device_id", "1 to 128 letters"),
        ({"metric_type": "Power"}, "metric_type", "metric_type", "lower-case"),
        ({"metric_type": "1power"}, "metric_type", "metric_type", "begins with a letter"),
        ({"metric_type": "x" * 65}, "metric_type", "metric_type", "1 to 64"),
        ({"value": math.nan}, "value", "value", "nan is not a finite number"),
        ({"value": math.inf}, "value", "value", "inf is not a finite number"),
        ({"value": -math.inf}, "value", "value", "-inf is not a finite number"),
        ({"value": 1e308, "unit": "kW"}, "value", "value", "1e+308 is too large"),
        ({"value": -1.1e30}, "value", "value", "-1.1e+30 is too large"),
        ({"unit": "kWh"}, "unit", "unit", "power is measured in W, mW, kW, MW"),
        ({"metric_type": "own", "unit": "a\0b"}, "unit", "unit", "printable"),
        ({"timestamp": datetime(1970, 1, 1, tzinfo=UTC)}, "timestamp", "timestamp", "before 2000-01-01"),
        ({"timestamp": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))}, "timestamp", "timestamp", "before"),
        ({"timestamp": datetime(2100, 1, 1, tzinfo=UTC)}, "timestamp", "timestamp", "in the future"),
        ({"timestamp": datetime(9999, 12, 31, tzinfo=UTC)}, "timestamp", "timestamp", "in the future"),
        ({"timestamp": NOW + timedelta(seconds=601)}, "timestamp", "timestamp", "in the future"),
        ({"timestamp": datetime(2026, 6, 21, 12)}, "timestamp", "timestamp", "no time zone; add one"),  # noqa: DTZ001
        ({"tags": {f"t{n}": "" for n in range(MAX_TAGS + 1)}}, "tags", "tags", "at most 16 tags"),
        ({"tags": {"t": "x" * (MAX_TAG_LENGTH + 1)}}, "tags", "tags", "128 characters"),
        ({"tags": {"x" * (MAX_TAG_LENGTH + 1): ""}}, "tags", "tags", "128 characters"),
        ({"tags": {"t": "\0"}}, "tags", "tags", "128 characters"),
    ],
)
async def test_a_bad_metric_is_refused_with_its_reason_and_registers_nothing(
    gate: Gate, changes: dict[str, Any], field: str, reason: str, says: str
) -> None:
    (first,) = await gate.take(metric(**changes))
    assert (first.index, first.field, first.reason) == (0, field, reason)
    assert says in first.message
    assert await gate.tables() == (0, 0)
    await gate.take(metric(), metric(unit="kW"), metric(metric_type="own"))
    assert await gate.take(metric(**changes)) == [first]
    assert await gate.tables() == (1, 2)


async def test_times_within_the_bounds_pass(gate: Gate) -> None:
    for moment in (datetime(2000, 1, 1, tzinfo=UTC), NOW + timedelta(seconds=MAX_FUTURE_S)):
        assert await gate.take(metric(timestamp=moment)) == []


async def test_rejections_come_by_index_and_the_good_ones_around_them_pass(gate: Gate) -> None:
    rejections = await gate.take(
        metric(value=math.nan),
        metric(),
        metric(device_id="other", unit="kWh"),
        metric(device_id="other"),
        metric(metric_type="energy", timestamp=datetime(1970, 1, 1, tzinfo=UTC)),
        metric(value=math.inf),
        metric(value=6.0),
    )
    assert [(one.index, one.reason) for one in rejections] == [
        (0, "value"),
        (2, "unit"),
        (4, "timestamp"),
        (5, "value"),
    ]
    assert gate.accepted.indexes == [1, 3, 6]
    assert await gate.tables() == (2, 2)


async def test_a_series_keeps_the_unit_it_began_with(gate: Gate) -> None:
    await gate.take(metric(metric_type="own", unit="ppm"))
    (rejection,) = await gate.take(metric(metric_type="own", unit="mg"))
    assert rejection.reason == "unit_changed"
    assert rejection.message == "samples of this series are in ppm, not in mg"
    assert await gate.take(metric(metric_type="own", unit="ppm")) == []


async def test_two_units_for_a_new_series_in_one_batch_leave_the_first_in_force(gate: Gate) -> None:
    rejections = await gate.take(metric(metric_type="own", unit="ppm"), metric(metric_type="own", unit="mg"))
    assert [(one.index, one.reason) for one in rejections] == [(1, "unit_changed")]


async def test_a_known_series_takes_any_unit_of_its_dimension(gate: Gate) -> None:
    assert await gate.take(metric(value=1.0), metric(value=1.0, unit="kW"), metric(value=1.0, unit="mW")) == []
    assert gate.accepted.values == [1.0, 1000.0, 0.001]
    assert len(set(gate.accepted.series_ids)) == 1


async def test_no_more_series_are_taken_than_there_is_room_for(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_module, "MAX_SERIES", 3)
    rejections = await gate.take(*(metric(device_id=f"d{number}") for number in range(5)))
    assert [(one.index, one.reason) for one in rejections] == [(3, "too_many_series"), (4, "too_many_series")]
    assert await gate.tables() == (3, 3)
    assert [one.index for one in await gate.take(metric(device_id="d1"), metric(device_id="d9"))] == [1]


async def test_new_tags_of_a_known_series_are_stored(gate: Gate) -> None:
    await gate.take(metric(tags={"phase": "a"}))
    assert await gate.take(metric()) == []
    assert await gate.take(metric(tags={"phase": "b"}), metric(tags={"phase": "c"})) == []
    rows = await gate.database.fetch("SELECT tags::text FROM series")
    assert [row["tags"] for row in rows] == ['{"phase": "c"}']


async def test_another_registry_finds_the_same_series(gate: Gate) -> None:
    await gate.take(metric(tags={"phase": "a"}))
    other = Gate(gate.database)
    await other.take(metric(), source="somebody else")
    assert other.accepted.series_ids == gate.accepted.series_ids
    assert await gate.tables() == (1, 1)
