-- The chunk of the UTC day $1.
SELECT drop_chunks(
    'samples',
    older_than => ($1::date + 1)::timestamp AT TIME ZONE 'UTC',
    newer_than => $1::date::timestamp AT TIME ZONE 'UTC'
)
