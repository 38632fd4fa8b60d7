"""A manifest is read whole or refused with its file and the place of the fault."""

from pathlib import Path
from typing import Any

import pytest

from aetherlens.plugins.errors import ManifestError
from aetherlens.plugins.manifest import read_manifest
from unit.plugins.helpers import MANIFEST, write_plugin


def test_a_good_manifest_is_read_and_its_defaults_filled_in(tmp_path: Path) -> None:
    manifest = read_manifest(write_plugin(tmp_path))
    assert (manifest.id, manifest.interval_seconds, manifest.permissions.network) == ("thing", 10.0, "none")


@pytest.mark.parametrize("field", sorted(MANIFEST))
def test_a_missing_field_is_named(tmp_path: Path, field: str) -> None:
    without: dict[str, Any] = {field: None}
    folder = write_plugin(tmp_path, **without)
    with pytest.raises(ManifestError, match=f"missing required field `{field}`") as caught:
        read_manifest(folder)
    assert str(folder / "plugin.yaml") in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"runtime": {**MANIFEST["runtime"], "entrypoint": "no colon"}}, "runtime.entrypoint"),
        ({"runtime": {**MANIFEST["runtime"], "entrypoint": "../evil:Class"}}, "runtime.entrypoint"),
        ({"runtime": {**MANIFEST["runtime"], "type": "binary"}}, "runtime.type"),
        ({"capabilities": ["world.domination"]}, "capabilities"),
        ({"interval_seconds": 0}, "interval_seconds"),
        ({"interval_seconds": 1e9}, "interval_seconds"),
        ({"permissions": {"network": "everything"}}, "permissions.network"),
        ({"metrics": [{"type": "power"}]}, "metrics[0]"),
        ({"metrix": []}, "unknown field `metrix`"),
        ({"configuration_schema": "none"}, "configuration_schema"),
        ({"version": 1.0}, "version"),
    ],
)
def test_a_wrong_field_is_told_with_its_place(tmp_path: Path, changes: dict[str, Any], place: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read_manifest(write_plugin(tmp_path, **changes))
    assert place in str(caught.value)


@pytest.mark.parametrize("plugin_id", ["Thing", "1thing", "thing-two", "a.b", "x" * 64])
def test_an_id_is_lower_case_letters_digits_and_underscores(tmp_path: Path, plugin_id: str) -> None:
    with pytest.raises(ManifestError, match="matching regex"):
        read_manifest(write_plugin(tmp_path, plugin_id))


def test_the_folder_is_named_like_the_plugin(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="id is 'other' but the folder is named 'thing'"):
        read_manifest(write_plugin(tmp_path, id="other"))


@pytest.mark.parametrize(
    "text", ["", "a: [", "- a", "\t", b"\xff\xfe", "id: 2026-13-45", "[" * 1500, "!!python/object:os.system {}", "5"]
)
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(ManifestError, match=r"plugin\.yaml"):
        read_manifest(write_plugin(tmp_path, text=text))


def test_a_folder_without_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"plugin\.yaml"):
        read_manifest(tmp_path)
