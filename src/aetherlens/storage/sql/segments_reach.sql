-- Time of the last sample of the $5-th segment of series $1 in [$2, $3); none is longer than $4 days.
SELECT last_ts
FROM segments
WHERE series_id = $1
    AND first_day BETWEEN ($2 AT TIME ZONE 'UTC')::date - ($4::integer - 1) AND ($3 AT TIME ZONE 'UTC')::date
    AND last_ts >= $2 AND first_ts < $3
ORDER BY first_day
OFFSET $5::integer - 1 LIMIT 1
