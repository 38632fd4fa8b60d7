-- Every series with a sample in [$1, $2), as far as that is known without unpacking a segment.
SELECT series_id FROM series
WHERE EXISTS (
    SELECT FROM samples WHERE samples.series_id = series.series_id AND samples.ts >= $1 AND samples.ts < $2
) OR EXISTS (
    SELECT FROM segments
    WHERE segments.series_id = series.series_id AND segments.last_ts >= $1 AND segments.first_ts < $2
)
ORDER BY series_id
