"""Settings: defaults, overridden by the configuration file, overridden by the environment.

`config/aetherlens.yaml` is the commented reference; a test holds it against these records.
"""

import difflib
import ipaddress
import re
import zoneinfo
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
import yaml
from msgspec import Meta

Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]

DEFAULT_PORT = 8080


class SettingsError(Exception):
    """The configuration is wrong; the message names the path and what would be right."""


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Home(_Section, frozen=True, kw_only=True):
    """The home that is watched."""

    #: Shown at the top of every page.
    name: str = "My home"
    #: IANA name, e.g. ``Europe/Paris``; empty means the machine's own. Days and months follow it.
    time_zone: str = ""


class Server(_Section, frozen=True, kw_only=True):
    """The front door."""

    #: ``HOST`` or ``HOST:PORT``. Only loopback: there is no access control yet.
    bind_addr: str = "127.0.0.1:8080"
    #: Largest request body, in bytes.
    max_body_bytes: Count = 2 * 1024 * 1024

    def host_and_port(self) -> tuple[str, int]:
        """Return bind_addr taken apart. Raises SettingsError when it is no loopback address."""
        host, port = _split_address(self.bind_addr)
        try:
            loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            loopback = False
        if not loopback:
            raise SettingsError(
                f"server.bind_addr (AETHERLENS_BIND_ADDR): {self.bind_addr!r} is no loopback address; as long as there "
                "is no access control, use 127.0.0.1:8080, localhost:8080 or [::1]:8080"
            )
        return host, port


class Database(_Section, frozen=True, kw_only=True):
    """Where samples are stored."""

    #: ``postgresql://…``; empty means the embedded server.
    url: str = ""
    #: Connections at most; one of them writes.
    pool_size: Annotated[int, Meta(ge=2, le=100)] = 5


class Collector(_Section, frozen=True, kw_only=True):
    """How samples travel to the database."""

    #: An accepted sample of a plugin is stored after at most so many seconds; a power cut loses no more.
    flush_interval_seconds: Annotated[float, Meta(gt=0, le=300)] = 5.0
    #: … or as soon as so many samples wait.
    flush_samples: Annotated[int, Meta(ge=1, le=100_000)] = 10_000
    #: Samples that may wait while the database is slow or away; beyond it, intake waits.
    buffer_samples: Annotated[int, Meta(ge=1000, le=10_000_000)] = 200_000
    #: How far ahead of the clock a sample's time may be, in seconds.
    max_future_seconds: Annotated[float, Meta(ge=0, le=86_400)] = 600.0


class Storage(_Section, frozen=True, kw_only=True):
    """How samples are kept, how long, and how much space is left alone."""

    #: A UTC day's samples are compacted so many days after its end. Later samples are accepted all the same.
    compact_after_days: Annotated[int, Meta(ge=0, le=3650)] = 2
    #: Samples are kept for so many days, then dropped a whole UTC day at a time.
    raw_days: Annotated[int, Meta(ge=1, le=36_500)] = 90
    #: With less free space where the state folder lies, in MB, no samples are taken; a warning comes at twice that.
    min_free_mb: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 500
    #: Samples wait on disk while the database is away; when so many MB wait, intake waits.
    journal_max_mb: Annotated[int, Meta(ge=1, le=100_000)] = 256


class Plugins(_Section, frozen=True, kw_only=True):
    """How plugins run."""

    #: Folders searched for plugins; empty means those that come with AetherLens.
    path: tuple[str, ...] = ()
    #: Longest time for one answer of a plugin.
    timeout_seconds: Annotated[float, Meta(gt=0, le=300)] = 30.0
    #: Memory (data segment) a plugin's process may use, in MB.
    max_memory_mb: Annotated[int, Meta(ge=16, le=4096)] = 256


class Log(_Section, frozen=True, kw_only=True):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"


class Settings(_Section, frozen=True, kw_only=True):
    """All settings."""

    home: Home = Home()
    server: Server = Server()
    database: Database = Database()
    collector: Collector = Collector()
    storage: Storage = Storage()
    plugins: Plugins = Plugins()
    log: Log = Log()


#: Environment variable → path of the setting.
ENVIRONMENT = {
    "AETHERLENS_BIND_ADDR": ("server", "bind_addr"),
    "AETHERLENS_LOG_LEVEL": ("log", "level"),
    "LOG_FORMAT": ("log", "format"),
    "DATABASE_URL": ("database", "url"),
    "DATABASE_POOL_SIZE": ("database", "pool_size"),
    "PLUGIN_PATH": ("plugins", "path"),
    "PLUGIN_TIMEOUT_SECONDS": ("plugins", "timeout_seconds"),
    "PLUGIN_MAX_MEMORY_MB": ("plugins", "max_memory_mb"),
}


def state_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of all state: AETHERLENS_HOME, else a folder under the user's data directory.

    Raises SettingsError when AETHERLENS_HOME is no absolute path.
    """
    named = environment.get("AETHERLENS_HOME", "")
    if named:
        if not Path(named).is_absolute():
            raise SettingsError(f"AETHERLENS_HOME must be an absolute path, not {named!r}")
        return Path(named)
    data = environment.get("XDG_DATA_HOME", "")
    return (Path(data) if data.startswith("/") else Path.home() / ".local" / "share") / "aetherlens"


def config_file(environment: Mapping[str, str]) -> Path:
    """Return the path of the configuration file: AETHERLENS_CONFIG, else inside the state folder."""
    named = environment.get("AETHERLENS_CONFIG", "")
    return Path(named) if named else state_folder(environment) / "config" / "aetherlens.yaml"


def load(environment: Mapping[str, str]) -> Settings:
    """Read the settings. Raises SettingsError; a file that AETHERLENS_CONFIG names must exist."""
    path = config_file(environment)
    raw = _read_file(path, required=bool(environment.get("AETHERLENS_CONFIG")))
    for variable, (section, key) in ENVIRONMENT.items():
        value = environment.get(variable, "")
        if value:
            raw.setdefault(section, {})
            if not isinstance(raw[section], dict):
                raise SettingsError(f"{path}: {section} must be a mapping")
            raw[section][key] = _from_environment(variable, value)
    try:
        settings = msgspec.convert(raw, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(str(error), path, environment)) from error
    zone(settings)
    settings.server.host_and_port()
    return settings


def zone(settings: Settings) -> zoneinfo.ZoneInfo:
    """Return the home's time zone. Raises SettingsError when there is no such zone."""
    name = settings.home.time_zone or _system_zone()
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        close = difflib.get_close_matches(name, zoneinfo.available_timezones(), n=1)
        hint = f"; did you mean {close[0]}?" if close else "; use an IANA name such as Europe/Paris"
        raise SettingsError(f"home.time_zone: there is no time zone {name!r}{hint}") from error


def _split_address(text: str) -> tuple[str, int]:
    """Take ``HOST``, ``HOST:PORT``, ``[HOST]:PORT`` or ``:PORT`` apart. Raises SettingsError."""
    try:
        # A bare IPv6 address has several colons and no port.
        address = f"[{text}]" if text.count(":") > 1 and "[" not in text else text
        parts = urlsplit(f"//{address}")
        if parts.netloc != address or "@" in address:
            raise ValueError(address)
        return parts.hostname or "127.0.0.1", DEFAULT_PORT if parts.port is None else parts.port
    except ValueError as error:
        raise SettingsError(
            f"server.bind_addr (AETHERLENS_BIND_ADDR): {text!r} is no address such as 127.0.0.1:8080"
        ) from error


def _read_file(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if required:
            raise SettingsError(f"AETHERLENS_CONFIG names {path}, which does not exist") from error
        return {}
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise SettingsError(f"{path} must hold sections such as server: and database:")
    return {section: {} if values is None else values for section, values in raw.items()}


def _from_environment(variable: str, text: str) -> Any:
    if variable == "PLUGIN_PATH":
        return text.split(":")
    if variable == "AETHERLENS_LOG_LEVEL":
        return text.lower()
    if variable in {"DATABASE_POOL_SIZE", "PLUGIN_TIMEOUT_SECONDS", "PLUGIN_MAX_MEMORY_MB"}:
        try:
            return float(text) if variable.endswith("SECONDS") else int(text)
        except ValueError as error:
            raise SettingsError(f"{variable} must be a number, not {text!r}") from error
    return text


def _explain(message: str, file: Path, environment: Mapping[str, str]) -> str:
    """Turn msgspec's words into ``where it stands: path: what is wrong (did you mean …)``."""
    problem, _, where = message.partition(" - at `$")
    path = where.rstrip("`").lstrip(".")
    for variable, names in ENVIRONMENT.items():
        if environment.get(variable) and path.partition("[")[0] == ".".join(names):
            return f"{variable}: {problem}"
    unknown = re.search(r"unknown field `([^`]+)`", problem)
    return f"{file}: {_unknown_setting(path, unknown[1]) if unknown else f'{path}: {problem}' if path else problem}"


def _unknown_setting(path: str, name: str) -> str:
    section: Any = Settings
    for part in filter(None, path.split(".")):
        section = next(field.type for field in msgspec.structs.fields(section) if field.name == part)
    known = [field.name for field in msgspec.structs.fields(section)]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
    full = f"{path}.{name}" if path else name
    return f"{full}: there is no such setting; {hint}"


def _system_zone() -> str:
    """Return the machine's IANA zone name, UTC where it does not say."""
    try:
        target = str(Path("/etc/localtime").resolve(strict=True))
    except OSError:
        return "UTC"
    return target.partition("zoneinfo/")[2] or "UTC"
