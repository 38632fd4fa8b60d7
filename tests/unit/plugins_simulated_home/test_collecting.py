"""What the plugin reports over time, across restarts, gaps and damage."""

import json
import logging
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from simulated_home_state import FILE_NAME

from unit.plugins_simulated_home.helpers import Clock, make, readings


async def test_counters_are_the_integral_of_power(tmp_path: Path) -> None:
    clock = Clock(datetime(2026, 6, 21, 17, 0, 2, 500_000, tzinfo=UTC))
    plugin = make(tmp_path, clock)
    polls = []
    for _ in range(3000):
        polls.append(await plugin.collect_metrics())
        clock.move(1)
    powers = [readings(poll, "power") for poll in polls]
    for device_id in powers[0]:
        imported_ws = sum((max(a[device_id], 0.0) + max(b[device_id], 0.0)) / 2.0 for a, b in pairwise(powers))
        counters = [readings(poll, "energy")[device_id] for poll in polls]
        assert counters == sorted(counters)
        assert (counters[-1] - counters[0]) * 3.6e6 == pytest.approx(imported_ws, abs=72.0)
    for device_id in ("sim-grid", "sim-battery"):
        exported_ws = sum((max(-a[device_id], 0.0) + max(-b[device_id], 0.0)) / 2.0 for a, b in pairwise(powers))
        assert readings(polls[-1], "energy_export")[device_id] * 3.6e6 == pytest.approx(exported_ws, abs=72.0)


async def test_each_answer_balances(tmp_path: Path) -> None:
    clock = Clock()
    plugin = make(tmp_path, clock)
    for _ in range(100):
        power = readings(await plugin.collect_metrics(), "power")
        supply = sum(power.pop(source) for source in ("sim-grid", "sim-solar", "sim-battery"))
        assert supply == pytest.approx(sum(power.values()), abs=1e-6)
        clock.move(131)


async def test_the_same_seed_and_time_give_the_same_readings(tmp_path: Path) -> None:
    polls = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        clock = Clock()
        plugin = make(tmp_path / name, clock, seed=seed, backfill_hours=2)
        (tmp_path / name).mkdir()
        poll = list(await plugin.collect_metrics())
        clock.move(65)
        polls.append([*poll, *await plugin.collect_metrics()])
    assert polls[0] == polls[1]
    assert polls[0] != polls[2]


async def test_counters_go_on_after_a_restart_as_if_nothing_had_happened(tmp_path: Path) -> None:
    answers = []
    for folder, restart in ((tmp_path / "a", False), (tmp_path / "b", True)):
        folder.mkdir()
        clock = Clock()
        plugin = make(folder, clock)
        for minute in range(60):
            await plugin.collect_metrics()
            if restart and minute == 30:
                await plugin.close()
                plugin = make(folder, clock)
            clock.move(60)
        answers.append(await plugin.collect_metrics())
    assert answers[0] == answers[1]


async def test_a_replaced_configuration_takes_over_what_the_old_plugin_wrote_last(tmp_path: Path) -> None:
    clock = Clock()
    old = make(tmp_path, clock)
    await old.collect_metrics()
    clock.move(120)
    before = readings(await old.collect_metrics(), "energy")
    new = make(tmp_path, clock, solar_kwp=3.0)
    await new.start()
    await old.close()
    after = readings(await new.collect_metrics(), "energy")
    assert after == before
    assert before["sim-base"] > 0.0


async def test_after_a_crash_the_last_minutes_run_again_exactly_as_they_ran(tmp_path: Path) -> None:
    clock = Clock(datetime(2026, 6, 21, 17, 10, tzinfo=UTC))
    plugin = make(tmp_path, clock)
    for _ in range(119):
        before = await plugin.collect_metrics()
        clock.move(4.7)
    clock.move(-4.7)
    assert await make(tmp_path, clock).collect_metrics() == before


async def test_polls_may_come_at_any_interval_without_a_change_of_counters(tmp_path: Path) -> None:
    answers = []
    for interval_s in (1, 5, 300):
        folder = tmp_path / str(interval_s)
        folder.mkdir()
        clock = Clock()
        plugin = make(folder, clock)
        await plugin.collect_metrics()
        for _ in range(1800 // interval_s):
            clock.move(interval_s)
            last = await plugin.collect_metrics()
        answers.append(last)
    assert answers[0] == answers[1] == answers[2]


async def test_a_gap_is_caught_up_to_about_what_would_have_been_measured(tmp_path: Path) -> None:
    answers = []
    for polls in (150, 1):
        folder = tmp_path / str(polls)
        folder.mkdir()
        clock = Clock()
        plugin = make(folder, clock, solar_kwp=0, battery_kwh=0)
        await plugin.collect_metrics()
        for _ in range(polls):
            clock.move(36_000 / polls)
            last = await plugin.collect_metrics()
        answers.append(readings(last, "energy"))
    assert answers[0] == pytest.approx(answers[1], rel=0.05, abs=0.15)  # a minute is coarse for a hob
    assert answers[0]["sim-grid"] > 1.0


async def test_a_gap_of_years_counts_two_days_at_most_and_never_backwards(tmp_path: Path) -> None:
    clock = Clock()
    plugin = make(tmp_path, clock)
    await plugin.collect_metrics()
    clock.move(3600)
    before = readings(await plugin.collect_metrics(), "energy")
    clock.move(5 * 365 * 86_400)
    after = readings(await plugin.collect_metrics(), "energy")
    assert all(after[device_id] >= before[device_id] for device_id in before)
    assert 48 * 0.09 < after["sim-base"] - before["sim-base"] < 48 * 0.13


async def test_a_clock_that_steps_back_takes_nothing_from_the_counters(tmp_path: Path) -> None:
    clock = Clock()
    plugin = make(tmp_path, clock)
    await plugin.collect_metrics()
    clock.move(3600)
    before = readings(await plugin.collect_metrics(), "energy")
    clock.move(-86_400)
    assert readings(await plugin.collect_metrics(), "energy") == before
    clock.move(60)
    assert readings(await plugin.collect_metrics(), "energy")["sim-base"] > before["sim-base"]


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"version": 99}',
        b'{"version": 1, "time_s": NaN, "stored_wh": 1, "pending": null}',
        b'{"version": 1, "time_s": 1, "stored_wh": 1, "pending": null, "power_w": {}, "energy_wh": {"sim-grid": -1}}',
    ],
)
async def test_a_damaged_state_is_logged_and_begun_anew_without_history(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: bytes
) -> None:
    (tmp_path / FILE_NAME).write_bytes(damage)
    plugin = make(tmp_path, Clock(), backfill_hours=24)
    with caplog.at_level(logging.WARNING):
        metrics = await plugin.collect_metrics()
    assert "state_unreadable" in caplog.text
    assert all(metric.timestamp is None for metric in metrics)
    await plugin.close()
    assert json.loads((tmp_path / FILE_NAME).read_bytes())["version"] == 1


@given(st.binary(max_size=200))
@examples(deadline=None, max_examples=30)
async def test_any_bytes_may_stand_in_the_state_file(tmp_path_factory: pytest.TempPathFactory, damage: bytes) -> None:
    folder = tmp_path_factory.mktemp("state")
    (folder / FILE_NAME).write_bytes(damage)
    assert await make(folder, Clock()).collect_metrics()


async def test_the_state_is_written_every_few_minutes_and_on_close(tmp_path: Path) -> None:
    clock = Clock()
    plugin = make(tmp_path, clock)
    written = set()
    for _ in range(240):
        await plugin.collect_metrics()
        written.add((tmp_path / FILE_NAME).read_bytes())
        clock.move(5)
    assert len(written) == 4
    await plugin.collect_metrics()
    await plugin.close()
    assert (tmp_path / FILE_NAME).read_bytes() not in written
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


async def test_a_folder_that_cannot_be_written_to_is_no_reason_to_stop(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plugin = make(tmp_path / "missing", Clock())
    assert await plugin.collect_metrics()
    assert "state_not_written" in caplog.text


async def test_a_new_battery_and_a_scrapped_wallbox_fit_an_old_state(tmp_path: Path) -> None:
    clock = Clock()
    old = make(tmp_path, clock, battery_kwh=0)
    await old.collect_metrics()
    await old.control_device("sim-ev", "turn_on", {})
    await old.close()
    clock.move(600)
    metrics = await make(tmp_path, clock, battery_kwh=5, ev_charger_kw=0).collect_metrics()
    assert readings(metrics, "state_of_charge") == {"sim-battery": pytest.approx(10.0, abs=15.0)}
    assert "sim-ev" not in readings(metrics, "power")


async def test_live_samples_carry_no_time_of_their_own(tmp_path: Path) -> None:
    metrics = await make(tmp_path, Clock()).collect_metrics()
    assert all(metric.timestamp is None for metric in metrics)
    assert len({(metric.device_id, metric.metric_type) for metric in metrics}) == len(metrics)


async def test_grid_quality_and_weather_are_plausible(tmp_path: Path) -> None:
    clock = Clock()
    plugin = make(tmp_path, clock)
    for _ in range(48):
        metrics = await plugin.collect_metrics()
        assert 215 < readings(metrics, "voltage")["sim-grid"] < 245
        assert 49.9 < readings(metrics, "frequency")["sim-grid"] < 50.1
        assert 5 < readings(metrics, "temperature")["sim-outdoor"] < 35
        clock.move(timedelta(minutes=30).total_seconds())
