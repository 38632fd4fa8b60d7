-- Segments of the series $1 to $2 that cover the day $3; none is longer than $4 days.
SELECT series_id, first_day, last_day, first_ts, last_ts, count, merged, data
FROM segments
WHERE series_id BETWEEN $1 AND $2
    AND first_day BETWEEN $3::date - ($4::integer - 1) AND $3
    AND last_day >= $3
