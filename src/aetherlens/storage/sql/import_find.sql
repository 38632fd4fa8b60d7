SELECT file_name, lines, state::text AS state, finished_at FROM imports WHERE file_sha256 = $1 AND mapping_sha256 = $2
