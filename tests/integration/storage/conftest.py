"""What storage does must be the same on plain PostgreSQL and on TimescaleDB: the tests here run on both.

A module that is about one of them alone names it in WORLDS.
"""

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "world" in metafunc.fixturenames:
        worlds = getattr(metafunc.module, "WORLDS", ["embedded", "timescale"])
        metafunc.parametrize("world", worlds, indirect=True, scope="session")
