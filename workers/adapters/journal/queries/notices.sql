-- Notices: news, what was told, and letters on their way.

-- name: tell
INSERT INTO outbox (kind, payload) VALUES ('notice', $1::jsonb)

-- name: news
SELECT o.parcel_id, o.run_id, o.payload FROM outbox o
WHERE o.kind = 'notice' AND (o.payload->>'about' <> 'step' OR NOT EXISTS (
    SELECT 1 FROM queue q WHERE q.run_id = o.run_id))
ORDER BY o.parcel_id LIMIT $1

-- name: told
SELECT t.org, t.pipeline_id, t.event, t.value FROM unnest($1::text[], $2::text[], $3::text[]) AS k(org, pipeline_id, event)
JOIN told t ON (t.org, t.pipeline_id, t.event) = (k.org, k.pipeline_id, k.event)

-- name: overdue
SELECT org, pipeline_id, event, value FROM told
WHERE pipeline_id = '' AND (value->>'until')::timestamptz <= now() AND value->'held' <> '[]' LIMIT $1

-- name: plan_letters
SELECT plan_letters($1::bigint[], $2::jsonb, $3::jsonb)

-- name: undertake
WITH heads AS (
    SELECT DISTINCT ON (lane) letter_id, org, due_at FROM letter ORDER BY lane, letter_id
), ranked AS (
    SELECT letter_id, due_at, row_number() OVER (PARTITION BY org ORDER BY due_at, letter_id) AS place
    FROM heads WHERE due_at <= now()
), chosen AS (
    SELECT letter_id FROM ranked WHERE place <= $2 ORDER BY due_at, letter_id LIMIT $1
)
UPDATE letter l SET due_at = now() + make_interval(secs => $3::float8), attempts = attempts + 1
FROM chosen c WHERE l.letter_id = c.letter_id AND l.due_at <= now()
RETURNING l.letter_id, l.attempts, l.created_at, l.body

-- name: letter_sent
DELETE FROM letter WHERE letter_id = $1 AND attempts = $2

-- name: put_letter_off
UPDATE letter SET due_at = now() + make_interval(secs => $3::float8), last_error = $4
WHERE letter_id = $1 AND attempts = $2

-- name: prune_told
DELETE FROM told WHERE moved_at < $1
