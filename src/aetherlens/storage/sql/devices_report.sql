-- What a plugin says of a device: $1 plugin, then one array per column. The owner's own choices are left alone.
INSERT INTO devices AS known (
    plugin_id, device_id, device_type, reported_name, reported_room, reported_role, manufacturer, model, firmware,
    address, controllable
)
SELECT $1, * FROM unnest(
    $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::boolean[]
)
ON CONFLICT (device_id) DO UPDATE SET
    plugin_id = excluded.plugin_id,
    device_type = excluded.device_type,
    reported_name = excluded.reported_name,
    reported_room = excluded.reported_room,
    reported_role = excluded.reported_role,
    manufacturer = excluded.manufacturer,
    model = excluded.model,
    firmware = excluded.firmware,
    address = excluded.address,
    controllable = excluded.controllable
WHERE
    -- a plugin cannot take over another plugin's device
    (known.plugin_id = excluded.plugin_id OR known.plugin_id IN ('api', 'import'))
    AND (known.plugin_id, known.device_type, known.reported_name, known.reported_room, known.reported_role,
         known.manufacturer, known.model, known.firmware, known.address, known.controllable)
    IS DISTINCT FROM
        (excluded.plugin_id, excluded.device_type, excluded.reported_name, excluded.reported_room, excluded.reported_role,
         excluded.manufacturer, excluded.model, excluded.firmware, excluded.address, excluded.controllable)
