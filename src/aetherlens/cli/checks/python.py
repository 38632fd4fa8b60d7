"""The Python that runs this."""

import platform

from aetherlens import __version__
from aetherlens.cli.checks.finding import Finding
from aetherlens.cli.setup import Setup


async def check(setup: Setup) -> list[Finding]:
    """Name the versions; an older Python cannot even start this command."""
    return [Finding("ok", "python", f"{platform.python_version()} on {platform.machine()}, AetherLens {__version__}")]
