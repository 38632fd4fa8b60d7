"""A nearly full disk: the product says so and takes nothing, instead of filling it up."""

from pathlib import Path

from product import eventually, running


def test_below_the_limit_nothing_is_taken_and_health_says_why(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "config").mkdir(parents=True)
    (home / "config" / "aetherlens.yaml").write_text("storage: {min_free_mb: 1000000000}\n")
    with running(home) as product:
        health = product.get("/health")
        assert (health["status"], health["disk"]["status"]) == ("degraded", "full")
        assert "no samples are taken" in health["disk"]["reason"]
        answer = product.request("POST", "/api/v1/metrics", {"device_id": "m", "metric_type": "power", "value": 1})
        assert answer.status == 503
        assert answer.json()["detail"] == health["disk"]["reason"]
        eventually(lambda: "disk_full" in product.log())
        eventually(lambda: "poll_not_taken" in product.log())
        assert product.get("/api/v1/metrics/current")["metrics"] == []
