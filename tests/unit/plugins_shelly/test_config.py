"""A wrong configuration is told with the field at fault, and the manifest fits the code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest
import yaml
from shelly_config import Settings
from shelly_model import UNITS
from shelly_plugin import ShellyPlugin

from aetherlens_sdk import ConfigError, PluginContext


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.168.1.20", "192.168.1.20"),
        ("192.168.1.20:80", "192.168.1.20"),
        ("192.168.1.20:8080", "192.168.1.20:8080"),
        (" ShellyPlug-S-DDEEFF.local ", "shellyplug-s-ddeeff.local"),
        ("[fd00::20]:8080", "[fd00::20]:8080"),
    ],
)
def test_a_host_has_one_spelling(host: str, address: str) -> None:
    assert list(Settings.from_config({"devices": [{"host": host}]}).devices) == [address]


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "http://192.168.1.20",
        "192.168.1.20/x",
        "admin@192.168.1.20",
        "host:port",
        "host:70000",
        "a b",
        "a?b",
    ],
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match=r"is no host or host:port") as caught:
        ShellyPlugin.validate_config({"devices": [{"host": "192.168.1.19"}, {"host": host}]})
    assert caught.value.field == "devices[1].host"


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"devices": [{"host": "a"}, {"host": "A:80"}]}, "devices[1].host"),
        ({"devices": [{"host": "a", "username": "x:y"}]}, "devices[0].username"),
        ({"discover": False}, "devices"),
    ],
)
def test_what_cannot_work_is_refused(config: Mapping[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ShellyPlugin.validate_config(config)
    assert caught.value.field == field


def test_nothing_needs_to_be_configured() -> None:
    settings = Settings.from_config({})
    assert (settings.discover, settings.timeout_s, dict(settings.devices)) == (True, 3.0, {})


@pytest.fixture
def manifest(plugin_folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((plugin_folder / "plugin.yaml").read_text())
    return loaded


def test_the_manifest_names_the_class_the_capabilities_and_the_units(manifest: dict[str, Any], tmp_path: Path) -> None:
    assert manifest["runtime"]["entrypoint"] == f"{ShellyPlugin.__module__}:{ShellyPlugin.__name__}"
    plugin = ShellyPlugin({}, PluginContext(state_dir=tmp_path))
    assert manifest["capabilities"] == list(plugin.get_capabilities())
    assert {metric["type"]: metric["unit"] for metric in manifest["metrics"]} == UNITS


def test_the_schema_takes_a_full_configuration_and_refuses_an_unknown_key(manifest: dict[str, Any]) -> None:
    validate = fastjsonschema.compile(manifest["configuration_schema"])
    full = {
        "devices": [{"host": "192.168.1.20", "username": "admin", "password": "p"}],
        "password": "p",
        "discover": True,
        "interfaces": ["192.168.1.2"],
        "timeout_seconds": 2.5,
    }
    validate(full)
    with pytest.raises(fastjsonschema.JsonSchemaException):
        validate({"devices": [], "passwort": "p"})


def test_every_setting_is_explained_and_every_secret_is_marked(manifest: dict[str, Any]) -> None:
    properties = manifest["configuration_schema"]["properties"]
    device = properties["devices"]["items"]["properties"]
    entries = {**properties, **{f"devices.{key}": value for key, value in device.items()}}
    for name, entry in entries.items():
        assert entry["title"], name
        assert entry["description"], name
        assert ("password" in name) == (entry.get("format") == "password"), name
