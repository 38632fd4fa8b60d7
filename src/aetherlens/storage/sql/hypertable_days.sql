-- The UTC days that have a chunk.
SELECT (range_start AT TIME ZONE 'UTC')::date AS day
FROM timescaledb_information.chunks
WHERE (quote_ident(hypertable_schema) || '.' || quote_ident(hypertable_name))::regclass = 'samples'::regclass
