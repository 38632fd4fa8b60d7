"""`aetherlens`, the command line."""

import argparse
import os
import sys

from aetherlens import __version__
from aetherlens.api.server import AddressError
from aetherlens.cli import doctor, import_csv, init_config, init_db, start
from aetherlens.lib.home_lock import HomeInUseError
from aetherlens.lib.process import MissingToolError
from aetherlens.settings import SettingsError
from aetherlens.storage.errors import StorageError

_COMMANDS = (start, init_db, init_config, import_csv, doctor)


def main() -> None:
    """Run one command; errors that a person can mend are told in one line."""
    parser = argparse.ArgumentParser(prog="aetherlens", description="A private home energy monitor.")
    parser.add_argument("--version", action="version", version=f"aetherlens {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add_parser(commands)
    arguments = parser.parse_args()
    try:
        sys.exit(arguments.run(arguments))
    except (SettingsError, StorageError, HomeInUseError, MissingToolError, AddressError) as error:
        print(f"aetherlens: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os._exit(1)


if __name__ == "__main__":
    main()
