-- $1 file, $2 mapping, $3 kind, $4 file name, $5 lines, $6 state as JSON text, $7 whether the file is done.
INSERT INTO imports (file_sha256, mapping_sha256, kind, file_name, lines, state, finished_at)
VALUES ($1, $2, $3, $4, $5, $6::text::jsonb, CASE WHEN $7 THEN now() END)
ON CONFLICT (file_sha256, mapping_sha256) DO UPDATE SET
    file_name = excluded.file_name,
    lines = excluded.lines,
    state = excluded.state,
    finished_at = excluded.finished_at
