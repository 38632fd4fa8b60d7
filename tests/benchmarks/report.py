"""Figures and how they are shown."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured figure."""

    benchmark: str
    name: str
    value: float
    unit: str
    #: What it should be, in words; empty where there is no mark.
    mark: str = ""


def table(figures: list[Figure]) -> str:
    """Return the figures as lines of text."""
    rows = [(one.benchmark, one.name, f"{one.value:,.4g}" if one.value < 1000 else f"{one.value:,.0f}", one.unit, one.mark)
            for one in figures]  # fmt: skip
    rows.insert(0, ("benchmark", "figure", "value", "unit", "mark"))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:<{widths[3]}}  {e}".rstrip()
        for a, b, c, d, e in rows
    )
