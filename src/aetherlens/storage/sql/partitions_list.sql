SELECT child.relname
FROM pg_inherits
JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = 'samples'::regclass
