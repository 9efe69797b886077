-- What holders of leases write, many runs in one commit, each item judged alone by its fence.

-- End runs whose queue rows the caller has locked: ends [{run, status, error, mark}].
CREATE FUNCTION close_runs(ends jsonb) RETURNS void LANGUAGE plpgsql AS $$
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
        INSERT INTO quota_ended (org, day, succeeded, failed)
        SELECT org, today(), count(*) FILTER (WHERE status = 'COMPLETED'),
            count(*) FILTER (WHERE status IN ('FAILED', 'TIMEOUT', 'QUARANTINED'))
        FROM gone GROUP BY org ORDER BY org
        ON CONFLICT (org, day) DO UPDATE
        SET succeeded = quota_ended.succeeded + excluded.succeeded, failed = quota_ended.failed + excluded.failed
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

-- items [{ord, run, fence, mark, status, error}] (status only when the run ends); events [{run, n, type…}];
-- steps [{run, step, …}], one for each step; receipts [{run, step, attempt, number, body}]; allowed 'RUNNING>FAILED'….
CREATE FUNCTION record(items jsonb, events jsonb, steps jsonb, receipts jsonb, allowed text[])
RETURNS TABLE (ord integer, outcome text) LANGUAGE plpgsql AS $$
DECLARE
    good uuid[];
    ends jsonb;
    ords integer[];
    outcomes text[];
BEGIN
    PERFORM 1 FROM queue q WHERE q.run_id IN (SELECT (i->>'run')::uuid FROM jsonb_array_elements(items) i)
    ORDER BY q.run_id FOR UPDATE;
    SELECT array_agg(v.ord), array_agg(v.outcome), array_agg(v.run) FILTER (WHERE v.outcome = 'written'),
        jsonb_agg(v.closing) FILTER (WHERE v.outcome = 'written' AND v.closing->>'status' IS NOT NULL)
    INTO ords, outcomes, good, ends
    FROM (
        SELECT i.ord, i.run, CASE
                WHEN q.fence IS DISTINCT FROM i.fence THEN 'stale'
                WHEN i.status IS NOT NULL AND q.status || '>' || i.status <> ALL (allowed) THEN 'refused ' || q.status
                ELSE 'written' END AS outcome,
            jsonb_build_object('run', i.run, 'status', i.status, 'error', i.error, 'mark', i.mark) AS closing
        FROM jsonb_to_recordset(items) AS i(ord integer, run uuid, fence bigint, mark bigint, status text, error jsonb)
        LEFT JOIN queue q ON q.run_id = i.run
    ) v;
    IF good IS NOT NULL THEN
        PERFORM write_marks(items, events, steps, receipts, good);
        IF ends IS NOT NULL THEN
            PERFORM close_runs(ends);
        END IF;
    END IF;
    RETURN QUERY SELECT * FROM unnest(ords, outcomes);
END
$$;

CREATE FUNCTION write_marks(items jsonb, events jsonb, steps jsonb, receipts jsonb, good uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF steps <> '[]' THEN
        UPDATE step s SET status = COALESCE(p.status, s.status), attempt = COALESCE(p.attempt, s.attempt),
            rows = COALESCE(p.rows, s.rows), bytes = COALESCE(p.bytes, s.bytes),
            start_time = CASE WHEN p.began THEN COALESCE(s.start_time, now()) ELSE s.start_time END,
            end_time = CASE WHEN p.ended THEN now() WHEN p.began THEN NULL ELSE s.end_time END,
            error = CASE WHEN p.ended OR p.began THEN p.error ELSE s.error END,
            output = COALESCE(p.output, s.output), checkpoint = COALESCE(p.checkpoint, s.checkpoint)
        FROM jsonb_to_recordset(steps) AS p(run uuid, step text, status text, attempt integer, rows bigint,
            bytes bigint, began boolean, ended boolean, error jsonb, output jsonb, checkpoint jsonb)
        WHERE s.run_id = p.run AND s.step_id = p.step AND p.run = ANY (good);
    END IF;
    IF events <> '[]' THEN
        INSERT INTO event (run_id, sequence, type, step_id, status, progress, message, error)
        SELECT e.run, q.last_event + row_number() OVER (PARTITION BY e.run ORDER BY e.n), e.type, e.step, e.status,
            e.progress, e.message, e.error
        FROM jsonb_to_recordset(events) AS e(run uuid, n integer, type text, step text, status text, progress jsonb,
            message text, error jsonb)
        JOIN queue q ON q.run_id = e.run
        WHERE e.run = ANY (good);
    END IF;
    IF receipts <> '[]' THEN
        INSERT INTO receipt (run_id, step_id, attempt, number, body)
        SELECT r.run, r.step, r.attempt, r.number, r.body
        FROM jsonb_to_recordset(receipts) AS r(run uuid, step text, attempt integer, number integer, body jsonb)
        WHERE r.run = ANY (good)
        ON CONFLICT (run_id, step_id, attempt, number) DO UPDATE SET body = excluded.body, read_at = excluded.read_at;
    END IF;
    UPDATE queue q SET last_mark = i.mark, last_event = q.last_event + i.events
    FROM jsonb_to_recordset(items) AS i(run uuid, mark bigint, events integer)
    WHERE q.run_id = i.run AND i.run = ANY (good);
END
$$;
