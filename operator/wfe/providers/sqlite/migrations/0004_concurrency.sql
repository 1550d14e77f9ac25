-- Who runs and who waits under one key of `concurrency`.

CREATE TABLE concurrency (
    key TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
