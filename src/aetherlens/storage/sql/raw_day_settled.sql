-- Whether the aggregates know all of the day $1 and of its neighbours, with whom it shares buckets.
SELECT
    coalesce(watermark >= ($1::date + 2)::timestamp AT TIME ZONE 'UTC', false)
    AND NOT EXISTS (SELECT FROM rollup_dirty WHERE day BETWEEN $1::date - 1 AND $1::date + 1) AS settled
FROM rollup_state
