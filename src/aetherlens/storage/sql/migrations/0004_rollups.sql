-- Aggregates of each series per quarter hour, hour and day, and the notes of what is to be computed.

CREATE TABLE rollup_15m (
    series_id integer NOT NULL,
    bucket timestamptz NOT NULL,
    avg double precision,
    time_avg double precision,
    min double precision,
    max double precision,
    sum double precision,
    count integer NOT NULL,
    median double precision,
    p95 double precision,
    first double precision,
    last double precision,
    energy_kwh double precision,
    coverage double precision NOT NULL,
    PRIMARY KEY (series_id, bucket)
);

CREATE TABLE rollup_1h (LIKE rollup_15m INCLUDING ALL);

CREATE TABLE rollup_1d (LIKE rollup_15m INCLUDING ALL);

COMMENT ON TABLE rollup_15m IS 'one row per series and closed quarter hour of UTC that holds samples or energy';
CREATE VIEW metrics_15m AS
SELECT
    series.device_id,
    series.metric_type,
    series.unit,
    rollup_15m.bucket,
    rollup_15m.avg,
    rollup_15m.time_avg,
    rollup_15m.min,
    rollup_15m.max,
    rollup_15m.sum,
    rollup_15m.count,
    rollup_15m.median,
    rollup_15m.p95,
    rollup_15m.first,
    rollup_15m.last,
    rollup_15m.energy_kwh,
    rollup_15m.coverage
FROM rollup_15m
JOIN series USING (series_id);
COMMENT ON VIEW metrics_15m IS 'aggregates per quarter hour of UTC, with names; the current quarter hour is not in it yet';
COMMENT ON COLUMN metrics_15m.bucket IS 'start of the bucket';
COMMENT ON COLUMN metrics_15m.avg IS 'mean of the samples';
COMMENT ON COLUMN metrics_15m.time_avg IS 'mean over the covered time, each sample holding until the next';
COMMENT ON COLUMN metrics_15m.min IS 'lowest sample';
COMMENT ON COLUMN metrics_15m.max IS 'highest sample';
COMMENT ON COLUMN metrics_15m.sum IS 'sum of the samples';
COMMENT ON COLUMN metrics_15m.count IS 'number of samples';
COMMENT ON COLUMN metrics_15m.median IS '50th percentile, linear between the two nearest';
COMMENT ON COLUMN metrics_15m.p95 IS '95th percentile, linear between the two nearest';
COMMENT ON COLUMN metrics_15m.first IS 'earliest sample';
COMMENT ON COLUMN metrics_15m.last IS 'latest sample';
COMMENT ON COLUMN metrics_15m.energy_kwh IS 'kWh: the integral of power over the covered time, or the rise of an energy counter';
COMMENT ON COLUMN metrics_15m.coverage IS 'share of the bucket''s time between samples no further apart than five minutes, 0 to 1';

COMMENT ON TABLE rollup_1h IS 'one row per series and closed hour of the home''s clock that holds samples or energy';
CREATE VIEW metrics_hourly AS
SELECT
    series.device_id,
    series.metric_type,
    series.unit,
    rollup_1h.bucket,
    rollup_1h.avg,
    rollup_1h.time_avg,
    rollup_1h.min,
    rollup_1h.max,
    rollup_1h.sum,
    rollup_1h.count,
    rollup_1h.median,
    rollup_1h.p95,
    rollup_1h.first,
    rollup_1h.last,
    rollup_1h.energy_kwh,
    rollup_1h.coverage
FROM rollup_1h
JOIN series USING (series_id);
COMMENT ON VIEW metrics_hourly IS 'aggregates per hour of the home''s clock, with names; the current hour is not in it yet';
COMMENT ON COLUMN metrics_hourly.bucket IS 'start of the bucket';
COMMENT ON COLUMN metrics_hourly.avg IS 'mean of the samples';
COMMENT ON COLUMN metrics_hourly.time_avg IS 'mean over the covered time, each sample holding until the next';
COMMENT ON COLUMN metrics_hourly.min IS 'lowest sample';
COMMENT ON COLUMN metrics_hourly.max IS 'highest sample';
COMMENT ON COLUMN metrics_hourly.sum IS 'sum of the samples';
COMMENT ON COLUMN metrics_hourly.count IS 'number of samples';
COMMENT ON COLUMN metrics_hourly.median IS '50th percentile, linear between the two nearest';
COMMENT ON COLUMN metrics_hourly.p95 IS '95th percentile, linear between the two nearest';
COMMENT ON COLUMN metrics_hourly.first IS 'earliest sample';
COMMENT ON COLUMN metrics_hourly.last IS 'latest sample';
COMMENT ON COLUMN metrics_hourly.energy_kwh IS 'kWh: the integral of power over the covered time, or the rise of an energy counter';
COMMENT ON COLUMN metrics_hourly.coverage IS 'share of the bucket''s time between samples no further apart than five minutes, 0 to 1';

COMMENT ON TABLE rollup_1d IS 'one row per series and closed day of the home''s calendar that holds samples or energy';
CREATE VIEW metrics_daily AS
SELECT
    series.device_id,
    series.metric_type,
    series.unit,
    rollup_1d.bucket,
    rollup_1d.avg,
    rollup_1d.time_avg,
    rollup_1d.min,
    rollup_1d.max,
    rollup_1d.sum,
    rollup_1d.count,
    rollup_1d.median,
    rollup_1d.p95,
    rollup_1d.first,
    rollup_1d.last,
    rollup_1d.energy_kwh,
    rollup_1d.coverage
FROM rollup_1d
JOIN series USING (series_id);
COMMENT ON VIEW metrics_daily IS 'aggregates per day of the home''s calendar, with names; the current day is not in it yet';
COMMENT ON COLUMN metrics_daily.bucket IS 'start of the bucket';
COMMENT ON COLUMN metrics_daily.avg IS 'mean of the samples';
COMMENT ON COLUMN metrics_daily.time_avg IS 'mean over the covered time, each sample holding until the next';
COMMENT ON COLUMN metrics_daily.min IS 'lowest sample';
COMMENT ON COLUMN metrics_daily.max IS 'highest sample';
COMMENT ON COLUMN metrics_daily.sum IS 'sum of the samples';
COMMENT ON COLUMN metrics_daily.count IS 'number of samples';
COMMENT ON COLUMN metrics_daily.median IS '50th percentile, linear between the two nearest';
COMMENT ON COLUMN metrics_daily.p95 IS '95th percentile, linear between the two nearest';
COMMENT ON COLUMN metrics_daily.first IS 'earliest sample';
COMMENT ON COLUMN metrics_daily.last IS 'latest sample';
COMMENT ON COLUMN metrics_daily.energy_kwh IS 'kWh: the integral of power over the covered time, or the rise of an energy counter';
COMMENT ON COLUMN metrics_daily.coverage IS 'share of the bucket''s time between samples no further apart than five minutes, 0 to 1';

-- One row. Samples before the watermark are in the aggregates or noted in rollup_dirty; later ones are neither.
CREATE TABLE rollup_state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- null until the first run
    watermark timestamptz,
    -- whose hours and days the aggregates follow
    time_zone text
);
INSERT INTO rollup_state DEFAULT VALUES;

-- Stretches whose samples changed after the watermark had passed them, one per series and UTC day.
CREATE TABLE rollup_dirty (
    series_id integer NOT NULL,
    day date NOT NULL,
    -- first and last changed time
    first timestamptz NOT NULL,
    last timestamptz NOT NULL,
    -- rises with each change, so that a change during the computation is not taken for computed
    revision bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (series_id, day)
);
CREATE INDEX rollup_dirty_day ON rollup_dirty (day, series_id);

-- Whoever writes samples asks for it in the same transaction and notes what lies before it. The shared lock, held until
-- the commit, keeps the watermark from passing samples that nobody else sees yet. Volatile, so that the second statement
-- sees what was committed while the first one waited.
CREATE FUNCTION rollup_watermark() RETURNS timestamptz LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('aetherlens.rollups', 0));
    RETURN (SELECT watermark FROM rollup_state);
END
$$;
