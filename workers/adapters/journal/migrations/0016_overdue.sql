-- Changing the times of a schedule, or resuming it, leaves all that was due and is no row yet, not the first of it only.
-- Cron lines are read outside: the caller gives the times, counted from the schedule as it stood at version `seen`.

CREATE FUNCTION leave_times(old schedule, times timestamptz[], seen bigint, with_state text, because text)
RETURNS void LANGUAGE sql AS $$
    WITH left_over AS (
        INSERT INTO occurrence (schedule_id, org, due_at, state, late, why, priority, decided_at)
        SELECT old.schedule_id, old.org, at, with_state, true, because, old.priority, now()
        FROM unnest(times) AS at WHERE old.version = seen AND at > old.next_due AND at <= now()
        ON CONFLICT (schedule_id, due_at) DO NOTHING
        RETURNING schedule_id, due_at
    )
    SELECT tell_occurrence(schedule_id, due_at) FROM left_over
$$;

CREATE FUNCTION put_schedule(wanted jsonb, expected bigint, most integer, times timestamptz[], seen bigint)
RETURNS TABLE (outcome text, id uuid) LANGUAGE plpgsql AS $$
DECLARE
    new schedule := jsonb_populate_record(NULL::schedule, wanted);
    old schedule;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(new.org, 3));
    SELECT * INTO old FROM schedule s WHERE s.org = new.org AND s.provider = new.provider AND s.domain = new.domain
        AND s.pipeline = new.pipeline AND s.name = new.name AND s.deleted_at IS NULL FOR UPDATE;
    SELECT p.outcome, p.id INTO outcome, id FROM put_schedule(wanted, expected, most) p;
    IF outcome = 'put' AND (old.cron, old.timezone, old.active) IS DISTINCT FROM (new.cron, new.timezone, new.active) THEN
        PERFORM leave_times(old, times, seen, 'MISSED',
            'the schedule was changed after it was due and before it was looked at');
    END IF;
    RETURN NEXT;
END
$$;

CREATE FUNCTION set_schedule_active(of_org text, id uuid, wanted boolean, because text, then_due timestamptz,
    times timestamptz[], seen bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    old schedule;
BEGIN
    SELECT * INTO old FROM schedule s
    WHERE s.schedule_id = id AND s.org = of_org AND s.deleted_at IS NULL FOR UPDATE;
    IF wanted AND NOT old.active THEN
        PERFORM leave_times(old, times, seen, 'SKIPPED', 'the schedule was paused');
    END IF;
    RETURN set_schedule_active(of_org, id, wanted, because, then_due);
END
$$;
