"""What can go wrong with the database, in words for the person who runs it."""


class StorageError(Exception):
    """The database cannot be used."""


class DatabaseUnavailableError(StorageError):
    """The database does not answer; trying again later is right."""


class JournalFullError(DatabaseUnavailableError):
    """Neither the database nor the journal can take samples now; trying again later is right."""


class EmbeddedServerError(StorageError):
    """The embedded database server cannot run."""


class MigrationError(StorageError):
    """The database's schema is not one this version can work with."""


class RefusedBatchError(StorageError):
    """The database refuses these samples; sending them again is useless."""


class CompactionError(StorageError):
    """Some days cannot be compacted; their rows stay."""
