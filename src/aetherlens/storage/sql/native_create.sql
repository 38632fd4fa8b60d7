-- Identifiers and bounds cannot be parameters of DDL; format() quotes them.
SELECT format(
    'CREATE TABLE IF NOT EXISTS %I PARTITION OF samples FOR VALUES FROM (%L) TO (%L)',
    'samples_' || to_char($1::date, 'YYYYMMDD'),
    $1::date::timestamp AT TIME ZONE 'UTC',
    ($1::date + 1)::timestamp AT TIME ZONE 'UTC'
)
