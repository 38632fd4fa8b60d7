UPDATE series SET tags = $2::text::jsonb WHERE series_id = $1
