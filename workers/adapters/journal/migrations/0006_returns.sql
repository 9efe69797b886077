-- How runs come back from a worker: it stops, it waits, it dies; and how they are cancelled.

-- Put leased rows back (the caller has locked them), attempts restored; a positive delay makes them wait aside.
CREATE FUNCTION give_back(ids uuid[], delay double precision, because text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH back AS (
        UPDATE queue SET attempt = greatest(attempt - 1, 0), worker = NULL, fence = NULL, lease_until = NULL,
            leased_at = NULL, alone = false, why = because,
            status = CASE status WHEN 'RUNNING' THEN 'PENDING' ELSE status END,
            state = CASE WHEN delay > 0 AND status <> 'CANCELLING' THEN 'delayed' ELSE 'waiting' END,
            due_at = CASE WHEN delay > 0 THEN now() + make_interval(secs => delay) END,
            suspect_since = CASE WHEN delay > 0 THEN NULL ELSE suspect_since END
        WHERE run_id = ANY (ids)
        RETURNING org
    )
    INSERT INTO notice (org, running) SELECT org, -count(*) FROM back GROUP BY org;
    PERFORM count_waiting(cardinality(ids));
END
$$;

CREATE FUNCTION snooze(run uuid, with_fence bigint, delay double precision, because text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    told integer;
BEGIN
    UPDATE queue SET last_event = last_event + 1 WHERE run_id = run AND fence = with_fence RETURNING last_event INTO told;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO event (run_id, sequence, type, message) VALUES (run, told, 'LOG', because);
    PERFORM give_back(ARRAY[run], delay, because);
    RETURN true;
END
$$;

CREATE FUNCTION release(by_worker text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[];
BEGIN
    SELECT array_agg(l.run_id) INTO ids FROM (
        SELECT run_id FROM queue WHERE worker = by_worker AND state = 'leased' ORDER BY run_id FOR UPDATE) l;
    IF ids IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM give_back(ids, 0, '');
    RETURN cardinality(ids);
END
$$;

-- Take leases of dead workers back (the caller has locked the rows). Only a crash while alone counts against a run.
CREATE FUNCTION take_back(ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    most constant integer := 3;
    guilty jsonb;
    returned bigint;
BEGIN
    SELECT jsonb_agg(jsonb_build_object('run', run_id, 'status', 'QUARANTINED', 'error', jsonb_build_object(
        'code', 'INTERNAL', 'reason', 'PROCESS_CRASHED', 'step', '',
        'message', format('The process died %s times while it ran this alone.', most))))
    INTO guilty FROM queue WHERE run_id = ANY (ids) AND alone AND crash_count + 1 >= most;
    IF guilty IS NOT NULL THEN
        PERFORM close_runs(guilty);
    END IF;
    WITH back AS (
        UPDATE queue SET state = 'waiting', status = CASE status WHEN 'RUNNING' THEN 'PENDING' ELSE status END,
            worker = NULL, fence = NULL, lease_until = NULL, leased_at = NULL, suspect_since = now(),
            crash_count = crash_count + alone::integer, alone = false
        WHERE run_id = ANY (ids)
        RETURNING org
    ), noted AS (
        INSERT INTO notice (org, running) SELECT org, -count(*) FROM back GROUP BY org
    )
    SELECT count(*) INTO returned FROM back;
    PERFORM count_waiting(returned);
END
$$;

CREATE FUNCTION recover(of_worker text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[];
BEGIN
    SELECT array_agg(l.run_id) INTO ids FROM (
        SELECT run_id FROM queue WHERE worker = of_worker AND state = 'leased' ORDER BY run_id FOR UPDATE) l;
    PERFORM take_back(COALESCE(ids, '{}'));
    DELETE FROM solitude WHERE worker = of_worker;
    RETURN COALESCE(cardinality(ids), 0);
END
$$;

-- A lease that could not be renewed because Postgres itself was down says nothing against its worker or its run.
CREATE FUNCTION reap(term double precision) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    outlived uuid[];
    ids uuid[];
BEGIN
    SELECT array_agg(run_id) FILTER (WHERE renewed < pg_postmaster_start_time()),
        array_agg(run_id) FILTER (WHERE renewed >= pg_postmaster_start_time())
    INTO outlived, ids FROM (
        SELECT run_id, lease_until - make_interval(secs => term) AS renewed FROM queue
        WHERE state = 'leased' AND lease_until < now() ORDER BY run_id FOR UPDATE SKIP LOCKED) l;
    PERFORM give_back(COALESCE(outlived, '{}'), 0, '');
    PERFORM take_back(COALESCE(ids, '{}'));
    PERFORM wake_due();
    RETURN COALESCE(cardinality(outlived), 0) + COALESCE(cardinality(ids), 0);
END
$$;

-- A waiting run ends at once; a leased one is asked to stop and ended by its holder.
CREATE FUNCTION cancel(of_org text, run uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    live record;
BEGIN
    SELECT state, status INTO live FROM queue WHERE run_id = run AND org = of_org FOR UPDATE;
    IF NOT FOUND OR live.status = 'CANCELLING' THEN
        RETURN false;
    END IF;
    IF live.status = 'PENDING' THEN
        PERFORM close_runs(jsonb_build_array(jsonb_build_object('run', run, 'status', 'CANCELLED')));
    ELSE
        UPDATE queue SET status = 'CANCELLING' WHERE run_id = run;
    END IF;
    RETURN true;
END
$$;
