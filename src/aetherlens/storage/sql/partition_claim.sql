-- Writers of the day $1 wait until the transaction ends; readers do not. Null where the day has no partition.
SELECT format('LOCK TABLE %s IN EXCLUSIVE MODE', leaf)
FROM to_regclass('samples_' || to_char($1::date, 'YYYYMMDD')) AS leaf
WHERE leaf IS NOT NULL
