"""The state folder must be one's own to write in."""

import tempfile
from pathlib import Path

from aetherlens.cli.checks.finding import Finding
from aetherlens.cli.setup import Setup


async def check(setup: Setup) -> list[Finding]:
    """Write a file there; a folder that is not made yet is judged by the one it will lie in."""
    home = setup.home
    folder = existing(home)
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        hint = "run this as the user that runs AetherLens, or name another folder in AETHERLENS_HOME"
        return [Finding("fail", "state folder", f"{folder} cannot be written in: {error.strerror}", hint)]
    return [Finding("ok", "state folder", str(home) if folder == home else f"{home} will be made by the first start")]


def existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    while not folder.is_dir():
        folder = folder.parent
    return folder
