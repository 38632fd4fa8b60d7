-- The same table as samples_native.sql, divided by TimescaleDB: one chunk per UTC day.
CREATE TABLE samples (
    series_id integer NOT NULL,
    ts timestamptz NOT NULL,
    value double precision NOT NULL
);
SELECT create_hypertable('samples', 'ts', chunk_time_interval => interval '1 day', create_default_indexes => false);
CREATE UNIQUE INDEX samples_series_ts ON samples (series_id, ts)
