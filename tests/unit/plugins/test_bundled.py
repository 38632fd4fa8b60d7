"""The plugins that come along are sound: manifest, schema, metrics, entry point."""

from pathlib import Path

import fastjsonschema
import pytest

from aetherlens.domain.units import canonical
from aetherlens.plugins.manifest import read_manifest

PLUGINS = Path(__file__).parents[3] / "plugins"
FOLDERS = sorted(path.parent for path in PLUGINS.glob("*/plugin.yaml"))


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest) -> Path:
    chosen: Path = request.param
    return chosen


def test_there_are_some() -> None:
    assert len(FOLDERS) >= 2


def test_the_manifest_is_read(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert manifest.description
    assert manifest.homepage.startswith("http")


def test_the_schema_compiles_and_explains_every_setting(folder: Path) -> None:
    schema = read_manifest(folder).configuration_schema
    fastjsonschema.compile(schema)
    assert schema["additionalProperties"] is False
    for name, setting in schema["properties"].items():
        assert setting.get("title"), name
        assert setting.get("description"), name


def test_every_metric_has_a_unit_the_core_understands(folder: Path) -> None:
    for metric in read_manifest(folder).metrics:
        canonical(metric.type, metric.unit)


def test_the_folder_holds_what_a_plugin_folder_holds(folder: Path) -> None:
    module, _, _ = read_manifest(folder).runtime.entrypoint.partition(":")
    assert (folder / f"{module}.py").is_file()
    assert (folder / "README.md").is_file()
    assert any((folder / "testcases").iterdir())
