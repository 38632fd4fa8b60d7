"""Watches the free space where the state folder lies, so that the database never meets a full disk."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from aetherlens.lib.logs import get_logger
from aetherlens.lib.metrics import Metrics

log = get_logger(__name__)

MB = 1024 * 1024

#: Warns from so many times the limit on.
WARN_FACTOR = 2.0
#: Intake goes on once there is so many times the limit, so that it does not flicker.
RESUME_FACTOR = 1.1


class DiskSpace(msgspec.Struct, frozen=True, kw_only=True):
    """How the disk is, as /health shows it."""

    #: ``low``: a warning; ``full``: no samples are taken.
    status: Literal["ok", "low", "full"]
    free_bytes: int
    reason: str | None = None


def free_bytes(folder: Path) -> int:
    """Return the space of the folder's file system that this user may still fill."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def assess(free: int, min_free_mb: int, *, was_full: bool = False) -> DiskSpace:
    """Judge `free` bytes against the limit; what was full is full until there is a little more than that."""
    limit = min_free_mb * MB
    if free < limit * (RESUME_FACTOR if was_full else 1):
        reason = f"only {free // MB} MB are free, storage.min_free_mb is {min_free_mb}: no samples are taken"
        return DiskSpace(status="full", free_bytes=free, reason=reason)
    if free < limit * WARN_FACTOR:
        reason = f"only {free // MB} MB are free; below {min_free_mb} MB no samples are taken"
        return DiskSpace(status="low", free_bytes=free, reason=reason)
    return DiskSpace(status="ok", free_bytes=free)


class DiskGuard:
    """Knows how the disk is; tells the log of every change."""

    def __init__(
        self, folder: Path, min_free_mb: int, metrics: Metrics, *, measure: Callable[[Path], int] = free_bytes
    ) -> None:
        """`measure` returns a folder's free bytes."""
        self._folder = folder
        self._min_free_mb = min_free_mb
        self._metrics = metrics
        self._measure = measure
        self._space = DiskSpace(status="ok", free_bytes=0)
        metrics.disk_min_free_bytes.set(min_free_mb * MB)
        self._look()

    @property
    def space(self) -> DiskSpace:
        """How the disk was when it was last looked at."""
        return self._space

    def obstacle(self) -> str | None:
        """Say why no samples can be taken now; None when they can."""
        return self._space.reason if self._space.status == "full" else None

    async def check(self) -> None:
        """Look again."""
        self._look()

    def _look(self) -> None:
        before = self._space
        self._space = assess(self._measure(self._folder), self._min_free_mb, was_full=before.status == "full")
        self._metrics.disk_free_bytes.set(self._space.free_bytes)
        if self._space.status == before.status:
            return
        tell = {"ok": log.info, "low": log.warning, "full": log.error}[self._space.status]
        tell(
            f"disk_{self._space.status}",
            folder=str(self._folder),
            free_mb=self._space.free_bytes // MB,
            reason=self._space.reason,
        )
