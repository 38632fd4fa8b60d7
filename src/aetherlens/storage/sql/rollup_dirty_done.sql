-- $1 series, $2 days, $3 their revisions when the computation began.
DELETE FROM rollup_dirty
USING unnest($2::date[], $3::bigint[]) AS done (day, revision)
WHERE rollup_dirty.series_id = $1 AND rollup_dirty.day = done.day AND rollup_dirty.revision = done.revision
