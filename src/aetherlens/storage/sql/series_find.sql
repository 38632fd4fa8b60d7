SELECT series.series_id, series.device_id, series.metric_type, series.unit, series.tags, devices.device_type
FROM unnest($1::text[], $2::text[]) AS wanted (device_id, metric_type)
JOIN series USING (device_id, metric_type)
JOIN devices USING (device_id)
