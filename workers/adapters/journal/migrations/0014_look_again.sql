-- As in 0011, but that what is begun is looked at again when it is not ended.

-- Write what a round decided. items [{due_at, state, act_at, late, why, live, retry_at}]. A round that ends gives the
-- schedule back, to be looked at when the next time comes that is known by now; one that goes on keeps it to be looked
-- at as soon as its hold has expired, for what waits may have its turn by what was just written.
CREATE OR REPLACE FUNCTION write_round(id uuid, with_fence bigint, items jsonb, then_due timestamptz, disabled text,
    last_status text, give_back boolean) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    held schedule;
BEGIN
    SELECT * INTO held FROM schedule s WHERE s.schedule_id = id AND s.fence = with_fence FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE occurrence o SET state = i.state, act_at = i.act_at, late = i.late, why = i.why, live = i.live,
        retry_at = i.retry_at, decided_at = COALESCE(o.decided_at, CASE WHEN i.state <> 'DUE' THEN now() END)
    FROM jsonb_to_recordset(items) AS i(due_at timestamptz, state text, act_at timestamptz, late boolean, why text,
        live boolean, retry_at timestamptz)
    WHERE o.schedule_id = id AND o.due_at = i.due_at;
    INSERT INTO occurrence (schedule_id, org, due_at, state, act_at, late, why, priority, decided_at)
    SELECT id, held.org, i.due_at, i.state, i.act_at, i.late, i.why, held.priority,
        CASE WHEN i.state <> 'DUE' THEN now() END
    FROM jsonb_to_recordset(items) AS i(due_at timestamptz, state text, act_at timestamptz, late boolean, why text)
    WHERE i.state <> 'FIRED'
    ON CONFLICT (schedule_id, due_at) DO NOTHING;
    PERFORM tell_occurrence(id, i.due_at) FROM jsonb_to_recordset(items) AS i(due_at timestamptz);
    IF (then_due, last_status, disabled) IS DISTINCT FROM (held.next_due, NULL::text, NULL::text) THEN
        PERFORM tell_schedule(id);
    END IF;
    UPDATE schedule s SET next_due = then_due, last_run_status = COALESCE(last_status, s.last_run_status),
        active = s.active AND disabled IS NULL, note = COALESCE(disabled, s.note),
        version = s.version + (disabled IS NOT NULL)::integer,
        held_until = CASE WHEN give_back THEN NULL ELSE s.held_until END,
        fence = CASE WHEN give_back THEN NULL ELSE s.fence END,
        look_at = CASE WHEN give_back THEN least(then_due, (SELECT min(least(o.act_at, o.retry_at)) FROM occurrence o
            WHERE o.schedule_id = id AND (o.state = 'DUE' OR o.live OR o.retry_at IS NOT NULL))) ELSE now() END
    WHERE s.schedule_id = id;
    RETURN true;
END
$$;
