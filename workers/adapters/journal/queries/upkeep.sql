-- What keeps the journal in order, and what its outbox hands on.

-- name: reap
SELECT reap($1::float8)

-- name: sweep
SELECT s FROM sweep($1::float8) AS s

-- name: prune
SELECT prune($1::timestamptz, $2::integer)

-- name: forget
SELECT forget($1::timestamptz)

-- name: parcels
SELECT parcel_id, kind, batch, payload FROM seal_parcels($1, $2)

-- name: note_uses
INSERT INTO outbox (kind, payload) SELECT 'key_use', u FROM jsonb_array_elements($1::jsonb) u

-- name: pages_read
SELECT run_id, count(*) AS pages FROM receipt WHERE run_id = ANY ($1::uuid[]) GROUP BY run_id

-- name: published
DELETE FROM outbox WHERE parcel_id = ANY ($1::bigint[]) AND batch IS NOT NULL

-- name: set_aside
UPDATE outbox SET kind = kind || ' unread', batch = NULL WHERE parcel_id = ANY ($1::bigint[])

-- name: runs
SELECT * FROM run_full WHERE run_id = ANY ($1::uuid[])

-- name: quotas
SELECT k.org, k.day, COALESCE(s.started, 0) AS started, COALESCE(e.succeeded, 0) AS succeeded,
    COALESCE(e.failed, 0) AS failed,
    (SELECT COALESCE(sum(m.started), 0) FROM quota_started m
        WHERE m.org = k.org AND m.day BETWEEN date_trunc('month', k.day)::date AND k.day) AS started_in_month,
    (SELECT count(*) FROM queue q WHERE q.org = k.org AND q.state = 'leased') AS running,
    COALESCE(p.running, 0) AS most_running,
    (SELECT max(m.last_completed_at) FROM quota_ended m WHERE m.org = k.org AND m.day <= k.day) AS last_completed_at
FROM unnest($1::text[], $2::date[]) WITH ORDINALITY AS k(org, day, place)
LEFT JOIN quota_started s ON s.org = k.org AND s.day = k.day
LEFT JOIN quota_ended e ON e.org = k.org AND e.day = k.day
LEFT JOIN quota_peak p ON p.org = k.org AND p.day = k.day
ORDER BY k.place

-- name: lead
SELECT pg_try_advisory_lock(hashtextextended($1, 2))

-- name: depth
-- Whoever has a run to start and room below its cap competes for slots.
SELECT weight, sum(waiting)::bigint AS waiting, sum(delayed)::bigint AS delayed, sum(running)::bigint AS running,
    COALESCE(extract(epoch FROM now() - min(oldest)), 0)::float8 AS oldest_wait,
    count(*) FILTER (WHERE waiting > 0 AND running < cap) AS competing,
    COALESCE(sum(running / weight) FILTER (WHERE waiting > 0 AND running < cap), 0)::float8 AS shares,
    COALESCE(sum((running / weight) ^ 2) FILTER (WHERE waiting > 0 AND running < cap), 0)::float8 AS squares
FROM (
    SELECT COALESCE(l.weight, 1) AS weight, COALESCE(l.cap, 0) AS cap, q.*
    FROM (
        SELECT org, count(*) FILTER (WHERE state = 'waiting') AS waiting,
            count(*) FILTER (WHERE state = 'delayed') AS delayed, count(*) FILTER (WHERE state = 'leased') AS running,
            min(accepted_at) FILTER (WHERE state = 'waiting') AS oldest
        FROM queue GROUP BY org
    ) q LEFT JOIN lane l USING (org)
) lanes
GROUP BY weight ORDER BY weight

-- name: surroundings
SELECT (SELECT count(*) FROM outbox WHERE kind <> 'notice') AS outbox,
    COALESCE((SELECT extract(epoch FROM clock_timestamp() - min(xact_start)) FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()), 0)::float8 AS oldest_transaction

-- name: ping
SELECT clock_timestamp()

-- name: ring
SELECT pg_notify('journal', '')
