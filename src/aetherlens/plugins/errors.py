"""What can go wrong between the core and a plugin."""


class PluginFailure(Exception):  # noqa: N818 - "failure" says it: the plugin's, not the core's error
    """The plugin did not do what it was asked for; the next poll may work."""


class BadAnswerError(PluginFailure):
    """The plugin answered something that is not in the contract."""


class BadConfigurationError(PluginFailure):
    """The plugin refuses its configuration; a person must change it."""


class FatalFailureError(PluginFailure):
    """The plugin's process must be started anew."""


class NotTakenError(Exception):
    """The core could not take a plugin's metrics for now: its buffer is full or its database away."""


class ManifestError(Exception):
    """A plugin's folder does not hold a plugin; the message says what is wrong."""
