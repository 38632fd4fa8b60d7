"""The whole product without plugins, once for all tests of the API; each test uses devices of its own."""

import itertools
from collections.abc import Iterator

import pytest

from integration.api.helpers import Core

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    """The product, started once."""
    core = Core(tmp_path_factory.mktemp("product") / "home", "--no-demo")
    try:
        core.wait_until_ready()
        yield core
    finally:
        core.stop()


@pytest.fixture
def device() -> str:
    """A device id that no other test uses."""
    return f"device-{next(_numbers)}"
