"""Which plugins there are."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from aetherlens.lib.logs import get_logger
from aetherlens.plugins.errors import ManifestError
from aetherlens.plugins.manifest import Manifest, read_manifest

log = get_logger(__name__)


class InstalledPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin folder with a sound manifest."""

    folder: Path
    manifest: Manifest


def find_plugins(paths: Sequence[Path]) -> dict[str, InstalledPlugin]:
    """Return the plugins below `paths` by id. The first path wins; a folder with a broken manifest is logged."""
    found: dict[str, InstalledPlugin] = {}
    for path in paths:
        for manifest_file in sorted(path.glob("*/plugin.yaml")):
            folder = manifest_file.parent
            if folder.name in found:
                continue
            try:
                found[folder.name] = InstalledPlugin(folder=folder, manifest=read_manifest(folder))
            except ManifestError as error:
                log.error("plugin_manifest_broken", plugin=folder.name, reason=str(error))
    return found
