"""`aetherlens import csv` as its user runs it, on a real database: exact, idempotent, and continued after any end."""

import gzip
import hashlib
import os
import re
import signal
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import pytest

from aetherlens.lib.clock import to_us
from aetherlens.lib.metrics import Metrics
from aetherlens.storage.devices import DeviceStore, ReportedDevice
from aetherlens.storage.history import History
from aetherlens.storage.pool import Database, Target
from aetherlens.storage.segments import SegmentStore
from aetherlens.storage.series import NewSeries, SeriesRegistry
from product import AETHERLENS, ROOT, running

MAPPING = ROOT / "config" / "import" / "household.yaml"
DAY = ROOT / "tests" / "data" / "household" / "household-2007-03-18.csv"
MONTH = ROOT.parent / "shared" / "data" / "household-2007-03.csv.gz"

#: Device and metric of each column after the time, and what its numbers are multiplied with.
HOUSEHOLD = [
    ("household-meter", "power", 1000),
    ("household-meter", "reactive_power", 1000),
    ("household-meter", "voltage", 1),
    ("household-meter", "current", 1),
    ("household-kitchen", "power", 60),
    ("household-laundry", "power", 60),
    ("household-heating", "power", 60),
]

SMALL_MAPPING = """
time: {column: t, format: unix}
columns:
  - {column: p, device_id: plug, metric_type: power, unit: kW}
  - {column: v, device_id: plug, metric_type: voltage, unit: V}
  - {column: e, device_id: plug, metric_type: energy, unit: Wh}
"""

Import = Callable[..., subprocess.CompletedProcess[str]]


def command(file: Path, *arguments: str | Path) -> list[str | Path]:
    return [AETHERLENS, "import", "csv", file, *arguments]


def environment(home: Path, database_url: str = "") -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "AETHERLENS_HOME": str(home), "DATABASE_URL": database_url}


def import_file(
    home: Path, file: Path, *arguments: str | Path, status: int = 0, url: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end; it must end with `status` and never show a trace."""
    done = subprocess.run(
        command(file, *arguments),
        env=environment(home, url),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def url(database_target: Target) -> str:
    """DATABASE_URL of the test's database."""
    user, password, name, host = (
        quote(str(database_target[key]), safe="") for key in ("user", "password", "database", "host")
    )
    return f"postgresql://{user}:{password}@/{name}?host={host}"


@pytest.fixture
def run(tmp_path: Path, url: str) -> Import:
    """The command, on the test's database."""
    return lambda file, *arguments, status=0: import_file(tmp_path / "home", file, *arguments, status=status, url=url)


def rows_of(file: Path) -> list[list[str]]:
    content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return [line.split(",") for line in content.decode().splitlines()][1:]


async def stored(database: Database, device_id: str, metric_type: str) -> list[tuple[datetime, float]]:
    registry = SeriesRegistry(database)
    await registry.load()
    series = registry.find(device_id, metric_type)
    assert series is not None
    history = History(database, SegmentStore(database, Metrics("test")))
    pages = history.raw(series.series_id, datetime(2000, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
    return [(point.timestamp, point.value) async for page in pages for point in page]


async def everything(database: Database) -> list[tuple[object, ...]]:
    """Every sample with the transaction that wrote it."""
    rows = await database.fetch("SELECT xmin::text, * FROM samples ORDER BY series_id, ts")
    return [tuple(row) for row in rows]


async def count(database: Database, table: str) -> int:
    return int((await database.fetchrow(f"SELECT count(*) FROM {table}"))[0])


def rejected(output: str) -> dict[str, int]:
    """Return the reasons of the summary."""
    lines = re.findall(r"^ {2,}([0-9,]+) (.+)$", output.partition(" rejected\n")[2], re.MULTILINE)
    return {reason: int(number.replace(",", "")) for number, reason in lines}


async def check_household(database: Database, file: Path) -> list[tuple[datetime, float]]:
    """Compare every value of a household file with its history, exactly; return the whole's power."""
    rows = rows_of(file)
    zone = timedelta(hours=1)
    times = [datetime.fromisoformat(row[0]).replace(tzinfo=UTC) - zone for row in rows]
    for index, (device_id, metric_type, factor) in enumerate(HOUSEHOLD, 1):
        expected = [float(Fraction(row[index]) * factor) for row in rows]
        assert await stored(database, device_id, metric_type) == list(zip(times, expected, strict=True))
    return await stored(database, "household-meter", "power")


async def test_a_day_of_a_household_comes_back_exactly(run: Import, database: Database) -> None:
    done = run(DAY, "--mapping", MAPPING)
    assert "1,440 rows read" in done.stdout
    assert "10,080 samples stored" in done.stdout
    assert "from 2007-03-17T23:00:00+00:00 to 2007-03-18T22:59:00+00:00" in done.stdout
    power = await check_household(database, DAY)
    assert sum(value for _, value in power) / 60_000 == pytest.approx(39.5174, abs=1e-3)
    devices = {device.device_id: device for device in await DeviceStore(database).page("", 100)}
    assert {(one.device_id, one.name, one.room, one.role, one.plugin_id) for one in devices.values()} == {
        ("household-meter", "Household", "Utility room", "grid", "import"),
        ("household-kitchen", "Kitchen", "Kitchen", "load", "import"),
        ("household-laundry", "Laundry", "Laundry room", "load", "import"),
        ("household-heating", "Water heater and air conditioner", None, "load", "import"),
    }
    assert devices["household-meter"].device_type == "energy_meter"


@pytest.mark.skipif(not MONTH.exists(), reason="the full month shared/data/household-2007-03.csv.gz is not here")
async def test_a_month_of_a_household_comes_back_exactly_and_again_changes_nothing(
    run: Import, database: Database
) -> None:
    done = run(MONTH, "--mapping", MAPPING)
    assert "44,640 rows read" in done.stdout
    assert "312,480 samples stored" in done.stdout
    power = await check_household(database, MONTH)
    trapezoids = (
        (first + second) / 2 * ((later - time) / timedelta(hours=1))
        for (time, first), (later, second) in pairwise(power)
    )
    assert sum(trapezoids) / 1000 == pytest.approx(981.07, rel=0.001)
    before = await everything(database)
    assert len(before) == 44_640 * 7
    assert "nothing to do" in run(MONTH, "--mapping", MAPPING).stdout
    assert "312,480 were there already" in run(MONTH, "--mapping", MAPPING, "--restart").stdout
    assert await everything(database) == before


async def test_a_second_import_changes_nothing(run: Import, database: Database) -> None:
    run(DAY, "--mapping", MAPPING)
    before = await everything(database)
    again = run(DAY, "--mapping", MAPPING)
    assert "all 10,080 samples were imported on" in again.stdout
    assert "--restart" in again.stdout
    restarted = run(DAY, "--mapping", MAPPING, "--restart")
    assert "0 samples stored" in restarted.stdout
    assert "10,080 were there already" in restarted.stdout
    assert await everything(database) == before


async def test_a_corrected_value_is_stored_and_the_rest_left_alone(
    run: Import, database: Database, tmp_path: Path
) -> None:
    run(DAY, "--mapping", MAPPING)
    before = await everything(database)
    corrected = tmp_path / "corrected.csv"
    corrected.write_text(DAY.read_text().replace("2007-03-18 00:00:00,0.412,", "2007-03-18 00:00:00,0.413,"))
    done = run(corrected, "--mapping", MAPPING)
    assert re.search(r"^ +1 samples stored", done.stdout, re.MULTILINE)
    after = await everything(database)
    assert len(set(before) - set(after)) == 1
    assert (await stored(database, "household-meter", "power"))[0][1] == 413.0


async def test_a_dry_run_stores_nothing_and_shows_the_first_row(
    run: Import, database: Database, tmp_path: Path
) -> None:
    done = run(DAY, "--mapping", MAPPING, "--dry-run")
    assert "10,080 samples would be stored" in done.stdout
    assert "Global_active_power '0.412' kW is household-meter power 412.0 W" in done.stdout
    assert "time '2007-03-18 00:00:00' is 2007-03-17T23:00:00+00:00" in done.stdout
    for table in ("samples", "series", "devices", "imports"):
        assert await count(database, table) == 0
    assert not (tmp_path / "home").exists()


def long_file(folder: Path, rows: int) -> Path:
    path = folder / "long.csv"
    with path.open("w") as file:
        file.write("t,p,v,e\n")
        file.writelines(
            f"{1_200_000_000 + 60 * row},{Decimal(row) / 1000},{230 + row % 7},{row}\n" for row in range(rows)
        )
    return path


def signal_after_its_first_commit(
    arguments: Sequence[str | Path], env: dict[str, str], signum: signal.Signals
) -> tuple[int, str]:
    """Start an import, send it a signal as soon as it tells of progress, and return its status and its last words."""
    with subprocess.Popen(arguments, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "samples" in line:
                process.send_signal(signum)
                break
        words = process.stderr.read()
        return process.wait(30), words


async def test_a_killed_import_loses_nothing_and_continues_where_it_stopped(
    run: Import, database: Database, tmp_path: Path, url: str
) -> None:
    rows = 250_000
    file, mapping = long_file(tmp_path, rows), tmp_path / "mapping.yaml"
    mapping.write_text(SMALL_MAPPING)
    arguments = command(file, "--mapping", mapping)
    position = 1
    for _ in range(3):
        status, _ = signal_after_its_first_commit(arguments, environment(tmp_path / "home", url), signal.SIGKILL)
        assert status == -signal.SIGKILL
        lines, finished_at = await database.fetchrow("SELECT lines, finished_at FROM imports")
        assert position < lines < rows + 1
        assert finished_at is None
        assert await count(database, "samples") >= 3 * (lines - 1)  # never ahead of what is committed
        position = lines
    done = run(file, "--mapping", mapping)
    assert f"continues after line {position:,}" in done.stdout
    assert "250,000 rows read" in done.stdout
    assert await count(database, "samples") == 3 * rows
    expected = [float(row) for row in range(rows)]
    power = await stored(database, "plug", "power")
    assert [value for _, value in power] == expected
    assert [to_us(time) // 60_000_000 for time, _ in power] == [20_000_000 + row for row in range(rows)]
    assert [value for _, value in await stored(database, "plug", "energy")] == [row / 1000 for row in expected]
    assert "nothing to do" in run(file, "--mapping", mapping).stdout


async def test_an_interrupted_import_says_how_to_go_on(run: Import, tmp_path: Path, url: str) -> None:
    file, mapping = long_file(tmp_path, 100_000), tmp_path / "mapping.yaml"
    mapping.write_text(SMALL_MAPPING)
    arguments = command(file, "--mapping", mapping)
    status, words = signal_after_its_first_commit(arguments, environment(tmp_path / "home", url), signal.SIGINT)
    assert status == 130
    assert "interrupted; start the import again and it continues where it stopped" in words
    assert "Traceback" not in words
    assert "continues after line" in run(file, "--mapping", mapping).stdout


async def test_it_works_without_a_core_and_beside_a_running_one(tmp_path: Path) -> None:
    home, mapping = tmp_path / "home", tmp_path / "mapping.yaml"
    mapping.write_text(SMALL_MAPPING)
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text("t,p,v,e\n1200000000,0.226,230,1\n")
    second.write_text("t,p,v,e\n1200000060,0.227,231,2\n")
    import_file(home, first, "--mapping", mapping)
    with running(home, "--no-demo") as product:
        import_file(home, second, "--mapping", mapping)
        history = product.get(
            "/api/v1/metrics/history?device_id=plug&metric_type=power"
            "&start=2008-01-01T00:00:00Z&end=2008-12-31T00:00:00Z"
        )
        assert [point["value"] for point in history["points"]] == [226.0, 227.0]
    assert "nothing to do" in import_file(home, second, "--mapping", mapping).stdout


async def test_devices_of_others_keep_what_they_are(run: Import, database: Database, tmp_path: Path) -> None:
    devices = DeviceStore(database)
    plug = ReportedDevice(
        device_id="plug", device_type="smart_plug", name="Kettle", room="Kitchen", role="load", manufacturer=None,
        model=None, firmware=None, address=None, controllable=True,
    )  # fmt: skip
    await devices.report("shelly", [plug])
    await SeriesRegistry(database).register(
        "api", [NewSeries(device_id="posted", metric_type="power", unit="W", tags={})]
    )
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("""
time: {column: t, format: unix}
columns:
  - {column: a, device_id: plug, metric_type: power, unit: W, device_name: Other, room: Attic, role: grid}
  - {column: b, device_id: posted, metric_type: power, unit: W, device_name: Other}
  - {column: c, device_id: new, metric_type: temperature, unit: °C, device_name: Attic}
""")
    file = tmp_path / "file.csv"
    file.write_text("t,a,b,c\n1200000000,1,2,3\n")
    run(file, "--mapping", mapping)
    await devices.update("new", {"name": "Mine"})
    mapping.write_text(mapping.read_text().replace("device_name: Attic", "device_name: Loft, room: Loft"))
    run(file, "--mapping", mapping)
    found = {device.device_id: device for device in await devices.page("", 10)}
    kept, posted, new = found["plug"], found["posted"], found["new"]
    assert (kept.name, kept.room, kept.role, kept.plugin_id) == ("Kettle", "Kitchen", "load", "shelly")
    assert (posted.name, posted.plugin_id) == ("posted", "api")
    assert (new.name, new.room, new.device_type, new.plugin_id) == ("Mine", "Loft", "sensor", "import")
    assert await count(database, "samples") == 3


async def test_a_series_in_another_unit_is_refused(run: Import, database: Database, tmp_path: Path) -> None:
    new = NewSeries(device_id="gauge", metric_type="rainfall", unit="mm", tags={})
    await SeriesRegistry(database).register("api", [new])
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("""
time: {column: t, format: unix}
columns: [{column: r, device_id: gauge, metric_type: rainfall, unit: inch}]
""")
    file = tmp_path / "file.csv"
    file.write_text("t,r\n1200000000,1\n")
    assert "columns[0].unit: gauge has rainfall in mm already" in run(file, "--mapping", mapping, status=1).stderr
    assert await count(database, "samples") == 0


async def test_what_is_refused_is_told_by_reason_and_the_rest_is_stored(
    run: Import, database: Database, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(SMALL_MAPPING)
    rows = [
        "1200000000,0.1,230,1", "x,1,1,1", "1200000060,1.2.3,231,?", "1200000120,1", "900000000,1,1,1",
        "9999999999,1,1,1", "1200000000,0.2,230,1", "1200000180,inf,\0,\x1b[2J", "x" * 70_000,
    ]  # fmt: skip
    file = tmp_path / "file.csv"
    file.write_text("\n".join(["\ufefft,p,v,e", *rows]))
    done = run(file, "--mapping", mapping)
    assert rejected(done.stdout) == {
        "unparsable time": 1,
        "unparsable number": 3,
        "wrong number of columns": 1,
        "before 2000": 1,
        "in the future": 1,
        "duplicate time, the later row won": 1,
        "not finite": 1,
        "line too long": 1,
    }
    assert "line 3: 'x'" in done.stdout
    assert "\x1b" not in done.stdout
    assert [value for _, value in await stored(database, "plug", "power")] == [200.0]
    assert [value for _, value in await stored(database, "plug", "voltage")] == [230.0, 231.0]


async def test_a_clock_that_changes_is_followed_into_the_database(
    run: Import, database: Database, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("""
time: {column: t, format: "%d.%m.%Y %H:%M", zone: Europe/Berlin}
delimiter: ";"
decimal: ","
encoding: cp1252
columns: [{column: Außen, device_id: garden, metric_type: temperature, unit: °C}]
""")
    clocks = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
    file = tmp_path / "file.csv"
    rows = [f"26.10.2025 {clock};{number},5" for number, clock in enumerate(clocks)]
    file.write_text("\r\n".join(["t;Außen", *rows, "30.03.2025 02:30;9"]), encoding="cp1252")
    done = run(file, "--mapping", mapping)
    assert rejected(done.stdout) == {"nonexistent local time": 1}
    start = datetime(2025, 10, 25, 23, 30, tzinfo=UTC)
    expected = [(start + number * timedelta(minutes=30), number + 0.5) for number in range(6)]
    assert await stored(database, "garden", "temperature") == expected


async def test_a_decade_of_days_needs_no_more_locks_than_a_server_has(
    run: Import, database: Database, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(SMALL_MAPPING)
    file = tmp_path / "file.csv"
    file.write_text("t,p,v,e\n" + "".join(f"{1_000_000_000 + 86_400 * day},1,2,{day}\n" for day in range(900)))
    assert "2,700 samples stored" in run(file, "--mapping", mapping).stdout
    assert len(await stored(database, "plug", "energy")) == 900


async def test_a_damaged_file_keeps_what_comes_before(run: Import, database: Database, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(SMALL_MAPPING)
    whole = gzip.compress(long_file(tmp_path, 50_000).read_bytes())
    file = tmp_path / "damaged.csv.gz"
    file.write_bytes(whole[: len(whole) // 2])
    done = run(file, "--mapping", mapping, status=1)
    assert "is damaged and ends early" in done.stderr
    kept = await count(database, "samples")
    assert kept > 0
    assert f"{kept:,} samples stored" in done.stdout
    assert "is damaged" in run(file, "--mapping", mapping, status=1).stderr
    assert await count(database, "samples") == kept


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"t,p,v,e\n", "has no row"),
        (b"t,p,v,e\nx,1,2,3\n", "has no usable row"),
        (b"t;p;v;e\n1;2;3;4\n", 'delimiter: ";"'),
        (b"t,p,V,e\n", "did you mean 'V'?"),
        (hashlib.sha256(b"junk").digest() * 100, "has no column"),
        (b"\0" * 3_000_000, "first line is far too long"),
        (b"\x1f\x8b" + b"junk" * 100, "is damaged"),
    ],
    ids=["empty", "no-row", "no-usable-row", "delimiter", "column", "junk", "zeros", "no-gzip"],
)
async def test_an_unusable_file_changes_nothing_and_is_explained(
    run: Import, database: Database, tmp_path: Path, content: bytes, message: str
) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(SMALL_MAPPING)
    file = tmp_path / "file.csv"
    file.write_bytes(content)
    assert message in run(file, "--mapping", mapping, status=1).stderr
    for table in ("samples", "imports"):
        assert await count(database, table) == 0


def test_a_missing_mapping_is_explained(tmp_path: Path) -> None:
    done = import_file(tmp_path / "home", DAY, status=1)
    assert "--mapping" in done.stderr
    assert "config/import/household.yaml" in done.stderr
    assert "docs/import.md" in done.stderr
    assert not (tmp_path / "home").exists()


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    assert "No such file" in import_file(tmp_path / "home", tmp_path / "none", "--mapping", MAPPING, status=1).stderr
