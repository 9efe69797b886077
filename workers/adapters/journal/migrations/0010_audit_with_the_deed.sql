-- The audit entry of whoever asks for a run, or for its end, is kept in the commit that grants it.

-- An entry as the outbox holds it, with the run it came to; none for none.
CREATE FUNCTION audited(entry jsonb, of_run uuid) RETURNS jsonb[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN jsonb_typeof(entry) = 'object' THEN
        ARRAY[entry || jsonb_build_object('resource_id', of_run)] ELSE '{}'::jsonb[] END
$$;

-- As in 0003, with the entry `audit` of an item.
CREATE OR REPLACE FUNCTION accept(items jsonb, total_limit bigint)
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
    audits jsonb[] := '{}';
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
            monthly integer, waiting_limit integer, audit jsonb)
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
                IF outcome = 'existing' THEN
                    audits := audits || audited(item.audit, old.run_id);
                END IF;
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
            audits := audits || audited(item.audit, old.run_id);
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
            audits := audits || audited(item.audit, item.run_id);
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
    INSERT INTO outbox (kind, payload) SELECT 'audit', a FROM unnest(audits) AS u(a);
END
$$;

-- As in 0006, with an entry; it is kept whenever there is such a run, also one that has ended.
CREATE FUNCTION cancel(of_org text, of_run uuid, entry jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (kind, payload) SELECT 'audit', a FROM unnest(audited(entry, of_run)) AS u(a)
    WHERE EXISTS (SELECT 1 FROM run r WHERE r.run_id = of_run AND r.org = of_org);
    RETURN cancel(of_org, of_run);
END
$$;
