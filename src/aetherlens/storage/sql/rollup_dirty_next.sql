-- The newest noted day, and the series' other notes of the week before it.
SELECT dirty.series_id, dirty.day, dirty.first, dirty.last, dirty.revision, series.metric_type
FROM (SELECT series_id, day FROM rollup_dirty ORDER BY day DESC, series_id DESC LIMIT 1) AS newest
JOIN rollup_dirty AS dirty ON dirty.series_id = newest.series_id AND dirty.day > newest.day - 7
LEFT JOIN series ON series.series_id = dirty.series_id
ORDER BY dirty.day
