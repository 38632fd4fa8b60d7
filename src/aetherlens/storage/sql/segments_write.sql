-- One array per column.
INSERT INTO segments (series_id, first_day, last_day, first_ts, last_ts, count, merged, data)
SELECT * FROM unnest(
    $1::integer[], $2::date[], $3::date[], $4::timestamptz[], $5::timestamptz[], $6::integer[], $7::boolean[], $8::bytea[]
)
ON CONFLICT (series_id, first_day) DO UPDATE SET
    last_day = excluded.last_day,
    first_ts = excluded.first_ts,
    last_ts = excluded.last_ts,
    count = excluded.count,
    merged = excluded.merged,
    data = excluded.data
