-- When the last run of an organisation and UTC day completed, kept beside the day's counters.

ALTER TABLE quota_ended ADD COLUMN last_completed_at timestamptz;
UPDATE quota_ended e SET last_completed_at = r.last_completed_at FROM (
    SELECT org, (end_time AT TIME ZONE 'UTC')::date AS day, max(end_time) AS last_completed_at
    FROM run WHERE status = 'COMPLETED' GROUP BY 1, 2) r
WHERE e.org = r.org AND e.day = r.day;

-- As in 0005, with the moment.
CREATE OR REPLACE FUNCTION close_runs(ends jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    unleased bigint;
BEGIN
    UPDATE step s SET end_time = now(), status = CASE
        WHEN e.status = 'CANCELLED' THEN 'CANCELLED' WHEN s.status = 'RUNNING' THEN 'FAILED' ELSE 'SKIPPED' END
    FROM jsonb_to_recordset(ends) AS e(run uuid, status text)
    WHERE s.run_id = e.run AND s.status IN ('PENDING', 'RUNNING');

    WITH gone AS (
        DELETE FROM queue q USING jsonb_to_recordset(ends) AS e(run uuid, status text, error jsonb, mark bigint)
        WHERE q.run_id = e.run
        RETURNING q.run_id, q.org, q.state, q.attempt, q.started_at, q.fence, q.accepted_at, q.last_event,
            e.status, e.error, e.mark
    ), told AS (
        INSERT INTO event (run_id, sequence, type, status, error)
        SELECT run_id, last_event + 1, 'TERMINAL', status, error FROM gone
    ), kept AS (
        UPDATE run r SET status = g.status, attempt = g.attempt, start_time = g.started_at, end_time = now(),
            error = g.error, last_fence = g.fence, last_mark = g.mark
        FROM gone g WHERE r.run_id = g.run_id
    ), freed AS (
        INSERT INTO notice (org, running, woken)
        SELECT org, -count(*) FILTER (WHERE state = 'leased'), bool_or(state <> 'leased') FROM gone GROUP BY org
    ), counted AS (
        INSERT INTO quota_ended (org, day, succeeded, failed, last_completed_at)
        SELECT org, today(), count(*) FILTER (WHERE status = 'COMPLETED'),
            count(*) FILTER (WHERE status IN ('FAILED', 'TIMEOUT', 'QUARANTINED')),
            CASE WHEN bool_or(status = 'COMPLETED') THEN now() END
        FROM gone GROUP BY org ORDER BY org
        ON CONFLICT (org, day) DO UPDATE
        SET succeeded = quota_ended.succeeded + excluded.succeeded, failed = quota_ended.failed + excluded.failed,
            last_completed_at = greatest(quota_ended.last_completed_at, excluded.last_completed_at)
    ), run_parcels AS (
        INSERT INTO outbox (kind, run_id, payload) SELECT 'run', run_id, jsonb_build_object('run_id', run_id) FROM gone
    ), quota_parcels AS (
        INSERT INTO outbox (kind, payload) SELECT 'quota', jsonb_build_object('org', org, 'day', day) FROM (
            SELECT org, today() AS day FROM gone UNION SELECT org, (accepted_at AT TIME ZONE 'UTC')::date FROM gone) d
    )
    SELECT count(*) FILTER (WHERE state <> 'leased') INTO unleased FROM gone;
    PERFORM count_waiting(-unleased);
END
$$;
