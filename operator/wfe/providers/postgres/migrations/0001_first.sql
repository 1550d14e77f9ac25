-- The first schema: the store and the leases. Everything that belongs to an instance refers to its small number.
-- Columns beside `head` exist only to find rows; the head has the values. Texts that are looked up are kept as
-- `words.kept` writes them, in the order of their bytes. Room is left on the pages of what is updated in place.

CREATE TABLE migrations (
    version integer PRIMARY KEY,
    applied timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE instances (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    name text COLLATE "C" NOT NULL UNIQUE,
    workflow text COLLATE "C" NOT NULL,
    reference text COLLATE "C",
    parent text COLLATE "C",
    created timestamptz NOT NULL,
    status text COLLATE "C" NOT NULL,
    revision integer NOT NULL,
    head bytea NOT NULL
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX instances_by_age ON instances (created, id);
CREATE INDEX instances_by_status ON instances (status, created, id);
CREATE INDEX instances_by_workflow ON instances (workflow, created, id);
CREATE INDEX instances_by_reference ON instances (reference, created, id) WHERE reference IS NOT NULL;
CREATE INDEX instances_by_parent ON instances (parent, created, id) WHERE parent IS NOT NULL;

CREATE TABLE parts (
    instance bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (instance, name)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE history (
    instance bigint NOT NULL,
    sequence integer NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (instance, sequence)
);

CREATE SEQUENCE inbox_sequence AS bigint;

CREATE TABLE inbox (
    sequence bigint PRIMARY KEY,
    instance bigint NOT NULL,
    body bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX inbox_by_instance ON inbox (instance, sequence);

-- `topic` is what name and key are looked up by, whatever their length; they are kept for people to read. Numbers
-- are not cached by connections: within a topic they are in the order of the commits.
CREATE SEQUENCE events_sequence AS bigint CACHE 1;

CREATE TABLE events (
    sequence bigint PRIMARY KEY,
    topic bytea NOT NULL,
    name text NOT NULL,
    key text NOT NULL,
    published timestamptz NOT NULL,
    payload bytea NOT NULL
);

CREATE INDEX events_by_topic ON events (topic, sequence, published);
CREATE INDEX events_by_age ON events (published);

CREATE TABLE definitions (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest text COLLATE "C" NOT NULL UNIQUE,
    workflow text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    source text NOT NULL
);

CREATE INDEX definitions_by_version ON definitions (workflow, version, sequence);

-- `place` is the digest of instance, path and attempt; the body has the offer.
CREATE TABLE activities (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    place bytea NOT NULL UNIQUE,
    instance text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    claim interval NOT NULL,
    body bytea NOT NULL,
    claims integer NOT NULL DEFAULT 0,
    token text COLLATE "C" UNIQUE,
    worker text,
    until timestamptz
);

CREATE INDEX activities_by_name ON activities (name, sequence);
CREATE INDEX activities_by_instance ON activities (instance);

-- A lease that was given back keeps its row, so that its token only grows.
CREATE TABLE leases (
    key text COLLATE "C" PRIMARY KEY,
    holder text COLLATE "C",
    until timestamptz NOT NULL,
    token bigint NOT NULL
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX leases_by_holder ON leases (holder) WHERE holder IS NOT NULL;
