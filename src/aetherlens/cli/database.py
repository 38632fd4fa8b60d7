"""The database for commands that work beside a running core as well as without one."""

import asyncio
from contextlib import AsyncExitStack

from aetherlens.app import open_database
from aetherlens.cli.setup import Setup
from aetherlens.lib.home_lock import HomeInUseError, HomeLock
from aetherlens.lib.retry import backoff
from aetherlens.storage.errors import DatabaseUnavailableError
from aetherlens.storage.migrations import migrate
from aetherlens.storage.pool import Database, connect, embedded

#: How long a core that is just starting may take until its database answers, in seconds.
RUNNING_CORE_PATIENCE_S = 60.0


async def open_shared_database(stack: AsyncExitStack, setup: Setup) -> Database:
    """Connect to DATABASE_URL's server, to the embedded one of a running core, or start that for the time of `stack`.

    Raises StorageError.
    """
    if setup.settings.database.url:
        return await open_database(stack, setup.home, setup.settings)
    lock = HomeLock(setup.home)
    try:
        lock.acquire()
    except HomeInUseError:
        database = await connect_to_running(setup, patience_s=RUNNING_CORE_PATIENCE_S)
        stack.push_async_callback(database.close)
        await migrate(database)
        return database
    stack.callback(lock.release)
    return await open_database(stack, setup.home, setup.settings)


async def connect_to_running(setup: Setup, *, patience_s: float) -> Database:
    """Connect to the embedded database of a running core, waiting at most so many seconds until it answers.

    Raises DatabaseUnavailableError.
    """
    failure = DatabaseUnavailableError("no answer")
    try:
        async with asyncio.timeout(patience_s):
            for delay in backoff(0.1, 2.0):
                try:
                    return await connect(embedded(setup.home), setup.settings.database.pool_size)
                except FileNotFoundError:  # the core is still making its database
                    failure = DatabaseUnavailableError(f"the running core has no database in {setup.home} yet")
                except DatabaseUnavailableError as error:
                    failure = error
                await asyncio.sleep(delay)
    except TimeoutError:
        raise failure from None
    raise failure
