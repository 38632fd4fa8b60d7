-- Puts one segment aside, unless it has been written anew since it was read: $3 its bytes, $4 the reason.
WITH moved AS (
    DELETE FROM segments WHERE series_id = $1 AND first_day = $2 AND data = $3
    RETURNING series_id, first_day, last_day, first_ts, last_ts, count, data
)
INSERT INTO segments_quarantine (series_id, first_day, last_day, first_ts, last_ts, count, data, reason)
SELECT moved.*, $4 FROM moved
RETURNING series_id
