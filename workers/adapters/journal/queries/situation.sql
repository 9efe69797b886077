-- Why a run is where it is, in one snapshot. Counts stop at $5, and what is gone through is bounded: the leased runs of
-- all replicas, the newest notices, the last runs of the organisation.

-- name: situation
WITH asked AS MATERIALIZED (
    SELECT q.run_id, q.org, q.state, q.priority, q.seq, q.worker, q.lease_until, q.alone, q.alone_at, q.accepted_at,
        q.suspect_since, q.due_at, q.why, q.pause, q.failure, q.crash_count
    FROM queue q WHERE q.run_id = $2 AND q.org = $1
), held AS MATERIALIZED (
    SELECT h.run_id, h.org, h.worker, h.started_at, h.accepted_at, h.lease_until, h.alone,
        h.leased_at + alone_for($3, h.trials) AS alone_until
    FROM queue h WHERE h.state = 'leased' AND EXISTS (SELECT FROM asked)
), present AS MATERIALIZED (
    SELECT COALESCE((SELECT min(vtime) FROM lane WHERE active AND running < cap), (SELECT max(vtime) FROM lane)) AS vtime
), own AS MATERIALIZED (
    SELECT l.org, l.cap, l.weight,
        CASE WHEN l.active THEN l.vtime ELSE greatest(l.vtime, (SELECT p.vtime FROM present p)) END AS vtime
    FROM lane l WHERE l.org = $1
), lanes_before AS (
    -- Lanes that wake are counted before a claim has folded their notices in.
    (SELECT o.org FROM lane o, own WHERE o.active AND o.running < o.cap AND (o.vtime, o.org) < (own.vtime, own.org)
    ORDER BY o.vtime, o.org LIMIT $5::bigint)
    UNION
    SELECT o.org FROM (SELECT n.org FROM notice n WHERE n.woken ORDER BY n.id DESC LIMIT 5000) w
    JOIN lane o ON o.org = w.org AND NOT o.active AND o.running < o.cap, own
    WHERE (greatest(o.vtime, (SELECT p.vtime FROM present p)), o.org) < (own.vtime, own.org) AND has_heads(o.org)
), fleet AS MATERIALIZED (
    SELECT count(*) AS workers, COALESCE(sum(greatest(COALESCE(a.slots, 0) - COALESCE(h.runs, 0), 0)), 0) AS free
    FROM (SELECT worker, slots FROM attendance WHERE until > now()) a
    FULL JOIN (SELECT worker, count(*) AS runs FROM held WHERE lease_until > now() GROUP BY worker) h USING (worker)
), others AS (
    SELECT h.run_id, r.pipeline_id, h.started_at
    FROM held h JOIN run r ON r.run_id = h.run_id WHERE h.org = $1 AND h.run_id <> $2 ORDER BY h.started_at LIMIT 20
), last_runs AS (
    SELECT r.status, r.start_time, r.end_time FROM run r
    WHERE r.org = $1 AND r.created_at <= COALESCE((SELECT min(h.accepted_at) FROM held h WHERE h.org = $1), now())
    ORDER BY r.created_at DESC, r.run_id DESC LIMIT 50
)
SELECT f.*, now() AS at, a.state, a.lease_until, a.alone, a.suspect_since,
    a.suspect_since + make_interval(secs => $4::float8) AS patient_until,
    a.due_at, a.why, a.pause, a.failure, a.crash_count, own.cap, own.weight,
    CASE WHEN a.state <> 'waiting' THEN 0 WHEN a.suspect_since IS NULL THEN (
            SELECT count(*) FROM (SELECT FROM queue o WHERE o.org = $1 AND o.state = 'waiting' AND o.suspect_since IS NULL
                AND (o.priority, o.seq) < (a.priority, a.seq) LIMIT $5::bigint) b)
        ELSE (
            SELECT count(*) FROM (SELECT FROM queue o WHERE o.state = 'waiting' AND o.suspect_since IS NOT NULL
                AND (COALESCE(o.alone_at, o.accepted_at), o.seq) < (COALESCE(a.alone_at, a.accepted_at), a.seq)
                LIMIT $5::bigint) b)
        END AS ahead,
    (SELECT count(*) FROM held h WHERE h.org = $1) AS running,
    (SELECT count(*) FROM held) AS running_in_all,
    (SELECT json_agg(json_build_array(o.run_id, o.pipeline_id, o.started_at) ORDER BY o.started_at) FROM others o) AS holders,
    CASE WHEN a.state = 'waiting' THEN (SELECT count(*) FROM lanes_before) ELSE 0 END AS lanes_ahead,
    CASE WHEN a.state = 'waiting' THEN (
        SELECT CASE WHEN count(*) >= 3 THEN
            percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM e.end_time - e.start_time)) END
        FROM last_runs e WHERE e.status = 'COMPLETED' AND e.start_time IS NOT NULL) END::float8 AS typical_seconds,
    (SELECT workers FROM fleet) AS workers, (SELECT free FROM fleet)::bigint AS free,
    -- whether whoever works now runs a suspect alone, and until when
    (SELECT CASE WHEN bool_and(h.alone AND h.alone_until > now()) THEN min(h.alone_until) END FROM held h) AS shut_until,
    CASE WHEN a.run_id IS NULL THEN (SELECT q.run_id FROM queue q
        WHERE q.retry_of = $2 AND q.org = $1 AND q.status <> 'CANCELLING' ORDER BY q.seq LIMIT 1) END AS retried_by,
    CASE WHEN a.run_id IS NULL AND f.status <> 'COMPLETED' THEN (SELECT o.retry_at FROM occurrence o
        WHERE o.run_id = $2 AND o.retry_at IS NOT NULL LIMIT 1) END AS retry_at
FROM run_full f LEFT JOIN asked a ON a.run_id = f.run_id LEFT JOIN own ON own.org = f.org
WHERE f.run_id = $2 AND f.org = $1
