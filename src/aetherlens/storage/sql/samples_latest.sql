-- The newest sample of each series since $1.
SELECT series.series_id, newest.ts, newest.value
FROM series
CROSS JOIN LATERAL (
    SELECT ts, value FROM samples
    WHERE samples.series_id = series.series_id AND ts >= $1
    ORDER BY ts DESC
    LIMIT 1
) AS newest
