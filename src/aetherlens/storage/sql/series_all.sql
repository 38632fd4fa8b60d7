SELECT series.series_id, series.device_id, series.metric_type, series.unit, series.tags, devices.device_type
FROM series
JOIN devices USING (device_id)
