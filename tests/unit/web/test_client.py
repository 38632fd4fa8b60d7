"""The client asks the core over a real Unix socket, with bounds."""

import threading
from collections.abc import Iterator
from pathlib import Path
from socket import AF_UNIX, socket

import pytest

from aetherlens_web import client as client_module
from aetherlens_web.client import ApiError, BadAnswerError, CoreClient, CoreUnreachableError
from aetherlens_web.models import Device, System
from fakes.core_api import FakeCore


@pytest.fixture
def api_socket(core: FakeCore, tmp_path: Path) -> Iterator[Path]:
    with core.serving(tmp_path) as path:
        yield path


def test_answers_are_records(api_socket: Path) -> None:
    system = CoreClient(api_socket).get("/api/v1/system", System)
    assert (system.home.name, system.home.time_zone) == ("My home", "Europe/Paris")


def test_a_refusal_carries_the_problem(api_socket: Path) -> None:
    with pytest.raises(ApiError) as caught:
        CoreClient(api_socket).patch("/api/v1/devices/fridge", Device, {"name": "x" * 101})
    assert (caught.value.status, caught.value.problem.field) == (422, "name")


def test_a_refusal_without_a_problem_still_has_a_title(core: FakeCore, api_socket: Path) -> None:
    core.refusals["/api/v1/system"] = (418, {"title": 7})
    with pytest.raises(ApiError, match="I'm a Teapot"):
        CoreClient(api_socket).get("/api/v1/system", System)


def test_garbage_is_a_bad_answer(core: FakeCore, api_socket: Path) -> None:
    core.garbage["/api/v1/system"] = b'{"version": 1}'
    with pytest.raises(BadAnswerError, match="GET /api/v1/system"):
        CoreClient(api_socket).get("/api/v1/system", System)


def test_an_answer_without_end_is_cut_off(core: FakeCore, api_socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MAX_ANSWER_BYTES", 1000)
    core.garbage["/api/v1/system"] = b" " * 1001
    with pytest.raises(BadAnswerError, match="larger than 1000"):
        CoreClient(api_socket).get("/api/v1/system", System)


def test_a_core_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(CoreUnreachableError, match="FileNotFoundError"):
        CoreClient(tmp_path / "none.sock").get("/api/v1/system", System)


def test_a_core_that_hangs_is_unreachable_after_the_time_out(core: FakeCore, api_socket: Path) -> None:
    core.awake.clear()
    with pytest.raises(CoreUnreachableError, match="TimeoutError"):
        CoreClient(api_socket, timeout_s=0.1).get("/api/v1/system", System)


def test_an_answer_that_only_drips_is_unreachable_after_the_time_out(tmp_path: Path) -> None:
    stop = threading.Event()
    with socket(AF_UNIX) as listener:
        listener.bind(str(tmp_path / "drip.sock"))
        listener.listen()

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                try:
                    while not stop.wait(0.02):
                        connection.sendall(b" ")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            with pytest.raises(CoreUnreachableError, match="takes too long"):
                CoreClient(tmp_path / "drip.sock", timeout_s=0.2).get("/api/v1/system", System)
        finally:
            stop.set()
            thread.join()
