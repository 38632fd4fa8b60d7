"""`aetherlens init-db`: make the database and bring its schema up to date, without starting the rest."""

import argparse
import asyncio
from contextlib import AsyncExitStack

from aetherlens.app import open_database
from aetherlens.cli.setup import prepare
from aetherlens.lib.home_lock import HomeLock


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("init-db", help="make or update the database", description=__doc__)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    setup = prepare(demo=True)
    lock = HomeLock(setup.home)
    lock.acquire()

    async def initialise() -> None:
        async with AsyncExitStack() as stack:
            await open_database(stack, setup.home, setup.settings)

    asyncio.run(initialise())
    print("the database is up to date")
    return 0
