-- $1 series, [$2, $3) time, $4 IANA time zone: days of the home's calendar.
SELECT
    date_trunc('day', ts, $4) AS ts, avg(value) AS value, min(value) AS min, max(value) AS max, count(*) AS count
FROM samples
WHERE series_id = $1 AND ts >= $2 AND ts < $3
GROUP BY 1
ORDER BY 1
