"""The database: whether it answers, which edition it is, and how old its schema is."""

from contextlib import AsyncExitStack

from aetherlens.cli.checks.finding import Finding
from aetherlens.cli.database import connect_to_running
from aetherlens.cli.setup import Setup
from aetherlens.lib.home_lock import HomeInUseError, HomeLock
from aetherlens.lib.process import MissingToolError
from aetherlens.storage.embedded import EmbeddedServer
from aetherlens.storage.errors import StorageError
from aetherlens.storage.migrations import schema_version
from aetherlens.storage.partitions import Partitions, timescale_loaded
from aetherlens.storage.pool import Database, connect, embedded, external

#: How long a running core may take until its database answers, in seconds.
PATIENCE_S = 10.0
POOL_SIZE = 2


async def check(setup: Setup) -> list[Finding]:
    """Ask the database; nothing in it is changed. The embedded one is started for it where no core runs."""
    async with AsyncExitStack() as stack:
        try:
            database = await _open(stack, setup)
            if database is None:
                return [Finding("warn", "database", "there is none yet", "the first start makes it")]
            found = [Finding("ok", "database", f"PostgreSQL {await database.version()} answers")]
            return [*found, *await _schema(database)]
        except (StorageError, MissingToolError, OSError) as error:
            where = "DATABASE_URL" if setup.settings.database.url else f"{setup.home / 'postgres' / 'server.log'}"
            return [Finding("fail", "database", str(error), f"see {where}")]


async def _open(stack: AsyncExitStack, setup: Setup) -> Database | None:
    """Connect without touching the schema; None where the embedded database was never made."""
    if setup.settings.database.url:
        database = await connect(external(setup.settings.database.url), POOL_SIZE)
    elif not (setup.home / "postgres" / "data").exists():
        return None
    else:
        lock = HomeLock(setup.home)
        try:
            lock.acquire()
        except HomeInUseError:
            database = await connect_to_running(setup, patience_s=PATIENCE_S)
        else:
            stack.callback(lock.release)
            server = EmbeddedServer(setup.home)
            stack.push_async_callback(server.stop)
            await server.start()
            database = await connect(embedded(setup.home), POOL_SIZE)
    stack.push_async_callback(database.close)
    return database


async def _schema(database: Database) -> list[Finding]:
    version, known = await schema_version(database)
    if version == 0:
        return [Finding("warn", "schema", "the database is empty", "the first start fills it in")]
    if version > known:
        told = f"version {version}, this AetherLens knows {known}"
        return [Finding("fail", "schema", told, "start the newer AetherLens that made it")]
    older = Finding("warn", "schema", f"version {version} of {known}", "the next start brings it up to date")
    schema = older if version < known else Finding("ok", "schema", f"version {version}")
    return [schema, await _partitions(database)]


async def _partitions(database: Database) -> Finding:
    partitions = Partitions(database)
    await partitions.load()
    if partitions.kind == "native" and await timescale_loaded(database):
        hint = "that is fine; only a new database would use TimescaleDB"
        return Finding("ok", "partitions", "native, as they were made before TimescaleDB was there", hint)
    return Finding("ok", "partitions", f"{partitions.kind}, one per day")
