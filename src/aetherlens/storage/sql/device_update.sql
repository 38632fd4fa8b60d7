-- Each value comes with a flag that says whether it was given; an empty text goes back to what the plugin reports.
UPDATE devices
SET
    name = CASE WHEN $2 THEN nullif($3::text, '') ELSE name END,
    room = CASE WHEN $4 THEN nullif($5::text, '') ELSE room END,
    role = CASE WHEN $6 THEN nullif($7::text, '') ELSE role END
WHERE device_id = $1
