-- One row a reading, in the series' unit. No foreign key: series are never deleted while samples of them remain, and the
-- check would cost more than the row.
CREATE TABLE samples (
    series_id integer NOT NULL,
    ts timestamptz NOT NULL,
    value double precision NOT NULL
) PARTITION BY RANGE (ts);
-- Unique: a reading that is sent again replaces itself.
CREATE UNIQUE INDEX samples_series_ts ON samples (series_id, ts)
