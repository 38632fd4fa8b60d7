"""SQL statements by name: each is one file in sql/."""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "sql"


@cache
def statement(name: str) -> str:
    """Return the text of sql/<name>.sql."""
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def migrations() -> list[Path]:
    """Return the migration files, in the order they are applied."""
    return sorted((_FOLDER / "migrations").glob("[0-9][0-9][0-9][0-9]_*.sql"))
