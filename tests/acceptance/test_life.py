"""The product starts, stops, is killed and comes back, as root and as an ordinary user."""

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from aetherlens.storage.embedded import DATABASE, embedded_dsn
from product import AETHERLENS, Product, eventually, running


@pytest.fixture(scope="module")
def started_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder after a first start, with the simulated home."""
    home = tmp_path_factory.mktemp("first") / "home"
    with running(home) as product:
        eventually(lambda: product.get("/api/v1/metrics/current")["metrics"], 10)
    return home


@pytest.fixture
def home(started_once: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    copy = tmp_path / "home"
    subprocess.run(["cp", "-a", started_once, copy], check=True)
    return copy


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def refused(home: Path, *arguments: str, **environment: str) -> str:
    """Return what a start that must fail says; fail when it shows a trace."""
    done = subprocess.run(
        [AETHERLENS, "start", *arguments],
        env={name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        | {"AETHERLENS_HOME": str(home), "AETHERLENS_BIND_ADDR": "127.0.0.1:0"}
        | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def skip_where_others_cannot_read_the_checkout() -> None:
    user = pwd.getpwnam("nobody")
    trial = subprocess.run(
        ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", AETHERLENS, "--version"],
        capture_output=True, check=False, timeout=30,
    )  # fmt: skip
    if trial.returncode != 0:
        pytest.skip("this checkout cannot be read by other users")


def test_the_first_start_shows_a_living_home_within_ten_seconds(tmp_path: Path) -> None:
    with running(tmp_path / "home") as product:
        metrics = eventually(lambda: product.get("/api/v1/metrics/current?metric_type=power")["metrics"], 10)
        assert {"grid", "solar", "battery", "load"} <= {metric["role"] for metric in metrics}
        assert product.get("/health")["status"] == "ok"
        page = eventually(lambda: (answer := product.request("GET", "/")).status == 200 and answer, 10)
        assert b"My home" in page.body


def test_without_the_demo_the_home_is_empty(tmp_path: Path) -> None:
    with running(tmp_path / "home", "--no-demo") as product:
        assert product.plugin("simulated_home")["state"] == "disabled"
        assert product.get("/api/v1/devices")["devices"] == []


def test_the_demo_can_be_left_out_later(home: Path) -> None:
    with running(home, "--no-demo") as product:
        assert product.plugin("simulated_home")["state"] == "disabled"


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_polite_end_leaves_no_process_and_no_unsaved_sample(home: Path, signum: signal.Signals) -> None:
    with running(home, environment={"AETHERLENS_LOG_LEVEL": "debug"}) as product:
        eventually(lambda: product.plugin("simulated_home")["state"] == "running")
        seen = {
            (metric["device_id"], metric["metric_type"]): (metric["timestamp"], metric["value"])
            for metric in product.get("/api/v1/metrics/current")["metrics"]
        }
        family = product.family()
        assert len(family) > 5
        assert product.stop(signum) == 0
        assert gone(family)
    with running(home, "--no-demo") as product:
        stored = {
            (metric["device_id"], metric["metric_type"]): (metric["timestamp"], metric["value"])
            for metric in product.get("/api/v1/metrics/current")["metrics"]
        }
        assert stored.keys() == seen.keys()
        assert all(stored[key] >= seen[key] or stored[key][0] > seen[key][0] for key in seen)


def test_killing_the_core_leaves_no_process_and_the_next_start_recovers(home: Path) -> None:
    product = Product(home).wait_until_ready()
    eventually(lambda: product.plugin("simulated_home")["state"] == "running")
    answer = product.request("POST", "/api/v1/metrics", {"device_id": "kept", "metric_type": "power", "value": 12.5})
    assert answer.status == 201
    family = product.family()
    product.stop(signal.SIGKILL)
    eventually(lambda: gone(family), 10)
    with running(home) as product:
        history = product.get("/api/v1/metrics/history?device_id=kept&metric_type=power")
        assert [point["value"] for point in history["points"]] == [12.5]


def test_a_second_start_on_the_same_home_is_refused(home: Path) -> None:
    with running(home) as product:
        message = refused(home)
        assert str(product.process.pid) in message
        assert "already runs" in message
        assert product.get("/ready") == {"ready": True}


def test_a_port_in_use_is_told(home: Path, tmp_path: Path) -> None:
    with running(home) as product:
        port = product.address.rpartition(":")[2]
        assert "cannot be opened" in refused(tmp_path / "other", AETHERLENS_BIND_ADDR=f"127.0.0.1:{port}")


def test_a_plugin_that_is_killed_is_back_within_five_seconds(home: Path) -> None:
    with running(home) as product:
        pid = (
            eventually(lambda: product.plugin("simulated_home")["state"] == "running")
            and product.plugin("simulated_home")["pid"]
        )
        os.kill(pid, signal.SIGKILL)
        eventually(
            lambda: (
                (plugin := product.plugin("simulated_home"))["pid"] not in {None, pid} and plugin["state"] == "running"
            ),
            5,
        )


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://nobody:hunter2@127.0.0.1:1/none", "cannot be reached"),
        ("http://127.0.0.1/", "is not a PostgreSQL address"),
    ],
)
def test_a_wrong_database_url_is_told_in_words(tmp_path: Path, url: str, says: str) -> None:
    message = refused(tmp_path / "home", DATABASE_URL=url)
    assert says in message
    assert "hunter2" not in message


def test_an_external_database_is_used_where_one_is_named(tmp_path: Path, postgres: Path) -> None:
    dsn = embedded_dsn(postgres)
    url = f"postgresql://{dsn['user']}:{dsn['password']}@/{DATABASE}?host={postgres}/postgres/run"
    with running(tmp_path / "home", environment={"DATABASE_URL": url}) as product:
        eventually(lambda: product.get("/api/v1/metrics/current")["metrics"], 10)
        assert not (product.home / "postgres").exists()


def test_an_unknown_setting_stops_the_start_with_a_hint(home: Path) -> None:
    (home / "config" / "aetherlens.yaml").write_text("server:\n  bind_adr: 127.0.0.1:8080\n")
    assert "server.bind_adr: there is no such setting; did you mean bind_addr?" in refused(home)


def test_an_address_beyond_this_machine_is_refused(home: Path) -> None:
    assert "no loopback address" in refused(home, AETHERLENS_BIND_ADDR="0.0.0.0:8080")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_can_run_it() -> None:
    user = pwd.getpwnam("nobody")
    skip_where_others_cannot_read_the_checkout()
    folder = Path("/tmp") / f"aetherlens-test-{os.getpid()}"
    folder.mkdir(mode=0o755)
    os.chown(folder, user.pw_uid, user.pw_gid)
    try:
        process = subprocess.Popen(
            ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", AETHERLENS, "start"],
            env={
                "PATH": os.environ["PATH"], "AETHERLENS_HOME": str(folder / "home"),
                "AETHERLENS_BIND_ADDR": "127.0.0.1:0",
            },
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        _, log = process.communicate(timeout=30)
        assert line.startswith("AetherLens is ready"), log
        assert process.returncode == 0
    finally:
        shutil.rmtree(folder)


def test_a_missing_tool_of_the_system_is_named_with_its_remedy(home: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("env", "sh", "mount", "prlimit", "unshare"):
        (tools / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    assert "setpriv is missing; install it with: apt-get install util-linux" in refused(home, PATH=str(tools))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up a capability")
def test_root_without_mount_namespaces_starts_where_the_folder_can_be_reached() -> None:
    skip_where_others_cannot_read_the_checkout()
    folder = Path("/tmp") / f"aetherlens-test-{os.getpid()}"
    folder.mkdir(mode=0o755)
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    without = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"]
    try:
        for home, says in ((folder / "home", "the database is up to date"), (closed / "home", "no mount namespace")):
            done = subprocess.run(
                [*without, AETHERLENS, "init-db"],
                env={"PATH": os.environ["PATH"], "AETHERLENS_HOME": str(home)},
                capture_output=True, text=True, check=False, timeout=60,
            )  # fmt: skip
            assert says in done.stdout + done.stderr
    finally:
        shutil.rmtree(folder)
