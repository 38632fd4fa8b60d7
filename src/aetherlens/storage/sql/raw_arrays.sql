-- $1 series, [$2, $3) time: times (microseconds since 2000) and values, big-endian, 8 bytes each.
SELECT string_agg(timestamptz_send(ts), ''::bytea) AS times, string_agg(float8send(value), ''::bytea) AS values
FROM (SELECT ts, value FROM samples WHERE series_id = $1 AND ts >= $2 AND ts < $3 ORDER BY ts) AS ordered
