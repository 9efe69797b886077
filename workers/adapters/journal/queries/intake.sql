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

-- name: audit
INSERT INTO outbox (kind, payload) SELECT 'audit', e FROM jsonb_array_elements($1::jsonb) e

-- name: take
SELECT take_budget($1, $2::float8, $3::float8, $4::float8)
