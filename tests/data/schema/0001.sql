-- A database with schema version 1 and a few rows, as pg_dump writes it. It stays as it is: whoever has one must be
-- able to go on with it.

CREATE TABLE public.devices (
    device_id text NOT NULL,
    plugin_id text NOT NULL,
    device_type text DEFAULT 'unknown'::text NOT NULL,
    name text,
    room text,
    role text,
    reported_name text,
    reported_room text,
    reported_role text,
    manufacturer text,
    model text,
    firmware text,
    address text,
    controllable boolean DEFAULT false NOT NULL,
    first_seen timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.samples (
    series_id integer NOT NULL,
    ts timestamp with time zone NOT NULL,
    value double precision NOT NULL
)
PARTITION BY RANGE (ts);

CREATE TABLE public.series (
    series_id integer NOT NULL,
    device_id text NOT NULL,
    metric_type text NOT NULL,
    unit text NOT NULL,
    tags jsonb DEFAULT '{}'::jsonb NOT NULL
);

CREATE VIEW public.metrics AS
 SELECT samples.ts AS "time",
    series.device_id,
    series.metric_type,
    samples.value,
    series.unit,
    series.tags,
    jsonb_strip_nulls(jsonb_build_object('name', COALESCE(devices.name, devices.reported_name), 'room', COALESCE(devices.room, devices.reported_room), 'role', COALESCE(devices.role, devices.reported_role), 'device_type', devices.device_type, 'plugin_id', devices.plugin_id)) AS metadata
   FROM ((public.samples
     JOIN public.series USING (series_id))
     JOIN public.devices USING (device_id));

CREATE TABLE public.samples_20260620 (
    series_id integer CONSTRAINT samples_series_id_not_null NOT NULL,
    ts timestamp with time zone CONSTRAINT samples_ts_not_null NOT NULL,
    value double precision CONSTRAINT samples_value_not_null NOT NULL
);

CREATE TABLE public.samples_20260621 (
    series_id integer CONSTRAINT samples_series_id_not_null NOT NULL,
    ts timestamp with time zone CONSTRAINT samples_ts_not_null NOT NULL,
    value double precision CONSTRAINT samples_value_not_null NOT NULL
);

CREATE TABLE public.schema_migrations (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.series ALTER COLUMN series_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.series_series_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY public.samples ATTACH PARTITION public.samples_20260620 FOR VALUES FROM ('2026-06-20 00:00:00+00') TO ('2026-06-21 00:00:00+00');

ALTER TABLE ONLY public.samples ATTACH PARTITION public.samples_20260621 FOR VALUES FROM ('2026-06-21 00:00:00+00') TO ('2026-06-22 00:00:00+00');

INSERT INTO public.devices (device_id, plugin_id, device_type, name, room, role, reported_name, reported_room, reported_role, manufacturer, model, firmware, address, controllable, first_seen) VALUES ('meter', 'shelly', 'unknown', 'Main meter', 'Hall', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, '2026-06-20 10:00:00+00');
INSERT INTO public.devices (device_id, plugin_id, device_type, name, room, role, reported_name, reported_room, reported_role, manufacturer, model, firmware, address, controllable, first_seen) VALUES ('boiler', 'api', 'unknown', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, '2026-06-20 10:00:00+00');

INSERT INTO public.samples_20260620 (series_id, ts, value) VALUES (1, '2026-06-20 22:00:00+00', 230.5);
INSERT INTO public.samples_20260620 (series_id, ts, value) VALUES (1, '2026-06-20 23:00:00+00', -0.1);
INSERT INTO public.samples_20260620 (series_id, ts, value) VALUES (2, '2026-06-20 22:00:00+00', 1000.25);
INSERT INTO public.samples_20260620 (series_id, ts, value) VALUES (3, '2026-06-20 23:00:00+00', 2400);

INSERT INTO public.samples_20260621 (series_id, ts, value) VALUES (1, '2026-06-21 01:00:00+00', 1e-07);
INSERT INTO public.samples_20260621 (series_id, ts, value) VALUES (2, '2026-06-21 01:00:00+00', 1000.5);

INSERT INTO public.schema_migrations (version, name, checksum, applied_at) VALUES (1, '0001_initial', '662296b7a650e138d0f1a40759f48aba532cfeb340edfd1397c9b9474a3a2564', '2026-06-20 09:59:00+00');

INSERT INTO public.series (series_id, device_id, metric_type, unit, tags) OVERRIDING SYSTEM VALUE VALUES (1, 'meter', 'power', 'W', '{"phase": "a"}');
INSERT INTO public.series (series_id, device_id, metric_type, unit, tags) OVERRIDING SYSTEM VALUE VALUES (2, 'meter', 'energy', 'kWh', '{}');
INSERT INTO public.series (series_id, device_id, metric_type, unit, tags) OVERRIDING SYSTEM VALUE VALUES (3, 'boiler', 'power', 'W', '{}');

SELECT pg_catalog.setval('public.series_series_id_seq', 3, true);

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_pkey PRIMARY KEY (device_id);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.series
    ADD CONSTRAINT series_device_id_metric_type_key UNIQUE (device_id, metric_type);

ALTER TABLE ONLY public.series
    ADD CONSTRAINT series_pkey PRIMARY KEY (series_id);

CREATE UNIQUE INDEX samples_series_ts ON ONLY public.samples USING btree (series_id, ts);

CREATE UNIQUE INDEX samples_20260620_series_id_ts_idx ON public.samples_20260620 USING btree (series_id, ts);

CREATE UNIQUE INDEX samples_20260621_series_id_ts_idx ON public.samples_20260621 USING btree (series_id, ts);

CREATE INDEX series_tags ON public.series USING gin (tags jsonb_path_ops);

ALTER INDEX public.samples_series_ts ATTACH PARTITION public.samples_20260620_series_id_ts_idx;

ALTER INDEX public.samples_series_ts ATTACH PARTITION public.samples_20260621_series_id_ts_idx;

ALTER TABLE ONLY public.series
    ADD CONSTRAINT series_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.devices(device_id) ON DELETE CASCADE;
