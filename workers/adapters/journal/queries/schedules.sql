-- Schedules and their occurrences: what callers ask first, then what a scheduler does.

-- name: put_schedule
SELECT outcome, id FROM put_schedule($1::jsonb, $2::bigint, $3::integer, $4::timestamptz[], $5::bigint)

-- name: find_schedule
SELECT * FROM schedule WHERE schedule_id = $2 AND org = $1 AND deleted_at IS NULL

-- name: list_schedules
SELECT * FROM schedule WHERE org = $1 AND deleted_at IS NULL ORDER BY provider, domain, pipeline, name

-- name: set_schedule_active
SELECT set_schedule_active($1, $2::uuid, $3::boolean, $4, $5::timestamptz, $6::timestamptz[], $7::bigint)

-- name: delete_schedule
SELECT delete_schedule($1, $2::uuid)

-- name: occurrences
SELECT * FROM occurrence_now
WHERE org = $1 AND schedule_id = $2 AND ($3::timestamptz IS NULL OR due_at < $3)
ORDER BY due_at DESC LIMIT $4

-- name: decided
SELECT o.*, s.provider, s.domain, s.pipeline, s.name, NULL AS run_parameters
FROM occurrence_now o JOIN schedule s USING (schedule_id)
WHERE o.decided_at >= $2 AND ($1::text IS NULL OR o.org = $1)
ORDER BY o.decided_at, o.schedule_id, o.due_at LIMIT $3

-- name: outlook
SELECT (SELECT min(s.next_due) FROM schedule s WHERE s.active AND ($1::text IS NULL OR s.org = $1)) AS next_due,
    (SELECT count(*) FROM occurrence o WHERE o.state = 'DUE' AND ($1::text IS NULL OR o.org = $1)) AS queued,
    (SELECT count(*) FROM schedule s 
        WHERE s.look_at <= least(COALESCE($2::timestamptz, now()), now()) AND ($1::text IS NULL OR s.org = $1)) AS unseen

-- name: hold_schedules
SELECT (h.held).*, h.now_at AS now, h.pending FROM hand_over($1, $2::timestamptz, $3::integer, $4::float8) h

-- name: fire
SELECT outcome, known, status, retry_after
FROM fire($1::uuid, $2::bigint, $3::timestamptz, $4::jsonb, $5::bigint, $6::boolean)

-- name: write_round
SELECT write_round($1::uuid, $2::bigint, $3::jsonb, $4::timestamptz, $5, $6, $7::boolean)

-- name: note_starts
SELECT note_starts()

-- name: prune_schedules
SELECT prune_schedules($1::timestamptz)

-- name: schedules_by_id
SELECT * FROM schedule WHERE schedule_id = ANY ($1::uuid[])

-- name: occurrences_by_id
SELECT o.*, s.provider, s.domain, s.pipeline, s.name, r.parameters AS run_parameters
FROM unnest($1::uuid[], $2::timestamptz[]) AS k(schedule_id, due_at)
JOIN occurrence_now o USING (schedule_id, due_at) JOIN schedule s USING (schedule_id)
LEFT JOIN run r ON r.run_id = o.run_id
