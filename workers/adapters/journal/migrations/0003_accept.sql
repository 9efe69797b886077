-- Accept a batch of runs in one commit, each judged alone. An item: ord, run (columns of run), key, body_hash, hash,
-- path, priority, terms, steps [[step_id, ps_type, status]…], adopt. Gives one outcome for each ord.
--
-- One advisory lock per organisation, taken in order, makes bounds exact and run_seq the order of commits.
CREATE FUNCTION accept(items jsonb, total_limit bigint)
RETURNS TABLE (ord integer, outcome text, known uuid, status text, retry_after double precision) LANGUAGE plpgsql AS $$
DECLARE
    item record;
    old record;
    stands boolean;
    current_org text := '';
    waiting integer;
    day_started integer;
    month_started integer;
    total bigint;
    taken integer[] := '{}';
    seqs bigint[] := '{}';
    ids uuid[] := '{}';
    next_seq bigint;
    month_start date := date_trunc('month', today())::date;
    day_left double precision := extract(epoch FROM (today() + 1)::timestamp AT TIME ZONE 'UTC' - now());
    month_left double precision := extract(epoch FROM
        (date_trunc('month', today()) + interval '1 month')::timestamp AT TIME ZONE 'UTC' - now());
BEGIN
    PERFORM pg_advisory_xact_lock(lock) FROM (
        SELECT DISTINCT hashtextextended(i->>'org', 1) AS lock FROM jsonb_array_elements(items) i ORDER BY 1) locks;
    SELECT sum(t.waiting) INTO total FROM tally t;
    FOR item IN
        SELECT * FROM jsonb_to_recordset(items) AS i(ord integer, run_id uuid, org text, key text, body_hash text,
            hash text, path text, retry_of uuid, force_refresh boolean, priority integer, daily integer,
            monthly integer, waiting_limit integer)
        ORDER BY i.org, i.ord
    LOOP
        ord := item.ord; known := NULL; status := NULL; retry_after := NULL;
        IF item.key IS NOT NULL THEN
            SELECT i.run_id, i.body_hash INTO old FROM idempotency i
            WHERE i.org = item.org AND i.key = item.key AND i.created_at > now() - interval '24 hours';
            IF FOUND THEN
                outcome := CASE WHEN old.body_hash = item.body_hash THEN 'existing' ELSE 'mismatch' END;
                known := old.run_id;
                SELECT n.status INTO status FROM run_now n WHERE n.run_id = old.run_id;
                -- accepted earlier in this very batch: its history row follows below
                status := COALESCE(status, 'PENDING');
                RETURN NEXT;
                CONTINUE;
            END IF;
        END IF;
        -- A live run stands for what it would give: another retry of the same run, or the same pipeline with the same
        -- parameters unless these are forced. One that is CANCELLING was asked to stop and gives nothing, so it
        -- stands for nothing: a new run is made while the old one still ends.
        stands := false;
        IF item.retry_of IS NOT NULL THEN
            SELECT q.run_id, q.status INTO old FROM queue q
            WHERE q.retry_of = item.retry_of AND q.org = item.org AND q.status <> 'CANCELLING' ORDER BY q.seq LIMIT 1;
            stands := FOUND;
        END IF;
        IF NOT stands AND NOT item.force_refresh THEN
            SELECT q.run_id, q.status INTO old FROM queue q
            WHERE q.org = item.org AND q.parameters_hash = item.hash AND q.path = item.path
                AND q.status <> 'CANCELLING'
            ORDER BY q.seq LIMIT 1;
            stands := FOUND;
        END IF;
        IF stands THEN
            outcome := 'existing'; known := old.run_id; status := old.status;
            PERFORM keep_key(item.org, item.key, old.run_id, item.body_hash);
            RETURN NEXT;
            CONTINUE;
        END IF;
        IF item.org <> current_org THEN
            current_org := item.org;
            SELECT count(*) INTO waiting FROM queue q WHERE q.org = item.org AND q.state <> 'leased';
            SELECT COALESCE(sum(s.started), 0), COALESCE(sum(s.started) FILTER (WHERE s.day = today()), 0)
            INTO month_started, day_started FROM quota_started s WHERE s.org = item.org AND s.day >= month_start;
        END IF;
        outcome := CASE
            WHEN day_started >= item.daily THEN 'daily'
            WHEN month_started >= item.monthly THEN 'monthly'
            WHEN waiting >= item.waiting_limit THEN 'full'
            WHEN total >= total_limit THEN 'away'
            ELSE 'added' END;
        IF outcome = 'added' THEN
            known := item.run_id; status := 'PENDING';
            next_seq := nextval('run_seq');
            INSERT INTO queue (run_id, org, seq, priority, path, parameters_hash, retry_of, accepted_at)
            VALUES (item.run_id, item.org, next_seq, item.priority, item.path, item.hash, item.retry_of, now());
            PERFORM keep_key(item.org, item.key, item.run_id, item.body_hash);
            taken := taken || item.ord; seqs := seqs || next_seq; ids := ids || item.run_id;
            waiting := waiting + 1; day_started := day_started + 1; month_started := month_started + 1;
            total := total + 1;
        ELSE
            retry_after := CASE outcome WHEN 'daily' THEN day_left WHEN 'monthly' THEN month_left ELSE 5 END;
        END IF;
        RETURN NEXT;
    END LOOP;
    IF taken <> '{}' THEN
        PERFORM keep_accepted(items, taken, seqs, ids);
    END IF;
END
$$;

-- A key of more than 24 hours ago stands for nothing any more and is taken over.
CREATE FUNCTION keep_key(of_org text, new_key text, new_run uuid, hash text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF new_key IS NOT NULL THEN
        INSERT INTO idempotency VALUES (of_org, new_key, new_run, hash, now())
        ON CONFLICT (org, key) DO UPDATE
        SET run_id = excluded.run_id, body_hash = excluded.body_hash, created_at = excluded.created_at;
    END IF;
END
$$;

CREATE FUNCTION keep_accepted(items jsonb, taken integer[], seqs bigint[], ids uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run (run_id, seq, org, provider, domain, pipeline, pipeline_id, config_hash, run_date, parameters,
        trigger_type, trigger_by, key_id, force_refresh, retry_of, trace_id, created_at)
    SELECT i.run_id, t.seq, i.org, i.provider, i.domain, i.pipeline, i.pipeline_id, i.config_hash, i.run_date,
        i.parameters, i.trigger_type, i.trigger_by, i.key_id, i.force_refresh, i.retry_of, i.trace_id,
        clock_timestamp()
    FROM unnest(taken, seqs) AS t(ord, seq)
    JOIN jsonb_to_recordset(items) AS i(ord integer, run_id uuid, org text, provider text, domain text,
        pipeline text, pipeline_id text, config_hash text, run_date date, parameters jsonb, trigger_type text,
        trigger_by text, key_id text, force_refresh boolean, retry_of uuid, trace_id text) USING (ord)
    ORDER BY t.seq;

    INSERT INTO step (run_id, ordinal, step_id, ps_type, status)
    SELECT i.run_id, s.ordinal, s.step->>0, s.step->>1, s.step->>2
    FROM jsonb_to_recordset(items) AS i(ord integer, run_id uuid, steps jsonb),
        LATERAL jsonb_array_elements(i.steps) WITH ORDINALITY AS s(step, ordinal)
    WHERE i.ord = ANY (taken);

    UPDATE step s SET status = o.status, attempt = o.attempt, rows = o.rows, bytes = o.bytes,
        start_time = o.start_time, end_time = o.end_time, output = o.output
    FROM (SELECT * FROM jsonb_to_recordset(items) AS i(ord integer, run_id uuid, org text, retry_of uuid, adopt jsonb)
          WHERE i.ord = ANY (taken) AND i.retry_of IS NOT NULL) i
    JOIN run r ON r.run_id = i.retry_of AND r.org = i.org
    JOIN step o ON o.run_id = i.retry_of AND o.status = 'COMPLETED'
    WHERE s.run_id = i.run_id AND s.step_id = o.step_id AND i.adopt ? o.step_id;

    INSERT INTO event (run_id, sequence, type, status) SELECT id, 1, 'QUEUED', 'PENDING' FROM unnest(ids) AS u(id);

    INSERT INTO quota_started (org, day, started)
    SELECT i.org, today(), count(*) FROM jsonb_to_recordset(items) AS i(ord integer, org text)
    WHERE i.ord = ANY (taken) GROUP BY i.org ORDER BY i.org
    ON CONFLICT (org, day) DO UPDATE SET started = quota_started.started + excluded.started;

    WITH terms AS (
        SELECT DISTINCT ON (i.org) i.org, i.cap, i.weight
        FROM jsonb_to_recordset(items) AS i(ord integer, org text, cap integer, weight double precision)
        WHERE i.ord = ANY (taken) ORDER BY i.org, i.ord DESC
    ), made AS (
        INSERT INTO lane (org, cap, weight) SELECT t.org, t.cap, t.weight FROM terms t
        WHERE NOT EXISTS (SELECT 1 FROM lane l WHERE l.org = t.org) ORDER BY t.org
        ON CONFLICT (org) DO NOTHING
    )
    INSERT INTO notice (org, cap, weight) SELECT t.org, t.cap, t.weight FROM terms t;

    PERFORM count_waiting(cardinality(taken));
END
$$;
