-- $1 series, buckets that begin in [$2, $3).
SELECT bucket, avg, min, max, count, energy_kwh FROM rollup_15m
WHERE series_id = $1 AND bucket >= $2 AND bucket < $3
ORDER BY bucket
