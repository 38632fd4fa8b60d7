"""How far imported files have come."""

from datetime import datetime

import msgspec

from aetherlens.storage.pool import Database
from aetherlens.storage.statements import statement


class ImportKey(msgspec.Struct, frozen=True, kw_only=True):
    """Which file, read in which way."""

    #: SHA-256 of the file's bytes, in hexadecimal.
    file_sha256: str
    #: SHA-256 of what its mapping says, in hexadecimal.
    mapping_sha256: str


class StoredImport(msgspec.Struct, frozen=True, kw_only=True):
    """One file's progress."""

    #: The file's name when it was imported last.
    file_name: str
    #: Lines of the file, from its beginning, whose samples are committed.
    lines: int
    #: JSON of the importer's own: its counts, and what it must remember to go on.
    state: str
    #: When its last line was done; None while lines are left.
    finished_at: datetime | None


class ImportStore:
    """Remembers positions. A position is recorded after its samples are committed, never before."""

    def __init__(self, database: Database, kind: str) -> None:
        """`kind` of the files, e.g. ``csv``."""
        self._database = database
        self._kind = kind

    async def find(self, key: ImportKey) -> StoredImport | None:
        """Return how far a file has come; None where it was never imported in this way."""
        row = await self._database.fetchrow(statement("import_find"), key.file_sha256, key.mapping_sha256)
        return None if row is None else StoredImport(**dict(row))

    async def record(self, key: ImportKey, file_name: str, lines: int, state: str, *, finished: bool) -> None:
        """Record that the samples of the first `lines` lines are committed."""
        await self._database.execute(
            statement("import_record"),
            key.file_sha256, key.mapping_sha256, self._kind, file_name, lines, state, finished,
        )  # fmt: skip
