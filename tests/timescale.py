"""A real TimescaleDB for the tests: Debian's packages in a folder of their own, run by chroot. Needs Debian and root.

The folder is made once and kept in the user's cache; each server gets its data in the folder that the test names.
"""

import fcntl
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from aetherlens.lib.process import dies_with_parent, scrubbed_environment

SUITE = "trixie"
PACKAGES = "postgresql-17,postgresql-17-timescaledb"
#: Inside the root.
BINARIES = "/usr/lib/postgresql/17/bin"

#: Downloading and unpacking takes half a minute to a minute.
MAKE_TIMEOUT_S = 400.0
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": "/mnt",
    "shared_preload_libraries": "timescaledb",
    "timescaledb.max_background_workers": "0",  # nothing of ours runs there, and they hold on to template databases
    "timescaledb.telemetry_level": "off",
    "dynamic_shared_memory_type": "mmap",
    "max_connections": "30",
    "max_locks_per_transaction": "512",
    "shared_buffers": "48MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "UTC",
}


class TimescaleMissingError(Exception):
    """There can be no TimescaleDB on this machine; the message says why."""


def timescale_root() -> Path:
    """Return the folder with PostgreSQL and TimescaleDB, made where it is missing. Raises TimescaleMissingError."""
    if os.geteuid() != 0:
        raise TimescaleMissingError("a TimescaleDB needs root for its chroot")
    if shutil.which("mmdebstrap") is None:
        raise TimescaleMissingError("mmdebstrap is missing; install it with: apt-get install mmdebstrap")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aetherlens"
    cache.mkdir(parents=True, exist_ok=True)
    root = cache / f"timescaledb-{SUITE}"
    with (cache / "timescaledb.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            _make_root(root)
    return root


def _make_root(root: Path) -> None:
    unfinished = root.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(unfinished)]
    try:
        done = subprocess.run(
            [*command, *_mirror()], capture_output=True, text=True, timeout=MAKE_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise TimescaleMissingError(f"mmdebstrap was not done after {MAKE_TIMEOUT_S:.0f} s") from None
    if done.returncode != 0:
        raise TimescaleMissingError(f"mmdebstrap failed: {done.stderr.strip()[-300:]}")
    unfinished.rename(root)


def _mirror() -> list[str]:
    """Return the mirror of Debian that this machine uses, as mmdebstrap's argument; nothing leaves it the choice."""
    command = ["apt-get", "indextargets", "--format", "$(LABEL) $(SITE)", "Created-By: Packages"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout
    return [line.removeprefix("Debian ") for line in listed.splitlines() if line.startswith("Debian ")][:1]


@contextmanager
def running_timescale(data: Path) -> Iterator[None]:
    """Run a server whose files and socket lie in the empty folder `data`; its superuser postgres needs no password.

    Raises TimescaleMissingError where there can be none.
    """
    root = timescale_root()
    uid, gid = _account(root)
    os.chown(data, uid, gid)
    initdb = [f"{BINARIES}/initdb", "--pgdata=/mnt/data", "--auth=trust", "--encoding=UTF8", "--username=postgres",
              "--locale=C", "--no-instructions"]  # fmt: skip
    subprocess.run(_inside(root, data, initdb), timeout=START_TIMEOUT_S, check=True, capture_output=True)
    settings = [argument for name, value in SETTINGS.items() for argument in ("-c", f"{name}={value}")]
    with (data / "server.log").open("wb") as log:
        server = subprocess.Popen(
            _inside(root, data, [f"{BINARIES}/postgres", "-D", "/mnt/data", *settings]),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=scrubbed_environment(),
            start_new_session=True,
        )
    try:
        _wait_until_ready(server, data)
        yield
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _account(root: Path) -> tuple[int, int]:
    """Return user and group id of postgres inside the root."""
    lines = (root / "etc" / "passwd").read_text(encoding="utf-8").splitlines()
    entry = next(line.split(":") for line in lines if line.startswith("postgres:"))
    return int(entry[2]), int(entry[3])


def _inside(root: Path, data: Path, argv: list[str]) -> list[str]:
    """Return the command line that runs `argv` as postgres inside the root, `data` bound to its /mnt.

    The mount lives in a namespace of its own: it ends with the process, and servers beside each other do not meet.
    """
    uid, gid = _account(root)
    setpriv, *rest = dies_with_parent(argv, signal.SIGINT)
    command = ["chroot", str(root), Path(setpriv).name, f"--reuid={uid}", f"--regid={gid}", "--clear-groups", *rest]
    script = f"mount --bind {shlex.quote(str(data))} {shlex.quote(str(root / 'mnt'))} && exec {shlex.join(command)}"
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]


def _wait_until_ready(server: subprocess.Popen[bytes], data: Path) -> None:
    deadline = monotonic() + START_TIMEOUT_S
    log = data / "server.log"
    while b"ready to accept connections" not in log.read_bytes():
        if server.poll() is not None or monotonic() > deadline:
            raise RuntimeError(f"TimescaleDB did not start: {log.read_text(errors='replace')[-2000:]}")
        sleep(0.02)
