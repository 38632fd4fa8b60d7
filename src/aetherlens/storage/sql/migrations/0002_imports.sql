-- How far each imported file has come, so that an import that was cut off continues where it stopped.

CREATE TABLE imports (
    -- SHA-256 of the file's bytes and of what its mapping says, in hexadecimal
    file_sha256 text NOT NULL,
    mapping_sha256 text NOT NULL,
    -- 'csv'
    kind text NOT NULL,
    -- for people; the file may have been renamed since
    file_name text NOT NULL,
    -- lines of the file, counted from its beginning, whose samples are committed
    lines bigint NOT NULL,
    -- counts so far, and what the reader must remember to go on
    state jsonb NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    -- null until the last line is done
    finished_at timestamptz,
    PRIMARY KEY (file_sha256, mapping_sha256)
);
