"""The embedded server comes up from whatever state it is found in, and leaves nothing behind."""

import asyncio
import contextlib
import os
import shutil
import signal
import stat
from pathlib import Path

import asyncpg
import pytest

from aetherlens.storage.embedded import EmbeddedServer, embedded_dsn
from aetherlens.storage.errors import EmbeddedServerError


async def ask(home: Path, question: str) -> object:
    connection = await asyncpg.connect(**embedded_dsn(home), database="aetherlens", timeout=10)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def run_once(home: Path) -> None:
    server = EmbeddedServer(home)
    await server.start()
    assert await ask(home, "SELECT 1") == 1
    await server.stop()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with a cluster that was shut down cleanly."""
    home = tmp_path_factory.mktemp("cluster")
    asyncio.run(run_once(home))
    return home


@pytest.fixture
def home(cluster: Path, tmp_path: Path) -> Path:
    """A copy of it, owners and modes kept."""
    copy = tmp_path / "home"
    os.system(f"cp -a {cluster} {copy}")
    return copy


async def test_a_folder_with_a_very_long_path_works(tmp_path: Path) -> None:
    home = tmp_path / ("long-" * 15) / ("name-" * 10)
    home.mkdir(parents=True)
    await run_once(home)


async def test_no_folder_is_opened_to_others(home: Path) -> None:
    server = EmbeddedServer(home)
    before = {path: stat.S_IMODE(path.stat().st_mode) for path in home.parents}
    await server.start()
    await server.stop()
    assert {path: stat.S_IMODE(path.stat().st_mode) for path in home.parents} == before
    assert stat.S_IMODE((home / "postgres").stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "secrets" / "database").stat().st_mode) == 0o600


async def test_the_server_does_not_run_as_root(home: Path) -> None:
    server = EmbeddedServer(home)
    await server.start()
    assert server.pid is not None
    assert Path(f"/proc/{server.pid}").stat().st_uid != 0
    await server.stop()


async def test_a_half_made_cluster_is_made_anew(tmp_path: Path) -> None:
    leftover = tmp_path / "postgres" / "data.new"
    leftover.mkdir(parents=True)
    (leftover / "PG_VERSION").write_text("18\n")
    await run_once(tmp_path)
    assert not leftover.exists()


@pytest.mark.parametrize("content", ["99999999\n", "", "garbage\n", "1\n"])
async def test_a_stale_pid_file_is_no_obstacle(home: Path, content: str) -> None:
    pid_file = home / "postgres" / "data" / "postmaster.pid"
    pid_file.write_text(content)
    await run_once(home)


async def test_a_server_that_is_killed_comes_back_with_its_data(home: Path) -> None:
    server = EmbeddedServer(home)
    await server.start()
    await ask(home, "CREATE TABLE kept AS SELECT 42 AS answer")
    first = server.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(30):
        while True:
            await asyncio.sleep(0.05)
            with contextlib.suppress(OSError, asyncpg.PostgresError):
                if server.pid != first and await ask(home, "SELECT answer FROM kept") == 42:
                    break
    await server.stop()


async def test_a_server_left_behind_is_taken_over(home: Path) -> None:
    """As after kill -9 of the core, only that here the orphan does not hear of it."""
    orphan = EmbeddedServer(home)
    await orphan.start()
    assert orphan._watcher is not None
    orphan._watcher.cancel()
    await run_once(home)
    await orphan.stop()


async def test_a_cluster_of_another_version_is_refused(home: Path) -> None:
    (home / "postgres" / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedServerError, match="was made by PostgreSQL 9"):
        await EmbeddedServer(home).start()


async def test_a_broken_cluster_is_told_with_the_servers_own_words(home: Path) -> None:
    shutil.rmtree(home / "postgres" / "data" / "global")
    with pytest.raises(EmbeddedServerError, match=r"(?s)did not start.*global"):
        await EmbeddedServer(home).start()
