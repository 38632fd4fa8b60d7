"""The disk guard warns early, stops intake before the disk is full, and lets it go on by itself."""

from pathlib import Path

import pytest

from aetherlens.lib.metrics import Metrics
from aetherlens.storage.disk_guard import MB, DiskGuard, assess


@pytest.mark.parametrize(
    ("free_mb", "was_full", "status"),
    [
        (1000, False, "ok"),
        (999, False, "low"),
        (500, False, "low"),
        (499, False, "full"),
        (549, True, "full"),
        (551, True, "low"),
        (5000, True, "ok"),
    ],
)
def test_the_state_follows_the_free_space(free_mb: int, was_full: bool, status: str) -> None:
    space = assess(free_mb * MB, 500, was_full=was_full)
    assert space.status == status
    assert (space.reason is None) == (status == "ok")


def test_without_a_limit_nothing_is_refused() -> None:
    assert assess(0, 0).status == "ok"


async def test_intake_stops_on_a_full_disk_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    free = 2000
    metrics = Metrics("test")
    guard = DiskGuard(tmp_path, 500, metrics, measure=lambda _: free * MB)
    assert guard.obstacle() is None
    free = 700
    await guard.check()
    assert guard.space.status == "low"
    assert guard.obstacle() is None
    free = 400
    await guard.check()
    assert "only 400 MB are free" in (guard.obstacle() or "")
    assert metrics.registry.get_sample_value("aetherlens_disk_free_bytes") == 400 * MB
    assert metrics.registry.get_sample_value("aetherlens_disk_min_free_bytes") == 500 * MB
    free = 600
    await guard.check()
    assert guard.obstacle() is None


def test_the_real_disk_is_measured_at_once(tmp_path: Path) -> None:
    assert DiskGuard(tmp_path, 1, Metrics("test")).space.free_bytes > 0
