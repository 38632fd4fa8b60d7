-- The oldest sample of all series.
SELECT least(min(oldest.ts), (SELECT min(first_ts) FROM segments)) AS ts
FROM series
CROSS JOIN LATERAL (
    SELECT ts FROM samples WHERE samples.series_id = series.series_id ORDER BY ts LIMIT 1
) AS oldest
