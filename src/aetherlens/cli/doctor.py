"""`aetherlens doctor`: look at everything that AetherLens needs, change nothing, say what to do about what is wrong."""

import argparse
import asyncio
import os

from aetherlens.cli.checks import clock, database, disk, plugins, port, python, state_folder
from aetherlens.cli.checks.finding import Finding
from aetherlens.cli.setup import Setup, find
from aetherlens.lib import logs
from aetherlens.settings import SettingsError

_CHECKS = (python, state_folder, disk, clock, database, plugins, port)


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    description = "Check everything that AetherLens needs, beside a running core or without one. Changes nothing."
    parser = commands.add_parser("doctor", help="check what AetherLens needs", description=description)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; return the exit status: 1 when something fails."""
    logs.configure("critical", "console")
    try:
        setup = find(os.environ)
    except SettingsError as error:
        print(Finding("fail", "configuration", str(error)).line())
        return 1
    print(Finding("ok", "configuration", str(setup.config_file)).line())
    return asyncio.run(_examine(setup))


async def _examine(setup: Setup) -> int:
    status = 0
    for subject in _CHECKS:
        for finding in await subject.check(setup):
            print(finding.line(), flush=True)
            if finding.status == "fail":
                status = 1
    return status
