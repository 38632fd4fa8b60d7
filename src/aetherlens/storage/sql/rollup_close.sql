-- Notes [$2, $3), of one UTC day, for every series with a sample in [$1, $3).
INSERT INTO rollup_dirty (series_id, day, first, last)
SELECT series_id, ($2::timestamptz AT TIME ZONE 'UTC')::date, $2, $3::timestamptz - interval '1 microsecond'
FROM series
WHERE EXISTS (
    SELECT FROM samples WHERE samples.series_id = series.series_id AND samples.ts >= $1 AND samples.ts < $3
)
ORDER BY series_id
ON CONFLICT (series_id, day) DO UPDATE SET
    first = least(rollup_dirty.first, excluded.first),
    last = greatest(rollup_dirty.last, excluded.last),
    revision = rollup_dirty.revision + 1
