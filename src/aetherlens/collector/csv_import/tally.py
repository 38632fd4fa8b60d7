"""What an import has counted."""

from collections.abc import Iterable
from typing import Literal

import msgspec

#: Examples kept per reason.
MAX_EXAMPLES = 3
#: Characters of a cell that an example shows.
_SHOWN = 40

Reason = Literal[
    "wrong number of columns",
    "line too long",
    "unparsable time",
    "nonexistent local time",
    "before 2000",
    "in the future",
    "duplicate time, the later row won",
    "unparsable number",
    "not finite",
]


class Tally(msgspec.Struct, kw_only=True):
    """Counts of a part of a file; parts add up."""

    #: Lines with content, without the header.
    rows: int = 0
    #: Cells that became samples.
    samples: int = 0
    #: Samples written: new ones and those whose value was another.
    stored: int = 0
    #: Cells that say "no value".
    empty: int = 0
    #: Cells, or rows where the row is at fault, by reason.
    rejected: dict[str, int] = msgspec.field(default_factory=dict)
    #: The first of each reason, with line number.
    examples: dict[str, list[str]] = msgspec.field(default_factory=dict)
    #: Earliest and latest time of a sample, microseconds since 1970 UTC.
    first_us: int | None = None
    last_us: int | None = None

    @property
    def unchanged(self) -> int:
        """Samples that were stored already with the same value."""
        return self.samples - self.stored

    def reject(self, reason: Reason, count: int, examples: Iterable[tuple[int, str]]) -> None:
        """Count rejects; `examples` are line numbers and what stands there, of which the first few are kept."""
        if not count:
            return
        self.rejected[reason] = self.rejected.get(reason, 0) + count
        kept = self.examples.setdefault(reason, [])
        for (line, text), _ in zip(examples, range(MAX_EXAMPLES - len(kept)), strict=False):
            kept.append(f"line {line}: {shown(text)}")

    def add(self, other: "Tally") -> None:
        """Add the counts of a later part."""
        for field in ("rows", "samples", "stored", "empty"):
            setattr(self, field, getattr(self, field) + getattr(other, field))
        for reason, count in other.rejected.items():
            self.rejected[reason] = self.rejected.get(reason, 0) + count
            kept = self.examples.setdefault(reason, [])
            kept += other.examples[reason][: MAX_EXAMPLES - len(kept)]
        if other.first_us is not None and other.last_us is not None:
            self.first_us = other.first_us if self.first_us is None else min(self.first_us, other.first_us)
            self.last_us = other.last_us if self.last_us is None else max(self.last_us, other.last_us)


def shown(text: str) -> str:
    """Return a foreign text for people: quoted, cut, and with nothing in it that a terminal would obey."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
