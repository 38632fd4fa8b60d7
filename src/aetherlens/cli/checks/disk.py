"""Free space, by the same measure as the running core's."""

from aetherlens.cli.checks.finding import Finding
from aetherlens.cli.checks.state_folder import existing
from aetherlens.cli.setup import Setup
from aetherlens.storage.disk_guard import MB, assess, free_bytes


async def check(setup: Setup) -> list[Finding]:
    """Compare the free space with storage.min_free_mb."""
    space = assess(free_bytes(existing(setup.home)), setup.settings.storage.min_free_mb)
    if space.reason is None:
        return [Finding("ok", "disk", f"{space.free_bytes // MB} MB are free")]
    hint = "make room, or lower storage.raw_days"
    return [Finding("fail" if space.status == "full" else "warn", "disk", space.reason, hint)]
