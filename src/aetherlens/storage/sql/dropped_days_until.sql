-- The newest dropped day up to $1.
SELECT max(day) AS day FROM dropped_days WHERE day <= $1
