"""The recorded test cases that ship with the plugin hold."""

from pathlib import Path

import pytest
from shelly_plugin import ShellyPlugin

from aetherlens_sdk import testing

CASES = testing.cases(Path(__file__).resolve().parents[3] / "plugins" / "shelly")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_replays(case: Path, tmp_path: Path) -> None:
    assert await testing.replay(ShellyPlugin, case, tmp_path) == testing.expected(case)


def test_every_case_expects_something() -> None:
    assert len(CASES) >= 4
    assert all(testing.expected(case) for case in CASES)
