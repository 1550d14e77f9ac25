-- The queue. `at` is when a key is given out: its due time, or the end of its claim while it is taken. `again` is
-- what was put meanwhile. A row's number is never given again, so number and takes are a claim's token.

CREATE TABLE queue (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text COLLATE "C" NOT NULL UNIQUE,
    at timestamptz NOT NULL,
    is_taken boolean NOT NULL DEFAULT FALSE,
    takes integer NOT NULL DEFAULT 0,
    again timestamptz
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX queue_by_time ON queue (at, number);
