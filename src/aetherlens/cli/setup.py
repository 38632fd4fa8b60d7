"""What several commands need first: the state folder, its configuration, the settings."""

import os
import shutil
from pathlib import Path

import msgspec

from aetherlens import settings as settings_module
from aetherlens.app import plugin_files
from aetherlens.lib import logs
from aetherlens.lib.shared_files import shared_folder
from aetherlens.settings import Settings, SettingsError

#: The plugin that shows a newcomer a living dashboard.
DEMO_PLUGIN = "simulated_home"


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """A ready state folder."""

    home: Path
    config_file: Path
    settings: Settings
    #: Whether nothing had ever been started or configured here.
    first: bool


def prepare(*, demo: bool) -> Setup:
    """Make the state folder and its configuration where they are missing, read the settings, set up the logs.

    On the first start, the simulated home is enabled where `demo` says so. Raises SettingsError.
    """
    home = settings_module.state_folder(os.environ)
    config_file = settings_module.config_file(os.environ)
    settings = settings_module.load(os.environ)
    try:
        # Root's database server runs under another account, which must pass through to its own folder.
        home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        first = write_config(config_file)
        if first and demo:
            shutil.copyfile(
                shared_folder("config") / "plugins" / f"{DEMO_PLUGIN}.yaml",
                plugin_files(config_file) / f"{DEMO_PLUGIN}.yaml",
            )
    except OSError as error:
        raise SettingsError(f"the state folder {home} cannot be used: {error}") from error
    logs.configure(settings.log.level, settings.log.format)
    return Setup(home=home, config_file=config_file, settings=settings, first=first)


def write_config(config_file: Path) -> bool:
    """Write the commented default configuration where there is none; return whether the plugins' folder was missing."""
    folder = plugin_files(config_file)
    first = not folder.exists()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not config_file.exists():
        shutil.copyfile(shared_folder("config") / "aetherlens.yaml", config_file)
    return first
