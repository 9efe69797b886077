-- How far a step of a pipeline has read, kept beyond its runs: moved in the commit of the step's outcome, and only from
-- the version that its run began with.

CREATE TABLE bookmark (
    org text NOT NULL,
    pipeline_id text NOT NULL,
    step_id text NOT NULL,
    value jsonb NOT NULL,
    version bigint NOT NULL,
    run_id uuid NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org, pipeline_id, step_id)
);

-- steps [{run, step, bookmark: {value, version}}] among the others; of two in one batch that begin alike one is kept.
CREATE FUNCTION move_bookmarks(steps jsonb, good uuid[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO bookmark (org, pipeline_id, step_id, value, version, run_id)
    SELECT DISTINCT ON (r.org, r.pipeline_id, p.step)
        r.org, r.pipeline_id, p.step, p.bookmark->'value', (p.bookmark->>'version')::bigint + 1, p.run
    FROM jsonb_to_recordset(steps) AS p(run uuid, step text, bookmark jsonb)
    JOIN run r ON r.run_id = p.run
    WHERE p.run = ANY (good) AND jsonb_typeof(p.bookmark) = 'object'
    ORDER BY r.org, r.pipeline_id, p.step, r.seq
    ON CONFLICT (org, pipeline_id, step_id) DO UPDATE
    SET value = excluded.value, version = excluded.version, run_id = excluded.run_id, moved_at = now()
    WHERE bookmark.version = excluded.version - 1
$$;

-- As in 0005, with bookmarks.
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
    UPDATE queue q SET last_mark = i.mark, last_event = q.last_event + i.events
    FROM jsonb_to_recordset(items) AS i(run uuid, mark bigint, events integer)
    WHERE q.run_id = i.run AND i.run = ANY (good);
END
$$;
