-- $1 series: its newest sample's time in [$2, $3).
SELECT ts FROM samples WHERE series_id = $1 AND ts >= $2 AND ts < $3 ORDER BY ts DESC LIMIT 1
