SELECT format('SELECT NOT EXISTS (SELECT FROM %I)', 'samples_' || to_char($1::date, 'YYYYMMDD'))
