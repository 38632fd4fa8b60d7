"""A wrong clock puts samples into wrong days."""

from datetime import UTC, datetime
from pathlib import Path

from aetherlens.cli.checks.finding import Finding
from aetherlens.cli.setup import Setup

#: Nothing runs this version before it was written: an earlier clock is one that lost its time.
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
#: Where systemd's time service leaves a mark once it has the time of the network.
TIMESYNC = Path("/run/systemd/timesync")


async def check(setup: Setup) -> list[Finding]:
    """Look at the time, and whether the machine's time service has confirmed it."""
    return [judge(datetime.now(UTC), TIMESYNC)]


def judge(now: datetime, timesync: Path) -> Finding:
    """Judge a time; `timesync` is the folder of the time service, which need not exist."""
    shown = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    hint = "set it with: timedatectl set-time, or let the machine reach a time server"
    if now < EARLIEST:
        return Finding("fail", "clock", f"{shown} cannot be right", hint)
    if timesync.is_dir() and not (timesync / "synchronized").exists():
        return Finding("warn", "clock", f"{shown}, not confirmed by a time server since the machine started", hint)
    return Finding("ok", "clock", shown)
