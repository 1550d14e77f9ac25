-- Search and logs. The words of a document are indexed as `ports.words` makes them: with the tokenizer `ascii`, what
-- is not ASCII belongs to words, so they are parted at the blanks between them and nowhere else.

CREATE TABLE documents (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    workflow TEXT NOT NULL,
    reference TEXT,
    status TEXT NOT NULL,
    created INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    summary BLOB NOT NULL
) STRICT;

CREATE INDEX documents_by_age ON documents (created, id);

CREATE VIRTUAL TABLE document_words USING fts5(words, tokenize = 'ascii', columnsize = 0, detail = none);

CREATE TABLE log_attempts (
    number INTEGER PRIMARY KEY,
    instance TEXT NOT NULL,
    path TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    name TEXT NOT NULL,
    workflow TEXT NOT NULL,
    UNIQUE (instance, path, attempt)
) STRICT;

-- `stream` is its place in `ports.logs.STREAMS`.
CREATE TABLE log_segments (
    number INTEGER PRIMARY KEY,
    attempt INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    start INTEGER NOT NULL,
    written INTEGER NOT NULL,
    data BLOB NOT NULL,
    UNIQUE (attempt, stream, start)
) STRICT;

CREATE INDEX log_segments_by_time ON log_segments (written);
