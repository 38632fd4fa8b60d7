"""The plugin's configuration, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from shelly_client import DIGEST_USER, Credentials

from aetherlens_sdk import ConfigError

DEFAULT_TIMEOUT_S = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What plugin.yaml's configuration_schema describes."""

    #: Address → how to sign in there, in the order of the configuration.
    devices: Mapping[str, Credentials]
    #: How to sign in to devices that were discovered.
    discovered: Credentials
    discover: bool
    #: Own IP addresses to search from; none means the system's choice.
    interfaces: Sequence[str]
    timeout_s: float

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Settings":
        """Read a configuration that fits the schema. Raises ConfigError with the path of the field at fault."""
        password = config.get("password") or None
        discover = bool(config.get("discover", True))
        devices: dict[str, Credentials] = {}
        for place, entry in enumerate(config.get("devices") or ()):
            field = f"devices[{place}]"
            address = _address(str(entry.get("host", "")), f"{field}.host")
            if address in devices:
                raise ConfigError(f"{address} is listed twice", field=f"{field}.host")
            devices[address] = _credentials(entry, password, field)
        if not devices and not discover:
            raise ConfigError("there is nothing to read: list a device or switch discovery on", field="devices")
        return cls(
            devices=devices,
            discovered=Credentials(password=password, basic_allowed=False),
            discover=discover,
            interfaces=tuple(config.get("interfaces") or ()),
            timeout_s=float(config.get("timeout_seconds", DEFAULT_TIMEOUT_S)),
        )


def _credentials(entry: Mapping[str, Any], password: str | None, field: str) -> Credentials:
    username = entry.get("username") or DIGEST_USER
    if ":" in username:
        raise ConfigError("a user name has no colon", field=f"{field}.username")
    return Credentials(username=username, password=entry.get("password") or password)


def _address(host: str, field: str) -> str:
    """Return host or host:port in one spelling, so that two entries for one device are seen to be one."""
    hint = f"{host!r} is no host or host:port, such as 192.168.1.20 or shellyplug-s-ddeeff.local:80"
    try:
        parts = urlsplit(f"//{host.strip()}")
        port = parts.port
    except ValueError as error:
        raise ConfigError(hint, field=field) from error
    if not parts.hostname or parts.netloc != host.strip() or "@" in host or any(map(str.isspace, host.strip())):
        raise ConfigError(hint, field=field)
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return name if port in {None, 80} else f"{name}:{port}"
