-- $1 series, [$2, $3) time, at most $4 rows: both columns as arrays in PostgreSQL's binary format, null without rows.
-- Ten thousand rows cost the client two values instead of twenty thousand.
SELECT array_send(array_agg(ts)) AS ts, array_send(array_agg(value)) AS value
FROM (
    SELECT ts, value FROM samples
    WHERE series_id = $1 AND ts >= $2 AND ts < $3
    ORDER BY ts
    LIMIT $4
) AS page
