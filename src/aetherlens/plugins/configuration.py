"""What the owner says of a plugin: ``plugins/<id>.yaml`` beside the configuration file."""

import difflib
from pathlib import Path
from typing import Annotated, Any

import fastjsonschema
import msgspec
import yaml
from msgspec import Meta

from aetherlens.plugins.errors import BadConfigurationError
from aetherlens.plugins.manifest import Manifest


def _refuse(uri: str) -> None:
    raise BadConfigurationError(f"{uri} lies outside of the schema")


#: A schema that refers to other files or servers is refused: checking a configuration reads neither.
_NO_FETCHING = dict.fromkeys(("http", "https", "ftp", "file", "data"), _refuse)


class PluginConfiguration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The owner's file for one plugin."""

    enabled: bool = True
    #: Seconds between polls; None leaves it to the plugin.
    interval_seconds: Annotated[float, Meta(ge=1, le=86_400)] | None = None
    #: The plugin's own settings, as its configuration_schema describes them.
    config: dict[str, Any] = {}


def read_configurations(folder: Path) -> dict[str, PluginConfiguration | BadConfigurationError]:
    """Read all files of a folder by plugin id; a file that cannot be read stands as its error."""
    return {path.stem: _read(path) for path in sorted(folder.glob("*.yaml"))}


def _read(path: Path) -> PluginConfiguration | BadConfigurationError:
    try:
        return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")) or {}, PluginConfiguration)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        return BadConfigurationError(f"{path}: {error}")


def check(manifest: Manifest, config: dict[str, Any]) -> None:
    """Hold a plugin's settings against its schema. Raises BadConfigurationError with the path of the fault."""
    if not manifest.configuration_schema:
        return
    try:
        # Defaults are the plugin's own business: it gets what the owner wrote.
        validate = fastjsonschema.compile(manifest.configuration_schema, handlers=_NO_FETCHING, use_default=False)
    except Exception as error:  # a schema that is none makes the library stumble in every way there is
        raise BadConfigurationError(f"plugin.yaml: configuration_schema is no JSON Schema: {error}") from error
    try:
        validate(config)
    except fastjsonschema.JsonSchemaValueException as error:
        path = ".".join(str(part) for part in error.path[1:]) or "config"
        message = str(error.message).removeprefix(str(error.name)).strip()
        raise BadConfigurationError(f"{path} {message}{_hint(manifest, config)}") from error


def _hint(manifest: Manifest, config: dict[str, Any]) -> str:
    known = list(manifest.configuration_schema.get("properties", {}))
    for name in config:
        if name not in known and (close := difflib.get_close_matches(name, known, n=1)):
            return f"; did you mean {close[0]} instead of {name}?"
    return ""
