-- What callers ask. Parameters are numbered; each statement is loaded by its name.

-- name: accept
SELECT ord, outcome, known, status, retry_after FROM accept($1::jsonb, $2::bigint)

-- name: accepted
SELECT run_id, status FROM run_now WHERE run_id = ANY ($1::uuid[])

-- name: find_key
SELECT i.run_id, i.body_hash, n.status FROM idempotency i JOIN run_now n ON n.run_id = i.run_id
WHERE i.org = $1 AND i.key = $2 AND i.created_at > now() - interval '24 hours'

-- name: find_run
SELECT * FROM run_full WHERE run_id = $2 AND org = $1

-- name: list_runs
SELECT *, NULL::json AS steps FROM run_now
WHERE org = $1 AND ($2 = '' OR pipeline_id = $2) AND ($3::text IS NULL OR status = $3)
    AND ($4::timestamptz IS NULL OR (created_at, run_id) < ($4, $5::uuid))
ORDER BY created_at DESC, run_id DESC
LIMIT $6

-- name: events
SELECT sequence, time, type, step_id, status, progress, message, error FROM event
WHERE run_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3

-- name: cancel
SELECT cancel($1, $2, $3::jsonb)

-- name: position
SELECT q.state, q.status, q.why, q.worker, l.cap, q.alone,
    q.state = 'waiting' AND q.suspect_since IS NOT NULL AS suspect, q.crash_count,
    (SELECT count(*) FROM queue o WHERE o.state = 'waiting' AND q.state = 'waiting' AND q.suspect_since IS NOT NULL
        AND o.suspect_since IS NOT NULL
        AND (COALESCE(o.alone_at, o.accepted_at), o.seq) < (COALESCE(q.alone_at, q.accepted_at), q.seq)) AS suspects_ahead,
    -- whether whoever works now runs a suspect alone, and until when
    (SELECT CASE WHEN bool_and(o.alone AND o.leased_at > now() - alone_for($3, o.trials)) THEN
            extract(epoch FROM min(o.leased_at + alone_for($3, o.trials)) - now()) ELSE 0 END
        FROM queue o WHERE o.state = 'leased')::float8 AS shut,
    (extract(epoch FROM q.suspect_since - now()) + $4)::float8 AS patience_left,
    (SELECT count(*) FROM queue o WHERE o.org = q.org AND o.state = 'leased') AS running,
    CASE WHEN q.state = 'waiting' THEN
        (SELECT count(*) FROM queue o WHERE o.org = q.org AND o.state = 'waiting' AND o.suspect_since IS NULL
            AND q.suspect_since IS NULL AND (o.priority, o.seq) < (q.priority, q.seq)) ELSE 0 END AS ahead,
    greatest(extract(epoch FROM q.due_at - now()), 0)::float8 AS delay,
    greatest(extract(epoch FROM q.lease_until - now()), 0)::float8 AS lease_left
FROM queue q LEFT JOIN lane l ON l.org = q.org
WHERE q.run_id = $2 AND q.org = $1

-- name: audit
INSERT INTO outbox (kind, payload) SELECT 'audit', e FROM jsonb_array_elements($1::jsonb) e

-- name: take
SELECT take_budget($1, $2::float8, $3::float8, $4::float8)
