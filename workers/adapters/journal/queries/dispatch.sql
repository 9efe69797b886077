-- What workers ask.

-- name: claim
SELECT * FROM claim($1, $2::integer, $3::float8, $4::bigint, $5::float8, $6::float8)

-- name: claimed
SELECT * FROM claimed($1, $2::bigint)

-- name: heartbeat
WITH held AS (
    SELECT q.run_id FROM unnest($2::uuid[], $3::bigint[]) AS h(run_id, fence)
    JOIN queue q ON q.run_id = h.run_id AND q.fence = h.fence AND q.worker = $1
    ORDER BY q.run_id FOR NO KEY UPDATE OF q
)
UPDATE queue q SET lease_until = now() + make_interval(secs => $4::float8) FROM held WHERE q.run_id = held.run_id
RETURNING q.run_id, q.status = 'CANCELLING' AS cancelling

-- name: record
SELECT ord, outcome FROM record($1::jsonb, $2::jsonb, $3::jsonb, $4::jsonb, $5::text[])

-- name: recorded
SELECT r.run_id FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS i(run_id, fence, mark)
JOIN run r ON r.run_id = i.run_id LEFT JOIN queue q ON q.run_id = i.run_id
WHERE (q.fence = i.fence AND q.last_mark = i.mark) OR (r.last_fence = i.fence AND r.last_mark = i.mark)

-- name: snooze
SELECT snooze($1::uuid, $2::bigint, $3::float8, $4, $5, $6)

-- name: release
WITH gone AS (DELETE FROM attendance WHERE worker = $1) SELECT release($1)

-- name: attend
WITH gone AS (DELETE FROM attendance WHERE until < now() - interval '1 day' AND worker <> $1)
INSERT INTO attendance VALUES ($1, $2::integer, now() + make_interval(secs => $3::float8))
ON CONFLICT (worker) DO UPDATE SET slots = excluded.slots, until = excluded.until

-- name: recover
SELECT recover($1)

-- name: declare
INSERT INTO declaration VALUES ($1, $2) ON CONFLICT (config_hash) DO UPDATE SET declared_at = excluded.declared_at

-- name: bookmark
SELECT value, version FROM bookmark WHERE org = $1 AND pipeline_id = $2 AND step_id = $3

-- name: declaration
SELECT source FROM declaration WHERE config_hash = $1
