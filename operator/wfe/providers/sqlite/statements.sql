-- Every statement of the store, under its name. `:in` stands for as many question marks as there are values.

-- known
SELECT id, number, revision, status FROM instances WHERE id IN (:in)

-- names
SELECT name FROM instances WHERE name IN (:in)

-- last_number
SELECT coalesce(max(number), 0) FROM instances

-- create
INSERT INTO instances (number, id, name, workflow, reference, parent, created, status, revision, head)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- save
UPDATE instances SET revision = ?, head = ? WHERE number = ?

-- save_status
UPDATE instances SET status = ? WHERE number = ?

-- put_part
INSERT INTO parts (instance, name, body) VALUES (?, ?, ?)
ON CONFLICT (instance, name) DO UPDATE SET body = excluded.body

-- drop_part
DELETE FROM parts WHERE instance = ? AND name = ?

-- put_record
INSERT INTO history (instance, sequence, body) VALUES (?, ?, ?)
ON CONFLICT (instance, sequence) DO UPDATE SET body = excluded.body

-- consume
DELETE FROM inbox WHERE sequence = ? AND instance = ?

-- load
SELECT NULL, head FROM instances WHERE id = :id
UNION ALL
SELECT name, body FROM parts WHERE instance = (SELECT number FROM instances WHERE id = :id)

-- resolve
SELECT coalesce((SELECT id FROM instances WHERE id = :name), (SELECT id FROM instances WHERE name = :name))

-- unfinished
SELECT id FROM instances WHERE status IN ('Pending', 'Running', 'Suspended') ORDER BY created, id

-- list
SELECT head FROM instances WHERE :filters ORDER BY created DESC, id DESC LIMIT :limit

-- history
SELECT body FROM history WHERE instance = (SELECT number FROM instances WHERE id = ?) ORDER BY sequence

-- number
SELECT number FROM instances WHERE id = ?

-- delete_parts
DELETE FROM parts WHERE instance = ?

-- delete_history
DELETE FROM history WHERE instance = ?

-- delete_inbox
DELETE FROM inbox WHERE instance = ?

-- delete_activities
DELETE FROM activities WHERE instance = (SELECT id FROM instances WHERE number = ?)

-- delete_instance
DELETE FROM instances WHERE number = ?

-- post
INSERT INTO inbox (instance, body) SELECT number, :body FROM instances WHERE id = :id

-- inbox
SELECT sequence, body FROM inbox WHERE instance = (SELECT number FROM instances WHERE id = ?) ORDER BY sequence

-- inboxes
SELECT id FROM instances
WHERE number IN (SELECT DISTINCT instance FROM inbox) AND status IN ('Pending', 'Running', 'Suspended')
ORDER BY number

-- publish
INSERT INTO events (name, key, published, payload) VALUES (?, ?, ?, ?)

-- first_event
SELECT sequence, published, payload FROM events
WHERE name = ? AND key = ? AND sequence > ? AND published >= ? ORDER BY sequence LIMIT 1

-- expire_events
DELETE FROM events WHERE published < ?

-- put_definition
INSERT INTO definitions (digest, workflow, version, source) VALUES (?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING

-- definition
SELECT workflow, version, digest, source FROM definitions WHERE digest = ?

-- latest_definition
SELECT workflow, version, digest, source FROM definitions WHERE workflow = :workflow
AND version = coalesce(:version, (SELECT max(version) FROM definitions WHERE workflow = :workflow))
ORDER BY sequence DESC LIMIT 1

-- offer
INSERT INTO activities (instance, path, attempt, name, params, claim) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (instance, path, attempt) DO NOTHING

-- withdraw
DELETE FROM activities WHERE instance = ? AND path = ? AND attempt = ?

-- free_activity
SELECT sequence, claims, instance, path, attempt, name, params, claim FROM activities
WHERE name = ? AND (until IS NULL OR until <= ?) ORDER BY sequence LIMIT 1

-- claim_activity
UPDATE activities SET claims = claims + 1, token = ?, worker = ?, until = ? WHERE sequence = ?

-- claimed_activity
SELECT sequence, claims, instance, path, attempt, name, params, claim FROM activities
WHERE token = ? AND until > ?

-- close_activity
DELETE FROM activities WHERE sequence = ?

-- lease
SELECT holder, until, token FROM leases WHERE key = ?

-- lease_holders
SELECT key, holder FROM leases WHERE key >= :first AND key < :beyond AND holder IS NOT NULL AND until > :now

-- take_lease
INSERT INTO leases (key, holder, until, token) VALUES (?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET holder = excluded.holder, until = excluded.until, token = excluded.token

-- renew_leases
UPDATE leases SET until = ? WHERE holder = ? RETURNING key

-- release_lease
UPDATE leases SET holder = NULL WHERE key = ? AND holder = ?

-- put_key
INSERT INTO queue (key, at) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET
at = CASE WHEN is_taken THEN at ELSE excluded.at END,
again = CASE WHEN is_taken THEN excluded.at END
WHERE excluded.at < CASE WHEN is_taken THEN coalesce(again, excluded.at + 1) ELSE at END

-- due_keys
SELECT number, key, takes FROM queue WHERE at <= ? ORDER BY at, number LIMIT ?

-- take_key
UPDATE queue SET at = :until, is_taken = TRUE, takes = takes + 1, again = CASE WHEN again > :now THEN again END
WHERE number = :number

-- renew_key
UPDATE queue SET at = :until WHERE number = :number AND takes = :takes AND is_taken AND at > :now

-- put_again
UPDATE queue SET at = again, is_taken = FALSE, again = NULL
WHERE number = ? AND takes = ? AND is_taken AND again IS NOT NULL

-- done_key
DELETE FROM queue WHERE number = ? AND takes = ? AND is_taken

-- next_time
SELECT min(at) FROM queue

-- document
SELECT number, revision FROM documents WHERE id = ?

-- put_document
INSERT INTO documents (id, workflow, reference, status, created, revision, summary) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET workflow = excluded.workflow, reference = excluded.reference,
    status = excluded.status, created = excluded.created, revision = excluded.revision, summary = excluded.summary
RETURNING number

-- remove_words
DELETE FROM document_words WHERE rowid = ?

-- put_words
INSERT INTO document_words (rowid, words) VALUES (?, ?)

-- remove_document
DELETE FROM documents WHERE number = ?

-- documents
SELECT summary FROM documents WHERE id IN (:in)

-- find
SELECT summary FROM documents WHERE :filters ORDER BY created DESC, id DESC LIMIT :limit

-- put_attempt
INSERT INTO log_attempts (instance, path, attempt, name, workflow) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (instance, path, attempt) DO UPDATE SET name = log_attempts.name
RETURNING number

-- put_segment
INSERT INTO log_segments (attempt, stream, start, written, data) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (attempt, stream, start) DO NOTHING

-- segments
SELECT instance, path, log_attempts.attempt, stream, start, written, data, name, workflow
FROM log_segments JOIN log_attempts ON log_attempts.number = log_segments.attempt
WHERE :filters ORDER BY written, instance, path, log_attempts.attempt, stream, start

-- numbers_of_segments
SELECT log_segments.number, path FROM log_segments JOIN log_attempts ON log_attempts.number = log_segments.attempt
WHERE instance = ? AND written >= ? ORDER BY written, path, log_attempts.attempt, stream, start

-- numbered_segments
SELECT log_segments.number, instance, path, log_attempts.attempt, stream, start, written, data
FROM log_segments JOIN log_attempts ON log_attempts.number = log_segments.attempt
WHERE log_segments.number IN (:in)

-- forget_segments
DELETE FROM log_segments WHERE attempt IN (SELECT number FROM log_attempts WHERE instance = ?)

-- forget_attempts
DELETE FROM log_attempts WHERE instance = ?

-- expire_segments
DELETE FROM log_segments WHERE written < ? RETURNING attempt

-- expire_attempt
DELETE FROM log_attempts WHERE number = :number
AND NOT EXISTS (SELECT 1 FROM log_segments WHERE attempt = :number)

-- group
SELECT body FROM concurrency WHERE key = ?

-- put_group
INSERT INTO concurrency (key, body) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET body = excluded.body

-- drop_group
DELETE FROM concurrency WHERE key = ?
