"""What an import did, in words."""

from aetherlens.collector.csv_import.tally import Tally
from aetherlens.lib.clock import from_us


def summary(tally: Tally, *, dry_run: bool) -> list[str]:
    """Return the lines that tell what became of a file."""
    lines = [f"{tally.rows:>14,} rows read"]
    if dry_run:
        lines.append(f"{tally.samples:>14,} samples would be stored; this is a dry run, nothing was")
    else:
        lines += [
            f"{tally.stored:>14,} samples stored, new or with another value than before",
            f"{tally.unchanged:>14,} were there already with the same value",
        ]
    lines.append(f"{tally.empty:>14,} cells without a value")
    lines.append(f"{sum(tally.rejected.values()):>14,} rejected")
    for reason, count in sorted(tally.rejected.items()):
        lines.append(f"{count:>16,} {reason}")
        lines += [f"{'':17}{example}" for example in tally.examples[reason]]
    if tally.first_us is not None and tally.last_us is not None:
        first, last = (from_us(moment).isoformat() for moment in (tally.first_us, tally.last_us))
        lines.append(f"from {first} to {last}")
    return lines


def rate(tally: Tally, seconds: float, since: Tally | None = None) -> str:
    """Return how fast it went; `since` are the counts before, where it continued."""
    rows = tally.rows - (since.rows if since else 0)
    samples = tally.samples - (since.samples if since else 0)
    elapsed = max(seconds, 1e-9)
    return f"{seconds:.2f} s: {rows / elapsed:,.0f} rows/s, {samples / elapsed:,.0f} values/s"
