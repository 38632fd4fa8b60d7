"""AetherLens Home Edition: the core."""

__version__ = "0.1.0"
