-- Devices after $1 by id, at most $2, with their series; only the device $3 where that is not null.
SELECT
    devices.device_id,
    coalesce(devices.name, devices.reported_name, devices.device_id) AS name,
    devices.device_type,
    coalesce(devices.role, devices.reported_role) AS role,
    coalesce(devices.room, devices.reported_room) AS room,
    devices.plugin_id,
    devices.manufacturer,
    devices.model,
    devices.firmware,
    devices.address,
    devices.controllable,
    devices.first_seen,
    (
        SELECT coalesce(array_agg(series.series_id ORDER BY series.metric_type), '{}')
        FROM series WHERE series.device_id = devices.device_id
    ) AS series_ids
FROM devices
WHERE devices.device_id > $1 AND ($3::text IS NULL OR devices.device_id = $3)
ORDER BY devices.device_id
LIMIT $2
