"""The pages in this process, the core as a server on a Unix socket."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from aetherlens_web.app import create_app
from fakes.core_api import FakeCore, typical_home


@pytest.fixture
def core() -> FakeCore:
    return typical_home()


@pytest.fixture
def pages(core: FakeCore, tmp_path: Path) -> Iterator[FlaskClient]:
    with core.serving(tmp_path) as api_socket:
        yield create_app(api_socket, api_timeout_s=1.0).test_client()
