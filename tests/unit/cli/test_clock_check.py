"""The doctor's view of the clock."""

from datetime import UTC, datetime
from pathlib import Path

from aetherlens.cli.checks.clock import judge

NOW = datetime(2026, 6, 21, tzinfo=UTC)


def test_a_clock_that_lost_its_time_fails(tmp_path: Path) -> None:
    assert judge(datetime(1970, 1, 1, tzinfo=UTC), tmp_path).status == "fail"


def test_a_time_that_no_server_confirmed_is_a_warning(tmp_path: Path) -> None:
    assert judge(NOW, tmp_path).status == "warn"
    (tmp_path / "synchronized").touch()
    assert judge(NOW, tmp_path).status == "ok"


def test_without_a_time_service_the_clock_is_believed(tmp_path: Path) -> None:
    assert judge(NOW, tmp_path / "none").status == "ok"
