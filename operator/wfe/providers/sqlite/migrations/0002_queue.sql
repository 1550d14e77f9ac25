-- The queue. `at` is when a key is given out: its due time, or the end of its claim while it is taken. `again` is
-- what was put meanwhile. A row's number is never given again, so number and takes are a claim's token.

CREATE TABLE queue (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    is_taken INTEGER NOT NULL DEFAULT FALSE,
    takes INTEGER NOT NULL DEFAULT 0,
    again INTEGER
) STRICT;

CREATE INDEX queue_by_time ON queue (at, number)
