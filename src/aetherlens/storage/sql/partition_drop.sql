SELECT format('DROP TABLE %I', 'samples_' || to_char($1::date, 'YYYYMMDD'))
