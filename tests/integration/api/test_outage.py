"""While the database is away nothing that was acknowledged is lost, and nothing lost is acknowledged."""

import http.client
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from time import monotonic
from urllib.parse import urlsplit

import psutil
import pytest

from aetherlens.api.resources.system import HEALTH_TIMEOUT_S
from integration.api.helpers import Core, header, metric, problem
from product import eventually

#: Recovery takes a second or two; more on a busy machine.
OUTAGE_BOUND_S = 60.0

START = datetime(2026, 4, 1, tzinfo=UTC)
RANGE = {"start": "2026-04-01T00:00:00Z", "end": "2026-04-30T00:00:00Z"}


@pytest.fixture
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    """A product of its own, whose database may be killed."""
    core = Core(tmp_path_factory.mktemp("outage") / "home", "--no-demo")
    try:
        core.wait_until_ready()
        yield core
    finally:
        core.stop()


def at(second: int) -> str:
    return (START + timedelta(seconds=second)).isoformat()


def kill_database(core: Core) -> int:
    pid = core.database_pid()
    os.kill(pid, signal.SIGKILL)
    return pid


def wait_for_more(acknowledged: set[int]) -> None:
    before = len(acknowledged)
    eventually(lambda: len(acknowledged) > before + 20, OUTAGE_BOUND_S)


def wait_for_another_database(core: Core, killed: int) -> None:
    eventually(lambda: is_ready(core) and core.database_pid() != killed, OUTAGE_BOUND_S)


def is_ready(core: Core) -> bool:
    return core.request("GET", "/ready").status == 200


def test_health_tells_of_an_outage_and_of_its_end(fragile: Core) -> None:
    server = psutil.Process(fragile.database_pid())
    family = [server, *server.children(recursive=True)]
    for process in family:
        process.suspend()  # it is there but does not answer
    try:
        started = monotonic()
        health = fragile.request("GET", "/health")
        assert (health.status, health.json()["status"]) == (503, "unavailable")
        assert health.json()["database"]["status"] == "away"
        assert fragile.request("GET", "/ready").status == 503
        assert monotonic() - started < 3 * HEALTH_TIMEOUT_S
        assert fragile.request("GET", "/metrics").status == 200
    finally:
        for process in family:
            process.resume()
    eventually(lambda: is_ready(fragile))
    assert fragile.get("/health")["status"] == "ok"


def test_after_kill_minus_nine_all_that_was_acknowledged_is_there(fragile: Core) -> None:
    stop = Event()
    acknowledged: set[int] = set()
    answers: set[int] = set()

    def write(writer: int) -> None:
        second = writer
        while not stop.is_set():
            answer = fragile.post(metric("meter", value=float(second), timestamp=at(second)))
            answers.add(answer.status)
            if answer.status == 201:
                acknowledged.add(second)
            else:
                problem(answer, 503)
                assert header(answer, "retry-after")
            second += 4

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, number) for number in range(4)]
        try:
            for _ in range(3):
                wait_for_more(acknowledged)
                killed = kill_database(fragile)
                wait_for_another_database(fragile, killed)
            wait_for_more(acknowledged)
        finally:
            stop.set()
        for writer in writers:
            writer.result(timeout=30)
    stored = {int(point["value"]) for point in fragile.points("meter", **RANGE)}
    assert acknowledged <= stored
    assert answers <= {201, 503}


def test_a_write_during_an_outage_is_answered_after_its_commit(fragile: Core) -> None:
    assert fragile.post(metric("meter", timestamp=at(0))).status == 201
    kill_database(fragile)
    answer = fragile.post(metric("meter", value=2.0, timestamp=at(1)))
    eventually(lambda: is_ready(fragile))
    stored = [point["value"] for point in fragile.points("meter", **RANGE)]
    if answer.status == 201:
        assert stored == [1.5, 2.0]
    else:
        problem(answer, 503)
        assert stored[0] == 1.5


def test_current_values_survive_a_restart_after_kill_minus_nine(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("restart") / "home"
    now = datetime.now(UTC).replace(microsecond=0)
    core = Core(home, "--no-demo")
    try:
        core.wait_until_ready()
        core.post(metric("meter", value=7.0, timestamp=now.isoformat()))
        core.post(metric("meter", value=6.0, timestamp=(now - timedelta(hours=1)).isoformat()))
    finally:
        core.stop(signal.SIGKILL)
    core = Core(home, "--no-demo")
    try:
        core.wait_until_ready()
        (current,) = core.get("/api/v1/metrics/current")["metrics"]
        assert (current["value"], current["timestamp"]) == (7.0, now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    finally:
        core.stop()


def test_an_answer_that_cannot_be_finished_is_cut_off_and_not_closed_as_whole(fragile: Core) -> None:
    for first in range(0, 200_000, 10_000):
        assert fragile.post(*(metric("meter", timestamp=at(first + n)) for n in range(10_000))).status == 201
    address = urlsplit(fragile.address)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    query = "&".join(f"{name}={value}" for name, value in RANGE.items())
    connection.request("GET", f"/api/v1/metrics/history?device_id=meter&metric_type=power&{query}")
    answer = connection.getresponse()
    answer.read(100)  # the rest waits: the answer is larger than what the sockets hold
    os.kill(fragile.process.pid, signal.SIGSTOP)
    try:
        kill_database(fragile)
    finally:
        os.kill(fragile.process.pid, signal.SIGCONT)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        answer.read()
    connection.close()
    eventually(lambda: is_ready(fragile))
