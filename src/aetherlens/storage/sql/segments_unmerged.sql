-- Series and spans of $1 days, counted from 1970-01-01, that have segments to join and end before the day $2.
SELECT DISTINCT series_id, DATE '1970-01-01' + (first_day - DATE '1970-01-01') / $1::integer * $1::integer AS span_start
FROM segments
WHERE NOT merged
    AND first_day < DATE '1970-01-01' + ($2::date - DATE '1970-01-01') / $1::integer * $1::integer
ORDER BY 2, 1
