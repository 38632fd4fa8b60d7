"""The whole product on a TimescaleDB that DATABASE_URL names."""

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aetherlens.storage.pool import Target
from product import AETHERLENS, eventually, running


@pytest.mark.parametrize("world", ["timescale"], indirect=True)
async def test_the_product_keeps_its_samples_in_a_hypertable(
    tmp_path: Path, empty_database_target: Target, world: Target
) -> None:
    url = "postgresql://{user}@/{database}?host={host}".format(**empty_database_target)
    home = tmp_path / "home"
    with running(home, environment={"DATABASE_URL": url}) as product:
        eventually(lambda: product.get("/api/v1/metrics/current")["metrics"])
        times = [datetime.now(UTC) - timedelta(days=number) for number in (2, 1, 0)]
        body = [
            {"device_id": "m", "metric_type": "power", "value": value, "timestamp": time.isoformat()}
            for value, time in enumerate(times)
        ]
        assert product.request("POST", "/api/v1/metrics", body).status == 201
        health = product.get("/health")
        assert (health["status"], health["database"]["partitions"]) == ("ok", "hypertable")
        assert health["disk"]["status"] in {"ok", "low"}
        start = f"{times[0] - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
        path = f"/api/v1/metrics/history?device_id=m&metric_type=power&start={start}"
        assert [point["value"] for point in product.get(path)["points"]] == [0, 1, 2]
        exposed = product.request("GET", "/metrics").body.decode()
        assert 'aetherlens_job_runs_total{job="retention",outcome="succeeded"}' in exposed
        done = subprocess.run(
            [AETHERLENS, "doctor"],
            env={"PATH": os.environ["PATH"], "AETHERLENS_HOME": str(home), "DATABASE_URL": url}
            | {"AETHERLENS_BIND_ADDR": "127.0.0.1:0"},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert "hypertable, one per day" in done.stdout
