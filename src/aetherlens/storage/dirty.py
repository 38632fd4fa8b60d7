"""Notes of what the aggregates do not know yet, made in the transaction that writes the samples."""

from typing import Any

import numpy as np
import numpy.typing as npt

from aetherlens.lib.clock import DAY_US, from_us, to_us
from aetherlens.storage.statements import statement


async def watermark_us(connection: Any) -> int | None:
    """Return the time before which a change of samples must be noted; it stands still until the transaction ends.

    None while nothing is aggregated yet. Asked for before the transaction writes its first sample.
    """
    moment = await connection.fetchval(statement("rollup_watermark"))
    return None if moment is None else to_us(moment)


async def mark(
    connection: Any, watermark: int | None, series_ids: npt.NDArray[np.int32], ts_us: npt.NDArray[np.int64]
) -> None:
    """Note changed, added or deleted samples as far as they lie before the watermark (microseconds)."""
    if watermark is None or not len(ts_us) or ts_us.min() >= watermark:
        return
    old = ts_us < watermark
    series_ids, ts_us = series_ids[old], ts_us[old]
    # The same order for everyone, so that two writers never wait for each other.
    order = np.lexsort((ts_us, series_ids))
    series_ids, ts_us = series_ids[order], ts_us[order]
    days = ts_us // DAY_US
    is_first = np.ones(len(days), dtype=bool)
    is_first[1:] = (series_ids[1:] != series_ids[:-1]) | (days[1:] != days[:-1])
    begins = np.flatnonzero(is_first)
    ends = np.append(begins[1:], len(days)) - 1
    await connection.execute(
        statement("rollup_mark"),
        series_ids[begins].tolist(),
        [from_us(us) for us in ts_us[begins].tolist()],
        [from_us(us) for us in ts_us[ends].tolist()],
    )
