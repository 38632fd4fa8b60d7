-- The oldest sample of all series.
SELECT min(oldest.ts) AS ts
FROM series
CROSS JOIN LATERAL (
    SELECT ts FROM samples WHERE samples.series_id = series.series_id ORDER BY ts LIMIT 1
) AS oldest
