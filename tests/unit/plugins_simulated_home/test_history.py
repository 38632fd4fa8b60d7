"""The first start delivers the last hours in portions, and the present at once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from simulated_home_plugin import PORTION

from aetherlens_sdk import Metric
from unit.plugins_simulated_home.helpers import Clock, make, readings

NOW = datetime(2026, 6, 21, 16, 30, 12, tzinfo=UTC)


async def portions(state_dir: Path, clock: Clock, hours: int, restart_after: int | None = None) -> list[list[Metric]]:
    """Return the answers up to the first one without history."""
    plugin = make(state_dir, clock, backfill_hours=hours)
    answers: list[list[Metric]] = []
    while not answers or any(metric.timestamp for metric in answers[-1]):  # no close at the end: a crash
        answers.append(list(await plugin.collect_metrics()))
        if len(answers) == restart_after:
            await plugin.close()
            plugin = make(state_dir, clock, backfill_hours=hours)
        clock.move(5)
        assert len(answers) < 100
    return answers


def past(answers: list[list[Metric]]) -> dict[tuple[str, str], dict[datetime, float]]:
    """Return the history by series; no sample comes twice."""
    series: dict[tuple[str, str], dict[datetime, float]] = {}
    for metric in (metric for answer in answers for metric in answer):
        if metric.timestamp is not None:
            values = series.setdefault((metric.device_id, metric.metric_type), {})
            assert metric.timestamp not in values
            values[metric.timestamp] = metric.value
    return series


async def test_a_day_is_delivered_in_steps_of_a_minute(tmp_path: Path) -> None:
    answers = await portions(tmp_path, Clock(NOW), 24)
    last = NOW.replace(second=0) - timedelta(minutes=1)
    expected = [last - timedelta(minutes=minute) for minute in reversed(range(1440))]
    for values in past(answers).values():
        assert sorted(values) == expected


async def test_every_answer_has_the_present_and_a_bounded_size(tmp_path: Path) -> None:
    answers = await portions(tmp_path, Clock(NOW), 24)
    assert all(readings(answer, "power")["sim-base"] > 0.0 for answer in answers)
    assert all(len(answer) <= PORTION for answer in answers)
    assert len(answers) <= 8


async def test_the_latest_hours_come_first_and_each_portion_runs_forward(tmp_path: Path) -> None:
    answers = await portions(tmp_path, Clock(NOW), 24)
    spans = []
    for answer in answers[:-1]:
        times = [metric.timestamp for metric in answer if metric.timestamp is not None]
        assert times == sorted(times)
        spans.append((times[0], times[-1]))
    assert spans == sorted(spans, reverse=True)


async def test_counters_rise_through_the_history_into_the_present(tmp_path: Path) -> None:
    answers = await portions(tmp_path, Clock(NOW), 24)
    for (device_id, quantity), values in past(answers).items():
        if quantity in ("energy", "energy_export"):
            course = [values[time] for time in sorted(values)]
            assert course == sorted(course)
            assert 0.0 <= readings(answers[0], quantity)[device_id] - course[-1] < 0.5


async def test_a_restart_in_the_middle_delivers_the_rest_and_nothing_twice(tmp_path: Path) -> None:
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    whole.mkdir()
    parted.mkdir()
    assert past(await portions(whole, Clock(NOW), 24)) == past(await portions(parted, Clock(NOW), 24, restart_after=2))


@pytest.mark.parametrize("hours", [0, 1])
async def test_the_length_of_the_history_is_configurable(tmp_path: Path, hours: int) -> None:
    rows = past(await portions(tmp_path, Clock(NOW), hours)).get(("sim-grid", "power"), {})
    assert len(rows) == hours * 60


async def test_a_second_start_delivers_no_history(tmp_path: Path) -> None:
    clock = Clock(NOW)
    await portions(tmp_path, clock, 24)
    answers = await portions(tmp_path, clock, 24)
    assert not past(answers)
