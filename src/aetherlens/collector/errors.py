"""What the collector says no to."""


class CollectorError(Exception):
    """The collector did not take the samples."""


class UndecodableBatchError(CollectorError):
    """The bytes are not a batch of metrics; the message says where they go wrong."""


class BackpressureError(CollectorError):
    """The buffer stayed full for as long as the caller would wait, or the disk is full; nothing was taken.

    Trying again later is right.
    """


class NotStoredError(CollectorError):
    """The samples did not reach the database."""


class MappingError(CollectorError):
    """The mapping of a file to import is wrong; the message names the key and what would be right."""


class UnusableFileError(CollectorError):
    """The file to import cannot be read as what it should be; the message says where and why."""
