-- $1 device ids, $2 metric types, $3 units, $4 tags as JSON text, $5 plugin. Series that exist come back as they are.
WITH wanted AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS row (device_id, metric_type, unit, tags)
),
new_devices AS (
    INSERT INTO devices (device_id, plugin_id)
    SELECT DISTINCT device_id, $5 FROM wanted
    ON CONFLICT (device_id) DO NOTHING
)
INSERT INTO series (device_id, metric_type, unit, tags)
SELECT device_id, metric_type, unit, tags::jsonb FROM wanted
ON CONFLICT (device_id, metric_type) DO NOTHING
