-- Closed days, compacted: the samples of one series over one or several UTC days in one row.

CREATE TABLE segments (
    series_id integer NOT NULL,
    -- UTC days that its samples may lie in, both included; the spans of one series do not overlap
    first_day date NOT NULL,
    last_day date NOT NULL,
    -- what `data` must decode to
    first_ts timestamptz NOT NULL,
    last_ts timestamptz NOT NULL,
    count integer NOT NULL,
    -- whether days have been joined as far as that pays
    merged boolean NOT NULL DEFAULT false,
    -- see storage/codec; compressed already, so PostgreSQL is not to try
    data bytea NOT NULL,
    PRIMARY KEY (series_id, first_day),
    CHECK (first_day <= last_day)
);
ALTER TABLE segments ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE INDEX segments_to_merge ON segments (first_day) WHERE NOT merged;

-- Segments that could not be read. They are kept for a repair by hand and never answered from.
CREATE TABLE segments_quarantine (
    series_id integer NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    first_ts timestamptz NOT NULL,
    last_ts timestamptz NOT NULL,
    count integer NOT NULL,
    data bytea NOT NULL,
    reason text NOT NULL,
    quarantined_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE segments_quarantine ALTER COLUMN data SET STORAGE EXTERNAL;

COMMENT ON VIEW metrics IS
    'Samples of the last days, before their compaction into segments; the API reads older ones too.';
