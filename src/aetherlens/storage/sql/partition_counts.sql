SELECT format(
    'SELECT series_id, count(*) AS count FROM %I GROUP BY series_id ORDER BY series_id',
    'samples_' || to_char($1::date, 'YYYYMMDD')
)
