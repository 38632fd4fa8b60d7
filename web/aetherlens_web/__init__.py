"""The web pages of AetherLens: a client of the core's API."""
