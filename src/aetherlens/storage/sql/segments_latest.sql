-- The newest segment of each series with a sample since $1; none is longer than $2 days.
SELECT DISTINCT ON (series_id) series_id, first_day, last_day, first_ts, last_ts, count, merged, data
FROM segments
WHERE first_day >= ($1 AT TIME ZONE 'UTC')::date - ($2::integer - 1) AND last_ts >= $1
ORDER BY series_id, first_day DESC
