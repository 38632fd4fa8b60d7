-- Segments of series $1 with samples in [$2, $3); none is longer than $4 days.
SELECT series_id, first_day, last_day, first_ts, last_ts, count, merged, data
FROM segments
WHERE series_id = $1
    AND first_day BETWEEN ($2 AT TIME ZONE 'UTC')::date - ($4::integer - 1) AND ($3 AT TIME ZONE 'UTC')::date
    AND last_ts >= $2 AND first_ts < $3
ORDER BY first_day
