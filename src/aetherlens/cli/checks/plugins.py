"""The owner's file of each plugin."""

from aetherlens.app import plugin_files, plugin_paths
from aetherlens.cli.checks.finding import Finding
from aetherlens.cli.setup import Setup
from aetherlens.plugins.catalogue import InstalledPlugin, find_plugins
from aetherlens.plugins.configuration import PluginConfiguration, read_configurations
from aetherlens.plugins.configuration import check as check_configuration
from aetherlens.plugins.errors import BadConfigurationError


async def check(setup: Setup) -> list[Finding]:
    """Hold each enabled plugin's file against the plugin's schema, without starting it."""
    installed = find_plugins(plugin_paths(setup.settings.plugins))
    configurations = read_configurations(plugin_files(setup.config_file))
    found = [
        _judge(name, configuration, installed)
        for name, configuration in configurations.items()
        if isinstance(configuration, BadConfigurationError) or configuration.enabled
    ]
    return found or [Finding("warn", "plugins", "none is enabled", "docs/plugins.md says how to read your devices")]


def _judge(
    name: str, configuration: PluginConfiguration | BadConfigurationError, installed: dict[str, InstalledPlugin]
) -> Finding:
    subject = f"plugin {name}"
    if name not in installed:
        return Finding("fail", subject, "is not installed", f"known here: {', '.join(sorted(installed))}")
    try:
        if isinstance(configuration, BadConfigurationError):
            raise configuration
        check_configuration(installed[name].manifest, configuration.config)
    except BadConfigurationError as error:
        return Finding("fail", subject, str(error), f"its README.md in {installed[name].folder} names every setting")
    return Finding("ok", subject, f"version {installed[name].manifest.version}")
