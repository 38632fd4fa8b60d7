-- How the samples table is divided; no row before it is made.
SELECT CASE relkind WHEN 'p' THEN 'native' ELSE 'hypertable' END AS kind FROM pg_class WHERE oid = to_regclass('samples')
