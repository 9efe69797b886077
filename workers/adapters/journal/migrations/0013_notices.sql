-- Notices. What may have to be told goes to the outbox (kind notice) in the commit that makes it true. One planner turns
-- it into letters, and whoever sends one undertakes it first, so that no letter is lost and few are sent twice.

-- What was told: of a pipeline how often it has failed in a row, of an organisation until when it hears no more.
CREATE TABLE told (
    org text NOT NULL,
    pipeline_id text NOT NULL,
    event text NOT NULL,
    value jsonb NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org, pipeline_id, event)
);

CREATE TABLE letter (
    letter_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE,
    org text NOT NULL,
    lane text NOT NULL,
    body jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    last_error text NOT NULL DEFAULT ''
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX letter_lane ON letter (lane, letter_id);

-- parcels: the news this comes of; when another planner has taken one of them, nothing is written.
-- letters [{key, org, lane, body}]; kept [{org, pipeline_id, event, value}], where null forgets.
CREATE FUNCTION plan_letters(parcels bigint[], letters jsonb, kept jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    taken bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('letters', 3));
    SELECT count(*) INTO taken FROM outbox WHERE parcel_id = ANY (parcels);
    IF taken <> cardinality(parcels) THEN
        RETURN false;
    END IF;
    DELETE FROM outbox WHERE parcel_id = ANY (parcels);
    INSERT INTO letter (key, org, lane, body)
    SELECT l.value->>'key', l.value->>'org', l.value->>'lane', l.value->'body'
    FROM jsonb_array_elements(letters) WITH ORDINALITY AS l(value, ord) ORDER BY l.ord
    ON CONFLICT (key) DO NOTHING;
    DELETE FROM told t USING jsonb_to_recordset(kept) AS k(org text, pipeline_id text, event text, value jsonb)
    WHERE (t.org, t.pipeline_id, t.event) = (k.org, k.pipeline_id, k.event) AND k.value IS NULL;
    INSERT INTO told (org, pipeline_id, event, value)
    SELECT k.org, k.pipeline_id, k.event, k.value
    FROM jsonb_to_recordset(kept) AS k(org text, pipeline_id text, event text, value jsonb) WHERE k.value IS NOT NULL
    ON CONFLICT (org, pipeline_id, event) DO UPDATE SET value = excluded.value, moved_at = now();
    RETURN true;
END
$$;

-- As in 0012, with notices of an item.
CREATE OR REPLACE FUNCTION write_marks(items jsonb, events jsonb, steps jsonb, receipts jsonb, good uuid[]) RETURNS void
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
        PERFORM move_bookmarks(steps, good);
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
    INSERT INTO outbox (kind, run_id, payload)
    SELECT 'notice', i.run, n.payload FROM jsonb_to_recordset(items) AS i(run uuid, notices jsonb)
    CROSS JOIN jsonb_array_elements(i.notices) AS n(payload)
    WHERE i.run = ANY (good) AND jsonb_typeof(i.notices) = 'array';
    UPDATE queue q SET last_mark = i.mark, last_event = q.last_event + i.events
    FROM jsonb_to_recordset(items) AS i(run uuid, mark bigint, events integer)
    WHERE q.run_id = i.run AND i.run = ANY (good);
END
$$;

-- As in 0009, with the news that a run has ended.
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
    ), news AS (
        INSERT INTO outbox (kind, run_id, payload) SELECT 'notice', run_id, '{"about": "ended"}' FROM gone
    ), quota_parcels AS (
        INSERT INTO outbox (kind, payload) SELECT 'quota', jsonb_build_object('org', org, 'day', day) FROM (
            SELECT org, today() AS day FROM gone UNION SELECT org, (accepted_at AT TIME ZONE 'UTC')::date FROM gone) d
    )
    SELECT count(*) FILTER (WHERE state <> 'leased') INTO unleased FROM gone;
    PERFORM count_waiting(-unleased);
END
$$;
