"""What storage does must be the same on plain PostgreSQL and on TimescaleDB: the tests here run on both."""

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "world" in metafunc.fixturenames:
        metafunc.parametrize("world", ["embedded", "timescale"], indirect=True, scope="session")
