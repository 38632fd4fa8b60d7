"""What the owner says of a plugin is checked against its schema, with the path of the fault and a hint."""

from pathlib import Path
from typing import Any

import pytest

from aetherlens.plugins.configuration import PluginConfiguration, check, read_configurations
from aetherlens.plugins.errors import BadConfigurationError
from aetherlens.plugins.manifest import Manifest, read_manifest
from unit.plugins.helpers import write_plugin

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["devices"],
    "properties": {
        "devices": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["host"],
                "properties": {"host": {"type": "string", "minLength": 1}},
            },
        },
        "timeout_seconds": {"type": "number", "minimum": 1, "default": 3},
        "mode": {"enum": ["local", "cloud"]},
    },
}


def manifest(tmp_path: Path, schema: Any = SCHEMA) -> Manifest:
    return read_manifest(write_plugin(tmp_path, configuration_schema=schema))


def test_a_good_configuration_passes_and_is_left_as_it_is(tmp_path: Path) -> None:
    config = {"devices": [{"host": "10.0.0.5"}]}
    check(manifest(tmp_path), config)
    assert config == {"devices": [{"host": "10.0.0.5"}]}


def test_a_plugin_without_a_schema_takes_anything(tmp_path: Path) -> None:
    check(manifest(tmp_path, {}), {"anything": 1})


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({}, "must contain ['devices'] properties"),
        ({"devices": 5}, "devices must be array"),
        ({"devices": [{"host": "a"}, {}]}, "devices.1 must contain ['host'] properties"),
        ({"devices": [{"host": ""}]}, "devices.0.host must be longer than or equal to 1 characters"),
        ({"devices": [], "timeout_seconds": 0}, "timeout_seconds must be bigger than or equal to 1"),
        ({"devices": [], "mode": "far"}, "mode must be one of ['local', 'cloud']"),
        ({"devices": [], "timeout": 5}, "did you mean timeout_seconds instead of timeout?"),
        ({"devices": [], "zzz": 5}, "zzz"),
    ],
)
def test_a_bad_one_is_told_with_its_path(tmp_path: Path, config: dict[str, Any], says: str) -> None:
    with pytest.raises(BadConfigurationError) as caught:
        check(manifest(tmp_path), config)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"properties": 5},
        {"properties": {"a": {"pattern": "("}}},
        {"properties": {"a": {"$ref": "#/definitions/none"}}},
        {"properties": {"a": {"$ref": "http://127.0.0.1:1/schema"}}},
        {"properties": {"a": {"$ref": "file:///etc/hostname"}}},
        {"required": "abc"},
    ],
)
def test_a_schema_that_is_none_is_the_plugins_fault_and_nothing_is_fetched(tmp_path: Path, schema: Any) -> None:
    with pytest.raises(BadConfigurationError, match="configuration_schema is no JSON Schema"):
        check(manifest(tmp_path, schema), {"a": "x"})


def test_files_are_read_by_plugin_and_a_broken_one_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "alpha.yaml").write_text("interval_seconds: 30\nconfig: {host: a}\n")
    (tmp_path / "beta.yaml").write_text("")
    (tmp_path / "gamma.yaml").write_text("enabled: false")
    for number, text in enumerate(
        ["enabled: [", "enbled: true", "interval_seconds: 0", "config: 5", "config: 2026-13-45", "- a", "[" * 1500]
    ):
        (tmp_path / f"broken_{number}.yaml").write_text(text)
    (tmp_path / "notes.txt").write_text("not mine")
    found = read_configurations(tmp_path)
    assert found["alpha"] == PluginConfiguration(interval_seconds=30, config={"host": "a"})
    assert found["beta"] == PluginConfiguration()
    assert found["gamma"] == PluginConfiguration(enabled=False)
    broken = {name: error for name, error in found.items() if name.startswith("broken")}
    assert len(broken) == 7
    for name, error in broken.items():
        assert isinstance(error, BadConfigurationError)
        assert f"{name}.yaml" in str(error)


def test_an_unknown_setting_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "alpha.yaml").write_text("intervall_seconds: 3")
    assert "unknown field `intervall_seconds`" in str(read_configurations(tmp_path)["alpha"])


def test_no_folder_means_no_configurations(tmp_path: Path) -> None:
    assert read_configurations(tmp_path / "nowhere") == {}
