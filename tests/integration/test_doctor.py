"""`aetherlens doctor` as its user runs it: without a core, beside one, and with something wrong."""

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from product import AETHERLENS, running


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def doctor(home: Path, *, status: int = 0, **environment: str) -> dict[str, str]:
    """Run it and return each subject's line without the subject."""
    done = subprocess.run(
        [AETHERLENS, "doctor"],
        env={"PATH": os.environ["PATH"], "AETHERLENS_HOME": str(home), "AETHERLENS_BIND_ADDR": "127.0.0.1:0"}
        | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (status, "")
    lines = [re.fullmatch(r"(ok|warn|fail) +(configuration|python|state folder|disk|clock|database|schema|partitions|"
                          r"port|plugins|plugin \S+) +(.+)", line) for line in done.stdout.splitlines()]  # fmt: skip
    assert all(lines), done.stdout
    return {line[2]: f"{line[1]}: {line[3]}" for line in lines if line}


@contextmanager
def changed(file: Path, text: str) -> Iterator[None]:
    """Give a file another content for a while."""
    before = file.read_text() if file.exists() else None
    file.write_text(text)
    try:
        yield
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_text(before)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder after a first start; that start was examined from beside it."""
    home = tmp_path_factory.mktemp("doctor") / "home"
    port = free_port()
    with running(home, environment={"AETHERLENS_BIND_ADDR": f"127.0.0.1:{port}"}):
        found = doctor(home, AETHERLENS_BIND_ADDR=f"127.0.0.1:{port}")
    assert re.match(r"(ok|warn): AetherLens \S+ answers at ", found["port"])
    assert found["schema"].startswith("ok: version ")
    return home


def test_before_the_first_start_nothing_is_wrong_and_nothing_is_made(tmp_path: Path) -> None:
    found = doctor(tmp_path / "home")
    assert found["state folder"].startswith("ok: ")
    assert found["database"] == "warn: there is none yet; the first start makes it"
    assert not (tmp_path / "home").exists()


def test_without_a_core_it_starts_the_database_for_itself(home: Path) -> None:
    found = doctor(home)
    assert re.match(r"ok: PostgreSQL 1\d\.\d+ answers", found["database"])
    assert found["partitions"] == "ok: native, one per day"
    assert found["plugin simulated_home"].startswith("ok: version ")
    assert not (home / "postgres" / "data" / "postmaster.pid").exists()


def test_a_port_in_other_hands_is_told(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        found = doctor(home, status=1, AETHERLENS_BIND_ADDR=address)
    assert found["port"].startswith(f"fail: {address} is held by another program; ")


def test_a_wrong_plugin_file_is_told_with_its_fault(home: Path) -> None:
    files = home / "config" / "plugins"
    with changed(files / "simulated_home.yaml", "config: {sed: 1}\n"), changed(files / "shely.yaml", "{}"):
        found = doctor(home, status=1)
    assert found["plugin simulated_home"].startswith("fail: ")
    assert "sed" in found["plugin simulated_home"]
    assert found["plugin shely"].startswith("fail: is not installed; known here: ")


def test_a_wrong_setting_is_told_and_the_rest_left_alone(home: Path) -> None:
    with changed(home / "config" / "aetherlens.yaml", "storage: {raw_day: 5}\n"):
        found = doctor(home, status=1)
    assert list(found) == ["configuration"]
    assert "did you mean raw_days?" in found["configuration"]


@pytest.mark.parametrize(("limit", "status", "says"), [(999_999_999, 1, "fail: only "), (0, 0, "ok: ")])
def test_the_disk_is_held_against_the_limit(home: Path, limit: int, status: int, says: str) -> None:
    with changed(home / "config" / "aetherlens.yaml", f"storage: {{min_free_mb: {limit}}}\n"):
        assert doctor(home, status=status)["disk"].startswith(says)


def test_a_database_that_does_not_answer_is_told(home: Path) -> None:
    found = doctor(home, status=1, DATABASE_URL=f"postgresql://u:hunter2@127.0.0.1:{free_port()}/x")
    assert found["database"].startswith("fail: the database x at 127.0.0.1 cannot be reached")
    assert "hunter2" not in found["database"]
