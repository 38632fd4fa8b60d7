-- The UTC days that have a partition.
SELECT to_date(child.relname, '"samples_"YYYYMMDD') AS day
FROM pg_inherits
JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = 'samples'::regclass
