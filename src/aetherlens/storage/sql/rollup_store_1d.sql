-- Makes series $1 in [$2, $3) what the arrays from $4 on say, a bucket each; NaN stands for no number. A row that is right
-- already is not written.
WITH fresh AS (
    SELECT
        bucket, nullif(avg, 'NaN') AS avg, nullif(time_avg, 'NaN') AS time_avg, nullif(min, 'NaN') AS min,
        nullif(max, 'NaN') AS max, nullif(sum, 'NaN') AS sum, count, nullif(median, 'NaN') AS median, nullif(p95,
        'NaN') AS p95, nullif(first, 'NaN') AS first, nullif(last, 'NaN') AS last, nullif(energy_kwh, 'NaN') AS
        energy_kwh, coverage
    FROM unnest(
        $4::timestamptz[], $5::float8[], $6::float8[], $7::float8[], $8::float8[], $9::float8[], $10::integer[],
        $11::float8[], $12::float8[], $13::float8[], $14::float8[], $15::float8[], $16::float8[]
    ) AS row (bucket, avg, time_avg, min, max, sum, count, median, p95, first, last, energy_kwh, coverage)
),
stale AS (
    DELETE FROM rollup_1d
    WHERE series_id = $1 AND bucket >= $2 AND bucket < $3 AND NOT bucket = ANY ($4::timestamptz[])
)
INSERT INTO rollup_1d AS known (series_id, bucket, avg, time_avg, min, max, sum, count, median, p95, first, last,
    energy_kwh, coverage)
SELECT $1, fresh.* FROM fresh
ON CONFLICT (series_id, bucket) DO UPDATE SET
    avg = excluded.avg,
    time_avg = excluded.time_avg,
    min = excluded.min,
    max = excluded.max,
    sum = excluded.sum,
    count = excluded.count,
    median = excluded.median,
    p95 = excluded.p95,
    first = excluded.first,
    last = excluded.last,
    energy_kwh = excluded.energy_kwh,
    coverage = excluded.coverage
WHERE
    (known.avg, known.time_avg, known.min, known.max, known.sum, known.count, known.median, known.p95, known.first,
    known.last, known.energy_kwh, known.coverage)
    IS DISTINCT FROM
    (excluded.avg, excluded.time_avg, excluded.min, excluded.max, excluded.sum, excluded.count, excluded.median,
    excluded.p95, excluded.first, excluded.last, excluded.energy_kwh, excluded.coverage)
