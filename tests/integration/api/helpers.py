"""The product with shorthands for its API."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from aetherlens.storage.embedded import DATABASE, embedded_dsn
from product import Answer, Product

PROBLEM = "application/problem+json"


class Core(Product):
    """A running product, with shorthands for its API."""

    def post(self, *metrics: dict[str, Any]) -> Answer:
        """Send metrics as a list."""
        return self.request("POST", "/api/v1/metrics", list(metrics))

    def post_raw(self, body: bytes, **headers: str) -> Answer:
        """Send a body as it is."""
        return self.request("POST", "/api/v1/metrics", raw=body, headers=headers)

    def sql(self, query: str) -> Any:
        """Return one value, from the database itself."""

        async def ask() -> Any:
            connection = await asyncpg.connect(**embedded_dsn(self.home), database=DATABASE, timeout=10)
            try:
                return await connection.fetchval(query)
            finally:
                await connection.close()

        return asyncio.run(ask())

    def stored(self) -> tuple[int, int, int]:
        """Return how many devices, series and samples are stored."""
        devices, series, samples = (
            self.sql(f"SELECT count(*) FROM {table}") for table in ("devices", "series", "samples")
        )
        return devices, series, samples

    def points(self, device_id: str, metric_type: str = "power", **parameters: str) -> list[dict[str, Any]]:
        """Return the points of a history."""
        query = "".join(f"&{name}={value}" for name, value in parameters.items())
        answer = self.get(f"/api/v1/metrics/history?device_id={device_id}&metric_type={metric_type}{query}")
        points: list[dict[str, Any]] = answer["points"]
        return points


def metric(device_id: str, /, **changes: Any) -> dict[str, Any]:
    """Return a good metric, changed."""
    return {"device_id": device_id, "metric_type": "power", "value": 1.5, **changes}


def ago(**duration: float) -> str:
    """Return a moment of the recent past, to the second."""
    return (datetime.now(UTC) - timedelta(**duration)).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


def header(answer: Answer, name: str) -> str:
    """Return a header, however its name is spelt."""
    return {spelt.lower(): value for spelt, value in answer.headers.items()}[name]


def problem(answer: Answer, status: int, field: str | None = None) -> dict[str, Any]:
    """Check that an answer is a problem of this status at this field, and return it."""
    body: dict[str, Any] = answer.json()
    assert answer.status == status, body
    assert header(answer, "content-type") == PROBLEM
    assert {"type", "title", "status", "detail"} <= set(body)
    assert body["status"] == status
    assert body["type"].startswith("urn:aetherlens:problem:")
    assert body["detail"]
    assert body.get("field") == field
    return body
