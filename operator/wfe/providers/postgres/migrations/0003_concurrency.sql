-- Who runs and who waits under one key of `concurrency`; `place` is the key's digest.

CREATE TABLE concurrency (
    place bytea PRIMARY KEY,
    body text NOT NULL
);
