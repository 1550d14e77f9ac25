-- The history of instances. Everything of an instance is in the partition of the month in which it was created, events in
-- that of their own; `partitions` makes them when they are needed. `head` and `body` have the values as they were
-- saved, other columns are for questions. Texts that are looked up are kept as `words.kept` writes them.

CREATE TABLE migrations (
    version integer PRIMARY KEY,
    applied timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE instances (
    created timestamptz NOT NULL,
    id text COLLATE "C" NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    workflow text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    status text COLLATE "C" NOT NULL,
    is_root boolean NOT NULL,
    parent text COLLATE "C",
    reference text COLLATE "C",
    started timestamptz,
    finished timestamptz,
    reason text,
    message text,
    complete integer NOT NULL,
    failed integer NOT NULL,
    skipped integer NOT NULL,
    cancelled integer NOT NULL,
    compensated integer NOT NULL,
    revision integer NOT NULL,
    head bytea NOT NULL,
    PRIMARY KEY (created, id)
) PARTITION BY RANGE (created);

-- Each way to filter a list has an index that is in the order of the list: a page is read and nothing else. Where no
-- status is asked for, the pages of all six are merged.
CREATE INDEX instances_by_status ON instances (status, is_root, created, id);
CREATE INDEX instances_by_workflow ON instances (workflow, status, is_root, created, id);
CREATE INDEX instances_by_namespace ON instances (namespace, status, is_root, created, id);
CREATE INDEX instances_by_place ON instances (namespace, workflow, status, is_root, created, id);
CREATE INDEX instances_by_reference ON instances (reference, created, id) WHERE reference IS NOT NULL;
CREATE INDEX instances_by_parent ON instances (parent, created, id) WHERE parent IS NOT NULL;
CREATE INDEX instances_by_id ON instances (id);
CREATE INDEX instances_by_name ON instances (name, created, id);
CREATE INDEX instances_by_end ON instances (finished) WHERE finished IS NOT NULL;

CREATE TABLE steps (
    created timestamptz NOT NULL,
    instance text COLLATE "C" NOT NULL,
    sequence integer NOT NULL,
    path text NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    status text NOT NULL,
    attempts integer NOT NULL,
    exit_code integer,
    started timestamptz,
    ended timestamptz NOT NULL,
    reason text,
    message text,
    child text,
    revision integer NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (created, instance, sequence)
) PARTITION BY RANGE (created);

CREATE INDEX steps_by_instance ON steps (instance, sequence);

CREATE TABLE attempts (
    created timestamptz NOT NULL,
    instance text COLLATE "C" NOT NULL,
    sequence integer NOT NULL,
    attempt integer NOT NULL,
    outcome text NOT NULL,
    exit_code integer,
    started timestamptz,
    ended timestamptz NOT NULL,
    reason text,
    message text,
    PRIMARY KEY (created, instance, sequence, attempt)
) PARTITION BY RANGE (created);

CREATE TABLE events (
    created timestamptz NOT NULL,
    topic bytea NOT NULL,
    sequence bigint NOT NULL,
    namespace text NOT NULL,
    name text NOT NULL,
    key text NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (created, topic, sequence)
) PARTITION BY RANGE (created);

CREATE INDEX events_by_topic ON events (topic, sequence);
