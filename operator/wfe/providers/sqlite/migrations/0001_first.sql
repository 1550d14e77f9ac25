-- The first schema. Times are microseconds since 1970 in UTC. Everything that belongs to an instance refers to
-- its small number, which also keeps what was created together close together on the disk: a group of saves
-- touches few pages. Columns beside `head` exist only to find rows; the head has the values.

CREATE TABLE instances (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    workflow TEXT NOT NULL,
    reference TEXT,
    parent TEXT,
    created INTEGER NOT NULL,
    status TEXT NOT NULL,
    revision INTEGER NOT NULL,
    head BLOB NOT NULL
) STRICT;

CREATE INDEX instances_by_age ON instances (created, id);
CREATE INDEX instances_by_status ON instances (status, created, id);
CREATE INDEX instances_by_workflow ON instances (workflow, created, id);
CREATE INDEX instances_by_reference ON instances (reference, created, id) WHERE reference IS NOT NULL;
CREATE INDEX instances_by_parent ON instances (parent, created, id) WHERE parent IS NOT NULL;

CREATE TABLE parts (
    instance INTEGER NOT NULL,
    name TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (instance, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE history (
    instance INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (instance, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    instance INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;

CREATE INDEX inbox_by_instance ON inbox (instance, sequence);

-- AUTOINCREMENT: the number of an expired event is never given again, so a cursor stays true.
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    published INTEGER NOT NULL,
    payload TEXT NOT NULL
) STRICT;

CREATE INDEX events_by_key ON events (name, key, sequence, published);
CREATE INDEX events_by_age ON events (published);

CREATE TABLE definitions (
    sequence INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    workflow TEXT NOT NULL,
    version INTEGER NOT NULL,
    source TEXT NOT NULL
) STRICT;

CREATE INDEX definitions_by_version ON definitions (workflow, version, sequence);

CREATE TABLE activities (
    sequence INTEGER PRIMARY KEY,
    instance TEXT NOT NULL,
    path TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    name TEXT NOT NULL,
    params TEXT NOT NULL,
    claim INTEGER NOT NULL,
    claims INTEGER NOT NULL DEFAULT 0,
    token TEXT UNIQUE,
    worker TEXT,
    until INTEGER,
    UNIQUE (instance, path, attempt)
) STRICT;

CREATE INDEX activities_by_name ON activities (name, sequence);

-- A lease that was given back keeps its row, so that its token only grows.
CREATE TABLE leases (
    key TEXT PRIMARY KEY,
    holder TEXT,
    until INTEGER NOT NULL,
    token INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX leases_by_holder ON leases (holder) WHERE holder IS NOT NULL;
