SELECT first, last FROM rollup_dirty WHERE series_id = $1 ORDER BY day
