-- Every statement of the store, under its name. What goes together as one transaction is one statement where that
-- is possible: one round trip, and nothing to roll back.

-- prepare_session
SELECT
    set_config('search_path', $1, false),
    set_config('TimeZone', 'UTC', false),
    set_config('jit', 'off', false),
    -- What waited for a row that was changed meanwhile looks at it again: so saves are judged.
    set_config('default_transaction_isolation', 'read committed', false),
    -- Plans are made once. One made while a table was small must not read all of it when it has grown.
    set_config('plan_cache_mode', 'force_generic_plan', false),
    set_config('enable_seqscan', 'off', false),
    -- A save that has returned has to survive a crash of the server, whatever its default is.
    CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END

-- save
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::integer[], $3::integer[], $4::text[], $5::bytea[])
    WITH ORDINALITY AS _ (id, expected, revision, status, head, place)
),
made AS (
    INSERT INTO instances (id, name, workflow, reference, parent, created, status, revision, head)
    SELECT a.id, f.name, f.workflow, f.reference, f.parent, f.created, a.status, a.revision, a.head
    FROM unnest($6::integer[], $7::text[], $8::text[], $9::text[], $10::text[], $11::timestamptz[])
    AS f (place, name, workflow, reference, parent, created)
    JOIN asked a USING (place)
    ORDER BY a.place
    ON CONFLICT DO NOTHING
    RETURNING id, number
),
saved AS (
    UPDATE instances i SET revision = a.revision, status = a.status, head = a.head
    FROM asked a WHERE i.id = a.id AND i.revision = a.expected
    RETURNING a.place, i.number
),
written AS (
    SELECT place, number FROM saved
    UNION ALL
    SELECT a.place, made.number FROM made JOIN asked a USING (id)
),
put AS (
    INSERT INTO parts (instance, name, body)
    SELECT number, name, body FROM unnest($12::integer[], $13::text[], $14::bytea[]) AS _ (place, name, body)
    JOIN written USING (place)
    ON CONFLICT (instance, name) DO UPDATE SET body = excluded.body
),
dropped AS (
    DELETE FROM parts p
    USING unnest($15::integer[], $16::text[]) AS d (place, name) JOIN written w USING (place)
    WHERE p.instance = w.number AND p.name = d.name
),
recorded AS (
    INSERT INTO history (instance, sequence, body)
    SELECT number, sequence, body FROM unnest($17::integer[], $18::integer[], $19::bytea[]) AS _ (place, sequence, body)
    JOIN written USING (place)
    ON CONFLICT (instance, sequence) DO UPDATE SET body = excluded.body
),
consumed AS (
    DELETE FROM inbox i
    USING unnest($20::integer[], $21::bigint[]) AS c (place, sequence) JOIN written w USING (place)
    WHERE i.sequence = c.sequence AND i.instance = w.number
)
SELECT place, (SELECT pg_notify($22, $23) WHERE $23 IS NOT NULL) FROM written

-- revisions
SELECT id, revision FROM instances WHERE id = ANY($1::text[])

-- load
SELECT NULL AS name, head AS body FROM instances WHERE id = $1
UNION ALL
SELECT p.name, p.body FROM parts p JOIN instances i ON i.number = p.instance WHERE i.id = $1

-- resolve
SELECT word, coalesce((SELECT id FROM instances WHERE id = word), (SELECT id FROM instances WHERE name = word)) AS id
FROM unnest($1::text[]) AS _ (word)

-- unfinished
SELECT id FROM instances WHERE status IN ('Pending', 'Running', 'Suspended') ORDER BY created, id

-- list
SELECT head FROM instances WHERE :filters ORDER BY created DESC, id DESC LIMIT $1

-- list_by_status
-- Each status has its own ordered index: as many of each as are asked for, then the newest of those.
SELECT head FROM unnest($2::text[]) AS _ (wanted), LATERAL (
    SELECT head, created, id FROM instances WHERE status = wanted AND :filters
    ORDER BY created DESC, id DESC LIMIT $1
) AS found
ORDER BY created DESC, id DESC LIMIT $1

-- history
SELECT h.body FROM history h JOIN instances i ON i.number = h.instance WHERE i.id = $1 ORDER BY h.sequence

-- delete_instance
-- On its own, and first: what others write of an instance waits for this, or this waits for it.
DELETE FROM instances WHERE id = $1 RETURNING number

-- delete_belongings
WITH dropped AS (DELETE FROM parts WHERE instance = $1),
forgotten AS (DELETE FROM history WHERE instance = $1),
unread AS (DELETE FROM inbox WHERE instance = $1)
DELETE FROM activities WHERE instance = $2

-- post
WITH found AS MATERIALIZED (
    SELECT a.place, i.number, a.body
    FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS a (id, body, place) JOIN instances i ON i.id = a.id
    ORDER BY a.place
    FOR KEY SHARE OF i
),
numbered AS MATERIALIZED (
    SELECT place, number, body, nextval('inbox_sequence') AS sequence FROM found ORDER BY place
),
posted AS (
    INSERT INTO inbox (sequence, instance, body) SELECT sequence, number, body FROM numbered
)
SELECT place, sequence, (SELECT pg_notify($3, $4)) FROM numbered

-- inbox
SELECT b.sequence, b.body FROM inbox b JOIN instances i ON i.number = b.instance WHERE i.id = $1 ORDER BY b.sequence

-- inboxes
SELECT id FROM instances
WHERE number IN (SELECT instance FROM inbox) AND status IN ('Pending', 'Running', 'Suspended')
ORDER BY number

-- publish
-- Numbers are taken under locks that are held until the commit: who sees an event of a topic sees all that have
-- lower numbers. The locks are taken in one order everywhere.
WITH locked AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(lock) FROM (SELECT lock FROM unnest($1::bigint[]) AS _ (lock) ORDER BY lock) AS _
),
numbered AS MATERIALIZED (
    SELECT e.*, nextval('events_sequence') AS sequence
    FROM (SELECT count(*) AS locks FROM locked) AS _,
    unnest($2::bytea[], $3::text[], $4::text[], $5::timestamptz[], $6::bytea[])
    WITH ORDINALITY AS e (topic, name, key, published, payload, place)
    WHERE locks > 0
),
published AS (
    INSERT INTO events (sequence, topic, name, key, published, payload)
    SELECT sequence, topic, name, key, published, payload FROM numbered
)
SELECT place, sequence, (SELECT pg_notify($7, $8)) FROM numbered

-- first_event
SELECT sequence, published, payload FROM events
WHERE topic = $1 AND sequence > $2 AND published >= coalesce($3::timestamptz, '-infinity') ORDER BY sequence LIMIT 1

-- expire_events
WITH expired AS (DELETE FROM events WHERE published < $1 RETURNING 1) SELECT count(*) FROM expired

-- put_definition
INSERT INTO definitions (digest, workflow, version, source) VALUES ($1, $2, $3, $4) ON CONFLICT (digest) DO NOTHING

-- definition
SELECT workflow, version, digest, source FROM definitions WHERE digest = $1

-- latest_definition
SELECT workflow, version, digest, source FROM definitions WHERE workflow = $1
AND version = coalesce($2::integer, (SELECT max(version) FROM definitions WHERE workflow = $1))
ORDER BY sequence DESC LIMIT 1

-- offer
INSERT INTO activities (place, instance, name, claim, body) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (place) DO NOTHING

-- withdraw
DELETE FROM activities WHERE place = $1

-- claim_activity
-- The token is derived, and never the same twice, so that only the latest claim has it.
WITH free AS (
    SELECT sequence FROM activities WHERE name = $1 AND (until IS NULL OR until <= $3)
    ORDER BY sequence LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE activities a SET
    claims = a.claims + 1,
    token = encode(substr(sha256(a.place || convert_to((a.claims + 1)::text, 'UTF8')), 1, 16), 'hex'),
    worker = $2,
    until = $3 + a.claim
FROM free WHERE a.sequence = free.sequence
RETURNING a.body, a.token, a.until

-- close_activity
DELETE FROM activities WHERE token = $1 AND until > $2 RETURNING body

-- acquire_leases
INSERT INTO leases AS l (key, holder, until, token)
SELECT key, $1, statement_timestamp() + ttl, 1 FROM unnest($2::text[], $3::interval[]) AS _ (key, ttl)
ON CONFLICT (key) DO UPDATE SET
    token = l.token + CASE WHEN l.holder = $1 AND l.until > statement_timestamp() THEN 0 ELSE 1 END,
    holder = $1,
    until = excluded.until
WHERE l.holder IS NULL OR l.holder = $1 OR l.until <= statement_timestamp()
RETURNING key, token

-- renew_leases
UPDATE leases SET until = statement_timestamp() + $2 WHERE holder = $1 RETURNING key

-- release_leases
UPDATE leases SET holder = NULL WHERE key = ANY($2::text[]) AND holder = $1

-- lease_holder
SELECT holder FROM leases WHERE key = $1 AND until > statement_timestamp()

-- lease_holders
SELECT key, holder FROM leases
WHERE starts_with(key, $1) AND holder IS NOT NULL AND until > statement_timestamp()

-- notify
SELECT pg_notify($1, $2)

-- backend
SELECT pg_backend_pid()

-- schema_version
SELECT
    to_regclass(quote_ident($1) || '.migrations') IS NOT NULL AS is_ours,
    EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1
    ) AS has_tables,
    EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS is_there

-- applied
SELECT coalesce(max(version), 0) FROM migrations

-- migration_lock
SELECT pg_advisory_xact_lock($1)

-- create_schema
SELECT format('CREATE SCHEMA %I', $1::text)

-- migrated
INSERT INTO migrations (version) VALUES ($1)

-- put_key
WITH put AS (
    INSERT INTO queue AS q (key, at) VALUES ($1, $2)
    ON CONFLICT (key) DO UPDATE SET
        at = CASE WHEN q.is_taken THEN q.at ELSE excluded.at END,
        again = CASE WHEN q.is_taken THEN excluded.at END
    WHERE CASE WHEN q.is_taken THEN q.again IS NULL OR excluded.at < q.again ELSE excluded.at < q.at END
    RETURNING is_taken
)
SELECT pg_notify($3, $4) FROM put WHERE NOT is_taken

-- take_keys
WITH due AS MATERIALIZED (
    SELECT number, at FROM queue WHERE at <= statement_timestamp()
    ORDER BY at, number LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE queue q SET
    at = statement_timestamp() + $2,
    is_taken = TRUE,
    takes = q.takes + 1,
    again = CASE WHEN q.again > statement_timestamp() THEN q.again END
FROM due WHERE q.number = due.number
RETURNING q.key, q.number, q.takes, due.at

-- renew_keys
UPDATE queue q SET at = statement_timestamp() + $3
FROM unnest($1::bigint[], $2::integer[]) AS t (number, takes)
WHERE q.number = t.number AND q.takes = t.takes AND q.is_taken AND q.at > statement_timestamp()
RETURNING q.number, q.takes

-- done_key
-- The row is locked first: what is put at the same time comes before this, or after.
WITH mine AS MATERIALIZED (
    SELECT number, again FROM queue WHERE number = $1 AND takes = $2 AND is_taken FOR UPDATE
),
put_again AS (
    UPDATE queue q SET at = mine.again, is_taken = FALSE, again = NULL
    FROM mine WHERE q.number = mine.number AND mine.again IS NOT NULL
),
ended AS (
    DELETE FROM queue q USING mine WHERE q.number = mine.number AND mine.again IS NULL
)
SELECT CASE WHEN again IS NOT NULL THEN pg_notify($3, $4) END FROM mine

-- time_left
SELECT at - statement_timestamp() AS time_left FROM queue ORDER BY at, number LIMIT 1

-- group
SELECT body FROM concurrency WHERE place = $1

-- make_group
INSERT INTO concurrency (place, body) VALUES ($1, $2) ON CONFLICT (place) DO NOTHING RETURNING place

-- swap_group
UPDATE concurrency SET body = $3 WHERE place = $1 AND body = $2 RETURNING place

-- drop_group
DELETE FROM concurrency WHERE place = $1 AND body = $2 RETURNING place
