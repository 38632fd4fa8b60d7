"""Careful looks into foreign JSON: whatever a firmware sends or leaves out, these answer or return None."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

#: A decoded JSON object.
Json = Mapping[str, Any]

_NOTHING: Json = {}


def section(value: Any) -> Json:
    """Return `value` when it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else _NOTHING


def items(value: Any) -> Sequence[Json]:
    """Return the elements of a JSON array as objects, at their places; nothing when it is no array."""
    return [section(element) for element in value] if isinstance(value, list) else ()


def find(json: Json, path: str) -> Any:
    """Return what stands at a dotted path such as ``aenergy.total``, None when it is not there."""
    value: Any = json
    for key in path.split("."):
        value = section(value).get(key)
    return value


def number(value: Any) -> float | None:
    """Return a finite number, None for anything else. true and false are no numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def text(value: Any) -> str | None:
    """Return a text that says something, without the blanks around it, else None."""
    return (value.strip() or None) if isinstance(value, str) else None


def readings(json: Json, fields: Mapping[str, str]) -> dict[str, float]:
    """Return metric type → number for those of `fields` (metric type → dotted path) that hold one."""
    found = ((metric_type, number(find(json, path))) for metric_type, path in fields.items())
    return {metric_type: value for metric_type, value in found if value is not None}
