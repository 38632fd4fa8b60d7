"""Brings a database's schema to this version. Forward only, one at a time, each in a transaction."""

import hashlib

from aetherlens.lib.logs import get_logger
from aetherlens.storage.errors import MigrationError
from aetherlens.storage.partitions import make_samples
from aetherlens.storage.pool import Database
from aetherlens.storage.statements import migrations, statement

log = get_logger(__name__)


async def schema_version(database: Database) -> tuple[int, int]:
    """Return the version of the database's schema, 0 for none, and the one this AetherLens brings."""
    known = max(int(path.name[:4]) for path in migrations())
    if (await database.fetchrow(statement("migrations_known")))[0] is None:
        return 0, known
    rows = await database.fetch(statement("migrations_applied"))
    return max((row["version"] for row in rows), default=0), known


async def migrate(database: Database) -> int:
    """Apply what is missing and return the schema's version. Several cores may call it at once.

    Raises MigrationError when the database is newer than this version, or was made by a changed migration.
    """
    async with database.acquire() as connection:
        async with connection.transaction():
            await connection.execute(statement("migrations_lock"))
            await connection.execute(statement("migrations_table"))
            await make_samples(connection)
        files = {int(path.name[:4]): path for path in migrations()}
        for version, path in files.items():
            async with connection.transaction():
                await connection.execute(statement("migrations_lock"))
                applied = {row["version"]: row for row in await connection.fetch(statement("migrations_applied"))}
                if max(applied, default=0) > max(files):
                    raise MigrationError(
                        f"the database has schema version {max(applied)}, this AetherLens knows {max(files)}; "
                        "start the newer AetherLens that made it"
                    )
                text = path.read_text(encoding="utf-8")
                checksum = hashlib.sha256(text.encode()).hexdigest()
                if version in applied:
                    if applied[version]["checksum"] != checksum:
                        raise MigrationError(f"the database was made by another text of migration {path.name}")
                    continue
                await connection.execute(text)
                await connection.execute(statement("migrations_record"), version, path.stem, checksum)
                log.info("migration_applied", version=version, name=path.stem)
    return max(files)
