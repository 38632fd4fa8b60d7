"""Plugins are found in their folders; a broken one hides no other."""

from pathlib import Path

import pytest
import structlog

from aetherlens.plugins.catalogue import find_plugins
from unit.plugins.helpers import write_plugin


@pytest.mark.parametrize("broken", ["", "id: [", "id: 2026-13-45", "[" * 1500])
def test_a_broken_manifest_is_logged_and_hides_no_other(tmp_path: Path, broken: str) -> None:
    write_plugin(tmp_path, "alpha")
    write_plugin(tmp_path, "broken", text=broken)
    write_plugin(tmp_path, "zulu")
    with structlog.testing.capture_logs() as entries:
        found = find_plugins([tmp_path])
    assert list(found) == ["alpha", "zulu"]
    assert [(entry["event"], entry["plugin"]) for entry in entries] == [("plugin_manifest_broken", "broken")]


def test_the_first_path_wins(tmp_path: Path) -> None:
    write_plugin(tmp_path / "own", "alpha", version="2.0")
    write_plugin(tmp_path / "delivered", "alpha", version="1.0")
    write_plugin(tmp_path / "delivered", "beta")
    found = find_plugins([tmp_path / "own", tmp_path / "delivered"])
    assert {name: plugin.manifest.version for name, plugin in found.items()} == {"alpha": "2.0", "beta": "1.0"}


def test_a_path_that_is_not_there_holds_no_plugins(tmp_path: Path) -> None:
    assert find_plugins([tmp_path / "nowhere"]) == {}


def test_folders_without_a_manifest_are_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "plugin.yaml").write_text("id: stray")
    assert find_plugins([tmp_path]) == {}
