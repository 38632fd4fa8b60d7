"""What can go wrong in a plugin, by what the core does about it."""

from typing import ClassVar


class PluginError(Exception):
    """The plugin failed."""

    #: How the error is named on the wire.
    kind: ClassVar[str] = "retriable"

    def __init__(self, message: str | None = None, *, field: str | None = None) -> None:
        #: Path of the configuration field at fault, e.g. ``devices[0].host``.
        self.field = field
        super().__init__(message or self.__doc__)


class ConfigError(PluginError):
    """The configuration is wrong; trying again without a change is useless."""

    kind = "bad_configuration"


class RetriableError(PluginError):
    """It did not work this time; the next poll may."""

    kind = "retriable"


class FatalError(PluginError):
    """The plugin cannot go on and must be started anew."""

    kind = "fatal"
