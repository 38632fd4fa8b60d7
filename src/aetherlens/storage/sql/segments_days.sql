-- The UTC days that segments cover.
SELECT DISTINCT day::date AS day
FROM segments
CROSS JOIN LATERAL generate_series(first_day, last_day, interval '1 day') AS day
