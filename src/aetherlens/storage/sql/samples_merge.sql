-- The caller has left one row per series and time in the staging table. A reading that is already there with the same
-- value is not written again.
INSERT INTO samples (series_id, ts, value)
SELECT series_id, ts, value FROM samples_staging
ON CONFLICT (series_id, ts) DO UPDATE SET value = excluded.value
WHERE samples.value IS DISTINCT FROM excluded.value
