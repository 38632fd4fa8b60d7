"""Where the files that come with AetherLens lie: in a checkout beside src/, else under the installation's prefix."""

import sys
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[3]


def shared_folder(name: str) -> Path:
    """Return the folder ``plugins`` or ``config`` as it was delivered."""
    if (_CHECKOUT / "pyproject.toml").exists():
        return _CHECKOUT / name
    return Path(sys.prefix) / "share" / "aetherlens" / name
