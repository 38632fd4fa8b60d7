"""Starts fake devices and the plugin, and closes what a test leaves open."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aetherlens_sdk import PluginContext

PLUGIN_FOLDER = Path(__file__).resolve().parents[3] / "plugins" / "shelly"
# As the runner does it: the plugin's modules import each other by their plain names.
sys.path.insert(0, str(PLUGIN_FOLDER))

from shelly_plugin import ShellyPlugin  # noqa: E402

from fakes.shelly import FakeShelly, MakeFake, StartPlugin  # noqa: E402


@pytest.fixture
def plugin_folder() -> Path:
    return PLUGIN_FOLDER


@pytest.fixture
async def fake() -> AsyncIterator[MakeFake]:
    """Return a function that makes a device that listens."""
    fakes: list[FakeShelly] = []

    async def make(recording: dict[str, Any], **options: Any) -> FakeShelly:
        device = FakeShelly(recording, **options)
        fakes.append(device)
        await device.come_home()
        return device

    yield make
    for device in fakes:
        await device.go_away()


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[StartPlugin]:
    """Return a function that starts the plugin with the given devices listed and, unless told, without discovery."""
    plugins: list[ShellyPlugin] = []

    async def start_plugin(*fakes: FakeShelly, **config: Any) -> ShellyPlugin:
        devices = [{"host": fake.address} for fake in fakes]
        config = {"devices": devices, "discover": False, "timeout_seconds": 10, **config}
        ShellyPlugin.validate_config(config)
        plugin = ShellyPlugin(config, PluginContext(state_dir=tmp_path))
        plugins.append(plugin)
        await plugin.start()
        return plugin

    yield start_plugin
    for plugin in plugins:
        await plugin.close()
