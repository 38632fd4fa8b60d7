-- How far the aggregates are, and the notes of series $1; one row without a note where it has none.
SELECT rollup_state.watermark, rollup_state.time_zone, rollup_dirty.first, rollup_dirty.last
FROM rollup_state
LEFT JOIN rollup_dirty ON rollup_dirty.series_id = $1
ORDER BY rollup_dirty.day
