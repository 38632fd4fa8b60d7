-- $1 series, [$2, $3) time, at most $4 rows.
SELECT ts, value FROM samples
WHERE series_id = $1 AND ts >= $2 AND ts < $3
ORDER BY ts
LIMIT $4
