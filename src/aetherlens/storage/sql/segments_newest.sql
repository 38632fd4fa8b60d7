-- The last segment of series $1 that reaches into [$2, $3).
SELECT series_id, first_day, last_day, first_ts, last_ts, count, merged, data
FROM segments
WHERE series_id = $1 AND last_ts >= $2 AND first_ts < $3
ORDER BY first_day DESC
LIMIT 1
