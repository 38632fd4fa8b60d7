"""Plugin folders made for a test."""

from pathlib import Path
from typing import Any

import yaml

MANIFEST: dict[str, Any] = {
    "id": "thing",
    "name": "Thing",
    "version": "1.0",
    "author": "Somebody",
    "description": "Reads a thing.",
    "homepage": "https://example.org",
    "license": "MIT",
    "runtime": {"type": "python", "version": ">=3.11", "entrypoint": "thing_plugin:ThingPlugin"},
    "capabilities": ["metrics.collect"],
    "core_version": ">=0.1",
}


def write_plugin(parent: Path, plugin_id: str = "thing", text: str | bytes | None = None, **changes: Any) -> Path:
    """Make a plugin's folder with a manifest: a good one, changed (None leaves a field out), or this text."""
    folder = parent / plugin_id
    folder.mkdir(parents=True)
    if text is None:
        fields = {**MANIFEST, "id": plugin_id, **changes}
        text = yaml.safe_dump({name: value for name, value in fields.items() if value is not None})
    (folder / "plugin.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder
