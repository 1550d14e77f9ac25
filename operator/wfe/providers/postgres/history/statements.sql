-- Every statement of the mirror, under its name.

-- put
-- Of an instance and of a visit the newest revision stays; each has its own, since they may come in any order.
WITH instance AS (
    INSERT INTO instances AS i (
        created, id, namespace, name, workflow, version, status, is_root, parent, reference, started, finished, reason,
        message, complete, failed, skipped, cancelled, compensated, revision, head
    )
    SELECT * FROM unnest(
        $1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::text[], $8::boolean[],
        $9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[], $13::text[], $14::text[], $15::integer[],
        $16::integer[], $17::integer[], $18::integer[], $19::integer[], $20::integer[], $21::bytea[]
    )
    ON CONFLICT (created, id) DO UPDATE SET
        namespace = excluded.namespace, name = excluded.name, workflow = excluded.workflow,
        version = excluded.version, status = excluded.status, is_root = excluded.is_root, parent = excluded.parent,
        reference = excluded.reference, started = excluded.started, finished = excluded.finished,
        reason = excluded.reason, message = excluded.message, complete = excluded.complete, failed = excluded.failed,
        skipped = excluded.skipped, cancelled = excluded.cancelled, compensated = excluded.compensated,
        revision = excluded.revision, head = excluded.head
    WHERE i.revision < excluded.revision
),
step AS (
    INSERT INTO steps AS s (
        created, instance, sequence, path, name, type, status, attempts, exit_code, started, ended, reason, message,
        child, revision, body
    )
    SELECT * FROM unnest(
        $22::timestamptz[], $23::text[], $24::integer[], $25::text[], $26::text[], $27::text[], $28::text[],
        $29::integer[], $30::integer[], $31::timestamptz[], $32::timestamptz[], $33::text[], $34::text[], $35::text[],
        $36::integer[], $37::bytea[]
    )
    ON CONFLICT (created, instance, sequence) DO UPDATE SET
        path = excluded.path, name = excluded.name, type = excluded.type, status = excluded.status,
        attempts = excluded.attempts, exit_code = excluded.exit_code, started = excluded.started,
        ended = excluded.ended, reason = excluded.reason, message = excluded.message, child = excluded.child,
        revision = excluded.revision, body = excluded.body
    WHERE s.revision < excluded.revision
)
-- An attempt that has ended does not change.
INSERT INTO attempts (
    created, instance, sequence, attempt, outcome, exit_code, started, ended, reason, message
)
SELECT * FROM unnest(
    $38::timestamptz[], $39::text[], $40::integer[], $41::integer[], $42::text[], $43::integer[], $44::timestamptz[],
    $45::timestamptz[], $46::text[], $47::text[]
)
ON CONFLICT DO NOTHING

-- put_events
INSERT INTO events (created, topic, sequence, namespace, name, key, payload)
SELECT * FROM unnest(
    $1::timestamptz[], $2::bytea[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::bytea[]
)
ON CONFLICT DO NOTHING

-- revisions
SELECT id, revision FROM instances WHERE id = ANY($1::text[])

-- list
-- A stream for each status, of roots and of others, all in the order of their index; then the newest of all. One bound says
-- where the page begins, and `created <=` which partitions come after it: of two bounds the index might take the looser.
SELECT namespace, head, created, id FROM unnest($2::text[]) AS s (wanted), unnest($3::boolean[]) AS r (roots), LATERAL (
    SELECT namespace, head, created, id FROM instances
    WHERE status = wanted AND is_root = roots AND created >= coalesce($4::timestamptz, '-infinity')
    AND created <= coalesce($5::timestamptz, 'infinity')
    AND (created, id) < (coalesce($5::timestamptz, 'infinity'), $6::text) AND :filters
    ORDER BY created DESC, id DESC LIMIT $1
) AS found
ORDER BY created DESC, id DESC LIMIT $1

-- list_few
-- What has that reference, or that parent, is little.
SELECT namespace, head, created, id FROM instances
WHERE status = ANY($2::text[]) AND is_root = ANY($3::boolean[]) AND created >= coalesce($4::timestamptz, '-infinity')
AND created <= coalesce($5::timestamptz, 'infinity')
AND (created, id) < (coalesce($5::timestamptz, 'infinity'), $6::text) AND :filters
ORDER BY created DESC, id DESC LIMIT $1

-- find_id
SELECT namespace, head FROM instances WHERE id = $1 AND namespace = coalesce($2, namespace) LIMIT 1

-- find_name
SELECT namespace, head FROM instances WHERE name = $1 AND namespace = coalesce($2, namespace)
ORDER BY created DESC, id DESC LIMIT 1

-- steps
SELECT body FROM steps WHERE instance = $1 AND sequence > $2 ORDER BY sequence LIMIT $3

-- events
SELECT sequence, created, payload FROM events WHERE topic = $1 ORDER BY sequence

-- purge
-- Several may do this at once: each takes others.
WITH old AS MATERIALIZED (
    SELECT created, id FROM instances WHERE finished < $1 ORDER BY finished LIMIT $2 FOR UPDATE SKIP LOCKED
),
attempt AS (DELETE FROM attempts a USING old WHERE a.created = old.created AND a.instance = old.id),
step AS (DELETE FROM steps s USING old WHERE s.created = old.created AND s.instance = old.id),
gone AS (DELETE FROM instances i USING old WHERE i.created = old.created AND i.id = old.id RETURNING 1)
SELECT count(*) AS gone FROM gone

-- purge_events
WITH old AS MATERIALIZED (
    SELECT created, topic, sequence FROM events WHERE created < $1 ORDER BY created LIMIT $2 FOR UPDATE SKIP LOCKED
),
gone AS (
    DELETE FROM events e USING old
    WHERE e.created = old.created AND e.topic = old.topic AND e.sequence = old.sequence RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- partitions
-- Of that table, by name: each ends in its month, as in `steps_2030_01`.
SELECT c.relname::text AS name FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
WHERE h.inhparent = $1::text::regclass ORDER BY c.relname

-- make_partition
SELECT format(
    'CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
    $1::text, $2::text, $3::timestamptz, $4::timestamptz
)

-- lock_partition
SELECT format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', $1::text)

-- partition_is_empty
SELECT format('SELECT NOT EXISTS (SELECT FROM %I)', $1::text)

-- drop_partition
SELECT format('DROP TABLE %I', $1::text)

-- be_impatient
SET LOCAL lock_timeout = '500ms'

-- lock_partitions
SELECT pg_advisory_xact_lock($1)
