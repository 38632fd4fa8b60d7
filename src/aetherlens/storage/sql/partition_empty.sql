SELECT format('TRUNCATE %I', 'samples_' || to_char($1::date, 'YYYYMMDD'))
