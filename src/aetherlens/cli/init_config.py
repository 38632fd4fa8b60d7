"""`aetherlens init-config`: write the commented default configuration, to be edited before the first start."""

import argparse
import os

from aetherlens.cli.setup import write_config
from aetherlens.settings import SettingsError, config_file


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("init-config", help="write the default configuration", description=__doc__)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    path = config_file(os.environ)
    existed = path.exists()
    try:
        write_config(path)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error}") from error
    print(f"{path} {'exists already and was left as it is' if existed else 'written'}")
    return 0
