"""One core per state folder."""

import fcntl
import os
from pathlib import Path


class HomeInUseError(Exception):
    """Another AetherLens runs on this state folder."""


class HomeLock:
    """A lock on a state folder; the kernel lifts it when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock at once or raise HomeInUseError with the holder's process id."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise HomeInUseError(
                f"another AetherLens (process {holder or 'unknown'}) already runs on {self._path.parent}; "
                "stop it first or choose another AETHERLENS_HOME"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
