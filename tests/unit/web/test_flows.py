"""The streams of the flow picture."""

from datetime import UTC, datetime, timedelta

import pytest

from aetherlens_web.flows import flows
from aetherlens_web.models import Reading

NOW = datetime(2026, 6, 17, 12, 40, tzinfo=UTC)


def reading(role: str, watts: float, age_s: float = 0) -> Reading:
    moment = NOW - timedelta(seconds=age_s)
    return Reading(
        device_id=role, device_name=role, role=role, metric_type="power", value=watts, unit="W", timestamp=moment
    )


@pytest.mark.parametrize(
    ("role", "watts", "direction"),
    [
        ("solar", 500, "in"),
        ("grid", 500, "in"),
        ("grid", -500, "out"),
        ("battery", 500, "in"),
        ("battery", -500, "out"),
        ("ev_charger", 500, "out"),
        ("ev_charger", -500, "in"),
        ("solar", 9, "idle"),
        ("grid", -9, "idle"),
    ],
)
def test_a_stream_runs_the_way_the_power_goes(role: str, watts: float, direction: str) -> None:
    (flow,) = flows([reading(role, watts)], NOW)
    assert flow.direction == direction


def test_only_what_the_home_has_is_drawn() -> None:
    assert [flow.role for flow in flows([reading("load", 5), reading("grid", 5), reading("solar", 5)], NOW)] == [
        "solar",
        "grid",
    ]


def test_more_power_is_a_wider_stream_up_to_a_bound() -> None:
    widths = [flows([reading("grid", watts)], NOW)[0].width for watts in (100, 3000, 6000, 60000)]
    assert widths == [2.1, 5.0, 8.0, 8.0]


def test_a_stream_is_as_stale_as_its_oldest_meter() -> None:
    (flow,) = flows([reading("grid", 1), reading("grid", 1, age_s=120)], NOW)
    assert flow.is_stale
