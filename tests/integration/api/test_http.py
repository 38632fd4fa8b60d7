"""Around the resources: errors, foreign sites, health and metrics of the core itself."""

import http.client
import socket
from urllib.parse import urlsplit

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from integration.api.helpers import Core, header, metric, problem


@pytest.mark.parametrize(
    "path",
    ["/api/v1/nothing", "/api/v2/metrics", "/api/", "/api/v1/metrics/current/", "/api/v1/%ff", "/api/" + "x" * 5000],
)
def test_what_is_not_there_is_a_problem(core: Core, path: str) -> None:
    problem(core.request("GET", path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/v1/metrics", "POST"),
        ("DELETE", "/api/v1/metrics", "POST"),
        ("POST", "/api/v1/devices", "GET,HEAD"),
        ("PUT", "/api/v1/devices/x", "GET,HEAD,PATCH"),
    ],
)
def test_a_method_that_is_not_taken_is_told_with_those_that_are(
    core: Core, method: str, path: str, allowed: str
) -> None:
    answer = core.request(method, path)
    problem(answer, 405)
    assert header(answer, "allow") == allowed


def test_the_head_of_an_endless_stream_is_not_served(core: Core) -> None:
    answer = core.request("HEAD", "/api/v1/events")
    assert (answer.status, header(answer, "allow")) == (405, "GET")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[", "169.254.169.254", ""]
)
@pytest.mark.parametrize("path", ["/api/v1/devices", "/health", "/metrics", "/"])
def test_a_host_that_is_not_ours_is_refused(core: Core, host: str, path: str) -> None:
    problem(core.request("GET", path, headers={"host": host}), 421)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1234", "127.0.0.1", "[::1]:8080"])
def test_every_name_of_this_machine_is_ours(core: Core, host: str) -> None:
    assert core.request("GET", "/api/v1/system", headers={"host": host}).status == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://[", "http://localhost@evil.example"]
)
def test_other_sites_may_change_nothing(core: Core, device: str, origin: str) -> None:
    before = core.stored()
    answer = core.request("POST", "/api/v1/metrics", metric(device), headers={"origin": origin})
    problem(answer, 403)
    assert core.stored() == before
    assert "Access-Control-Allow-Origin" not in answer.headers
    problem(core.request("PATCH", f"/api/v1/devices/{device}", {"name": "x"}, headers={"origin": origin}), 403)


def test_our_own_pages_may_change_things(core: Core, device: str) -> None:
    assert core.request("POST", "/api/v1/metrics", metric(device), headers={"origin": core.address}).status == 201


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST /api/v1/metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nContent-Length: 1\r\n\r\n",
        b"POST /api/v1/metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\r\n" * 1000,
    ],
)
def test_broken_http_costs_only_its_own_connection(core: Core, raw: bytes) -> None:
    address = urlsplit(core.address)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    assert core.request("GET", "/api/v1/system").status == 200


def test_a_body_that_breaks_off_stores_nothing(core: Core, device: str) -> None:
    before = core.stored()
    address = urlsplit(core.address)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    connection.putrequest("POST", "/api/v1/metrics")
    connection.putheader("content-type", "application/json")
    connection.putheader("content-length", "1000")
    connection.endheaders(f'[{{"device_id": "{device}", "metric_type": "power", "value": 1}}'.encode())
    connection.close()
    assert core.stored() == before


def test_the_system_tells_version_home_and_time(core: Core) -> None:
    body = core.get("/api/v1/system")
    assert set(body) == {"version", "home", "time"}
    assert body["home"]["time_zone"]


def test_a_core_that_works_says_so(core: Core) -> None:
    health = core.get("/health")
    assert (health["status"], health["database"]["status"], health["plugins"]) == ("ok", "ok", {})
    assert core.get("/ready") == {"ready": True}


def test_the_plugins_that_come_along_are_listed_though_none_runs(core: Core) -> None:
    plugins = core.get("/api/v1/plugins")["plugins"]
    assert {"shelly", "simulated_home"} <= {plugin["id"] for plugin in plugins}
    assert {plugin["state"] for plugin in plugins} == {"disabled"}


def scraped(core: Core) -> dict[str, Metric]:
    """Return the core's metrics by the names their samples carry."""
    answer = core.request("GET", "/metrics")
    assert answer.status == 200
    assert header(answer, "content-type").startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.body.decode())
    return {family.name: family for family in families}


def test_prometheus_finds_the_names_it_was_promised(core: Core, device: str) -> None:
    core.post(metric(device), metric(device, metric_type="voltage"))
    families = scraped(core)
    collected = families["aetherlens_metrics_collected"].samples
    assert {sample.name for sample in collected} >= {"aetherlens_metrics_collected_total"}
    assert any(
        sample.labels == {"plugin": "api", "device_type": "unknown"} and sample.value >= 2 for sample in collected
    )
    (active,) = families["aetherlens_active_devices"].samples
    assert active.labels == {"type": "unknown"}
    assert active.value >= 1
    durations = families["aetherlens_api_request_duration_seconds"].samples
    assert {frozenset(sample.labels) - {"le"} for sample in durations} == {frozenset({"method", "endpoint", "status"})}
    assert families["aetherlens_build_info"].samples[0].value == 1


def test_labels_are_templates_and_unknown_paths_make_no_new_ones(core: Core, device: str) -> None:
    def endpoints() -> set[tuple[str, str]]:
        samples = scraped(core)["aetherlens_api_request_duration_seconds"].samples
        return {(sample.labels["method"], sample.labels["endpoint"]) for sample in samples}

    core.request("GET", "/api/v1/devices/warm-up")
    core.request("GET", "/api/v1/warm-up")
    core.request("GET", "/warm-up")
    before = endpoints()
    assert ("GET", "/api/v1/devices/{device_id}") in before
    for number in range(20):
        core.request("GET", f"/api/v1/devices/{device}-{number}")
        core.request("GET", f"/api/v1/nothing-{number}")
        core.request("GET", f"/nothing-{number}")
    core.request("PROPFIND", "/api/v1/devices")
    assert endpoints() - before <= {("other", "unknown")}
    assert all(device not in endpoint and "nothing" not in endpoint for _, endpoint in endpoints())
