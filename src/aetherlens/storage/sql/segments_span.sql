-- Segments of series $1 that begin within $3 days from the day $2 on.
SELECT series_id, first_day, last_day, first_ts, last_ts, count, merged, data
FROM segments
WHERE series_id = $1 AND first_day BETWEEN $2::date AND $2::date + ($3::integer - 1)
ORDER BY first_day
