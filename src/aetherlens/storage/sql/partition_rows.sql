-- Samples of the day $1 of the series $2 to $3, straight from the partition: the whole table stays unlocked.
SELECT format(
    'SELECT series_id, ts, value FROM %I WHERE series_id BETWEEN %L AND %L',
    'samples_' || to_char($1::date, 'YYYYMMDD'), $2::integer, $3::integer
)
