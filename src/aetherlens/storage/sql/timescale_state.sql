-- Whether TimescaleDB is in this database, and whether it could be: its loader, which the server's
-- shared_preload_libraries must name, is known by its settings. No row where it is not installed on the server.
SELECT
    installed_version IS NOT NULL AS present,
    coalesce(current_setting('timescaledb.disable_load', true) = 'off', false) AS loaded
FROM pg_available_extensions
WHERE name = 'timescaledb'
