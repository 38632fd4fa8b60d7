-- Devices, series, and the view that joins them with the samples, whose table partitions.py makes before.

CREATE TABLE devices (
    device_id text PRIMARY KEY,
    -- the plugin that first reported it; 'api' and 'import' for samples that came that way
    plugin_id text NOT NULL,
    device_type text NOT NULL DEFAULT 'unknown',
    -- what the owner chose; null leaves the reported value in force
    name text,
    room text,
    role text,
    -- what the plugin says
    reported_name text,
    reported_room text,
    reported_role text,
    manufacturer text,
    model text,
    firmware text,
    address text,
    controllable boolean NOT NULL DEFAULT false,
    first_seen timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE series (
    series_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id text NOT NULL REFERENCES devices ON DELETE CASCADE,
    metric_type text NOT NULL,
    unit text NOT NULL,
    tags jsonb NOT NULL DEFAULT '{}',
    UNIQUE (device_id, metric_type)
);
CREATE INDEX series_tags ON series USING gin (tags jsonb_path_ops);

CREATE VIEW metrics AS
SELECT
    samples.ts AS time,
    series.device_id,
    series.metric_type,
    samples.value,
    series.unit,
    series.tags,
    jsonb_strip_nulls(jsonb_build_object(
        'name', coalesce(devices.name, devices.reported_name),
        'room', coalesce(devices.room, devices.reported_room),
        'role', coalesce(devices.role, devices.reported_role),
        'device_type', devices.device_type,
        'plugin_id', devices.plugin_id
    )) AS metadata
FROM samples
JOIN series USING (series_id)
JOIN devices USING (device_id);
