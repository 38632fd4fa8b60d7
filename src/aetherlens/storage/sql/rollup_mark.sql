-- $1 series, $2 first and $3 last changed time of one UTC day each.
INSERT INTO rollup_dirty (series_id, day, first, last)
SELECT series_id, (first AT TIME ZONE 'UTC')::date, first, last
FROM unnest($1::integer[], $2::timestamptz[], $3::timestamptz[]) AS row (series_id, first, last)
ON CONFLICT (series_id, day) DO UPDATE SET
    first = least(rollup_dirty.first, excluded.first),
    last = greatest(rollup_dirty.last, excluded.last),
    revision = rollup_dirty.revision + 1
