-- $1 series: its oldest sample's time in [$2, $3).
SELECT ts FROM samples WHERE series_id = $1 AND ts >= $2 AND ts < $3 ORDER BY ts LIMIT 1
