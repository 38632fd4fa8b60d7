"""Puts the plugin's folder on the path, as the runner does."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "plugins" / "simulated_home"))
