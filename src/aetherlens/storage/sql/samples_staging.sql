CREATE TEMPORARY TABLE IF NOT EXISTS samples_staging (
    series_id integer NOT NULL,
    ts timestamptz NOT NULL,
    value double precision NOT NULL
) ON COMMIT DELETE ROWS
