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
    rows = [("benchmark", "figure", "value", "unit", "mark")]
    for one in figures:
        value = f"{one.value:,.4g}" if one.value < 1000 else f"{one.value:,.0f}"
        rows.append((one.benchmark, one.name, value, one.unit, one.mark))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
