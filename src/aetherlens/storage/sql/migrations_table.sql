CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    -- SHA-256 of the file, in hexadecimal: an applied migration never changes
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
