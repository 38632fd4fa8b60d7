-- Every series with a sample in [$1, $2).
SELECT series_id FROM series
WHERE EXISTS (
    SELECT FROM samples WHERE samples.series_id = series.series_id AND samples.ts >= $1 AND samples.ts < $2
)
ORDER BY series_id
