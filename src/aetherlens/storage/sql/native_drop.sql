-- Identifiers cannot be parameters of DDL; format() quotes them.
SELECT format('DROP TABLE IF EXISTS %I', 'samples_' || to_char($1::date, 'YYYYMMDD'))
