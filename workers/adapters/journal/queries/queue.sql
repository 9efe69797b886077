-- The queue as callers see it: of one organisation, or of all when none is named.

-- name: lanes
SELECT org, count(*) FILTER (WHERE q.state <> 'leased') AS depth, count(*) FILTER (WHERE q.state = 'leased') AS running,
    max(l.cap) AS cap, max(l.weight) AS weight,
    COALESCE(extract(epoch FROM now() - min(q.accepted_at) FILTER (WHERE q.state = 'waiting')), 0)::float8 AS oldest_wait
FROM lane l FULL JOIN queue q USING (org)
WHERE CASE WHEN $1::text IS NULL THEN q.org IS NOT NULL ELSE org = $1 END
GROUP BY org ORDER BY 6 DESC, org LIMIT $2

-- name: queued
SELECT q.run_id, q.org, q.status, q.state, q.priority, q.accepted_at, q.started_at, r.pipeline_id, r.trigger_type
FROM queue q JOIN run r ON r.run_id = q.run_id
WHERE ($1::text IS NULL OR q.org = $1) AND ($2::timestamptz IS NULL OR (q.accepted_at, q.run_id) > ($2, $3::uuid))
ORDER BY q.accepted_at, q.run_id LIMIT $4

-- name: startable
SELECT count(*) FROM queue WHERE state = 'waiting' AND accepted_at <= $2 AND ($1::text IS NULL OR org = $1)

-- name: scheduler_counts
SELECT
    (SELECT count(*) FROM schedule s WHERE s.active AND ($1::text IS NULL OR s.org = $1)) AS active,
    (SELECT count(*) FROM schedule s WHERE s.active AND s.next_due <= now() AND ($1::text IS NULL OR s.org = $1))
        + (SELECT count(*) FROM occurrence o
            WHERE o.state = 'DUE' AND o.act_at <= now() AND ($1::text IS NULL OR o.org = $1)) AS due_now,
    (SELECT count(*) FROM occurrence o WHERE o.state = 'DUE' AND ($1::text IS NULL OR o.org = $1)) AS undecided,
    (SELECT count(*) FROM queue q WHERE q.state <> 'leased' AND ($1::text IS NULL OR q.org = $1)) AS waiting,
    (SELECT count(*) FROM queue q WHERE q.state = 'leased' AND ($1::text IS NULL OR q.org = $1)) AS running,
    (SELECT COALESCE(sum(e.succeeded), 0) FROM quota_ended e WHERE e.day = today() AND ($1::text IS NULL OR e.org = $1))
        AS completed,
    (SELECT COALESCE(sum(e.failed), 0) FROM quota_ended e WHERE e.day = today() AND ($1::text IS NULL OR e.org = $1))
        AS failed,
    (SELECT COALESCE(avg(extract(epoch FROM r.end_time - r.start_time)), 0)::float8 FROM run r
        WHERE r.end_time > now() - interval '7 days' AND r.status = 'COMPLETED' AND ($1::text IS NULL OR r.org = $1))
        AS average_seconds,
    (SELECT min(s.next_due) FROM schedule s WHERE s.active AND ($1::text IS NULL OR s.org = $1)) AS next_due,
    (SELECT max(s.last_run_at) FROM schedule s WHERE $1::text IS NULL OR s.org = $1) AS last_fired
