"""plugin.yaml: what a plugin says of itself."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta

from aetherlens.plugins.errors import ManifestError

Capability = Literal[
    "metrics.collect", "device.discover", "device.control", "metrics.process", "metrics.export", "alert.notify"
]


class Runtime(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the plugin is run."""

    type: Literal["python"]
    #: Versions of the runtime it works with, e.g. ``>=3.11``.
    version: str
    #: ``module:Class`` inside the folder.
    entrypoint: Annotated[str, Meta(pattern=r"^[a-z_][a-z0-9_]*:[A-Za-z_][A-Za-z0-9_]*$")]


class MetricDescription(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A metric type the plugin reports."""

    type: str
    unit: str
    description: str = ""


class Permissions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the plugin needs beyond its own folder."""

    network: Literal["none", "local", "internet"] = "none"
    filesystem: tuple[str, ...] = ()
    system: tuple[str, ...] = ()


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of plugin.yaml."""

    id: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    name: str
    version: str
    author: str
    description: str
    homepage: str
    license: str
    runtime: Runtime
    capabilities: tuple[Capability, ...]
    core_version: str
    dependencies: dict[str, tuple[str, ...]] = {}
    #: Seconds between polls unless the owner says otherwise.
    interval_seconds: Annotated[float, Meta(ge=1, le=86_400)] = 10.0
    #: JSON Schema of the plugin's configuration.
    configuration_schema: dict[str, Any] = {}
    metrics: tuple[MetricDescription, ...] = ()
    permissions: Permissions = Permissions()


def read_manifest(folder: Path) -> Manifest:
    """Read a plugin folder's manifest. Raises ManifestError."""
    path = folder / "plugin.yaml"
    try:
        manifest = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Manifest)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ManifestError(f"{path}: {error}") from error
    if manifest.id != folder.name:
        raise ManifestError(f"{path}: id is {manifest.id!r} but the folder is named {folder.name!r}")
    return manifest
