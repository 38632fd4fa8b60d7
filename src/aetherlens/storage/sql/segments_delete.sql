-- Segments of series $1 that begin on the days $2.
DELETE FROM segments WHERE series_id = $1 AND first_day = ANY($2::date[])
